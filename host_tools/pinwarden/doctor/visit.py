"""The doctor's visit: this computer first, then the board over the network, and over USB if needed.

To look inside a board over USB stops its application, so a healthy one is left alone unless the user wishes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pinwarden.deploy.release import Release, build
from pinwarden.device import Device
from pinwarden.doctor import http, local, reach, usb
from pinwarden.doctor.examination import HERE, HTTP, OK, Examination, failed, skipped
from pinwarden.errors import BadSettings, BadToml, UnreadableFile, UserError
from pinwarden.mint import is_loopback

Ours = Callable[[], Release | None]


@dataclass(frozen=True)
class Wish:
    """What the user asked for. `address` is HOST[:PORT]; with `look_inside`, USB is wanted in any case."""

    address: str | None = None
    port: str | None = None
    look_inside: bool = False
    usb: bool = True


@dataclass
class Place:
    """Where the board was found."""

    address: str | None = None
    port: str | None = None


def examine(examination: Examination, folder: Path, wish: Wish) -> Place:
    """Make all checks of the device in this folder; where its board is."""
    place = Place()
    device = _load(examination, folder)
    if device is None:
        return place
    local.examine(examination, device)
    release = cache(
        lambda: _release(device)
    )  # everything is compiled for it, so once, and only if it is needed
    place.address = reach.examine(examination, device, wish.address)
    answers = False
    if place.address is None:
        http.skip_all(examination, "there is no connection")
    else:
        talk = http.Talk(device, place.address)
        answers = http.examine(examination, talk, release)
        if examination.state(HTTP, "accepted") == OK:
            _remember(device, talk.peer)
    _look_inside(examination, device, wish, place, answers, release)
    return place


def _release(device: Device) -> Release | None:
    """What a deployment would bring; None where it cannot be made: the checks of this computer tell why."""
    try:
        return build(device)
    except (UserError, OSError):
        return None


def _load(examination: Examination, folder: Path) -> Device | None:
    try:
        return Device.load(folder)
    except (BadSettings, BadToml, UnreadableFile) as error:
        examination.note(HERE, "settings", failed(error.message, error.hint))
        local.skip_device(examination, "device.toml comes first")
        local.examine(examination, None)
        reach.skip_all(examination, "device.toml comes first")
        http.skip_all(examination, "device.toml comes first")
        usb.skip_all(examination, skipped("device.toml comes first"))
        return None


def _look_inside(
    examination: Examination, device: Device, wish: Wish, place: Place, answers: bool, release: Ours
) -> None:
    """Over USB, if the user wants it, or if the board does not answer and a port is there."""
    if not wish.usb:
        usb.skip_all(examination, skipped("--no-usb was given"))
        return
    if answers and not wish.look_inside:
        why = "not needed: to look inside stops the application for some seconds"
        ask = f"To do it all the same: pinwarden doctor {device.name} --port PORT"
        usb.skip_all(examination, skipped(why, ask))
        return
    try:
        place.port = usb.choose(wish.port)
    except UserError as error:
        finding = failed if wish.look_inside else skipped
        usb.skip_all(examination, finding(error.message, error.hint))
        return
    usb.examine(examination, device, place.port, release)


def _remember(device: Device, peer: tuple[str, int] | None) -> None:
    """Note where the board is, once it has shown itself to be one by taking a token."""
    if peer and not is_loopback(peer[0]):
        with contextlib.suppress(OSError):  # a folder that cannot be written is no reason to fail
            device.remember(*peer)
