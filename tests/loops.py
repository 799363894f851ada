"""Running a coroutine to its end whatever runs in the test's own thread: a browser that is open keeps a loop there."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_apart(story: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns, run by a loop of its own in a thread of its own."""
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(asyncio.run, story).result()
