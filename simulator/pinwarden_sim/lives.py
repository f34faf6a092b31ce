"""The lives of a simulated board's chip, from one reset to the next: who starts them, and what ends them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pinwarden_sim import interrupt
from pinwarden_sim.flash import Flash
from pinwarden_sim.processor import SOFT_RESET, BoardError, Processor
from pinwarden_sim.recorder import Recorder
from pinwarden_sim.uart import SOFT_REBOOT, Uart
from pinwarden_sim.usb import UsbPort

# The other reset causes of the ESP32's port of MicroPython, as `machine.reset_cause()` gives them.
PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET = range(1, 5)


class Lives:
    """At most one at a time. `facts()` is what each finds at its start, beyond what is known here; `seen`
    gets what it says and does. With `usb`, a tool can get at it through a port. Raises BoardError where that
    cannot be.
    """

    def __init__(
        self,
        runtime: str,
        flash: Flash,
        facts: Callable[[], dict[str, Any]],
        seen: Recorder,
        *,
        heapsize: str | None,
        usb: bool,
    ) -> None:
        if usb and (runtime != "micropython" or os.name != "posix" or not interrupt.is_possible()):
            raise BoardError("a simulated USB port needs Linux, and the runtime micropython")
        self.starts: list[int] = []
        self.cuts: list[str] = []
        self.processor: Processor | None = None
        self.usb = UsbPort(self) if usb else None
        self._runtime, self._heapsize = runtime, heapsize
        self._flash, self._facts = flash, facts
        self._seen, self._changed = seen, seen.changed
        self._powered = False

    @property
    def powered(self) -> bool:
        """Whether there is power: between two lives, too."""
        return self._powered or self.processor is not None

    def power_on(self) -> None:
        """Give the chip power, if it has none."""
        with self._changed:
            self._powered = True
            if self.processor is None:
                self._boot(PWRON_RESET)
        if self.usb:
            self.usb.powered(True)

    def power_cut(self) -> None:
        """Take its power away."""
        self._powered = False
        while self.processor is not None:
            self._end(self.processor, lose_power=True)
        self._lose_power()

    def reset(self) -> None:
        """Pull its reset line. BoardError while it has no power."""
        if self.processor is None:
            raise BoardError("the board is off: there is nothing to reset")
        self._restart(self.processor, HARD_RESET)

    def ask(
        self, command: dict[str, Any], timeout: float, when_off: Callable[[], None] | None
    ) -> dict[str, Any]:
        """Send a command to the stand-ins; while there is no power, `when_off` is called instead. Raises
        BoardError.
        """
        processor = self.processor
        if processor is not None:
            return processor.ask(command, timeout)
        if when_off is None:
            raise BoardError(f"the board is off (command {command['do']!r})")
        when_off()
        return {}

    def flash_changed(self, changes: dict[str, Any], timeout: float) -> None:
        """Tell it what is other than in its flash's `state()`, in time for whatever it writes next."""
        processor = self.processor
        command = {"do": "flash", "flash": changes}
        if processor is not None and processor.uart:
            processor.tell(command)
        elif processor is not None:
            processor.ask(command, timeout)

    def type(self, data: bytes) -> bool:
        """Type at its serial port. False while it is starting: type it again."""
        processor = self.processor
        if processor is None or processor.uart is None or not processor.uart.ready:
            return False
        processor.uart.feed(data)
        return True

    def is_idle(self) -> bool:
        """Whether it waits at its serial port's prompt for something to do."""
        processor = self.processor
        return processor is not None and processor.uart is not None and processor.uart.is_idle()

    def _boot(self, cause: int, before: Processor | None = None) -> None:
        uart = None
        if self.usb:
            raw = before is not None and before.uart is not None and before.uart.raw
            uart = Uart(self.usb.send, raw=raw)
        self.processor = Processor(
            self._runtime,
            self._flash.folder,
            {
                **self._facts(),
                "cause": cause,
                "nvs": self._seen.nvs,
                "flash": self._flash.state(),
                "usb": uart is not None,
                "main": uart is None or not uart.raw,
            },
            heapsize=self._heapsize,
            publish=self._publish,
            uart=uart,
            watchdog=before.watchdog if before else None,
        )
        # Its thread cannot have noted anything yet: whoever boots it holds the lock.
        self._seen.state = "starting"
        self.starts.append(cause)

    def _restart(self, processor: Processor, cause: int) -> None:
        soft = cause == SOFT_RESET
        if not self._end(processor, keep_pins=soft):
            return
        if self.usb and soft:
            self.usb.send(SOFT_REBOOT)
            self._seen.take([SOFT_REBOOT.decode().rstrip()], [])
        elif self.usb:
            self.usb.chip_resets()
        with self._changed:
            if self._powered:
                self._boot(cause, processor if soft else None)

    def _end(self, processor: Processor, *, keep_pins: bool = False, lose_power: bool = False) -> bool:
        """Kill this life of the board. False when it was over already."""
        processor.kill()  # outside the lock: its thread still notes what it has read
        with self._changed:
            if processor is not self.processor:
                return False
            self.processor = None
            self._seen.went_off(keep_pins=keep_pins, keep_clock=not lose_power)
        return True

    def _lose_power(self) -> None:
        self._flash.cut_after = self._flash.cut_steps = None
        if self.usb:
            self.usb.powered(False)

    def _publish(self, processor: Processor, lines: list[str], events: list[dict[str, Any]]) -> None:
        """Note what the board said and did, and do what that asks for."""
        for event in events:
            if event["e"] == "cut_after":
                self._flash.cut_after = event["bytes"]
            elif event["e"] == "run" and self.usb:
                self.usb.chip_runs()
        self._seen.take(lines, events)
        last = events[-1]["e"] if events else None
        if last == "reset":
            self._restart(processor, events[-1]["cause"])
        elif last == "watchdog":
            self._restart(processor, WDT_RESET)
        elif last in ("cut", "gone"):
            if "at" in events[-1]:
                self.cuts.append(events[-1]["at"])
            self._powered = False
            if self._end(processor, lose_power=True):
                self._lose_power()
