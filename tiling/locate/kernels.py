"""Which of the two kernels for many points is used: compiled by numba where it is installed, else numpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from tiling.locate import vectorised

Kernel: TypeAlias = Callable[[Any, Any, Any, Any, Any], None]


@cache
def fastest() -> Kernel:
    """The compiled kernel, or the numpy one where numba is missing.

    The first call imports numba (0.3 s, two seconds more on a machine where nothing is cached): a service makes it at
    its start, a command that looks up one point never does.
    """
    try:
        from tiling.locate import compiled
    except ImportError:
        return vectorised.many
    kernel: Kernel = compiled.many
    return kernel
