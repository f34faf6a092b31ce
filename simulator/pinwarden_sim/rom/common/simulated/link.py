"""The wire between the simulated board and the host that plays its world: lines of JSON, both ways.

Events go out at once and unbuffered, so that a process that is killed has lost none. Commands are obeyed
while the firmware waits in asyncio, sleeps, or sits at the REPL; a firmware that computes without a pause
hears nothing, as a board does.
"""

import asyncio
import json
import select

from micropython import kbd_intr

_CHUNK = 512


class Link:
    """`port` is a non-blocking stream with read(n), write(bytes) and a file descriptor; `die` ends the
    process, unconditionally.
    """

    def __init__(self, port, die):
        self.port = port
        self.die = die
        self.obey = None  # set by the ROM: takes a command, returns the answer
        self.interrupts = False  # whether Ctrl-C can come
        self.interrupted = False  # whether it has come
        self.busy = 0  # how deep in what it must not interrupt
        self.pending = b""
        self.poller = select.poll()
        self.poller.register(port, select.POLLIN)

    def hold(self):
        """From here to release() Ctrl-C waits: a line must not be torn, nor a write be counted wrongly."""
        if self.interrupts:
            kbd_intr(-1)
            self.busy += 1

    def release(self):
        if self.interrupts:
            self.busy -= 1
            if not self.busy:
                kbd_intr(3)

    def catch_up(self):
        """Obey what has come, Ctrl-C first of all."""
        if self.interrupts:
            self.answer_all()

    def send(self, event):
        data = (json.dumps(event) + "\n").encode()
        self.hold()
        try:
            while data:
                try:
                    written = self.port.write(data)
                except OSError:
                    self.die()
                if written:
                    data = data[written:]
                else:
                    self._wait_writable()
        finally:
            self.release()

    def receive(self):
        """One command, or None when there is none yet. When the host is gone, so is the board."""
        while b"\n" not in self.pending:
            data = self.port.read(_CHUNK)
            if data is None:
                return None
            if not data:
                self.die()
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def answer_all(self):
        """Obey every command that has arrived."""
        self.hold()
        try:
            while True:
                command = self.receive()
                if command is None:
                    return
                try:
                    if command["do"] == "interrupt":
                        self.interrupted = command["now"]
                        answer = {}
                    else:
                        answer = self.obey(command)
                except Exception as error:
                    answer = {"error": "%s: %s" % (type(error).__name__, error)}
                answer["answer"] = command["id"]
                self.send(answer)
        finally:
            self.release()
            if self.interrupted:
                self.interrupted = False
                raise KeyboardInterrupt

    def wait(self, ms):
        """Sleep, but go on obeying. Less than a millisecond is a look without a wait."""
        from utime import ticks_add, ticks_diff, ticks_ms

        end = ticks_add(ticks_ms(), ms)
        left = ms
        while True:
            if self.poller.poll(left):
                self.answer_all()
            left = ticks_diff(end, ticks_ms())
            if left <= 0:
                return

    def wait_forever(self):
        while True:
            self.poller.poll(-1)
            self.answer_all()

    def first(self):
        """The first line: what the host says at power-on."""
        while True:
            config = self.receive()
            if config is not None:
                return config
            self.poller.poll(-1)

    def end(self, event):
        """Tell the host that the board resets or loses its power, and do nothing more until it does so."""
        self.hold()
        self.send(event)
        while True:
            self.poller.poll(-1)
            if self.port.read(_CHUNK) == b"":
                self.die()

    async def serve(self):
        """A task beside the firmware's own. It waits in the same poll(), so it costs a request no system
        call.
        """
        stream = asyncio.StreamReader(self.port)
        nothing = bytearray(0)
        while True:
            await stream.readinto(nothing)
            self.answer_all()

    def _wait_writable(self):
        self.poller.modify(self.port, select.POLLOUT)
        # Asleep and not to be interrupted is how the host knows the prompt: so it must not sleep here.
        self.poller.poll(0 if self.interrupts else -1)
        self.poller.modify(self.port, select.POLLIN)
