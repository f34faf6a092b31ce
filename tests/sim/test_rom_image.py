"""The stand-ins' image: they take next to nothing of the board's heap, and without one they work all the
same.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import testbed
from pinwarden_sim import Board, runtimes

IMAGE = Path("micropython/code.mpy")
LEAST = 18000  # bytes; it is some 23 kB

# Bytes. 4.5 kB of it are the tables of names, which are as large without them once there is a firmware.
STAND_INS = 14000
A_PIN_OF_EACH_KIND = 1500

IMPORTS = "import asyncio, errno, gc, json, machine, os, select, socket, sys, time"
WAIT = """
async def wait():
    while True:
        await asyncio.sleep(1)
asyncio.run(wait())
"""
PINS = """
from machine import ADC, PWM, Pin
from neopixel import NeoPixel
pins = PWM(Pin(18)), ADC(Pin(34)), NeoPixel(Pin(16), 3), Pin(26, Pin.OUT)
"""


@pytest.fixture
def rom() -> Path:
    """The folder of the stand-ins."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    folder = runtimes.rom()
    if not (folder / IMAGE).exists():
        assert (sys.platform, platform.machine()) != ("linux", "x86_64")
        pytest.skip("this MicroPython has no native code of the kind that mpy-cross makes here, or no ROMFS")
    return folder


def heap_used(flash: Path) -> int:
    testbed.install(flash, "micropython")
    with Board(flash, "micropython", heapsize="256k") as board:
        return board.start().status()["heap_used"]


def heap_used_by(flash: Path, main: str) -> int:
    flash.mkdir()
    (flash / "main.py").write_text(main)
    with Board(flash, "micropython", heapsize="192k") as board:
        return board.start(http=False).status()["heap_used"]


def said_by(flash: Path, main: str) -> list[str]:
    flash.mkdir()
    (flash / "main.py").write_text(textwrap.dedent(main))
    with Board(flash, "micropython", heapsize="192k") as board:
        board.start(http=False)
        board.wait(lambda: board.state == "repl")
        return board.serial


def test_with_and_without(rom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = shutil.copytree(rom, tmp_path / "rom")
    (bare / IMAGE).unlink()
    with_it = heap_used(tmp_path / "with")
    monkeypatch.setattr(runtimes, "rom", lambda: bare)
    assert heap_used(tmp_path / "without") - with_it > LEAST


def test_they_take_next_to_nothing(rom: Path, tmp_path: Path) -> None:
    plain = [
        *runtimes.interpreter("micropython", "192k"),
        "-c",
        f"{IMPORTS}\ngc.collect()\nprint(gc.mem_alloc())",
    ]
    without = int(subprocess.run(plain, capture_output=True, check=True).stdout)
    bare = heap_used_by(tmp_path / "bare", f"{IMPORTS}, network\n{WAIT}")
    pins = heap_used_by(tmp_path / "pins", f"{IMPORTS}, network\n{PINS}\n{WAIT}")
    print(without, bare, pins)
    assert bare - without < STAND_INS
    assert pins - bare < A_PIN_OF_EACH_KIND


def test_nobody_can_change_them(rom: Path, tmp_path: Path) -> None:
    """As with modules in a board's ROM; what they hold would be lost to the collector."""
    said = said_by(
        tmp_path / "flash",
        """
        import machine, network, time
        for it in machine, machine.Pin, network, network.WLAN, time:
            try:
                it.thing = []
                print(it)
            except AttributeError:
                pass
        print("done")
        """,
    )
    assert said[0] == "done", said


def test_the_collector_finds_all_that_they_hold(rom: Path, tmp_path: Path) -> None:
    said = said_by(
        tmp_path / "flash",
        """
        import gc
        gc.threshold(200)
        import asyncio, machine, network, os, time
        from machine import Pin
        network.hostname("a name of " + str(len(os.listdir())))
        network.WLAN(network.AP_IF).config(ssid="an " + network.hostname())
        button = Pin(4, Pin.IN, Pin.PULL_UP)
        edges = []
        button.irq(lambda pin: edges.append(pin.value()))
        for number in range(300):
            Pin(26, Pin.OUT, value=number % 2)
            with open("/file", "w") as file:
                file.write("x" * number)
            machine.RTC().datetime((2030, 1, 1, 0, 0, 0, number % 60, 0))
            junk = [[] for _ in range(100)]
            time.sleep_ms(1)
        print(network.hostname(), network.WLAN(network.AP_IF).config("ssid"), len(os.listdir()))
        print(button, button.value(), Pin(26).value(), time.gmtime()[:3], machine.RTC().datetime()[:3])
        """,
    )
    assert said[0] == "a name of 1 an a name of 1 2"
    assert re.match(r"Pin\(4\) 1 1 \(2030, 1, 1\) \(2030, 1, 1\)", said[1])
