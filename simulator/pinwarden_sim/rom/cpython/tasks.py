"""What MicroPython's asyncio has and CPython's has not, or does otherwise: tasks, time limits, the loop."""

import asyncio as _asyncio
import asyncio.events as _events
from asyncio.tasks import create_task as _create_task
from asyncio.tasks import wait_for as _wait_for


class TimeoutError(Exception):
    """A time limit passed. An OSError it is on CPython, and on MicroPython it is not: `except OSError` must
    not catch it.
    """


class ThreadSafeFlag:
    """An event that an interrupt handler may set; clears itself when waited for."""

    def __init__(self):
        self._event = _asyncio.Event()

    def set(self):
        self._event.set()

    def clear(self):
        self._event.clear()

    async def wait(self):
        await self._event.wait()
        self._event.clear()


class _EarlyLoop:
    """What get_event_loop() gives before a loop runs. MicroPython's loop is always there, so set-up may
    come before run().
    """

    def __init__(self):
        self.handler = None

    def set_exception_handler(self, handler):
        self.handler = handler

    def get_exception_handler(self):
        return self.handler


def install(asyncio):
    """Add and replace the functions in the package `asyncio` itself; its own modules keep theirs."""
    early = _EarlyLoop()
    alive = set()
    asyncio.TimeoutError = TimeoutError
    asyncio.ThreadSafeFlag = ThreadSafeFlag
    run = asyncio.run

    async def wait_for(awaitable, timeout):
        try:
            return await _wait_for(awaitable, timeout)
        except _asyncio.exceptions.TimeoutError:
            raise TimeoutError from None

    def create_task(coroutine):
        # CPython holds a task by a weak reference only; on MicroPython the scheduler's queue keeps it.
        task = _create_task(coroutine)
        alive.add(task)
        task.add_done_callback(alive.discard)
        return task

    def run_with_handler(main):
        async def set_up():
            if early.handler is not None:
                _events.get_running_loop().set_exception_handler(early.handler)
            return await main

        return run(set_up())

    def get_event_loop():
        return _events._get_running_loop() or early

    asyncio.wait_for = wait_for
    asyncio.wait_for_ms = lambda awaitable, ms: wait_for(awaitable, ms / 1000)
    asyncio.sleep_ms = lambda ms: _asyncio.tasks.sleep(max(0, ms) / 1000)
    asyncio.create_task = create_task
    asyncio.get_event_loop = get_event_loop
    asyncio.run = run_with_handler
