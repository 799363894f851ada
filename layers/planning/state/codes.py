"""Codes for new grids ([S8]): pluggable schemes, and the lineage that keeps a code from ever being given twice.

Two schemes. In the numbered one (Tangshan's) a grid has 15 digits, the community's 12 and a sequence of 3, a sub-grid
2 more. Foreign data keep their own ids as `<district>-<id>`; a new grid gets the next free number there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from sqlalchemy import BindParameter, bindparam, func, literal, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.db import CODE
from layers.errors import Conflict, Unacceptable
from layers.grids import Grid
from layers.plans import Lineage

COMMUNITY_DIGITS = 12
GRID_DIGITS = 15
# The origin of a code that a planner gave to a grid in place of its old one.
RENAMED = "rename"


class Scheme(Protocol):
    """How codes of new grids are formed."""

    def prefix(self, parent: str) -> str:
        """What the codes among which the next one is counted have in common."""
        ...

    def choose_code(self, parent: str, *, taken: Collection[str]) -> str:
        """The code of a new grid below a parent; raises Conflict when none is left."""
        ...

    def fits(self, code: str, *, parent: str) -> bool:
        """Whether this could be the code of a grid below a parent, whoever thought of it."""
        ...


class Numbered:
    """15 digits for a grid, 17 for a sub-grid: the next number after the largest one ever given."""

    def prefix(self, parent: str) -> str:
        return parent

    def choose_code(self, parent: str, *, taken: Collection[str]) -> str:
        digits = GRID_DIGITS - COMMUNITY_DIGITS if len(parent) == COMMUNITY_DIGITS else 2
        return _choose_number(parent, digits=digits, taken=taken)

    def fits(self, code: str, *, parent: str) -> bool:
        digits = GRID_DIGITS - COMMUNITY_DIGITS if len(parent) == COMMUNITY_DIGITS else 2
        number = code.removeprefix(parent)
        return code.startswith(parent) and len(number) == digits and _is_number(number) and int(number) > 0


class Foreign:
    """`<district>-<id>`: the next number after the largest numeric id ever given."""

    def __init__(self, district: str) -> None:
        self.district = district

    def prefix(self, parent: str) -> str:  # noqa: ARG002 - ids are counted over the whole district
        return f"{self.district}-"

    def choose_code(self, parent: str, *, taken: Collection[str]) -> str:
        prefix = self.prefix(parent)
        ids = (code.removeprefix(prefix) for code in taken)
        # Nine digits at most: a time stamp or a hash is no sequence to go on from.
        numbers = [int(part) for part in ids if _is_number(part) and len(part) <= 9]
        return f"{prefix}{max(numbers, default=0) + 1}"

    def fits(self, code: str, *, parent: str) -> bool:
        return _continues(self.prefix(parent), code)


class ForeignSubGrids:
    """A foreign grid's code and `-01`, `-02` ..."""

    def prefix(self, parent: str) -> str:
        return f"{parent}-"

    def choose_code(self, parent: str, *, taken: Collection[str]) -> str:
        return _choose_number(self.prefix(parent), digits=2, taken=taken)

    def fits(self, code: str, *, parent: str) -> bool:
        return _continues(self.prefix(parent), code)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _continues(prefix: str, code: str) -> bool:
    """Whether a code is a prefix and an id of letters, digits, hyphens, dots and underscores."""
    return code.startswith(prefix) and re.fullmatch(r"[\w.-]{1,40}", code.removeprefix(prefix)) is not None


def scheme_of(district: str, parent: str, *, level: str) -> Scheme:
    """The scheme by which a district forms codes of this level below this parent."""
    digits = COMMUNITY_DIGITS if level == "grid" else GRID_DIGITS
    if parent.isascii() and parent.isdigit() and len(parent) == digits:
        return Numbered()
    return Foreign(district) if level == "grid" else ForeignSubGrids()


