"""The simulated board: a flash folder, a process that runs it, and every knob that a test bench has."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pinwarden_sim import ports
from pinwarden_sim.flash import Flash
from pinwarden_sim.instruments import Edge, PinRecord, PwmRecord, StripRecord
from pinwarden_sim.lives import DEEPSLEEP_RESET as DEEPSLEEP_RESET
from pinwarden_sim.lives import HARD_RESET as HARD_RESET
from pinwarden_sim.lives import PWRON_RESET as PWRON_RESET
from pinwarden_sim.lives import WDT_RESET as WDT_RESET
from pinwarden_sim.lives import Lives
from pinwarden_sim.processor import SOFT_RESET as SOFT_RESET
from pinwarden_sim.processor import BoardError
from pinwarden_sim.radio import Radio
from pinwarden_sim.recorder import Recorder
from pinwarden_sim.usb import UsbPort
from pinwarden_sim.wiring import Clock, TimeServer, WiFi, World

_ANSWER_TIMEOUT = 5.0  # seconds; the firmware answers whenever it waits, which it does all the time
_TAIL = 15  # lines of serial output in an error
_LOOK_AGAIN = 0.02  # seconds; for conditions that no event of the board announces
_PROBE_AGAIN = 0.004

Value = TypeVar("Value")


class Board:
    """A board that runs the files of the folder `flash`.

    `runtime` is "micropython" or "cpython"; `port` the TCP port of its web server on the loopback (0: any);
    `heapsize` bounds MicroPython's heap ("192k"); `ntp` says whether a time server answers; `clock` is its
    time at the first power-on in Unix seconds (None: unset, it counts from 2000). With `radio`, connections
    go through a relay, so that `wifi.down()` can cut them; it listens at `address` ("0.0.0.0": for the
    whole network). With `usb` it has a port for tools at `usb.path`, on MicroPython, and its own REPL there;
    `flash_size` is in bytes. Raises OSError when `port` is taken, BoardError where there can be no USB. It is
    off until `start()` or `power_on()`. A context manager: at the end it is switched off.
    """

    def __init__(
        self,
        flash: Path | str,
        runtime: str = "micropython",
        port: int = 0,
        *,
        heapsize: str | None = None,
        chip: str = "esp32",
        ntp: bool = True,
        clock: int | None = None,
        radio: bool = False,
        address: str = "127.0.0.1",
        usb: bool = False,
        flash_size: int | None = None,
    ) -> None:
        self.flash = Path(flash).resolve()
        self.runtime = runtime
        self.clock = Clock(self, clock)
        self.ntp = TimeServer(self, ntp)
        self._world = World(self)
        self._chip = chip
        held = [ports.take(0 if radio else port), ports.take(0)]
        self._give_up_ports = weakref.finalize(self, lambda: [taken.close() for taken in held])
        self._board_port, second = [taken.getsockname()[1] for taken in held]
        self.second_port = second  # on the loopback, of what else the board serves
        self._radio = Radio(port, self._board_port, address) if radio else None
        self.wifi = WiFi(self, self._radio.set_up if self._radio else None)
        self._seen = Recorder(self.clock, self.wifi)
        self._changed = self._seen.changed
        self._flash = Flash(self.flash, flash_size)
        self._lives = Lives(runtime, self._flash, self._facts, self._seen, heapsize=heapsize, usb=usb)

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1 at which the board's web server is reached."""
        return self._radio.port if self._radio else self._board_port

    @property
    def usb(self) -> UsbPort:
        """Its USB port. BoardError when it has none."""
        if self._lives.usb is None:
            raise BoardError("this board has no USB port: use Board(…, usb=True)")
        return self._lives.usb

    @property
    def flash_size(self) -> int:
        """Bytes of the file system on its flash. Setting it to less than is on it makes it full."""
        return self._flash.size

    @flash_size.setter
    def flash_size(self, size: int) -> None:
        self._flash.size = size
        self._lives.flash_changed({"size": size}, _ANSWER_TIMEOUT)

    @property
    def url(self) -> str:
        """ "http://127.0.0.1:PORT" """
        return f"http://127.0.0.1:{self.port}"

    @property
    def serial(self) -> list[str]:
        """The lines that the board has printed so far."""
        return self._seen.serial

    @property
    def alive(self) -> bool:
        """Whether the board has power. It has, too, when its firmware crashed."""
        return self._lives.powered

    @property
    def state(self) -> str:
        """What it runs: "/boot.py", "/main.py", "repl" when main.py ended, "off"."""
        return self._seen.state

    @property
    def pid(self) -> int | None:
        """The id of the board's process, None while it is off."""
        return self._lives.processor.pid if self._lives.processor else None

    @property
    def starts(self) -> list[int]:
        """The reset cause of each start so far."""
        return self._lives.starts

    def start(self, timeout: float = 20, *, http: bool = True) -> Board:
        """Power on, and wait until the web server accepts connections (`http=False`: until main.py begins).

        Raises BoardError, with the end of the serial output, when that takes longer than `timeout` seconds
        or main.py ends first.
        """
        if not self.alive:
            self.power_on()
        end = time.monotonic() + timeout
        while not (ports.answers(self._board_port) if http else self.state in ("/main.py", "repl")):
            if self.state in ("repl", "off"):
                raise self._error(
                    "main.py ended before the web server was there" if http else "the board went off"
                )
            if time.monotonic() > end:
                raise self._error(f"the board did not start within {timeout:g} s (it is at {self.state})")
            with self._changed:
                self._changed.wait(_PROBE_AGAIN)
        with self._changed:
            return self

    def power_on(self) -> None:
        """Give it power. Returns at once; `start()` waits. Raises RuntimeMissing."""
        self._lives.power_on()

    @property
    def cuts(self) -> list[str]:
        """Where `power_cut(after_steps=…)` has cut its power so far: "rename /slot.json"."""
        return self._lives.cuts

    def power_cut(self, after_bytes: int | None = None, after_steps: int | None = None) -> None:
        """Take its power away: now, or within the write to the flash that brings the count to `after_bytes`
        from now, be it in this life of the board or after a reset.

        With `after_steps` it is at an operation on the flash, as `cuts` tells: to open a file for writing, to
        write, to rename, to remove. Each counts as two: the power goes before it, or in the middle of a
        write; or right after it. It counts in this life only; on a board that is off, in the next.
        """
        if after_steps is not None:
            self._flash.cut_steps = after_steps
            self._lives.flash_changed({"steps": after_steps}, _ANSWER_TIMEOUT)
        elif after_bytes is not None:
            self._flash.cut_after = after_bytes
            self._lives.flash_changed({"cut": after_bytes}, _ANSWER_TIMEOUT)
        else:
            self._lives.power_cut()

    def reset(self) -> None:
        """Reset the chip from outside, as `machine.reset()` does from within: pins let go, clock kept,
        cause HARD_RESET.
        """
        self._lives.reset()

    def close(self) -> None:
        """Switch it off and give up its port."""
        self.power_cut()
        if self._radio:
            self._radio.close()
        if self._lives.usb:
            self._lives.usb.close()
        self._give_up_ports()

    def pin(self, gpio: int) -> PinRecord:
        """The record of a pin, by its GPIO number."""
        return self._seen.pin(gpio)

    def pwm(self, gpio: int) -> PwmRecord:
        """The record of the PWM on a pin, by its GPIO number."""
        return self._seen.pwm(gpio)

    def strip(self, gpio: int) -> StripRecord:
        """The record of the light strip on a pin, by its GPIO number."""
        return self._seen.strip(gpio)

    @property
    def pixels(self) -> dict[int, list[tuple[int, ...]]]:
        """(red, green, blue) of each light of each strip, by its GPIO number: of such that take green first.
        Of others see `strip(gpio).colours(order)`.
        """
        return self._seen.pixels()

    def drive(self, gpio: int, level: int | None) -> None:
        """Drive a pin from outside (0 or 1) or let go of it (None). Its interrupt handler has run when this
        returns. It stays so over resets; on a board that is off, it is so when it starts.
        """
        self._world.drive(gpio, level)

    def analog(self, gpio: int, millivolts: int) -> None:
        """Put a voltage on a pin, for its ADC to read; at first there is none. It stays over resets."""
        self._world.analog(gpio, millivolts)

    @property
    def voltages(self) -> dict[int, int]:
        """The millivolts on each pin that was given any, by its GPIO number."""
        return self._world.millivolts

    def press(self, gpio: int, level: int = 0, ms: int = 100) -> None:
        """Press a button that connects the pin with `level` for so many milliseconds. Returns when it is
        let go.
        """
        self.drive(gpio, level)
        time.sleep(ms / 1000)
        self.drive(gpio, None)

    def status(self, timeout: float = _ANSWER_TIMEOUT) -> dict[str, Any]:
        """{"heap_free", "heap_used" (bytes; None on CPython), "clock" (Unix seconds; None: unset),
        "uptime_ms"}, after a collection.
        """
        return self.ask({"do": "status"}, timeout=timeout)

    def on_edge(self, callback: Callable[[int, Edge], None]) -> None:
        """Have `callback(gpio, edge)` called at each further change of a pin, on another thread. It must not
        wait for the board.
        """
        self._seen.on_edge(callback)

    def on_shine(self, callback: Callable[[int], None]) -> None:
        """Have `callback(gpio)` called whenever a light strip is sent something, on another thread. It must
        not wait for the board.
        """
        self._seen.on_shine(callback)

    def on_line(self, callback: Callable[[str], None], *, from_start: bool = False) -> None:
        """Have `callback` called with each further line of serial output, on another thread; with
        `from_start`, now with those so far. It must not wait for the board.
        """
        self._seen.on_line(callback, from_start)

    def wait(self, predicate: Callable[[], Value], timeout: float = 5) -> Value:
        """Wait until `predicate()` is true, and return what it gave. Raises BoardError after `timeout`
        seconds.
        """
        end = time.monotonic() + timeout
        while not (value := predicate()):
            if time.monotonic() > end:
                raise self._error(f"what was waited for did not happen within {timeout:g} s")
            with self._changed:
                self._changed.wait(_LOOK_AGAIN)
        with self._changed:  # what came along with it has been noted too
            return value

    def ask(
        self,
        command: dict[str, Any],
        *,
        when_off: Callable[[], None] | None = None,
        timeout: float = _ANSWER_TIMEOUT,
    ) -> dict[str, Any]:
        """Send a command to the chip. While the board is off, `when_off` is called instead; without one it
        is a BoardError.
        """
        return self._lives.ask(command, timeout, when_off)

    def _facts(self) -> dict[str, Any]:
        """What the chip finds at a start."""
        return {
            "chip": self._chip,
            "ports": [self._board_port, self.second_port],
            "clock": self.clock.state(),
            "ntp": self.ntp.state,
            "wifi": self.wifi.is_up,
            "levels": self._seen.driven(but=self._world.levels),
            "world": self._world.state(),
        }

    def _error(self, message: str) -> BoardError:
        with self._changed:
            tail = "\n".join("    " + line for line in self.serial[-_TAIL:])
        return BoardError(
            f"{message}\n  It printed last:\n{tail}" if tail else f"{message}; it printed nothing"
        )
