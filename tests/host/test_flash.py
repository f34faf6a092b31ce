"""Flashing, by the real esptool onto esp32-mock-bootloader: what is written, and what is refused."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from esp32_mock_bootloader.server import FlashImage
from rich.console import Console

import esp_images
from boot_rom import BootRom, boot_rom
from pinwarden import progress
from pinwarden.device import Device
from pinwarden.errors import (
    FlashFull,
    NotFlashed,
    WrongChip,
)
from pinwarden.flash import chips, flasher

OLDER = esp_images.MICROPYTHON_1_25
FOREIGN = esp_images.micropython("esp32", app=esp_images.application("esp32", project=b"blink"))


@pytest.mark.parametrize("terminal", [False, True], ids=["socket", "pty"])
@pytest.mark.parametrize("chip", list(chips.CHIPS))
def test_flash(chip: str, terminal: bool) -> None:
    image = esp_images.checked(chip)
    with boot_rom(chip, pty=terminal) as rom:
        rom.image.data[0x300000:] = b"old" * 100  # of what was there before
        done = flasher.flash(rom.port, chips.CHIPS[chip], image)
        assert (done.chip.name, done.flash_size) == (chip, 4 << 20)
        offset = image.chip.offset
        assert rom.flash[offset : offset + len(image.data)] == image.data
        assert not rom.flash[:offset].strip(b"\xff")
        assert not rom.flash[offset + len(image.data) :].strip(b"\xff")


def test_progress(rom: BootRom) -> None:
    told: list[tuple[str, int, int]] = []
    flasher.flash(rom.port, None, esp_images.checked(), lambda *each: told.append(each))
    steps = list(dict.fromkeys(step for step, _, _ in told))
    assert steps == ["Connecting", "Erasing", "Writing", "Verifying"]
    writing = [(done, total) for step, done, total in told if step == "Writing"]
    assert writing == sorted(writing)
    assert writing[-1][0] == writing[-1][1] > 0


def test_command(rom: BootRom, file: Path, pinwarden: Callable[..., Result]) -> None:
    result = pinwarden("flash", "--port", rom.port, "--firmware", str(file))
    assert result.exit_code == 0, result.output
    assert "Flashed MicroPython 1.29.0 onto the ESP32" in result.output
    assert "esptool" not in result.output
    assert rom.starts()


def test_without_a_file_or_a_network(rom: BootRom, pinwarden: Callable[..., Result]) -> None:
    result = pinwarden("flash", "--port", rom.port)
    assert result.exit_code == 1
    assert result.output.count("error:") == 1
    assert "cannot be downloaded" in result.output
    assert rom.is_blank


def test_device_decides_before_the_port_is_opened(
    door: Device, rom: BootRom, pinwarden: Callable[..., Result]
) -> None:
    """The download for its chip fails first, so the board goes on doing what it did."""
    assert pinwarden("flash", "door", "--port", rom.port).exit_code == 1
    assert rom.connections == 0


@pytest.mark.parametrize(
    ("board", "image", "settings", "says"),
    [
        ("esp32", "esp32s3", None, "the image is for an ESP32-S3, and the board has an ESP32"),
        ("esp32c3", "esp32", None, "the image is for an ESP32, and the board has an ESP32-C3"),
        ("esp32s3", "esp32", "esp32", "the board has an ESP32-S3, and it is for an ESP32"),
        ("esp32", "esp32c6", "esp32", "the image is for an ESP32-C6, and it is for an ESP32"),
    ],
)
def test_wrong_chip(board: str, image: str, settings: str | None, says: str) -> None:
    with boot_rom(board) as rom:
        rom.put(FOREIGN)
        before = rom.flash
        chip = None if settings is None else chips.CHIPS[settings]
        with pytest.raises(WrongChip) as caught:
            flasher.flash(rom.port, chip, esp_images.checked(image), whose="it")
        assert says in caught.value.message
        assert "Nothing was erased" in (caught.value.hint or "")
        assert rom.flash == before


def test_wrong_chip_for_the_device(door: Device, file: Path, pinwarden: Callable[..., Result]) -> None:
    with boot_rom("esp32s3") as rom:
        result = pinwarden("flash", "door", "--port", rom.port, "--firmware", str(file))
        assert result.exit_code == 1
        assert "the board has an ESP32-S3, and door's device.toml is for an ESP32" in result.output
        assert rom.is_blank


def test_a_chip_that_pinwarden_does_not_run_on() -> None:
    with boot_rom("esp32c2") as rom:
        with pytest.raises(WrongChip, match="the board's chip is an ESP32-C2"):
            flasher.flash(rom.port, None, esp_images.checked())
        assert rom.is_blank


def test_another_revision() -> None:
    image = esp_images.checked("esp32s3", lowest=9900)
    with boot_rom("esp32s3") as rom:
        with pytest.raises(WrongChip, match="needs another revision of the ESP32-S3"):
            flasher.flash(rom.port, None, image)
        assert rom.is_blank


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!doctype html><title>404</title>", "this is a web page"),
        (esp_images.micropython("esp32")[:-4000], "the application is cut short"),
        (b"PK\x03\x04", "a zip archive"),
    ],
)
def test_bad_file(
    rom: BootRom, tmp_path: Path, content: bytes, says: str, pinwarden: Callable[..., Result]
) -> None:
    (tmp_path / "bad.bin").write_bytes(content)
    result = pinwarden("flash", "--port", rom.port, "--firmware", "bad.bin")
    assert result.exit_code == 1
    assert result.output.count("error:") == 1
    assert says in result.output
    assert rom.connections == 0


def test_too_large(rom: BootRom) -> None:
    from dataclasses import replace

    image = esp_images.checked()
    large = replace(image, data=image.data.ljust(5 << 20, b"\0"))
    with pytest.raises(FlashFull, match="needs 5124 kB of flash, and the board has 4096 kB"):
        flasher.flash(rom.port, None, large)
    assert rom.is_blank


@pytest.mark.parametrize("lock", ["get_secure_boot_enabled", "get_flash_encryption_enabled"])
def test_locked(rom: BootRom, lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would start nothing that we could write."""
    from esptool.targets.esp32 import ESP32ROM

    rom.put(FOREIGN)
    before = rom.flash
    monkeypatch.setattr(ESP32ROM, lock, lambda self: True)
    with pytest.raises(NotFlashed, match="the chip is locked"):
        flasher.flash(rom.port, None, esp_images.checked())
    assert rom.flash == before


