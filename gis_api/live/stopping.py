"""Hearing of the server's stop in time: it waits for open answers, and a stream of events never ends by itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def call_before_stop(act: Callable[[], None]) -> Callable[[], None]:
    """A call that undoes this one; until then `act` is called when the process is told to stop, before the server is.

    Where the application does not run in the main thread (an embedded server in a test) nothing can be heard, and
    whoever stops that server has to say so.
    """
    if threading.current_thread() is not threading.main_thread():
        return _do_nothing
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def hear(number: int, frame: FrameType | None) -> None:
        act()
        then = before[signal.Signals(number)]
        if callable(then):
            then(number, frame)

    for number in _SIGNALS:
        signal.signal(number, hear)

    def undo() -> None:
        for number, then in before.items():
            signal.signal(number, then)

    return undo


def _do_nothing() -> None:
    """Nothing was changed, nothing is put back."""
