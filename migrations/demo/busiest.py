"""Who has most to do in the demo: whose page shows something when somebody signs in as them."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.incidents import OPEN_TASK_STATES, Incident
from layers.workers import Worker


def find_busy_worker(session: Session) -> Worker | None:
    """The first worker with an open task, else the first one."""
    busy = select(Incident.worker_id).where(Incident.state.in_(OPEN_TASK_STATES))
    return session.scalars(select(Worker).order_by(Worker.id.in_(busy).desc(), Worker.number).limit(1)).first()


def find_busiest_unit(session: Session) -> str | None:
    """The department with most cases in which a department can take the next step."""
    theirs = Incident.state.in_(("accepted", "arrived"))
    cases = select(Incident.unit_code).where(theirs, Incident.unit_code.is_not(None)).group_by(Incident.unit_code)
    return session.scalar(cases.order_by(func.count().desc(), Incident.unit_code).limit(1))