def test_silent_flash_memory(rom: BootRom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("esptool.cmds.detect_flash_size", lambda esp: None)
    with pytest.raises(NotFlashed, match="the flash memory of the board"):
        flasher.flash(rom.port, None, esp_images.checked())
    assert rom.is_blank


def test_flash_that_does_not_hold_what_is_written(rom: BootRom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worn out, or at the wrong voltage: the comparison finds it, and the board is not called good."""
    put = FlashImage.write_defl_block

    def forget(image: FlashImage, payload: bytes) -> None:
        put(image, payload)
        image.data[0x10100] ^= 1

    monkeypatch.setattr(FlashImage, "write_defl_block", forget)
    with pytest.raises(NotFlashed) as caught:
        flasher.flash(rom.port, None, esp_images.checked())
    assert "MD5" in caught.value.message
    assert "run the same command again" in (caught.value.hint or "")


def test_esptool_says_nothing(rom: BootRom, capfd: pytest.CaptureFixture[str]) -> None:
    flasher.flash(rom.port, None, esp_images.checked())
    assert capfd.readouterr() == ("", "")


def test_nobody_answers() -> None:
    """A port that is there, and silent: the board is not in its boot ROM, or it is another thing."""
    ends = pty.openpty()
    try:
        with pytest.raises(NotFlashed) as caught:
            flasher.flash(os.ttyname(ends[1]), None, esp_images.checked())
    finally:
        for end in ends:
            os.close(end)
    assert "no ESP32 answers on" in caught.value.message
    assert "BOOT" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "options", [("--firmware", "a.bin", "--image", "b.bin"), ("--baud", "7"), ("--firmware", "nowhere.bin")]
)
def test_used_wrongly(options: tuple[str, ...], pinwarden: Callable[..., Result]) -> None:
    assert pinwarden("flash", "--port", "socket://127.0.0.1:9", *options).exit_code in (1, 2)


def test_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal: a bar for each step, and none over a question."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr(progress, "stderr", lambda: console)
    with progress.display() as tell:
        tell("Connecting", 0, 0)
        tell.pause()
        shown = screen.getvalue()
        assert "Connecting" in shown
        screen.write("QUESTION")
        tell("Writing", 10, 100)
        tell("Writing", 100, 100)
    after = screen.getvalue().partition("QUESTION")[2]
    assert "Writing" in after
    assert "\x1b[?25h" in after  # the cursor is back
