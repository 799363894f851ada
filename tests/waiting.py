"""Waiting for what comes true soon."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LOOK_EVERY_S = 0.01


def until(holds: Callable[[], Any], told: Callable[[], str] = str, *, most_s: float = 10.0) -> float:
    """How many seconds it took until something held; fails with what `told` says when it does not in time."""
    began_s = time.monotonic()
    while not holds():
        assert time.monotonic() - began_s < most_s, told() or f"it did not come true in {most_s} s"
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - began_s
