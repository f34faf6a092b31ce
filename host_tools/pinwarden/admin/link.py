"""The way to a board's keys, revocations, audit and clock: by HTTP with an admin token, or by a USB cable.

Over the cable goes what must not go through the air: a key itself. And the cable needs no token, so it works
when no key here is one of the board's any more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import click
from click.core import ParameterSource

from pinwarden.admin.audit import Trail
from pinwarden.call import check_address
from pinwarden.console import note
from pinwarden.device import Device
from pinwarden.keystore import Pending
from pinwarden.mint import host_for, is_loopback
from pinwarden.params import port_option


class KeyLink(Protocol):
    """A board whose keys can be changed. Each call raises a UserError: no answer, a refusal, a cable that was
    pulled.

    `carries_secrets` says whether a random key may go this way; else the board derives it. Each change may be
    asked for again: what is there, or gone, already, changes nothing.
    """

    carries_secrets: bool

    def kids(self) -> list[str]:
        """The names of the board's keys, newest last."""
        ...

    def signer(self) -> dict:
        """The newest key of this device folder that the board has, too. After `kids`."""
        ...

    def add(self, pending: Pending) -> None:
        """Have the board add this key."""
        ...

    def confirm(self, key: dict) -> None:
        """Return if the board has this very key."""
        ...

    def retire(self, kid: str) -> None:
        """Have the board remove the key of this name."""
        ...

    def revoke(self, what: dict) -> None:
        """Have the board refuse tokens: {"jti", "until"?}, {"sub", "before"} or {"before"}; Unix seconds."""
        ...


class Link(KeyLink, Protocol):
    """A board that can be asked for all that its owner may ask."""

    def audit(self) -> Trail:
        """All that the board has in its audit."""
        ...

    def set_clock(self) -> None:
        """Have the board take this computer's time; over USB whatever it knew before."""
        ...


@dataclass(frozen=True)
class Way:
    """How the user wants the board to be reached; nothing is opened yet."""

    usb: bool
    port: str | None
    address: str | None

    @property
    def chosen(self) -> bool:
        """Whether the user said where the board is: then it has to be there."""
        return self.usb or self.address is not None

    def doubt(self, device: Device, check: str) -> None:
        """Say how sure a success is that came over plain HTTP; the command `check` finds out by the cable."""
        place = self.address or host_for(device)[0]
        is_here = is_loopback(place.rpartition(":")[0] or place)
        if not (self.usb or is_here or device.settings["http"].get("tls")):
            note(f"The answer came over plain HTTP, where it can be faked. To be sure: {check}")

    @contextlib.contextmanager
    def open(self, device: Device) -> Iterator[Link]:
        """The link. Over USB the board's application stands still meanwhile, and starts anew afterwards."""
        if self.usb:
            from pinwarden.admin.link_usb import UsbLink  # and with it mpremote, for those only who need it
            from pinwarden.usb import ports

            with UsbLink.open(device, ports.choose(self.port)) as link:
                yield link
        else:
            from pinwarden.admin.link_http import HttpLink

            yield HttpLink(device, self.address or host_for(device)[0])


def way_options(command: Callable) -> Callable:
    """The options --usb, --port and --address. The command takes them as **way, for `way_from`."""
    address = click.option(
        "--address",
        metavar="HOST[:PORT]",
        help="Over HTTP, and the board is there. Default: where it was last seen, else its .local name.",
    )
    usb = click.option("--usb", is_flag=True, help="Over USB; the port is found. The board restarts.")
    return usb(port_option()(address(command)))


def way_from(ctx: click.Context, *, usb: bool, port: str | None, address: str | None) -> Way:
    """The way that the options mean. Raises a usage error where they contradict each other."""
    # A port in the environment says which port, not that everything is to go by cable: that stops the board.
    by_cable = usb or ctx.get_parameter_source("port") is ParameterSource.COMMANDLINE
    if by_cable and address is not None:
        raise click.UsageError("--address is for HTTP; leave it or --port and --usb out")
    if address is not None:
        check_address(address)
    return Way(by_cable, port, address)
