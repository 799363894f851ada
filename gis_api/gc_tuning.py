"""What the collector of garbage passes over: all that stays as long as the process, and large documents.

A full collection walks through every container there is, some 300,000 after the imports alone, and lets nobody else run
meanwhile: 0.2 s in which the hot route answers nobody. What is set aside (`gc.freeze`) is not walked through.
"""

from __future__ import annotations

import gc
import threading
from typing import Any

_FULL = 2


class _Aside:
    """What is set aside in this process: the collector is one for all, and so is this."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._began = self._exposed = False
        self.hidden = 0

    def set_aside(self) -> None:
        """Set aside what has been loaded so far; does so once in a process, before it answers anybody."""
        with self._turn:
            if self._began:
                return
            self._began = True
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._set_aside_again)

    def hide(self) -> None:
        """Set aside what there is now, a large document above all, until `show`."""
        with self._turn:
            self.hidden += 1
            gc.freeze()

    def show(self) -> None:
        """Let the collector see again what was hidden since; all of it, as there is no way to name a part."""
        with self._turn:
            self.hidden -= 1
            if not self.hidden:
                gc.unfreeze()
                self._exposed = True

    def _set_aside_again(self, phase: str, told: dict[str, Any]) -> None:
        """After the full collection that follows a `show` there is no garbage: what is left is set aside as before."""
        if phase == "stop" and told["generation"] == _FULL and self._exposed and not self.hidden:
            self._exposed = False
            gc.freeze()


_aside = _Aside()
set_aside, hide, show = _aside.set_aside, _aside.hide, _aside.show


def is_hiding() -> bool:
    """Whether somebody has hidden a document and not yet shown it."""
    return _aside.hidden > 0
