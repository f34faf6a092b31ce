"""`make fuzz`: fuzzes each target by Atheris for a minute (`SECONDS=600` for ten), and keeps what it learned.

Afterwards the corpus holds, beside its seeds, the smallest set of inputs that reaches what was reached: few
enough to look at, and `make test` puts all of them, and some thousand inputs made of them, to both runtimes.
What breaks a promise is written to build/fuzz/found and told; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pinwarden_sim import runtimes

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "fuzz"
TARGETS = sorted(path.name for path in (HERE / "corpus").iterdir())
_MOST = 40  # inputs of a target that are kept


def fuzz(target: str, seconds: int) -> list[Path]:
    """Fuzz one target; return the inputs that break a promise."""
    new, found = BUILD / "new" / target, BUILD / "found" / target
    for folder in (new, found):
        folder.mkdir(parents=True, exist_ok=True)
    done = _start(target, str(seconds), str(HERE / "corpus" / target), str(new), f"{found}/")
    inputs = sorted(found.iterdir())
    if done.returncode != 0 and not inputs:
        raise SystemExit(f"{target}: the fuzzer has failed:\n{done.stderr[-2000:]}")
    return inputs


def keep(target: str) -> int:
    """Add to the corpus what reaches further; return how many inputs it has now."""
    corpus, new = HERE / "corpus" / target, BUILD / "new" / target
    known = {path.read_bytes() for path in corpus.iterdir()}
    fresh = sorted((path for path in new.iterdir() if path.read_bytes() not in known), key=_size)
    for path in fresh[: max(0, _MOST - len(known))]:
        shutil.copyfile(path, corpus / path.name[:12])
    return len(list(corpus.iterdir()))


def _size(path: Path) -> int:
    return path.stat().st_size


def _start(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv, environment = runtimes.command("cpython", HERE / "fuzz.py", *arguments)
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def main() -> int:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Fuzz what strangers reach.")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="add to the corpus what reaches further")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="by default all")
    options = parser.parse_args()
    shutil.rmtree(BUILD, ignore_errors=True)
    chosen = options.targets or TARGETS
    broken = 0
    print(f"Fuzzing {', '.join(chosen)} for {options.seconds} s each, two at a time")
    with ThreadPoolExecutor(2) as pool:
        for target, inputs in zip(chosen, pool.map(lambda t: fuzz(t, options.seconds), chosen), strict=True):
            learned = len(list((BUILD / "new" / target).iterdir()))
            kept = f", the corpus has {keep(target)}" if options.keep else ""
            print(f"{target}: {learned} inputs reached further{kept}; {len(inputs)} broke a promise")
            for path in inputs:
                broken += 1
                print(f"  {path.relative_to(BUILD.parents[1])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
