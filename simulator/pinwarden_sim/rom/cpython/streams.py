"""MicroPython's asyncio stream (`extmod/asyncio/stream.py`) on CPython's event loop: the same calls, the
same quirks.

The firmware leans on what that class does with a plain non-blocking socket: waits for it to be ready, then
lets the caller read as much as it likes. CPython's own StreamReader buffers without the caller's doing and
cannot stand in for it.
"""

import asyncio as _asyncio


class Stream:
    """A socket that tasks can wait for. One task may wait to read and one to write."""

    def __init__(self, s, e=None):
        self.s = s
        self.e = {} if e is None else e
        self.out_buf = b""
        self._waiting = {}  # "read" or "write" -> (future, function that unregisters it)

    def get_extra_info(self, name):
        return self.e[name]

    def close(self):
        """Does nothing, as on the board: only wait_closed() closes the socket."""

    async def wait_closed(self):
        # Whoever waits wakes up: poll() tells MicroPython of the closed descriptor. CPython's loop would
        # not notice.
        for future, unregister in list(self._waiting.values()):
            unregister()
            if not future.done():
                future.set_result(None)
        self._waiting.clear()
        self.s.close()

    async def read(self, n=-1):
        data = b""
        while True:
            await self._ready("read")
            part = self._receive(n if n >= 0 else 4096)
            if part is None:
                continue
            if n >= 0:
                return part
            if not part:
                return data
            data += part

    async def readinto(self, buf):
        """Wait until there is something to read, then read what fits. With an empty buffer it only waits."""
        await self._ready("read")
        if not len(buf):
            return 0
        part = self._receive(len(buf))
        if part is None:
            return None
        buf[: len(part)] = part
        return len(part)

    async def readexactly(self, n):
        data = b""
        while n:
            await self._ready("read")
            part = self._receive(n)
            if part is not None:
                if not part:
                    raise EOFError
                data += part
                n -= len(part)
        return data

    async def readline(self):
        data = b""
        while True:
            await self._ready("read")
            part = self._receive(1)
            if part is None:
                continue
            data += part
            if not part or part == b"\n":
                return data

    def write(self, buf):
        """Send what goes at once; drain() sends the rest, which waits in out_buf."""
        if not self.out_buf:
            sent = self._send(buf)
            if sent == len(buf):
                return
            buf = buf[sent:]
        self.out_buf += buf

    async def drain(self):
        if not self.out_buf:
            await _asyncio.tasks.sleep(0)
            return
        rest = memoryview(self.out_buf)
        while len(rest):
            await self._ready("write")
            rest = rest[self._send(rest) :]
        self.out_buf = b""

    def _receive(self, limit):
        """Up to `limit` bytes, as MicroPython's socket.read(n): None when there is nothing yet, b"" at the
        end.
        """
        if not hasattr(self.s, "recv"):  # a TLS session
            return self.s.read(limit)
        data = b""
        while len(data) < limit:
            try:
                part = self.s.recv(limit - len(data))
            except BlockingIOError:
                return data or None
            if not part:
                break
            data += part
        return data

    def _send(self, buf):
        """How many bytes the socket takes now."""
        if not hasattr(self.s, "send"):  # a TLS session
            return self.s.write(buf) or 0
        sent = 0
        buf = memoryview(buf)
        while sent < len(buf):
            try:
                sent += self.s.send(buf[sent:])
            except BlockingIOError:
                break
        return sent

    async def _ready(self, direction):
        """Wait until the socket can be read or written. Cancelled or not, nothing stays registered."""
        if direction in self._waiting:
            raise RuntimeError("two tasks wait to %s one stream" % direction)
        if direction == "read" and hasattr(self.s, "pending") and self.s.pending():
            return await _asyncio.tasks.sleep(0)  # a TLS session has read more than it was asked for
        descriptor = self.s.fileno()
        if descriptor < 0:
            # poll() answers POLLNVAL at once for a closed socket; what comes next fails with EBADF.
            return await _asyncio.tasks.sleep(0)
        loop = _asyncio.get_running_loop()
        future = loop.create_future()
        add, remove = (
            (loop.add_reader, loop.remove_reader)
            if direction == "read"
            else (loop.add_writer, loop.remove_writer)
        )
        add(descriptor, lambda: future.done() or future.set_result(None))
        self._waiting[direction] = (future, lambda: remove(descriptor))
        try:
            await future
        finally:
            # wait_closed() may have unregistered it, and the descriptor may by now be another socket's.
            if self._waiting.pop(direction, None) is not None:
                remove(descriptor)

    aclose = wait_closed

    async def awrite(self, buf, off=0, sz=-1):
        buf = memoryview(buf)[off:]
        self.write(buf if sz < 0 else buf[:sz])
        await self.drain()


def install(asyncio):
    """Replace the stream classes in the package `asyncio`."""
    asyncio.StreamReader = asyncio.StreamWriter = Stream
