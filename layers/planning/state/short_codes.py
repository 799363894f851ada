"""What a grid is called where there is no room for its code: the shortest end of the code that names one grid.

Never less than community and sequence (`202-001`); where other grids of the plan end so too, the street stands before
it (`101-202-001`). The pages have the same rule (`static/js/model/names.js`); both are held to
`tests/fixtures/short_codes.json`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache

_NUMBERED = re.compile(r"\d{6}(\d{3})(\d{3})(\d{3})(\d{2})?", re.ASCII)
_DISTRICT = re.compile(r"^\d{6}-", re.ASCII)


def ends_of(code: str) -> list[str]:
    """The ends of a code that may name it, shortest first; the last one holds all that differs in a district."""
    found = _NUMBERED.fullmatch(code)
    if found is None:
        return [_DISTRICT.sub("", code)]
    subdistrict, *rest = (part for part in found.groups() if part is not None)
    return ["-".join(rest), "-".join((subdistrict, *rest))]


def shorten_codes(codes: Collection[str]) -> Mapping[str, str]:
    """The short code of each code of one plan; where no end is a code's alone, the code itself.

    Of the last few sets of codes they are kept: most edits of a plan leave its codes alone.
    """
    return _shorten(frozenset(codes))


@lru_cache(maxsize=8)
def _shorten(known: frozenset[str]) -> Mapping[str, str]:
    used = Counter(end for code in known for end in ends_of(code))
    return {code: next((end for end in ends_of(code) if used[end] == 1), code) for code in known}
