"""What is on a board already: seen before it is erased, and asked about where it would be lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import esp_images
from boot_rom import BootRom, boot_rom
from pinwarden.errors import WouldErase
from pinwarden.flash import board_flash, chips, flasher
from pinwarden.image import filesystem

FOREIGN = esp_images.micropython("esp32", app=esp_images.application("esp32", project=b"blink"))


# What is on a board, and what of it would be lost.
FILES = {"/boot.py": b"", "/main.py": b"print(1)"}


def with_files(files: dict[str, bytes], partitions: tuple = esp_images.MICROPYTHON_1_25) -> bytes:
    """MicroPython with a file system."""
    data = esp_images.micropython("esp32", partitions=partitions).ljust(0x200000 - 0x1000, b"\xff")
    return data + filesystem.build(files, 0x200000)


EMPTY = esp_images.micropython("esp32")
DOOR = {"/slots.py": b"", "/a/settings.json": b'{"name": "door"}'}
FLAT = {"/firmware/app.py": b"", "/secrets.json": b"", "/settings.json": b'{"name": "gate"}'}
NOISE = EMPTY.ljust(0x200000 - 0x1000, b"\xff") + b"\x5a" * 9000


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", None),
        (b"\xff" * 0x7000 + EMPTY[0x7000:], None),  # an attempt that was not finished
        (EMPTY, None),  # nothing was ever stored
        (esp_images.micropython("esp32", partitions=esp_images.MICROPYTHON_1_25), None),
        (with_files({"/boot.py": b"# This file"}), None),  # what MicroPython itself makes
        (with_files(FILES), "MicroPython, with the files main.py"),
        (with_files(FILES, esp_images.MICROPYTHON), "MicroPython, with the files main.py"),
        (with_files({f"/{name}.py": b"" for name in "abcdef"}), "with the files a.py, b.py, c.py, d.py …"),
        (with_files({"/x\x1b[2J.py": b""}), r"with the files x\x1b[2J.py"),
        (with_files(DOOR), "the Pinwarden device door"),
        (with_files(FLAT), "the Pinwarden device gate"),
        (with_files({"/slots.py": b"", "/a/settings.json": b"{"}), "a Pinwarden device"),
        (FOREIGN, "the program blink"),
        (FOREIGN[:0x7000] + b"\0" * 0x1000, "a program that Pinwarden does not know"),
        (NOISE, "files that cannot be read"),
    ],
)
def test_what_is_on_it(content: bytes, what: str | None) -> None:
    with boot_rom() as rom:
        rom.put(content)
        found = board_flash.look(
            lambda offset, size: rom.flash[offset : offset + size], chips.CHIPS["esp32"], 4 << 20
        )
    if what is None:
        assert found is None
    else:
        assert found is not None
        assert what in found.what


def test_a_board_that_runs_is_not_erased_unasked(
    rom: BootRom, file: Path, pinwarden: Callable[..., Result]
) -> None:
    rom.put(with_files({"/slots.py": b"", "/a/settings.json": b'{"name": "door"}'}))
    before = rom.flash
    result = pinwarden("flash", "--port", rom.port, "--firmware", str(file))
    assert result.exit_code == 1
    assert "has the Pinwarden device door on it" in result.output
    assert "pinwarden deploy door" in result.output
    assert "--yes" in result.output
    assert rom.flash == before
    assert pinwarden("flash", "--port", rom.port, "--firmware", str(file), "--yes").exit_code == 0
    assert rom.flash[0x1000:0x2000] == esp_images.micropython("esp32")[:0x1000]


@pytest.mark.parametrize(("answer", "erased"), [(True, True), (False, False)])
def test_asked(rom: BootRom, answer: bool, erased: bool) -> None:
    rom.put(with_files(FILES))
    before = rom.flash
    asked = []

    def may(found: board_flash.Found) -> bool:
        asked.append(found.what)
        return answer

    if erased:
        flasher.flash(rom.port, None, esp_images.checked(), may_erase=may)
    else:
        with pytest.raises(WouldErase):
            flasher.flash(rom.port, None, esp_images.checked(), may_erase=may)
    assert asked == ["MicroPython, with the files main.py"]
    assert (rom.flash != before) is erased


@pytest.mark.parametrize(("answer", "code"), [(True, 0), (False, 1)])
def test_asked_on_a_terminal(
    rom: BootRom,
    file: Path,
    answer: bool,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    pinwarden: Callable[..., Result],
) -> None:
    rom.put(with_files(FILES))
    before, questions = rom.flash, []

    def confirm(text: str, **options: object) -> bool:
        questions.append(text)
        return answer

    monkeypatch.setattr("pinwarden.commands.flash._can_ask", lambda: True)
    monkeypatch.setattr("click.confirm", confirm)
    result = pinwarden("flash", "--port", rom.port, "--firmware", str(file))
    assert result.exit_code == code
    assert len(questions) == 1
    assert "has MicroPython, with the files main.py on it, and flashing deletes everything" in questions[0]
    assert (rom.flash == before) is not answer
