"""A board in its boot ROM, for the real esptool: esp32-mock-bootloader, in a thread of this process, so that
a test sees its flash and can pull its cable.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from esp32_mock_bootloader.server import (
    BootloaderConnection,
    FlashImage,
    PtyMasterTransport,
    handle_client,
)

from esp_images import CHIPS


class BootRom:
    """`port` is for --port, `flash` is what the flash holds, `connections` how often somebody
    came to its socket, `received` how many octets have come.
    """

    def __init__(self, chip: str, pty: bool) -> None:
        self.chip = chip
        self.image = FlashImage()
        self.connections = 0
        self.received = 0
        self._cut_after: int | None = None
        self._peer: socket.socket | None = None
        self._stop = threading.Event()
        self._pty = PtyMasterTransport.create() if pty else None
        self._server = None if pty else socket.create_server(("127.0.0.1", 0))
        if self._server is not None:
            self._server.settimeout(0.05)
            self.port = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        elif self._pty is not None:
            self.port = self._pty.client_path
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def flash(self) -> bytes:
        """All of it."""
        return bytes(self.image.data)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is on it."""
        return not self.flash.strip(b"\xff")

    def starts(self) -> bool:
        """Whether the chip would find something to start."""
        return self.flash[CHIPS[self.chip][1]] == 0xE9

    def put(self, data: bytes) -> BootRom:
        """Have a board on which this was flashed."""
        offset = CHIPS[self.chip][1]
        self.image.data[offset : offset + len(data)] = data
        return self

    def cut_after(self, octets: int) -> None:
        """Pull the cable of a terminal when that many more octets have come. It stays out until `plug`."""
        self._cut_after = octets

    def plug(self) -> None:
        """Put the cable back, if it is out. `port` is another one then, as likely as not."""
        self._cut_after = None
        if self._pty is None:
            self._pty = PtyMasterTransport.create()
            self.port = self._pty.client_path

    def stop(self) -> None:
        """End it, and wait until it has."""
        self._stop.set()
        if self._peer is not None:
            with contextlib.suppress(OSError):  # it has hung up
                self._peer.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for end in (self._server, self._pty):
            if end is not None:
                end.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            if self._pty is not None:
                self._talk(_Line(self, pty=self._pty))
            elif self._server is None:
                self._stop.wait(0.02)
            else:
                with contextlib.suppress(TimeoutError):
                    self._peer, _ = self._server.accept()
                    self.connections += 1
                    self._talk(_Line(self, sock=self._peer))

    def _pull(self) -> None:
        self._cut_after = None
        pulled, self._pty = self._pty, None  # in this order: who sees the end of the line may `plug` at once
        if pulled is not None:
            pulled.close()

    def _talk(self, line: _Line) -> None:
        handle_client(line, self._stop, self.chip, flash=self.image)


class _Line(BootloaderConnection):
    def __init__(self, rom: BootRom, **ends) -> None:
        super().__init__(**ends)
        self._rom = rom

    def set_timeout(self, timeout: float) -> None:
        """The mock's own 50 ms are how long it waits for esptool, too: not enough on a busy computer."""
        super().set_timeout(0.5)

    def recv(self, size: int) -> bytes:
        data = super().recv(size)
        self._rom.received += len(data)
        left = self._rom._cut_after
        if left is not None:
            self._rom._cut_after = left - len(data)
            if left <= len(data):
                self._rom._pull()
                raise ConnectionResetError  # the mock takes it for the end of the line, and hangs up
        return data


@contextlib.contextmanager
def boot_rom(chip: str = "esp32", *, pty: bool = False) -> Iterator[BootRom]:
    """A board with this chip, its flash empty."""
    rom = BootRom(chip, pty)
    try:
        yield rom
    finally:
        rom.stop()
