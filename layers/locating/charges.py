"""Who serves which code, from when to when ([P6]), in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.assignments import Assignment
from layers.locating.location import Responsible
from layers.workers import Worker

ALWAYS = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HeldCharge:
    """One worker's charge of one code in [since, until)."""

    code: str
    worker: str
    name: str
    role: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class ChargeIndex:
    """All charges by code, each list ordered by role and staff number."""

    by_code: Mapping[str, tuple[HeldCharge, ...]]

    @classmethod
    def of(cls, charges: Iterable[HeldCharge]) -> ChargeIndex:
        """The charges, in the order in which answers list them."""
        by_code: dict[str, list[HeldCharge]] = {}
        for charge in sorted(charges, key=lambda one: (one.code, one.role, one.worker, one.since)):
            by_code.setdefault(charge.code, []).append(charge)
        return cls({code: tuple(held) for code, held in by_code.items()})

    def list_responsible(self, code: str, level: str, *, at: datetime) -> tuple[Responsible, ...]:
        """Who is in charge of a code at a moment."""
        return tuple(
            Responsible(charge.worker, charge.name, charge.role, level)
            for charge in self.by_code.get(code, ())
            if charge.since <= at < charge.until
        )

    def find_next_change(self, after: datetime) -> datetime:
        """The first moment after this one at which a charge begins or ends; the end of time where none does."""
        moments = (moment for held in self.by_code.values() for one in held for moment in (one.since, one.until))
        return min((moment for moment in moments if moment > after), default=ALWAYS)


def load_charges(session: Session) -> ChargeIndex:
    """The charges of all active workers, past and future ones included."""
    lower, upper = func.lower(Assignment.span), func.upper(Assignment.span)
    statement = (
        select(Assignment.grid_code, Worker.number, Worker.name, Assignment.role, lower, upper)
        .join(Worker, Worker.id == Assignment.worker_id)
        .where(Worker.active)
    )
    rows = session.execute(statement)
    return ChargeIndex.of(
        HeldCharge(code, number, name, role, since or NEVER, until or ALWAYS)
        for code, number, name, role, since, until in rows
    )
