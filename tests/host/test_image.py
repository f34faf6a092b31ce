"""A whole device in one file: what is in it, and what a board makes of it."""

from __future__ import annotations

import hashlib
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import Result

import esp_images
import mounted
import testbed
from boot_rom import boot_rom
from pinwarden.deploy import release
from pinwarden.device import Device, create
from pinwarden.errors import BadImage, FlashFull, UserError
from pinwarden.flash import firmware_image, flasher, partitions
from pinwarden.flash.firmware_image import Firmware
from pinwarden.image import factory, filesystem
from pinwarden.mint import mint_token
from pinwarden_sim import Board

WIFI = {"ssid": "Home", "password": "correct horse"}
OLDER = esp_images.MICROPYTHON_1_25


@pytest.fixture
def files(nowhere: Path) -> Path:
    """The working directory, with an image for each chip: esp32.bin and so on."""
    for chip in esp_images.CHIPS:
        (nowhere / f"{chip}.bin").write_bytes(esp_images.micropython(chip))
    return nowhere


def made(device: Device, base: bytes) -> Firmware:
    """The device's image, read again as a file is."""
    image = factory.make(release.build(device), firmware_image.check(base, "base"))
    again = firmware_image.check(image.data, "made")
    assert again == image
    return again


@pytest.mark.parametrize("chip", list(esp_images.CHIPS))
@pytest.mark.parametrize("table", [esp_images.MICROPYTHON, OLDER], ids=["1.26", "1.25"])
def test_image(nowhere: Path, chip: str, table: tuple) -> None:
    device = create("lamp", Path(), chip=chip, wifi=WIFI)
    base = esp_images.micropython(chip, partitions=table)
    image, version = made(device, base), release.build(device)
    offset = esp_images.CHIPS[chip][1]
    # The file goes to the bootloader's place and reaches to the end of 4 MB, whatever flash the board has.
    assert offset + len(image.data) == 4 << 20
    assert image.vfs == partitions.Partition("vfs", 1, 0x81, 0x200000, 0x200000)
    # Nothing of MicroPython is touched but the table, and the gap is blank.
    assert image.data[: 0x8000 - offset] == base[: 0x8000 - offset]
    assert image.data[0x9000 - offset : len(base)] == base[0x9000 - offset :]
    assert not image.data[len(base) : 0x200000 - offset].strip(b"\xff")
    # The files are where a deployment puts them.
    assert image.file_system is not None
    files = filesystem.read(image.file_system)
    expected = {f"/a/{path}": data for path, data in version.files.items()}
    expected |= {f"/{path}": data for path, data in version.start.items()}
    expected |= {"/a/version.json": version.manifest, "/secrets.json": version.secrets}
    assert json.loads(files.pop("/slot.json")) == {"slot": "a", "previous": None, "trial": 0, "note": None}
    assert files == expected
    assert json.loads(files["/a/settings.json"])["name"] == "lamp"
    assert factory.inspect(image, "it") == factory.Content("lamp", version.build)


def test_micropython_mounts_it(door: Device, tmp_path: Path) -> None:
    image = made(door, esp_images.micropython("esp32"))
    assert image.file_system is not None
    found = mounted.mount(image.file_system, tmp_path)
    assert found.pop("state") == "here"
    assert found.pop("free") > 1 << 20
    expected = filesystem.read(image.file_system)
    assert found == {path: hashlib.sha256(data).hexdigest() for path, data in expected.items()}


