"""Many devices after one: a name, a key and an image for each, and a table of them."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

import esp_images
from pinwarden.deploy import release
from pinwarden.device import Device, create
from pinwarden.flash import firmware_image
from pinwarden.image import batch, factory, filesystem


@pytest.fixture
def files(nowhere: Path) -> Path:
    """The working directory, with an image for each chip: esp32.bin and so on."""
    for chip in esp_images.CHIPS:
        (nowhere / f"{chip}.bin").write_bytes(esp_images.micropython(chip))
    return nowhere


def table(folder: Path) -> list[dict[str, str]]:
    """The rows of the table that a batch leaves."""
    with open(folder / "door.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_count(files: Path, door: Device, pinwarden: Callable[..., Result]) -> None:
    (door.folder / "device.toml").write_text(
        (door.folder / "device.toml").read_text()
        + "\n# my own remark\n[pins.bell]\nkind = 'switch'\ngpio = 27\n"
    )
    result = pinwarden("image", "door", "--firmware", "esp32.bin", "--count", "3")
    assert result.exit_code == 0, result.output
    keys, passwords, images = set(), set(), set()
    for row, name in zip(table(files), ("door-001", "door-002", "door-003"), strict=True):
        device = Device.load(files / name)
        assert device.name == name == row["name"]
        assert device.settings["hostname"] == name
        assert set(device.settings["pins"]) == {"relay", "bell"}
        assert "# my own remark" in (device.folder / "device.toml").read_text()
        assert device.wifi() == door.wifi()
        file = files / row["image"]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert row["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert (row["chip"], row["kid"]) == ("esp32", device.kids()[-1])
        image = firmware_image.load(file)
        assert factory.inspect(image, "it").name == name
        assert image.file_system is not None
        secrets = json.loads(filesystem.read(image.file_system)["/secrets.json"])
        assert secrets == device.secrets()
        keys.add(secrets["keys"][0]["k"])
        passwords.add(device.setup_password())
        images.add(file.read_bytes())
        assert secrets["keys"][0]["k"] not in (files / "door.csv").read_text() + result.output
    assert len(keys | {door.keys()[0]["k"]}) == 4
    assert len(passwords | {door.setup_password()}) == 4
    assert len(images) == 3


def test_numbers_go_on(files: Path, door: Device, pinwarden: Callable[..., Result]) -> None:
    def more(count: int) -> Result:
        return pinwarden("image", "door", "--firmware", "esp32.bin", "--count", str(count))

    assert more(2).exit_code == 0
    before = (files / "door.csv").read_text()
    create("door-007", files)  # somebody's own
    assert more(1).exit_code == 0
    assert [row["name"] for row in table(files)] == ["door-001", "door-002", "door-008"]
    assert (files / "door.csv").read_text().startswith(before)


def test_numbers_of_boards_that_have_gone_are_not_used_again(
    files: Path, door: Device, pinwarden: Callable[..., Result]
) -> None:
    import shutil

    assert pinwarden("image", "door", "--firmware", "esp32.bin", "--count", "1").exit_code == 0
    shutil.rmtree("door-001")
    assert pinwarden("image", "door", "--firmware", "esp32.bin", "--count", "1").exit_code == 0
    assert [row["name"] for row in table(files)] == ["door-001", "door-002"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_interrupted(files: Path, door: Device, interrupt: BaseException | type[BaseException]) -> None:
    """Whole devices, all of them in the table, and no half of one."""
    base, version = firmware_image.load(files / "esp32.bin"), release.build(door)
    seen = []

    def stop(device: Device) -> None:
        seen.append(device.name)
        if len(seen) == 2:
            raise interrupt

    with pytest.raises(interrupt if isinstance(interrupt, type) else type(interrupt)):
        batch.make(door, version, base, files, 5, stop)
    assert [row["name"] for row in table(files)] == ["door-001", "door-002"]
    assert sorted(path.name for path in files.iterdir() if path.is_dir() and "door" in path.name) == [
        "door",
        "door-001",
        "door-002",
    ]


def test_interrupted_in_the_middle_of_one(files: Path, door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    base, version = firmware_image.load(files / "esp32.bin"), release.build(door)

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "build", interrupt)
    with pytest.raises(KeyboardInterrupt):
        batch.make(door, version, base, files, 1, lambda device: None)
    assert [name for name in os.listdir() if name.startswith((".door", "door-"))] == []
    assert not (files / "door.csv").exists()


def test_a_table_that_was_not_written_is_completed(files: Path, door: Device) -> None:
    """The power failed after the last folder and before the table."""
    base, version = firmware_image.load(files / "esp32.bin"), release.build(door)
    path = batch.make(door, version, base, files, 2, lambda device: None)
    path.unlink()
    batch.make(door, version, base, files, 1, lambda device: None)
    assert [row["name"] for row in table(files)] == ["door-001", "door-002", "door-003"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("#hostname", 'hostname = "gate"\n#hostname'), "sets hostname"),
        (('name = "door"', "name = '''door'''"), "cannot be replaced"),
    ],
)
def test_a_model_that_cannot_be_copied(
    files: Path,
    door: Device,
    edit: Callable[..., None],
    change: tuple[str, str],
    says: str,
    pinwarden: Callable[..., Result],
) -> None:
    edit(*change)
    result = pinwarden("image", "door", "--firmware", "esp32.bin", "--count", "2")
    assert result.exit_code == 1
    assert says in result.output
    assert not list(files.glob("door-*"))


def test_a_table_of_something_else(files: Path, door: Device, pinwarden: Callable[..., Result]) -> None:
    (files / "door.csv").write_text("who,when\nann,today\n")
    result = pinwarden("image", "door", "--firmware", "esp32.bin", "--count", "1")
    assert result.exit_code == 1
    assert "is no table of devices" in result.output
    assert (files / "door.csv").read_text() == "who,when\nann,today\n"
    assert not list(files.glob("door-*"))


def test_release_is_compiled_once(files: Path, door: Device) -> None:
    """A thousand devices are the same program."""
    base, version = firmware_image.load(files / "esp32.bin"), release.build(door)
    other = create("other", files)
    image = batch.build(other, version, base)
    assert image == factory.make(release.build(other), base)
    assert replace(image, data=b"") is not image
