"""Many devices after one model: a folder, a key and an image for each, and a table of what was made.

door-001/                     a device like any other, with a key of its own
door-001/secrets/door-001.bin its image, 0600
door.csv                      name, chip, image, sha256, kid, made; no secrets
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pinwarden import board, tomlfile
from pinwarden.address import certify
from pinwarden.create import build_folder, check_name, fill_folder
from pinwarden.deploy.release import Release
from pinwarden.device import SECRETS_FOLDER, SETTINGS_FILE, Device
from pinwarden.errors import BadSettings, UserError
from pinwarden.files import PRIVATE_FILE, short, write_atomic
from pinwarden.flash.firmware_image import Firmware
from pinwarden.image import factory

COLUMNS = ("name", "chip", "image", "sha256", "kid", "made")
MOST = 1000
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")


def make(
    model: Device,
    release: Release,
    firmware: Firmware,
    parent: Path,
    count: int,
    made: Callable[[Device], None],
) -> Path:
    """Make `count` devices in `parent`, and return the table's path; `made` is called for each.

    Numbers go on after those that are there. An interruption leaves whole devices, all of them in the table.
    Raises BadSettings for a model that cannot be copied, BadName, and what `factory.make` raises.
    """
    table = parent / f"{model.name}.csv"
    rows = _rows(table)
    first = _next(model.name, parent, rows)
    names = [f"{model.name}-{number:03}" for number in range(first, first + count)]
    check_name(names[-1])
    settings = [_settings(model, name) for name in names]
    try:
        for name, text in zip(names, settings, strict=True):
            folder = build_folder(name, parent, _filler(model, release, firmware, name, text))
            made(Device.load(folder))
    finally:
        _write(table, rows, model.name, parent)
    return table


def image_file(device: Device) -> Path:
    """Where a device's image is kept: it holds the keys, so it is with them."""
    return device.folder / SECRETS_FOLDER / f"{device.name}.bin"


def build(device: Device, release: Release, firmware: Firmware) -> Firmware:
    """The image of a device, when `release` may have been made for another one of the same version."""
    files = {**release.files, "settings.json": board.compact_json(device.settings)}
    return factory.make(replace(release, files=files, secrets=board.compact_json(device.secrets())), firmware)


def _filler(
    model: Device, release: Release, firmware: Firmware, name: str, text: str
) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        fill_folder(folder, text, model.wifi())
        device = Device.load(folder)
        certify(device)
        image = build(device, release, firmware)
        write_atomic(folder / SECRETS_FOLDER / f"{name}.bin", image.data, PRIVATE_FILE)

    return fill


def _settings(model: Device, name: str) -> str:
    """The model's device.toml, comments and all, with another name."""
    file = model.folder / SETTINGS_FILE
    data, text = tomlfile.read(file)
    if "hostname" in data:
        raise BadSettings(
            f"{short(file)} sets hostname, which every device would have",
            "Take it out: each device then has its name.",
        )
    lines = text.splitlines(keepends=True)
    place = (tomlfile.line_of(text, "name") or 1) - 1
    lines[place] = _STRING.sub(f'"{name}"', lines[place], count=1)
    changed = "".join(lines)
    try:
        is_copy = tomllib.loads(changed) == {**data, "name": name}
    except tomllib.TOMLDecodeError:
        is_copy = False
    if not is_copy:
        raise BadSettings(
            f"the name in {short(file)} cannot be replaced", f'Write it as: name = "{model.name}"'
        )
    return changed


def _next(name: str, parent: Path, rows: dict[str, dict[str, str]]) -> int:
    taken = [*rows, *(path.name for path in _devices(name, parent))]
    return max((int(other.rpartition("-")[2]) for other in taken), default=0) + 1


def _devices(name: str, parent: Path) -> Iterator[Path]:
    numbered = re.compile(re.escape(name) + r"-\d{3,}")
    try:
        yield from sorted(path for path in parent.iterdir() if numbered.fullmatch(path.name))
    except OSError:
        return


def _rows(table: Path) -> dict[str, dict[str, str]]:
    """The table's rows by name; nothing of what is there is ever changed. Raises BadSettings."""
    try:
        text = table.read_text("utf-8")
    except FileNotFoundError:
        return {}
    reader = csv.DictReader(io.StringIO(text))
    rows = {row["name"]: row for row in reader} if tuple(reader.fieldnames or ()) == COLUMNS else None
    if rows is None or not all(re.fullmatch(r".+-\d{3,}", name or "") for name in rows):
        raise BadSettings(
            f"{short(table)} is no table of devices that pinwarden made", "Move it out of the way."
        )
    return rows


def _write(table: Path, rows: dict[str, dict[str, str]], name: str, parent: Path) -> None:
    """The table with what is new in the folder, also of a run that did not come to write it."""
    for folder in _devices(name, parent):
        if folder.name not in rows and (row := _row(folder, parent)):
            rows[folder.name] = row
    if not rows:
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([rows[name][column] for column in COLUMNS] for name in sorted(rows))
    write_atomic(table, text.getvalue().encode())


def _row(folder: Path, parent: Path) -> dict[str, str] | None:
    try:
        device = Device.load(folder)
        image = image_file(device)
        data = image.read_bytes()
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(image.stat().st_mtime))
        kid = device.kids()[-1]
    except (UserError, OSError):
        return None  # a folder of that name which is something else
    return {
        "name": device.name,
        "chip": device.settings["chip"],
        "image": image.relative_to(parent).as_posix(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "kid": kid,
        "made": when,
    }
