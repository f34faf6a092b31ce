"""Arguments and options that several commands share, and what the shell completes for them."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from pinwarden import duration, find, scopes
from pinwarden.errors import UserError
from pinwarden.usb import ports

PORT_VARIABLE = "PINWARDEN_PORT"


class Duration(click.ParamType):
    """A length of time such as "30d", as seconds."""

    name = "TIME"

    def convert(self, value, param, ctx) -> int:
        """Seconds, or a usage error that says what is wrong."""
        if isinstance(value, int):
            return value
        try:
            return duration.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType):
    """A point of time such as "2h" (from now) or "2026-12-24T18:00", as Unix seconds."""

    name = "WHEN"

    def convert(self, value, param, ctx) -> int:
        """Unix seconds, or a usage error that says what is wrong."""
        if isinstance(value, int):
            return value
        try:
            return duration.parse_moment(value, int(time.time()))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Method(click.Choice):
    """An HTTP method in any case, upper case from here on."""

    def normalize_choice(self, choice, ctx) -> str:
        """Upper case, for reading and for completing."""
        return str(choice).upper()


class DeviceName(click.ParamType):
    """A device folder's path or name. It stays text: the command looks for it, and the errors are its own."""

    name = "DEVICE"

    def shell_complete(self, ctx, param, incomplete) -> list[CompletionItem]:
        """The devices known here, and folders."""
        names = sorted(folder.resolve().name for folder in find.known())
        items = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return items or [CompletionItem(incomplete, type="dir")]


def device_argument(*, required: bool = False) -> Callable:
    """The DEVICE argument, the same everywhere."""
    return click.argument("device", type=DeviceName(), required=required)


class PortName(click.ParamType):
    """A serial port's path, COMn or URL. It stays text: `ports.choose` judges it."""

    name = "PORT"

    def shell_complete(self, ctx, param, incomplete) -> list[CompletionItem]:
        """The ports that boards are on, and files."""
        found = [
            CompletionItem(port.device, help=port.bridge)
            for port in ports.list_ports()
            if port.device.startswith(incomplete)
        ]
        return found or [CompletionItem(incomplete, type="file")]


def port_option() -> Callable:
    """The --port option, the same everywhere; its value is for `ports.choose`."""
    return click.option(
        "--port",
        type=PortName(),
        envvar=PORT_VARIABLE,
        help="The board's serial port: /dev/ttyUSB0, COM3, a URL. Found by itself when there is one board.",
    )


def firmware_option(when: str = "which is downloaded once and kept.") -> Callable:
    """The --firmware option, the same everywhere but for the end of its help."""
    return click.option(
        "--firmware",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"A MicroPython image, in place of the official one, {when}",
    )


def complete_pin(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The device's pins, with their labels."""
    pins = _pins(ctx)
    return [
        CompletionItem(name, help=spec["label"]) for name, spec in pins.items() if name.startswith(incomplete)
    ]


def complete_scope(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The scopes that mean something on the device."""
    return [CompletionItem(scope) for scope in scopes.known(list(_pins(ctx))) if scope.startswith(incomplete)]


def complete_path(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The short paths of the device's HTTP interface."""
    ends = {"switch": ("", "/toggle"), "pulse": ("", "/pulse"), "pwm": ("", "/toggle")}
    of_pins = [
        f"pins/{name}{end}" for name, spec in _pins(ctx).items() for end in ends.get(spec["kind"], ("",))
    ]
    return [
        CompletionItem(path)
        for path in ["device", "pins", *of_pins, "keys", "revocations", "healthz"]
        if path.startswith(incomplete)
    ]


def examples(text: str, after: str = "") -> str:
    """Examples for the end of a command's help, which click leaves as they are, and a paragraph after."""
    return "\b\nExamples:\n" + textwrap.indent(textwrap.dedent(text).strip(), "  ") + "\n\n" + after


def _pins(ctx: click.Context) -> dict:
    # In the middle of a line that is still being typed, click leaves arguments unread, in `args`; the device
    # is the first. And nothing may fail: no device, no pins.
    named = ctx.params.get("device") or next(iter(ctx.args), None)
    try:
        return find.load(named).settings["pins"]
    except (UserError, OSError):
        return {}
