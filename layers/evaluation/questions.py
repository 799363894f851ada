"""What is asked of the evaluation, of whom it may be asked, and which cases a row of its answer stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, and_, not_, or_, select, true

from layers.access import Actor, Role, require_visible
from layers.errors import Forbidden
from layers.evaluation.memory import Grouping
from layers.evaluation.periods import Period
from layers.evaluation.predicates import CODE
from layers.incidents import Incident
from layers.workers import Worker

By = Literal["area", "unit", "post", "worker"]
# The row of what has no unit, no worker, or lies in none of the areas below.
NONE = "-"
GROUPING: dict[By, Grouping] = {"area": "code", "unit": "unit", "post": "worker", "worker": "worker"}
# Who may see how single people do: whoever leads them, and each of them their own row.
LEADING = (Role.leader, Role.admin)
OVERSEEING = (*LEADING, Role.dispatcher, Role.auditor)


@dataclass(frozen=True, slots=True)
class EvaluationAsked:
    """One question. `area` is a code prefix; `worker_id` and `unit` bound it to the reader's own row."""

    by: By
    area: str
    period: Period
    worker_id: int | None = None
    unit: str | None = None


def ask(by: By | None, area: str | None, period: Period, *, reader: Actor) -> EvaluationAsked:
    """The question as this reader may ask it; without `by` workers and departments ask for themselves.

    Raises NotFound for an area that is not theirs, Forbidden for figures of people who are not theirs to lead, of a
    worker for any but the own row, of a department for any but departments.
    """
    if reader.role == Role.worker:
        if by not in (None, "worker"):
            raise Forbidden("figures_not_yours", by=by)
        # Who is tied to no staff number has no case: no id is 0.
        return EvaluationAsked("worker", "", period, worker_id=reader.worker_id or 0)
    where = reader.area if area is None else area
    require_visible(reader, where)
    if reader.role == Role.unit:
        if by not in (None, "unit"):
            raise Forbidden("figures_not_yours", by=by)
        return EvaluationAsked("unit", where, period, unit=reader.unit)
    if reader.role not in (LEADING if by == "worker" else OVERSEEING):
        raise Forbidden("figures_not_yours", by=by or "area")
    return EvaluationAsked(by or "area", where, period)


def is_asked(asked: EvaluationAsked) -> ColumnElement[bool]:
    """The cases of a question: reported in its period, in its area, and the reader's own where it is bound to that."""
    moments = and_(Incident.reported_at >= asked.period.since, Incident.reported_at < asked.period.until)
    own: list[ColumnElement[bool]] = [] if asked.worker_id is None else [Incident.worker_id == asked.worker_id]
    if asked.unit is not None:
        own.append(Incident.unit_code == asked.unit)
    return and_(moments, CODE.startswith(asked.area, autoescape=True) if asked.area else true(), *own)


def is_in_row(asked: EvaluationAsked, code: str, siblings: Sequence[str]) -> ColumnElement[bool]:
    """The cases of one row; `siblings` are the areas below the asked one, beside which the row of the rest lies."""
    if asked.by == "area":
        if code == NONE:
            return not_(or_(*(CODE.startswith(one, autoescape=True) for one in siblings)))
        return CODE.startswith(code, autoescape=True)
    if asked.by == "unit":
        return Incident.unit_code.is_(None) if code == NONE else Incident.unit_code == code
    if code == NONE:
        return Incident.worker_id.is_(None)
    named = Worker.role == code if asked.by == "post" else Worker.number == code
    return Incident.worker_id.in_(select(Worker.id).where(named))
