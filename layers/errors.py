"""What can go wrong in the city's data, as one small tree.

    LayerError
    ├── NotFound          there is no such thing, or not for this person
    ├── Forbidden         the role or the area does not allow it
    ├── Conflict          it may not follow from the present state
    ├── Outdated          somebody else was faster (the version seen is old)
    ├── Unacceptable      the input is wrong; says where
    └── Unavailable       the database or a child process is away

Every error carries a stable `code` (its words live in the texts of the web package), the values those words
need, and, where there is one, the place as a shapely geometry in WGS84 degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapely.geometry.base import BaseGeometry


class LayerError(Exception):
    """The base of all errors of this package."""

    def __init__(
        self,
        code: str,
        *,
        where: BaseGeometry | None = None,
        errors: Sequence[tuple[Sequence[str | int], str]] = (),
        **details: Any,
    ) -> None:
        super().__init__(code, details)
        self.code = code
        self.where = where
        self.errors = tuple(errors)
        self.details = details

    def __str__(self) -> str:
        words = ", ".join(f"{name}={value!r}" for name, value in self.details.items())
        return f"{self.code}({words})" if words else self.code


class NotFound(LayerError):
    """There is no such thing, or it lies outside the area of who asks."""


class Forbidden(LayerError):
    """The role, the area or the rule of the second pair of eyes does not allow it."""


class Conflict(LayerError):
    """It may not follow from the present state."""


class Outdated(LayerError):
    """The version that was seen is no longer the latest one."""


class Unacceptable(LayerError):
    """The input is wrong; `errors` and `where` say what and where."""


class Unavailable(LayerError):
    """Something that is needed is away for the moment; `retry_after_s` says when to ask again."""

    def __init__(self, code: str, *, retry_after_s: int = 2, **details: Any) -> None:
        super().__init__(code, **details)
        self.retry_after_s = retry_after_s
