"""A board's administration over a USB cable: the board's own modules do what they do for a request."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

from pinwarden.admin import audit
from pinwarden.admin.audit import Trail
from pinwarden.device import Device
from pinwarden.errors import BoardFailed, CannotRotate, Refused
from pinwarden.keystore import Pending
from pinwarden.usb.repl import Repl

_ABSENT = ("ImportError", "AttributeError")
_DIGESTS = '[(j["kid"], hexlify(sha256(j["k"].encode()).digest()).decode()) for j in keyring.load()["keys"]]'
# What the board knows for certain; firmware/timekeeping.py has the same.
_FORGET_TIME = "import os\ntry:\n os.remove('/state/clock.json')\nexcept OSError:\n pass"
_REFUSALS = ("KeyringError", "RevocationError", "KeyRejected")


class UsbLink:
    """The board at the other end of an open Repl; see link.Link."""

    carries_secrets = True

    def __init__(self, device: Device, repl: Repl) -> None:
        self._device = device
        self._repl = repl

    @classmethod
    @contextlib.contextmanager
    def open(cls, device: Device, port: str) -> Iterator[UsbLink]:
        """Stop the board's application; on leaving the board starts anew, with what has changed.

        Raises Refused when it is another device's board, and what Repl raises.
        """
        with Repl(port) as repl:
            repl.enter_version()
            link = cls(device, repl)
            link.check_name()
            yield link

    def check_name(self) -> None:
        """Raise Refused for the board of another device: a cable can be in the wrong one."""
        self._run("from firmware import storage")
        name = self._value('storage.load("settings.json")["name"]')
        if name != self._device.name:
            raise Refused(
                f"the board on this cable is {name!r}, not {self._device.name!r}",
                "Plug the right one in, or name the right device.",
            )

    def kids(self) -> list[str]:
        """What the keyring has. Raises Refused when one of its keys only bears the name of one of ours."""
        self._run("from binascii import hexlify\nfrom hashlib import sha256\nfrom firmware import keyring")
        # Of 32 random bytes nothing can be had from their hash.
        there, ours = _digests(self._value(_DIGESTS)), self._device.keys()
        for key in ours:
            if there.get(key["kid"], _digest(key)) != _digest(key):
                raise Refused(
                    f"the board's key {key['kid']!r} is not this folder's key of that name",
                    "Is this the right board, and the newest copy of this folder?",
                )
        return list(there)

    def signer(self) -> dict:
        """The newest of the folder's keys: over the cable nothing is signed."""
        return self._device.keys()[-1]

    def add(self, pending: Pending) -> None:
        """keyring.add(): the key itself goes over the cable, and into no log on its way."""
        self._run(f"from firmware import keyring\nkeyring.add({pending.key!a})")

    def confirm(self, key: dict) -> None:
        """See whether the board lists it. A key of that name with another secret was refused by `add`."""
        if key["kid"] not in self.kids():
            raise CannotRotate(
                f"the board does not list the new key {key['kid']}, so it is not used", "Try again."
            )

    def retire(self, kid: str) -> None:
        """keyring.retire()."""
        self._run(f"from firmware import keyring\nkeyring.retire({kid!a})")

    def revoke(self, what: dict) -> None:
        """Revocations().revoke(), which has to know the time."""
        self._repl.set_clock()
        source = "from firmware.revocation import Revocations\nRevocations().revoke(**%s)"
        self._run(source % ascii(what))

    def audit(self) -> Trail:
        """The files themselves: what waited was written when the application stopped."""
        rings = []
        for ring in audit.RINGS:
            files = [self._repl.read(f"/state/audit/{ring}{end}") for end in (".old", "")]
            rings.append([line for file in files if file for line in file.split(b"\n") if line])
        return audit.of_lines(rings)

    def set_clock(self) -> None:
        """What the board knew for certain goes: whoever holds it in his hands knows better."""
        self._run(_FORGET_TIME)
        self._repl.set_clock()

    def _run(self, source: str) -> str:
        try:
            return self._repl.run(source)
        except BoardFailed as error:
            raise self._plainly(error) from None

    def _value(self, expression: str) -> Any:
        try:
            return self._repl.value(expression)
        except BoardFailed as error:
            raise self._plainly(error) from None

    def _plainly(self, error: BoardFailed) -> Exception:
        if error.error.startswith(_ABSENT):
            return Refused(
                "the board has no firmware that can do this",
                f"Deploy this version to it: pinwarden deploy {self._device.name}",
            )
        kind, _, words = error.error.partition(": ")
        if kind == "ValueError":  # a file that is missing, or is not what it should be
            return Refused(f"the board cannot do this: {words}", "See what is wrong with: pinwarden doctor")
        if kind in _REFUSALS:
            return Refused(f"the board refuses: {words}", f"See: pinwarden keys list {self._device.name}")
        return error


def _digests(told: object) -> dict[str, str]:
    """What the board tells of its keys. Raises Refused for anything else."""
    match told:
        case list() if all(isinstance(p, tuple) and [type(part) for part in p] == [str, str] for p in told):
            return dict(told)
    raise Refused("the board's answer is no list of keys", "Is this a Pinwarden board?")


def _digest(key: dict) -> str:
    return hashlib.sha256(key["k"].encode()).hexdigest()
