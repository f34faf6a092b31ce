"""The doctor's look inside a board over USB. It stops what runs there, and starts it again at the end."""

from __future__ import annotations

from collections.abc import Callable

from pinwarden import boardlib
from pinwarden.deploy.release import Release
from pinwarden.device import Device
from pinwarden.doctor import inside, judge, start
from pinwarden.doctor.examination import OK, USB, Examination, Finding, failed, ok, skipped, within
from pinwarden.doctor.inside import Inside
from pinwarden.errors import SeveralPorts, UserError
from pinwarden.usb import ports
from pinwarden.usb.repl import Repl

LOOK_TIME = 12.0  # seconds for the board to tell; its files are read and hashed, which takes two or three
_COMPILING = 15.0  # seconds; to know what a deployment would bring, everything is compiled
_CHECKS = "chip micropython name version files rolled-back flash heap clock keys crashes start"

Ours = Callable[[], Release | None]


def choose(option: str | None) -> str:
    """The port to use. Raises NoPort, PortDenied, SeveralPorts; nobody is asked."""
    found = ports.list_ports() if option is None else []
    if len(found) > 1:
        listed = ", ".join(port.device for port in found)
        raise SeveralPorts(f"there are several: {listed}", "Say which one is this device's: --port PORT")
    return ports.choose(option)


def examine(examination: Examination, device: Device, port: str, ours: Ours) -> None:
    """Stop the application, look, start it again. `ours()` is what a deployment would bring, if known."""
    examination.note(USB, "port", ok(port))
    examination.asking(USB, "repl")
    ours()  # which takes a while: not while the application stands still
    try:
        with Repl(port) as repl:  # at the end of which the board starts again, whatever happens
            found = within(max(5.0, min(LOOK_TIME, examination.time_left)), lambda: inside.look(repl))
            examination.note(USB, "repl", ok("stopped the application to look inside; it is started again"))
            _judge(examination, device, found, ours)
            examination.ask(USB, "start", lambda: start.watch(repl, examination.time_left), limit=None)
    except UserError as error:
        examination.note(USB, "repl", failed(error.message, error.hint))
    except TimeoutError:
        message = f"the board did not tell all within {LOOK_TIME:.0f} s"
        examination.note(USB, "repl", failed(message, "Press its reset button, and try again."))
    if examination.state(USB, "repl") != OK:
        examination.skip(USB, _CHECKS, "the board could not be looked into")


def skip_all(examination: Examination, finding: Finding) -> None:
    """Note why no board is looked into."""
    examination.note(USB, "port", finding)
    examination.skip(USB, f"repl {_CHECKS}", "no look inside: see port")


def _judge(examination: Examination, device: Device, found: Inside, ours: Ours) -> None:
    """What the board told, part by part."""
    stock = found.stock
    wrong_chip = "Set chip in device.toml to what the board is; its pins differ."
    questions: dict[str, Callable[[], Finding]] = {
        "chip": lambda: judge.chip(stock.chip, device.settings["chip"], wrong_chip),
        "micropython": lambda: judge.micropython(".".join(map(str, stock.micropython))),
        "name": lambda: inside.name(found, device.name),
        "version": lambda: _version(found, ours(), device.name),
        "files": lambda: inside.files(found, ours(), device.name),
        "rolled-back": lambda: judge.rolled_back(stock.note, device.name),
        "flash": lambda: judge.flash(stock.free, stock.size),
        "heap": lambda: judge.heap(found.heap, "while no application runs"),
        "clock": lambda: judge.clock(found.clock, None, found.heard, device),
        "keys": lambda: inside.keys(found, device),
        "crashes": lambda: inside.crashes(found),
    }
    for number, (name, question) in enumerate(questions.items(), 1):
        examination.ask(USB, name, question, limit=_COMPILING)
        if name == "name" and not found.is_ours:
            examination.skip(USB, " ".join(list(questions)[number:]), "there is no Pinwarden on it")
            break


def _version(found: Inside, release: Release | None, name: str) -> Finding:
    mine = (boardlib.version(), release.build if release else None)
    told = judge.member(found.manifest, "version"), judge.member(found.manifest, "build")
    if told[0] is None:
        return skipped("the files lie on the board without a version.json, as a plain copy does")
    return judge.version(*told, found.stock.slot, mine, name)
