"""The threads in which passwords are worked out: few, and the last to get a processor."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

NICENESS = 10
P = ParamSpec("P")
T = TypeVar("T")


class Hashing:
    """The threads in which passwords are worked out. They give way to lookups, which the same processors answer."""

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, "hashing", initializer=_give_way)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work returns or raises, done in one of the threads."""
        known, loop = copy_context(), asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: known.run(work, *args, **kwargs))

    def close(self) -> None:
        """Let the threads end with what they are at."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _give_way() -> None:
    """Lower this thread's share of the processors; on Linux a thread has a priority of its own."""
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