def claim(
    session: Session,
    district: str,
    *,
    parent: str,
    level: str,
    plan_id: int,
    origin: str,
    ancestors: Sequence[str] = (),
) -> str:
    """A new code below a parent, written into the lineage; raises Conflict when no number is left."""
    scheme = scheme_of(district, parent, level=level)
    taken = _read_taken(session, district, scheme.prefix(parent), plan_id)
    line = {"district": district, "plan_id": plan_id, "origin": origin, "ancestors": list(ancestors)}
    while True:
        code = scheme.choose_code(parent, taken=taken)
        statement = insert(Lineage).values(code=code, **line).on_conflict_do_nothing().returning(Lineage.code)
        if session.scalar(statement) is not None:
            return code
        taken.add(code)  # another draft of the district was faster


def rename(session: Session, district: str, code: str, *, to: str, parent: str, level: str, plan_id: int) -> None:
    """Let the lineage of a code go on under another one.

    Raises Unacceptable for a code that the district's scheme does not form below the parent, Conflict for one that
    belongs to another lineage, be it in another draft or long gone. A code that the same grid bore before is its own.
    """
    if not scheme_of(district, parent, level=level).fits(to, parent=parent):
        raise Unacceptable("code_unfit", errors=[(["new_code"], "code_unfit")], grid=to, parent=parent)
    line = {"district": district, "plan_id": plan_id, "origin": RENAMED, "ancestors": [code]}
    statement = insert(Lineage).values(code=to, **line).on_conflict_do_nothing().returning(Lineage.code)
    if session.scalar(statement) is None and to not in names_of(session, district).get(code, ()):
        raise Conflict("code_given", grid=to)


def names_of(session: Session, district: str) -> dict[str, frozenset[str]]:
    """All codes that a grid has borne, in any draft of the district, by each of them; only grids that were recoded."""
    renamed = select(Lineage.code, Lineage.ancestors[1]).where(Lineage.district == district, Lineage.origin == RENAMED)
    names: dict[str, frozenset[str]] = {}
    for one, other in session.connection().execute(renamed):
        together = names.get(one, frozenset((one,))) | names.get(other, frozenset((other,)))
        names |= dict.fromkeys(together, together)
    return names


def record_plan(session: Session, district: str, *, plan_id: int, origin: str) -> None:
    """Write every code of a plan into the lineage; codes already known keep their line."""
    codes = select(literal(district, CODE), Grid.code, literal(origin), Grid.plan_id).where(Grid.plan_id == plan_id)
    statement = insert(Lineage).from_select(["district", "code", "origin", "plan_id"], codes)
    session.execute(statement.on_conflict_do_nothing())


def record_ancestors(session: Session, district: str, code: str, *, plan_id: int, ancestors: Iterable[str]) -> None:
    """Note that a code goes on with the ground of others (a merge): they become its ancestors."""
    statement = insert(Lineage).values(
        district=district, code=code, origin="merge", plan_id=plan_id, ancestors=sorted(ancestors)
    )
    joined = func.array_cat(Lineage.ancestors, statement.excluded.ancestors)
    session.execute(statement.on_conflict_do_update(index_elements=["district", "code"], set_={"ancestors": joined}))


def _read_taken(session: Session, district: str, prefix: str, plan_id: int) -> set[str]:
    start: BindParameter[str] = bindparam("start", prefix)
    given = select(Lineage.code).where(Lineage.district == district, func.starts_with(Lineage.code, start))
    drawn = select(Grid.code).where(Grid.plan_id == plan_id, func.starts_with(Grid.code, start))
    return set(session.scalars(union(given, drawn)))


def _choose_number(prefix: str, *, digits: int, taken: Collection[str]) -> str:
    width = len(prefix) + digits
    numbers = [int(code[len(prefix) :]) for code in taken if len(code) == width and code[len(prefix) :].isdigit()]
    number = max(numbers, default=0) + 1
    if number >= 10**digits:
        raise Conflict("codes_exhausted", parent=prefix)
    return f"{prefix}{number:0{digits}d}"
