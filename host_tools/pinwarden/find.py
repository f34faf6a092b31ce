"""Which device is meant, and which devices are known here."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from pinwarden.device import SETTINGS_FILE, Device
from pinwarden.errors import NoSuchDevice
from pinwarden.files import short

# Names folders, separated as in PATH: device folders, or folders that hold device folders.
DEVICES_VARIABLE = "PINWARDEN_DEVICES"


def known() -> list[Path]:
    """The device folders of the working directory, of its children, and of PINWARDEN_DEVICES."""
    found: dict[Path, Path] = {}
    for place in _places():
        for folder in [place, *_children(place)]:
            if _is_device(folder):
                found.setdefault(folder.resolve(), folder)
    return list(found.values())


def find(argument: str | None) -> Path:
    """The device folder for a DEVICE argument: a path, or a name; None is the only one here.

    Raises NoSuchDevice.
    """
    return _only() if argument is None else _named(argument)


def load(argument: str | None) -> Device:
    """The device for a DEVICE argument. Raises what `find` and `Device.load` raise."""
    return Device.load(find(argument))


def closest(word: str, possible: list[str]) -> str:
    """ "Did you mean relay?", or nothing when no name is near."""
    near = difflib.get_close_matches(word, possible, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""


def _only() -> Path:
    if _is_device(Path()):
        return Path().resolve()
    folders = [folder for folder in _children(Path()) if _is_device(folder)] or known()
    if len(folders) == 1:
        return folders[0]
    if not folders:
        raise NoSuchDevice(
            "there is no device folder here",
            "Create one with: pinwarden init NAME - or change to the folder that holds yours.",
        )
    names = ", ".join(sorted(folder.resolve().name for folder in folders))
    raise NoSuchDevice(f"there are several devices here: {names}", "Say which one you mean.")


def _named(argument: str) -> Path:
    path = Path(os.path.expanduser(argument))  # unlike Path.expanduser, it lets an unknown ~name be
    if path.name == SETTINGS_FILE and path.is_file():
        return path.parent
    if _is_device(path):
        return path.resolve() if path.name in ("", "..") else path
    folders = known()
    for folder in folders:
        if folder.resolve().name == argument:
            return folder
    if _is_folder(path):
        raise NoSuchDevice(
            f"{short(path)} is no device folder: it has no {SETTINGS_FILE}",
            "Create a device with: pinwarden init NAME",
        )
    names = sorted({folder.resolve().name for folder in folders})
    listed = f"Known here: {', '.join(names)}." if names else "Create it with: pinwarden init NAME"
    raise NoSuchDevice(f"there is no device {argument!r}", f"{closest(argument, names)} {listed}".strip())


def _places() -> list[Path]:
    listed = os.environ.get(DEVICES_VARIABLE, "").split(os.pathsep)
    return [Path(), *(Path(os.path.expanduser(place)) for place in listed if place)]


def _children(place: Path) -> list[Path]:
    try:
        return sorted(child for child in place.iterdir() if not child.name.startswith(".") and child.is_dir())
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long, a folder that may not be entered
        return False


def _is_device(folder: Path) -> bool:
    try:
        return (folder / SETTINGS_FILE).is_file()
    except OSError:
        return False
