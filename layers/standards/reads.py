"""The sheet read: its versions, one of them whole, one condition with what its sub-class says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.clocks import Limit
from layers.errors import NotFound, Unacceptable
from layers.standards.sheet import Condition, StandardSheet, SubClass
from layers.standards.table import Standard, StandardCondition, StandardSubClass
from layers.units import Unit, list_units


@dataclass(frozen=True, slots=True)
class StandardEntry:
    """One condition of a version, with its sub-class; `unit_code` is the department in charge where it is known."""

    version: int
    condition: Condition
    sub_class: SubClass
    unit_code: str | None


def get_last_version(session: Session) -> int:
    """The number of the newest version, 0 where no sheet was ever taken in."""
    return session.scalar(select(func.max(Standard.version))) or 0


def list_standards(session: Session) -> Sequence[Standard]:
    """All versions, newest first."""
    return session.scalars(select(Standard).order_by(Standard.version.desc())).all()


def get_standard(session: Session, version: int) -> Standard:
    """One version's own line; raises NotFound."""
    found = session.get(Standard, version)
    if found is None:
        raise NotFound("not_found")
    return found


def get_sheet(session: Session, version: int) -> StandardSheet:
    """One version whole; raises NotFound."""
    get_standard(session, version)
    conditions: dict[str, list[Condition]] = defaultdict(list)
    asked = select(StandardCondition).where(StandardCondition.version == version)
    for row in session.scalars(asked.order_by(StandardCondition.position)):
        conditions[row.sub_class].append(_condition(row))
    found = select(StandardSubClass).where(StandardSubClass.version == version).order_by(StandardSubClass.position)
    return StandardSheet(tuple(_sub_class(row, conditions[row.code]) for row in session.scalars(found)))


def find_limit(session: Session, version: int, condition: str) -> Limit | None:
    """How long a case of this condition may take, None for one that the version does not have."""
    row = session.get(StandardCondition, (version, condition))
    return None if row is None else row.limit


def find_condition(session: Session, condition: str, *, version: int | None = None) -> StandardEntry:
    """The condition in a version, the newest one where none is said.

    Raises Unacceptable `unknown_condition` for a code that it does not have.
    """
    version = get_last_version(session) if version is None else version
    row = session.get(StandardCondition, (version, condition))
    if row is None:
        errors = [(["condition"], "unknown_condition")]
        raise Unacceptable("unknown_condition", errors=errors, condition=condition[:60], version=version)
    sub_class = _sub_class(session.get_one(StandardSubClass, (version, row.sub_class)), ())
    unit = find_unit(sub_class, unit_codes(list_units(session)))
    return StandardEntry(version, _condition(row), sub_class, unit)


def find_unit(sub_class: SubClass, codes: Mapping[str, str]) -> str | None:
    """The code of the responsible department, of the supervising one where only that is known, else None."""
    return codes.get(sub_class.responsible) or codes.get(sub_class.supervising)


def unit_codes(units: Sequence[Unit]) -> Mapping[str, str]:
    """The code of a department by whatever a sheet may call it: its code or its name in either language."""
    return {words: unit.code for unit in units for words in (unit.name_en, unit.name, unit.code) if words}


def _condition(row: StandardCondition) -> Condition:
    return Condition(row.code, row.case, row.limit, row.closes)


def _sub_class(row: StandardSubClass, conditions: Sequence[Condition]) -> SubClass:
    return SubClass(
        code=row.code,
        class_name=row.class_name,
        name=row.name,
        kind=row.kind,
        supervising=row.supervising,
        responsible=row.responsible,
        basis=row.basis,
        conditions=tuple(conditions),
    )
