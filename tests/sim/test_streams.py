"""The asyncio stream: CPython's stand-in does what MicroPython's does, so that one firmware runs on both."""

from __future__ import annotations

import pytest

PRELUDE = """
import asyncio, socket

def pair():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    address = socket.getaddrinfo("0.0.0.0", 80)[0][-1]
    listener.bind(address)
    listener.listen(1)
    near = socket.socket()
    near.connect(address)
    far, _ = listener.accept()
    listener.close()
    near.setblocking(False)
    far.setblocking(False)
    return near, far

near, far = pair()
stream = asyncio.StreamReader(near)
nothing = bytearray(0)
log = []

async def note(name, awaitable):
    try:
        result = await awaitable
        log.append((name, result))
    except asyncio.CancelledError:
        log.append((name, "cancelled"))
        raise
    except EOFError:
        log.append((name, "EOFError"))

async def soon():
    for _ in range(5):
        await asyncio.sleep_ms(2)
"""

CASES = [
    pytest.param(
        """
        task = asyncio.create_task(note("wait", stream.readinto(nothing)))
        await soon()
        log.append("nothing yet")
        far.send(b"abc")
        await soon()
        log.append(near.recv(10))
        """,
        "['nothing yet', ('wait', 0), b'abc']",
        id="readinto of nothing waits until there is something, and takes none of it",
    ),
    pytest.param(
        """
        far.send(b"abc")
        buffer = bytearray(2)
        await note("read", stream.readinto(buffer))
        log.append(bytes(buffer))
        await note("read", stream.readinto(buffer))
        log.append(bytes(buffer))
        """,
        "[('read', 2), b'ab', ('read', 1), b'cb']",
        id="readinto fills what it can",
    ),
    pytest.param(
        """
        far.close()
        await note("wait", stream.readinto(nothing))
        log.append(near.recv(10))
        """,
        "[('wait', 0), b'']",
        id="the end wakes the waiter, and recv gives it",
    ),
    pytest.param(
        """
        task = asyncio.create_task(note("first", stream.readinto(nothing)))
        await soon()
        task.cancel()
        await soon()
        task = asyncio.create_task(note("second", stream.readinto(nothing)))
        await soon()
        far.send(b"x")
        await soon()
        """,
        "[('first', 'cancelled'), ('second', 0)]",
        id="a cancelled wait leaves nothing behind: another may wait",
    ),
    pytest.param(
        """
        try:
            await asyncio.wait_for_ms(stream.readinto(nothing), 10)
        except asyncio.TimeoutError as error:
            log.append(("timeout", isinstance(error, OSError)))
        """,
        "[('timeout', False)]",
        id="a time limit raises TimeoutError, which is no OSError",
    ),
    pytest.param(
        """
        big = bytes(8_000_000)
        stream.write(big)
        left = len(stream.out_buf)
        log.append(0 < left < len(big))
        task = asyncio.create_task(note("drain", stream.drain()))
        await soon()
        log.append(len(log))
        got = 0
        while got < len(big):
            try:
                got += len(far.recv(1_000_000))
            except OSError:
                pass
            await asyncio.sleep_ms(0)
        await soon()
        log.append((got == len(big), stream.out_buf))
        """,
        "[True, 1, ('drain', None), (True, b'')]",
        id="write sends what goes at once, drain the rest",
    ),
    pytest.param(
        """
        stream.write(b"abc")
        log.append(stream.out_buf)
        await stream.drain()
        log.append(far.recv(10))
        """,
        "[b'', b'abc']",
        id="a small write is gone at once",
    ),
    pytest.param(
        """
        stream.close()
        stream.write(b"still open")
        log.append(far.recv(20))
        await stream.wait_closed()
        await soon()
        log.append(far.recv(10))
        """,
        "[b'still open', b'']",
        id="close does nothing, wait_closed closes",
    ),
    pytest.param(
        """
        task = asyncio.create_task(note("wait", stream.readinto(nothing)))
        await soon()
        await stream.wait_closed()
        await soon()
        """,
        "[('wait', 0)]",
        id="closing wakes the waiter",
    ),
    pytest.param(
        """
        far.send(b"ab")
        await note("read", stream.read(5))
        far.send(b"one\\ntwo")
        await note("line", stream.readline())
        far.close()
        await note("exactly", stream.readexactly(5))
        await note("all", stream.read())
        """,
        "[('read', b'ab'), ('line', b'one\\n'), ('exactly', 'EOFError'), ('all', b'')]",
        id="the other reads",
    ),
    pytest.param(
        """
        far.send(b"x")
        stream.write(bytes(8_000_000))
        reading = asyncio.create_task(note("read", stream.read(1)))
        writing = asyncio.create_task(note("write", stream.drain()))
        await soon()
        writing.cancel()
        await soon()
        """,
        "[('read', b'x'), ('write', 'cancelled')]",
        id="one task may read while another writes",
    ),
]


@pytest.mark.parametrize(("steps", "expected"), CASES)
def test_stream(board, steps, expected):
    body = "async def main():\n" + steps.replace("\n        ", "\n    ")
    made = board(PRELUDE + body + "\n    print(log)\n\nasyncio.run(main())\n", heapsize="64M")
    made.wait(lambda: made.state == "repl", timeout=20)
    assert made.serial[0] == expected, "\n".join(made.serial)


def test_get_event_loop_before_run(board):
    """MicroPython's loop is there before it runs: a handler can be set early, and gets what tasks raise."""
    made = board("""
        import asyncio
        def handler(loop, context):
            print("handler", repr(context["exception"]))
        asyncio.get_event_loop().set_exception_handler(handler)
        async def fail():
            raise ValueError("lost")
        async def main():
            asyncio.create_task(fail())
            for _ in range(5):
                await asyncio.sleep_ms(2)
            print("goes on")
        asyncio.run(main())
    """)
    made.wait(lambda: made.state == "repl")
    assert made.serial[0].startswith("handler ValueError('lost'")
    assert made.serial[1] == "goes on"
