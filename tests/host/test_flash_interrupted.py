"""Flashing that does not come to its end: a pulled cable, Ctrl-C. What is left can be tried again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import esp_images
from boot_rom import BootRom, boot_rom
from pinwarden.errors import FlashInterrupted, NotFlashed, PortGone, UserError
from pinwarden.flash import flasher

FOREIGN = esp_images.micropython("esp32", app=esp_images.application("esp32", project=b"blink"))


# When the cable is pulled: how much of all that the board gets has come.
CUTS = (0.001, 0.03, 0.2, 0.6, 0.97, 0.999)
NEW = esp_images.checked(app=esp_images.application("esp32", size=300_000))


@pytest.fixture(scope="module")
def all_octets() -> int:
    """What a board gets when nothing goes wrong."""
    with boot_rom(pty=True) as rom:
        flasher.flash(rom.port, None, NEW)
        return rom.received


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch, all_octets: int) -> Callable[[BootRom, float], UserError]:
    """Flash a board, and pull the cable; the error that it ends in."""
    # Where the port goes while it writes, esptool looks for it for seven seconds.
    monkeypatch.setattr("esptool.cmds.DEFAULT_CONNECT_ATTEMPTS", 0)

    def flash(rom: BootRom, fraction: float) -> UserError:
        rom.cut_after(int(all_octets * fraction))
        with pytest.raises(UserError) as caught:
            flasher.flash(rom.port, None, NEW)
        rom.plug()
        return caught.value

    return flash


@pytest.mark.parametrize("fraction", CUTS)
def test_cable_pulled(cut: Callable[[BootRom, float], UserError], fraction: float) -> None:
    """At any moment: one message, the truth about the flash, and the next attempt goes through."""
    with boot_rom(pty=True) as rom:
        rom.put(FOREIGN)
        before = rom.flash
        error = cut(rom, fraction)
        if rom.flash == before:
            assert isinstance(error, PortGone)
        else:
            assert isinstance(error, NotFlashed)
            assert "the board is not flashed: the board on" in error.message
            assert "run the same command again" in (error.hint or "")
            assert not rom.starts() or fraction > 0.99  # half a program never starts
        flasher.flash(rom.port, None, NEW)
        assert rom.flash[0x1000 : 0x1000 + len(NEW.data)] == NEW.data


def test_cable_pulled_before_and_after_erasing(cut: Callable[[BootRom, float], UserError]) -> None:
    """Else the above would not see both; and nobody has to agree to lose what an attempt has left."""
    with boot_rom(pty=True) as rom:
        rom.put(FOREIGN)
        assert isinstance(cut(rom, CUTS[0]), PortGone)
        assert rom.starts()
        assert isinstance(cut(rom, 0.5), NotFlashed)
        assert not rom.starts()
        flasher.flash(rom.port, None, NEW, may_erase=lambda found: False)
        assert rom.starts()


@pytest.mark.parametrize(("step", "erased"), [("Connecting", False), ("Erasing", False), ("Writing", True)])
def test_ctrl_c(rom: BootRom, step: str, erased: bool) -> None:
    rom.put(FOREIGN)
    before = rom.flash

    def interrupt(now: str, done: int, total: int) -> None:
        if now == step:
            raise KeyboardInterrupt

    with pytest.raises(FlashInterrupted) as caught:
        flasher.flash(rom.port, None, esp_images.checked(), interrupt)
    assert caught.value.exit_code == 130
    if erased:
        assert "run the same command again" in (caught.value.hint or "")
    else:
        assert "nothing on the board was changed" in caught.value.message
    assert (rom.flash == before) is (step != "Writing")
    flasher.flash(rom.port, None, esp_images.checked())
    assert rom.starts()


def test_ctrl_c_at_the_command(rom: BootRom, file: Path) -> None:
    """The signal itself, in the middle of writing, in a process of its own."""
    rom.put(FOREIGN)
    file.write_bytes(esp_images.micropython("esp32", app=esp_images.application("esp32", size=900_000)))
    command = [
        sys.executable,
        "-m",
        "pinwarden",
        "flash",
        "--yes",
        "--port",
        rom.port,
        "--firmware",
        str(file),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = ""
        while "Writing" not in said:
            line = running.stderr.readline()
            assert line, said
            said += line
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130, out + err
    assert "error: interrupted: the board is erased" in err
    assert "Traceback" not in err
    assert not rom.starts()
    flasher.flash(rom.port, None, esp_images.checked(), may_erase=lambda found: False)
    assert rom.starts()
