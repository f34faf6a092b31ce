"""`pinwarden deploy`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import click
from rich.text import Text

from pinwarden import find, progress
from pinwarden.address import certify, url
from pinwarden.call import check_address
from pinwarden.console import note, plain, stderr, stdout, warn
from pinwarden.deploy import health, release, steps
from pinwarden.deploy.inventory import Inventory
from pinwarden.deploy.plan import Plan
from pinwarden.deploy.release import Release
from pinwarden.device import Device
from pinwarden.files import short
from pinwarden.params import device_argument, examples, port_option
from pinwarden.remedies import unset_clock
from pinwarden.sizes import size
from pinwarden.usb import ports
from pinwarden.usb.repl import Repl


@click.command(
    short_help="Put the firmware and the settings onto a board, by USB.",
    epilog=examples(
        """
        pinwarden deploy
        pinwarden deploy door --port /dev/ttyUSB1
        pinwarden deploy door --dry-run          what would be sent
        pinwarden deploy door --rollback         back to the version before
        """,
        "Pulling the cable at any moment leaves a board that starts the version before or the new one, "
        "whole.\n\nExit code 0 when the board runs the new version and answers, 1 when it does not or "
        "something is wrong, 3 when it is out of reach.",
    ),
)
@device_argument()
@port_option()
@click.option("--address", metavar="HOST[:PORT]", help="Where the board answers. Default: where it says.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and change nothing.")
@click.option("--rollback", is_flag=True, help="Go back to the version before; keys and state stay.")
@click.option("--no-trial", is_flag=True, help="Keep the new version even if it does not get to work.")
@click.option("--replace-keys", is_flag=True, help="Let the board's keys go that this folder does not know.")
def deploy(
    device: str | None,
    port: str | None,
    address: str | None,
    dry_run: bool,
    rollback: bool,
    no_trial: bool,
    replace_keys: bool,
) -> None:
    """Put the firmware, the settings and the keys of DEVICE onto its board, and wait until it answers.

    Only what changed is sent. The new version is put beside the one that runs, verified, and then switched
    to; if it does not get to work within a minute, the board goes back to the one before.
    """
    if rollback and (dry_run or no_trial or replace_keys):
        raise click.UsageError("--rollback goes with --port and --address only")
    if address is not None:
        check_address(address)
    loaded = find.load(device)
    if rollback:
        _roll_back(loaded, ports.choose(port), address)
        return
    made = build(loaded)
    chosen = ports.choose(port)
    if dry_run:
        with Repl(chosen) as repl:
            board, plan = steps.prepare(repl, loaded, made, replace_keys=replace_keys)
            describe(chosen, board)
        _print_plan(made, plan)
        return
    with Repl(chosen) as repl:
        send(repl, loaded, made, address, trial=not no_trial, replace_keys=replace_keys)


def build(device: Device) -> Release:
    """Compile the firmware for a device, and say so."""
    for text in device.warnings():
        warn(text)
    certify(device)
    made = release.build(device)
    number = len(made.files) + len(made.start)
    note(f"{device.name}: {number} files, version {made.version}, build {made.build}")
    return made


def send(
    repl: Repl, device: Device, made: Release, address: str | None, *, trial: bool, replace_keys: bool
) -> health.Healthy:
    """Deploy by an open Repl, wait for the board, and say how it went."""
    board, plan = steps.prepare(repl, device, made, replace_keys=replace_keys)
    describe(repl.port, board)
    if plan.nothing:
        repl.set_clock()
        stdout().print("nothing to send: the board has it all")
    else:
        with progress.display() as tell:
            sent = steps.apply(repl, made, plan, tell, trial=trial)
        stdout().print(plain(str(sent)))
    can_go_back = trial and plan.target is not None and bool(plan.source)
    return start(repl, device, made.build, address, trial=can_go_back)


def start(
    repl: Repl, device: Device, build: str | None, address: str | None, *, trial: bool
) -> health.Healthy:
    """Reset the board, wait until it answers, and say what it runs where."""
    with _waiting("Waiting for the board to start …") as show:
        repl.reset()
        state = health.wait(repl, device, build=build, address=address, trial=trial, on_line=show)
    runs = f"build {state.build or build}" if state.build or build else "a version of before"
    if state.address is None:
        stdout().print(plain(f"{device.name} runs {runs}, in no network"))
        if state.setup is not None:
            name, address = state.setup
            note(f"It has a network of its own, {name}: join it, and open {url(device, address)}/")
        note(f"To have it join yours, put its name and password into {short(device.wifi_file)}, and deploy.")
    else:
        stdout().print(
            plain(f"{device.name} runs {runs} at {url(device, state.address)}/ (up in {state.seconds:.1f} s)")
        )
    if not state.clock_set:
        warn(f"the board's clock is not set, so it admits nobody. {unset_clock(device)}")
    return state


def describe(port: str, board: Inventory) -> None:
    """Say what is at the other end of the cable."""
    running = ".".join(map(str, board.micropython))
    note(f"{port}: {board.chip}, MicroPython {running}, {size(board.free)} of flash free")
    if board.note:
        note(f"It went back from build {board.note}")


@contextlib.contextmanager
def _waiting(what: str) -> Iterator[Callable[[str], None]]:
    """Say what is waited for; on a terminal, with the line that the board has printed last."""
    console = stderr()
    if not console.is_terminal:
        note(what)
        yield lambda line: None
        return
    with console.status(what) as status:
        yield lambda line: status.update(Text.assemble(f"{what} ", (plain(line)[:80], "dim")))


def _roll_back(device: Device, port: str, address: str | None) -> None:
    with Repl(port) as repl:
        board = steps.roll_back(repl)
        note(f"{port}: back to the version in /{board.slot}")
        start(repl, device, None, address, trial=False)


def _print_plan(made: Release, plan: Plan) -> None:
    out = stdout()
    if plan.nothing:
        out.print("nothing to send: the board has it all")
        return
    sizes = steps.to_send(made, plan)
    for path, octets in sizes.items():
        out.print(plain(f"  send    {path:32} {size(octets):>9}"))
    for path in plan.remove:
        out.print(plain(f"  remove  {path}"))
    if unchanged := len(plan.copy) + len(plan.keep):
        there = f", {len(plan.copy)} of them copied on the board from /{plan.source}" if plan.copy else ""
        out.print(plain(f"  {steps.count(unchanged, 'file')} unchanged{there}"))
    total = f"would send {steps.count(len(sizes), 'file')} ({size(sum(sizes.values()))})"
    into = f", and start the version in /{plan.target}" if plan.target is not None else ""
    out.print(f"{total}{into}; nothing was changed")
