"""What planners say of the proposals of a division: stored with its job, and gone with it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.db import CODE, Base, code_column, id_column, now_column
from layers.errors import Conflict, NotFound
from layers.jobs import Job, JobState, get_job

MOST_COMMENTS = 500
MOST_DIVISIONS = 20
KIND = "division"


class DivisionComment(Base):
    """One remark of one person on one proposal, named by its profile; never changed, like a line of a record."""

    __tablename__ = "division_comments"
    __table_args__ = (Index("ix_division_comments_job_id", "job_id"),)

    id: Mapped[int] = id_column()
    job_id: Mapped[str] = mapped_column(CODE, ForeignKey("jobs.id", ondelete="CASCADE"))
    profile: Mapped[str]
    words: Mapped[str]
    by: Mapped[str] = code_column()
    at: Mapped[datetime] = now_column()


def get_division(session: Session, plan_id: int, job_id: str, *, by: Actor) -> Job:
    """The finished division of this plan; NotFound `no_such_job`, Conflict `no_proposal_yet` where it is not done."""
    job = get_job(session, job_id, by=by)
    if job.kind != KIND or int(job.task["plan"]) != plan_id:
        raise NotFound("no_such_job", job=job_id[:40])
    if job.state != JobState.done or job.result is None:
        raise Conflict("no_proposal_yet", job=job_id, state=job.state)
    return job


def list_divisions(session: Session, plan_id: int, *, by: Actor) -> list[Job]:
    """The finished divisions of a plan, whoever asked for them, the latest first; those of other areas left out."""
    done = select(Job).where(
        Job.kind == KIND, Job.state == JobState.done, Job.task["plan"].as_integer() == plan_id
    )  # fmt: skip
    latest = session.scalars(done.order_by(Job.finished_at.desc(), Job.id).limit(MOST_DIVISIONS))
    return [job for job in latest if by.holds(job.area)]


def list_comments(session: Session, job_id: str) -> list[DivisionComment]:
    """All that was said of a job's proposals, the oldest first."""
    said = select(DivisionComment).where(DivisionComment.job_id == job_id).order_by(DivisionComment.id)
    return list(session.scalars(said))


def add_comment(session: Session, job: Job, profile: str, words: str, *, by: Actor) -> DivisionComment:
    """The stored comment; NotFound `no_such_proposal`, Conflict `too_many_comments` from MOST_COMMENTS on."""
    if not any(one["profile"] == profile for one in (job.result or {}).get("proposals", ())):
        raise NotFound("no_such_proposal", profile=profile)
    count = select(func.count()).select_from(DivisionComment).where(DivisionComment.job_id == job.id)
    if (session.scalar(count) or 0) >= MOST_COMMENTS:
        raise Conflict("too_many_comments", most=MOST_COMMENTS)
    comment = DivisionComment(job_id=job.id, profile=profile, words=words, by=by.name)
    session.add(comment)
    session.flush()
    session.refresh(comment)
    return comment
