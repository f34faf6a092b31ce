"""`pinwarden init`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from pinwarden.console import note, stdout
from pinwarden.create import RELAY_GPIO, check_name
from pinwarden.device import create
from pinwarden.errors import UserError
from pinwarden.files import short
from pinwarden.params import examples

VARIABLE = "PINWARDEN_WIFI_PASSWORD"


class NoPassword(UserError):
    """A network was named, and nothing said its password."""

    exit_code = 2


@click.command(
    short_help="Create a device.",
    epilog=examples(f"""
        pinwarden init door
        pinwarden init door --chip esp32c3 --ssid Home             asks for the password
        pinwarden init door --ssid Home --password-stdin < file
        {VARIABLE}=… pinwarden init door --ssid Home
    """),
)
@click.argument("name")
@click.option(
    "--chip",
    type=click.Choice(list(RELAY_GPIO)),
    default="esp32",
    show_default=True,
    help="The board's chip.",
)
@click.option(
    "--in", "parent", type=click.Path(path_type=Path), default=Path(), help="The folder to create it in."
)
@click.option("--ssid", metavar="NAME", help="The network that the board joins; its password is asked for.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the network's password from the first line of stdin."
)
def init(name: str, chip: str, parent: Path, ssid: str | None, password_stdin: bool) -> None:
    """Create a device: a folder NAME with settings, a sample relay, and a new key.

    The network's password is never an option, as other users of a computer can see the options of a command.
    """
    if password_stdin and ssid is None:
        raise click.UsageError("--password-stdin needs --ssid")
    check_name(name)
    wifi = None if ssid is None else {"ssid": ssid, "password": _password(ssid, password_stdin)}
    device = create(name, parent, chip=chip, wifi=wifi)
    out, folder = stdout(), short(device.folder)
    out.print(f"Created {folder}/", style="bold green")
    out.print(f"  {folder}/device.toml   its settings: pins, limits. Edit them, commit them.")
    out.print(f"  {folder}/secrets/      its keys and its network. Keep them secret; git ignores them.")
    if wifi is None:
        note(f"The board needs a network: put its name and password into {short(device.wifi_file)}")
    argument = shlex.quote(folder)
    out.print("Next:")
    steps = {
        f"check {argument}": "after each change",
        f"simulate {argument}": "try it on this computer",
        f"up {argument}": "put it onto a board, by USB",
        f"mint {argument} --pin relay --qr": "a token for a phone",
    }
    width = max(map(len, steps))
    for step, what in steps.items():
        out.print(f"  pinwarden {step:{width}}  {what}")


def _password(ssid: str, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    if not sys.stdin.isatty():
        raise NoPassword(
            f"the password of the network {ssid!r} is missing",
            f"Use --password-stdin, or the variable {VARIABLE}; on a terminal it is asked for.",
        )
    return click.prompt(
        f"Password of {ssid} (empty for an open network)",
        hide_input=True,
        default="",
        show_default=False,
        err=True,
    )
