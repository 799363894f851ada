"""Counts that derive from residents, released a month at a time ([A3]).

    make_due(session, now=now, most=6)         the job: months that are over, counted, solved, audited, stored
    read_release(session, asked, by=by)        the door: rows of what was stored, never a count of its own

Why releases: a count that is hidden answer by answer comes back by subtraction, from nested weeks, from weeks against
months, from a street against its communities. Here a month is told once, with all its levels and categories together;
an auditor that knows nothing of how the cells were chosen must not be able to narrow any hidden cell to less than 11.
"""

from layers.releases.making import Made, list_due, make_due, make_release
from layers.releases.reads import LEVELS, ReleaseAsked, ReleaseCard, ReleasedCell, list_releases, read_release
from layers.releases.table import LAYERS, Release, ReleaseRow
from layers.smallest_count import SMALLEST

__all__ = [
    "LAYERS",
    "LEVELS",
    "SMALLEST",
    "Made",
    "Release",
    "ReleaseAsked",
    "ReleaseCard",
    "ReleaseRow",
    "ReleasedCell",
    "list_due",
    "list_releases",
    "make_due",
    "make_release",
    "read_release",
]
