"""`make mutants`: changes one expression of a module at a time, and sees whether a device test notices.

Each mutant is put into a copy of the board's files, and the module's device tests run there on CPython, the
nearest ones first, until one fails. A mutant that no test notices is a survivor. tests/mutants.md explains
those that are known; the exit status is 1 when there is another, or when one of them is gone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import explained
from mutants import Mutant, mutants

from pinwarden_sim import runtimes

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "mutants"

# The tests of each module, in the order of who would notice first.
TESTS = {
    "firmware/lib/jwt.py": "jwt jwt_keys jwt_cache jwt_attacks jwt_encode jwt_proof jwt_vectors access",
    "firmware/lib/jwtkey.py": "jwt_keys jwt jwt_encode jwt_proof jwt_attacks keyring",
    "firmware/lib/jwtencode.py": "jwt_encode",
    "firmware/lib/jwtrules.py": "jwt_keys jwt keyring",
    "firmware/lib/jwtproof.py": "jwt_proof proof signed access jwt_cache share",
    "firmware/access.py": "access signed api_bodies clock_set",
    "firmware/proof.py": "proof signed access",
    "firmware/revoked.py": "revocation access admin share",
    "firmware/revocation.py": "revocation admin access",
    "firmware/connection.py": "connection connection_memory http places streams",
    "firmware/http.py": "http http_faults origins places streams page ratelimit connection tls",
    "firmware/places.py": "places http_faults http ratelimit streams",
}


class Tree:
    """A copy of what a device test needs, for one worker."""

    def __init__(self, place: Path):
        self.place = place
        shutil.rmtree(place, ignore_errors=True)
        leave = shutil.ignore_patterns("__pycache__")
        for folder in ("firmware", "tests/device", "tests/vectors"):
            shutil.copytree(ROOT / folder, place / folder, ignore=leave)
        for file in ROOT.glob("*.py"):
            shutil.copy(file, place)

        argv, environment = runtimes.command("cpython", HERE / "judge.py")
        path = environment["PINWARDEN_PATH"].split(os.pathsep)
        moved = [str(place), str(place / "firmware" / "lib"), *path[2:]]
        environment["PINWARDEN_PATH"] = os.pathsep.join(moved)
        self._judge = subprocess.Popen(
            argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace"
        )

    def noticed_by(self, tests: list[str]) -> str | None:
        """The first test that fails here, or None."""
        for name in tests:
            assert self._judge.stdin is not None
            assert self._judge.stdout is not None
            self._judge.stdin.write(f"{self.place / 'tests' / 'device' / f'test_{name}.py'}\n")
            self._judge.stdin.flush()
            said = self._judge.stdout.readline()
            if said != "\n":
                return f"{name}: {said.strip() or 'the judge has ended'}"
        return None

    def close(self) -> None:
        """End its process."""
        self._judge.communicate()


def survivors(module: str, chosen: list[Mutant], workers: int, tell: bool) -> list[Mutant]:
    """Those of the `chosen` mutants of `module` that no test notices."""
    tests = TESTS[module].split()
    trees: SimpleQueue[Tree] = SimpleQueue()
    every = [Tree(BUILD / str(number)) for number in range(workers)]
    for tree in every:
        trees.put(tree)

    def judge(mutant: Mutant) -> str | None:
        tree = trees.get()
        try:
            (tree.place / module).write_text(mutant.text, "utf-8")
            noticed = tree.noticed_by(tests)
            # Once more: that something was late once, on a busy machine, has killed nobody.
            return noticed and tree.noticed_by([noticed.partition(":")[0]])
        finally:
            trees.put(tree)

    found = []
    with ThreadPoolExecutor(workers) as pool:
        whole = Mutant("", "", 0, (ROOT / module).read_text("utf-8"))
        failed = pool.submit(judge, whole).result()
        if failed is not None:
            raise SystemExit(f"{module}: the tests fail without any change: {failed}")
        for mutant, noticed in zip(chosen, pool.map(judge, chosen), strict=True):
            if noticed is None:
                found.append(mutant)
            if tell:
                print(f"  {mutant.line} {mutant.key}: {noticed or 'SURVIVES'}", flush=True)
    for tree in every:
        tree.close()
    return found


def _is_for(entry: tuple[str, str], mutant: Mutant) -> bool:
    return entry[0] == mutant.place and explained.covers(entry[1], mutant.change)


def main() -> int:
    """Judge the mutants, and say which survive."""
    parser = argparse.ArgumentParser(prog="make mutants", description="Change a module; see who notices.")
    parser.add_argument("--workers", type=int, default=2, help="at a time (default: %(default)s)")
    parser.add_argument("--tell", action="store_true", help="tell of each mutant which test has noticed it")
    parser.add_argument("--function", help="only those of this function, such as Verifier.verify")
    parser.add_argument("--line", type=int, action="append", help="only those of this line; may be repeated")
    parser.add_argument("modules", nargs="*", choices=[*TESTS, []], help="by default all")
    options = parser.parse_args()
    os.chdir(ROOT)  # mutmut reads its settings there
    bad = 0
    for module in options.modules or TESTS:
        made = mutants(ROOT / module)
        chosen = [mutant for mutant in made if options.function in (None, mutant.function)]
        chosen = [mutant for mutant in chosen if options.line is None or mutant.line in options.line]
        entries = [entry[1:] for entry in explained.entries() if entry[0] == module]
        alive = survivors(module, chosen, options.workers, options.tell)
        new = [mutant for mutant in alive if not any(_is_for(entry, mutant) for entry in entries)]
        # Of those that were asked about, and of those that nobody can make any more.
        judged = [
            entry
            for entry in entries
            if any(_is_for(entry, mutant) for mutant in chosen)
            or not any(_is_for(entry, mutant) for mutant in made)
        ]
        gone = [entry for entry in judged if not any(_is_for(entry, mutant) for mutant in alive)]
        print(
            f"{module}: {len(chosen)} mutants, {len(chosen) - len(alive)} killed, {len(alive)} survived, "
            f"{len(new)} of them unexplained",
            flush=True,
        )
        for mutant in new:
            print(f"  line {mutant.line}: {mutant.key}")
        for function, change in gone:
            print(f"  no survivor any more: `{function}`: `{change}`")
        bad += len(new) + len(gone)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
