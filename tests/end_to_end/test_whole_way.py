"""The whole way, from a bare board to a pin that moves, by the commands that a person types.

The real esptool flashes the mock of the boot ROM; what its flash holds then is the flash of a simulated
board, on which real MicroPython speaks with the real mpremote.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import esp_images
import testbed
from boot_rom import boot_rom
from pinwarden.cli import cli
from pinwarden.device import Device
from pinwarden.image import filesystem
from pinwarden_sim import Board

LAMP = '\n[pins.lamp]\nkind = "switch"\ngpio = 25\n'


def pinwarden(*args: str) -> Result:
    """Run a command, which must succeed."""
    result = CliRunner().invoke(cli, list(args))
    assert result.exit_code == 0, result.output
    return result


def test_from_a_bare_board_to_a_pin_that_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    monkeypatch.chdir(tmp_path)
    for name in ("PINWARDEN_DEVICES", "PINWARDEN_PORT", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PINWARDEN_WIFI_PASSWORD", "simulated-air")
    Path("micropython.bin").write_bytes(esp_images.micropython("esp32"))

    pinwarden("init", "door", "--ssid", "simulated")
    pinwarden("image", "door", "--firmware", "micropython.bin", "--out", "door.bin")
    with boot_rom("esp32", pty=True) as rom:
        pinwarden("flash", "door", "--port", rom.port, "--image", "door.bin")
        on_flash = filesystem.read(rom.flash[0x200000:])
    flash = tmp_path / "flash"
    for path, data in on_flash.items():
        (flash / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (flash / path[1:]).write_bytes(data)

    with Board(flash, "micropython", usb=True, clock=int(time.time())) as board:
        board.start()
        address = board.url.removeprefix("http://")
        with Path("door/device.toml").open("a") as file:
            file.write(LAMP)
        said = pinwarden("deploy", "door", "--port", board.usb.path, "--address", address).output
        assert "1 file sent (settings.json" in said
        assert board.starts[0] != board.starts[-1], "it was restarted"
        lamp = Device.load(Path("door")).settings["pins"]["lamp"]["gpio"]
        assert board.pin(lamp).level == 0
        token = pinwarden("mint", "door", "--pin", "lamp").stdout.strip()
        command = ("PUT", "pins/lamp", "--data", '{"value": true}', "--token", token)
        pinwarden("call", "door", *command, "--address", address)
        board.wait(lambda: board.pin(lamp).level == 1)
