"""Which of a file's tables are meant: one, several that are named, or all; never one of several without a word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from layers.errors import Unacceptable

ALL = "*"


def choose_tables(
    names: Sequence[str], path: Path, wanted: str | None, preferred: str, *, known: Sequence[str] = ()
) -> list[str]:
    """The names of the tables to read as one; `known` are further ones that may be named.

    Raises Unacceptable `file_has_no_such_table`, `file_has_several_tables`, `file_is_broken` where there is none.
    """
    if not names:
        raise Unacceptable("file_is_broken", file=path.name, reason="no table can be read")
    if wanted is not None:
        return _select_named(names, [*names, *known], path, wanted)
    if preferred in (*names, *known):
        return [preferred]
    if len(names) != 1:
        raise Unacceptable("file_has_several_tables", file=path.name, tables=", ".join(names))
    return [names[0]]


def _select_named(names: Sequence[str], known: Sequence[str], path: Path, wanted: str) -> list[str]:
    """The tables of a wish: all, one by its name (which may hold commas), or several, a line or a comma each."""
    if wanted == ALL:
        return list(names)
    if wanted in known:
        return [wanted]
    several = [part.strip() for part in (wanted.split("\n") if "\n" in wanted else wanted.split(","))]
    for one in several:
        if one not in known:
            raise Unacceptable("file_has_no_such_table", file=path.name, table=one, tables=", ".join(names))
    return list(dict.fromkeys(several))
