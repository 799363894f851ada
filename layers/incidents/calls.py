"""Who is called to a case beside whoever has it, by run cards: stored, read, and how many are short.

A call fills a hand of the worker while the case is in hand; it ends with that, and needs no step of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.db import Base, id_column, now_column
from layers.incidents.table import OPEN_TASK_STATES, Incident
from layers.workers import Worker

# A call, on the way, cannot come.
ANSWERS = ("called", "coming", "declined")
HELPING = ("called", "coming")


class CallLevel(Base):
    """A level that was called: how many of which role it wanted then, whoever changes the cards afterwards."""

    __tablename__ = "incident_call_levels"
    __table_args__ = (CheckConstraint("level > 0", name="levels_begin_with_one"),)

    incident_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wanted: Mapped[dict[str, Any]]
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


class IncidentCall(Base):
    """A worker who was called to help, why this one (`why`, as a candidate is told), and what they answered."""

    __tablename__ = "incident_calls"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(one) for one in ANSWERS)})", name="state"),
        Index("uq_incident_calls_incident_id_worker_id", "incident_id", "worker_id", unique=True),
        Index("ix_incident_calls_worker_id", "worker_id", postgresql_where=text("state <> 'declined'")),
    )

    id: Mapped[int] = id_column()
    incident_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("incidents.id", ondelete="CASCADE"))
    worker_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workers.id"))
    role: Mapped[str]
    level: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="called")
    why: Mapped[dict[str, Any]]
    at: Mapped[datetime] = now_column()
    answered_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class CallCard:
    """A call as it is told."""

    worker_id: int
    worker: str
    name: str
    phone: str | None
    role: str
    level: int
    state: str
    why: Mapping[str, Any]
    at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseCalls:
    """The levels that were called, everybody who was, and how many of which role are short of what was wanted."""

    level: int
    helpers: tuple[CallCard, ...]
    short: Mapping[str, int]


def helping_tasks(worker_id: Any = None) -> Any:
    """The calls that fill a hand, with the urgency of their case; of one worker, where one is named."""
    found = (
        select(IncidentCall.worker_id, Incident.urgency)
        .join(Incident, Incident.id == IncidentCall.incident_id)
        .where(IncidentCall.state != "declined", Incident.state.in_(OPEN_TASK_STATES))
    )
    return found if worker_id is None else found.where(IncidentCall.worker_id == worker_id)


def helpers_column() -> Any:
    """Who helps at an incident, `{worker id: called | coming}` as a column of a statement that reads incidents."""
    told = func.jsonb_object_agg(IncidentCall.worker_id, IncidentCall.state)
    helping = IncidentCall.state != "declined"
    return select(told).where(IncidentCall.incident_id == Incident.id, helping).correlate(Incident).scalar_subquery()


def find_calls(session: Session, incident_id: int) -> CaseCalls | None:
    """Who was called to a case, None where no run card has called anybody."""
    levels = session.scalars(
        select(CallLevel).where(CallLevel.incident_id == incident_id).order_by(CallLevel.level)
    ).all()
    if not levels:
        return None
    person = (Worker.id, Worker.number, Worker.name, Worker.phone)
    call = (IncidentCall.role, IncidentCall.level, IncidentCall.state, IncidentCall.why)
    rows = session.execute(
        select(*person, *call, IncidentCall.at, IncidentCall.answered_at)
        .join(IncidentCall, IncidentCall.worker_id == Worker.id)
        .where(IncidentCall.incident_id == incident_id)
        .order_by(IncidentCall.id)
    ).all()
    helpers = tuple(CallCard(*row) for row in rows)
    leads = select(Worker.role).join(Incident, Incident.worker_id == Worker.id).where(Incident.id == incident_id)
    there = Counter(one.role for one in helpers if one.state in HELPING) + Counter(session.scalars(leads).all())
    wanted: Counter[str] = Counter()
    for level in levels:
        wanted += Counter(level.wanted)
    return CaseCalls(levels[-1].level, helpers, dict(wanted - there))


def keep_level(session: Session, incident_id: int, level: int, wanted: Mapping[str, int], *, by: str) -> None:
    """Keep what a level wants."""
    session.add(CallLevel(incident_id=incident_id, level=level, wanted=dict(wanted), by=by))
    session.flush()


def keep_call(session: Session, incident_id: int, worker_id: int, *, role: str, level: int, why: Any) -> None:
    """Keep that a worker is called."""
    about = {"worker_id": worker_id, "role": role, "level": level, "why": why}
    session.add(IncidentCall(incident_id=incident_id, **about))
    session.flush()


def end_calls(session: Session, worker_id: int, *, at: datetime) -> list[int]:
    """The living cases to which a worker was called who will not come: their calls say so, and are short of one."""
    living = select(Incident.id).where(Incident.state.in_(OPEN_TASK_STATES))
    this = (IncidentCall.worker_id == worker_id, IncidentCall.state.in_(HELPING), IncidentCall.incident_id.in_(living))
    ended = update(IncidentCall).where(*this).values(state="declined", answered_at=at)
    return list(session.scalars(ended.returning(IncidentCall.incident_id)))


def answer_call(session: Session, incident_id: int, worker_id: int, state: str, *, at: datetime) -> IncidentCall:
    """The call of a worker, with their answer."""
    this = (IncidentCall.incident_id == incident_id, IncidentCall.worker_id == worker_id)
    call = session.scalars(select(IncidentCall).where(*this)).one()
    call.state, call.answered_at = state, at
    session.flush()
    return call