def test_a_board_starts_from_it(door: Device, tmp_path: Path) -> None:
    """Mock ROM, real esptool, real MicroPython: no REPL on the way, and a token opens the door."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    image = made(door, esp_images.micropython("esp32"))
    with boot_rom() as rom:
        flasher.flash(rom.port, None, image)
        on_board = filesystem.read(rom.flash[0x200000:])
    flash = tmp_path / "flash"
    for path, data in on_board.items():
        (flash / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (flash / path[1:]).write_bytes(data)
    token = mint_token(door, subject="test", scope=["pins:write:relay"], ttl=600)
    with Board(flash, "micropython", clock=int(time.time())) as board:
        board.start()
        health = httpx.get(board.url + "/healthz").json()
        assert health == {"status": "ok"}
        answer = httpx.put(
            board.url + "/api/v1/pins/relay",
            json={"value": True},
            headers={"Authorization": f"Bearer {token}", "Host": "door.local"},
        )
        assert answer.status_code == 200, answer.text
        relay = door.settings["pins"]["relay"]["gpio"]
        board.wait(lambda: board.pin(relay).level == 1)


def test_same_device_same_image(door: Device) -> None:
    base = esp_images.micropython("esp32")
    assert made(door, base).data == made(door, base).data


@pytest.mark.parametrize(
    ("base", "error", "says"),
    [
        (
            {"megabytes": 4, "partitions": (("factory", 0, 0, 0x10000, 0x3F0000),)},
            FlashFull,
            "leaves no flash",
        ),
        (
            {"partitions": (*esp_images.MICROPYTHON, ("vfs", 1, 0x81, 0x200000, 0x8000))},
            FlashFull,
            "do not fit",
        ),
    ],
)
def test_no_room(door: Device, base: dict, error: type[UserError], says: str) -> None:
    with pytest.raises(error, match=says):
        made(door, esp_images.micropython("esp32", **base))


def test_vfs_ends_where_the_bootloader_s_flash_ends(door: Device) -> None:
    """Beyond what its header says, ESP-IDF's bootloader takes no partition."""
    image = made(door, esp_images.micropython("esp32", megabytes=8))
    assert image.vfs is not None
    assert image.vfs.end == 8 << 20


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda image: image[: 0x200000 - 0x1000], "there is no application in it, only MicroPython 1.29.0"),
        (lambda image: image[: 0x280000 - 0x1000], "its file system is cut short"),
        (lambda image: image[:-1], "its file system is cut short"),
        (
            lambda image: image[: 0x200000 - 0x1000] + b"\xff" * 0x200000,
            "no file system in it, or a damaged one",
        ),
        (lambda image: image.replace(b'"alg":"HS256"', b'"alg":"HS25X"'), None),  # secrets are in no manifest
        (lambda image: image.replace(b'"name":"door"', b'"name":"dOOr"'), "its files are damaged"),
    ],
)
def test_inspect_finds_what_is_damaged(
    door: Device, spoil: Callable[[bytes], bytes], says: str | None
) -> None:
    data = made(door, esp_images.micropython("esp32", partitions=OLDER)).data
    spoilt = spoil(data)
    assert spoilt != data
    if says is None:
        factory.inspect(firmware_image.check(spoilt, "it"), "it")
    else:
        with pytest.raises(BadImage, match=says):
            factory.inspect(firmware_image.check(spoilt, "it"), "it")


def test_command(files: Path, door: Device, pinwarden: Callable[..., Result]) -> None:
    result = pinwarden("image", "door", "--firmware", "esp32.bin")
    assert result.exit_code == 0, result.output
    image = door.folder / "secrets" / "door.bin"
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    assert "esptool write-flash 0x1000 door/secrets/door.bin" in result.output
    assert "pinwarden flash --image door/secrets/door.bin" in result.output
    assert door.keys()[0]["k"] not in result.output
    with boot_rom() as rom:
        result = pinwarden("flash", "--port", rom.port, "--image", str(image))
        assert result.exit_code == 0, result.output
        assert "Flashed door (build " in result.output
        assert rom.flash[0x1000:] == image.read_bytes()


def test_image_of_another_device(files: Path, door: Device, pinwarden: Callable[..., Result]) -> None:
    """Two boards with the same keys, and one that nobody can open."""
    create("gate", files)
    assert pinwarden("image", "gate", "--firmware", "esp32.bin", "--out", "gate.bin").exit_code == 0
    with boot_rom() as rom:
        result = pinwarden("flash", "door", "--port", rom.port, "--image", "gate.bin")
        assert result.exit_code == 1
        assert "gate.bin is the device gate, not door" in result.output
        assert rom.is_blank
        assert pinwarden("flash", "--port", rom.port, "--image", "gate.bin").exit_code == 0


def test_out(files: Path, door: Device, pinwarden: Callable[..., Result]) -> None:
    assert pinwarden("image", "door", "--firmware", "esp32.bin", "--out", "d.bin").exit_code == 0
    assert stat.S_IMODE((files / "d.bin").stat().st_mode) == 0o600
    result = pinwarden("image", "door", "--firmware", "esp32.bin", "--out", "nowhere/d.bin")
    assert result.exit_code == 1
    assert "mkdir -p nowhere" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--firmware", "esp32s3.bin"), "is for an ESP32-S3, door's device.toml for an ESP32"),
        (("--firmware", "none.bin"), "cannot be read"),
        ((), "cannot be downloaded"),
        (("--firmware", "esp32.bin", "--count", "0"), "count"),
        (("--firmware", "door/secrets/keys.json"), "this is JSON"),
    ],
)
def test_refused(
    files: Path, door: Device, arguments: tuple[str, ...], says: str, pinwarden: Callable[..., Result]
) -> None:
    result = pinwarden("image", "door", *arguments)
    assert result.exit_code in (1, 2)
    assert result.output.count("error:") == 1
    assert says in result.output
    assert not (door.folder / "secrets" / "door.bin").exists()


def test_an_image_is_no_base_for_another(files: Path, door: Device, pinwarden: Callable[..., Result]) -> None:
    """It has somebody's keys in it."""
    assert pinwarden("image", "door", "--firmware", "esp32.bin", "--out", "d.bin").exit_code == 0
    result = pinwarden("image", "door", "--firmware", "d.bin")
    assert result.exit_code == 1
    assert "has files in it already" in result.output
