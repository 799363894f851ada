"""Long work as rows: queued, run by one process, watched from anywhere, left and found again; and its uploaded files.

    job = add_job(session, "import", task={...}, area="130273", by=planner)        the door
    job = claim(session, kinds=("import",))                                        the process that works
    beat(session, job.id, attempt=job.attempt, at=Mark(0.4, "storing"))            every half second
    finish(session, job.id, attempt=job.attempt, result={...})                     in the transaction of the work itself

A job whose process died is taken up again once; then it fails and says so. `finish` belongs to the transaction of the
work: either both are stored or neither.
"""

from __future__ import annotations

import enum
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    and_,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import BYTEA, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor, Role
from layers.db import CODE, Base, code_column, now_column
from layers.errors import Conflict, NotFound

MOST_ATTEMPTS = 2
# A working process beats twice a second; what is silent for so long has died or hangs.
SILENT_AFTER = timedelta(seconds=30)
KEEP_UPLOADS = timedelta(days=1)
KEEP_JOBS = timedelta(days=30)
MOST_LISTED = 50


class JobState(enum.StrEnum):
    """The life of a job."""

    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"


OPEN = (JobState.queued, JobState.running)


class Upload(Base):
    """A file that somebody sent, kept for a day under its id; `name` is what they called it and only ever shown."""

    __tablename__ = "uploads"

    id: Mapped[str] = code_column(primary_key=True)
    owner: Mapped[str] = code_column()
    area: Mapped[str] = code_column(server_default="")
    name: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[Any] = mapped_column(BYTEA)
    at: Mapped[datetime] = now_column()


class Job(Base):
    """One piece of long work; `task` is what was asked, `result` what came of it, `problem` why nothing did."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued','running','done','failed','cancelled')", name="state"),
        CheckConstraint("progress BETWEEN 0 AND 1", name="progress"),
        CheckConstraint(
            "(state IN ('done','failed','cancelled')) = (finished_at IS NOT NULL)", name="the_end_has_a_time"
        ),
        Index("ix_jobs_owner_created_at", "owner", "created_at"),
        Index("ix_jobs_upload_id", "upload_id"),
        Index(
            "ix_jobs_one_open", "owner", "kind", unique=True, postgresql_where=text("state IN ('queued', 'running')")
        ),
    )

    id: Mapped[str] = code_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="queued")
    owner: Mapped[str] = code_column()
    actor: Mapped[dict[str, Any]]
    area: Mapped[str] = code_column(server_default="")
    task: Mapped[dict[str, Any]]
    upload_id: Mapped[str | None] = mapped_column(CODE, ForeignKey("uploads.id", ondelete="SET NULL"))
    progress: Mapped[float] = mapped_column(server_default="0")
    message: Mapped[str] = mapped_column(server_default="")
    message_values: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    result: Mapped[dict[str, Any] | None]
    problem: Mapped[dict[str, Any] | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    stop_asked: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = now_column()
    started_at: Mapped[datetime | None]
    beat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def by(self) -> Actor:
        """Who asked for the work, as they were then."""
        return Actor(**self.actor)


class JobPaper(Base):
    """A file that a job made, under its form (`pdf`, `xlsx`); gone with the job."""

    __tablename__ = "job_papers"

    job_id: Mapped[str] = mapped_column(CODE, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    form: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    content: Mapped[Any] = mapped_column(BYTEA)


@dataclass(frozen=True)
class Mark:
    """How far a job is: the share done, 0 to 1, and the code and values of the words for what it is doing."""

    progress: float
    message: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


class Lost(Exception):
    """The job is no longer this process's: it was cancelled, or given to another one."""


def make_id() -> str:
    """An id that cannot be guessed."""
    return secrets.token_urlsafe(12)


def owner_of(by: Actor) -> str:
    """Under which name somebody's jobs are found again; a key may be called as a person is."""
    return f"{by.kind}:{by.name}"


def add_job(
    session: Session, kind: str, *, task: Mapping[str, Any], area: str, upload: str | None = None, by: Actor
) -> Job:
    """The queued job; raises Conflict `job_open` while one of this kind of the same person waits or runs."""
    values = {
        "id": make_id(),
        "kind": kind,
        "owner": owner_of(by),
        "actor": asdict(by),
        "area": area,
        "task": dict(task),
        "upload_id": upload,
    }
    added = (
        insert(Job)
        .values(values)
        .on_conflict_do_nothing(index_elements=[Job.owner, Job.kind], index_where=Job.state.in_(OPEN))
    )
    job: Job | None = session.scalar(added.returning(Job))
    if job is None:
        open_one = select(Job.id).where(Job.owner == owner_of(by), Job.kind == kind, Job.state.in_(OPEN))
        raise Conflict("job_open", job=session.scalar(open_one) or "")
    return job


def get_job(session: Session, job_id: str, *, by: Actor) -> Job:
    """The job; raises NotFound for one that is neither one's own nor, for planners and admins, of one's area."""
    job = session.scalar(select(Job).where(Job.id == job_id).execution_options(populate_existing=True))
    if job is None or not _may_see(job, by):
        raise NotFound("no_such_job", job=job_id[:40])
    return job


def _may_see(job: Job, by: Actor) -> bool:
    return job.owner == owner_of(by) or (by.role in (Role.planner, Role.admin) and by.holds(job.area))


def list_jobs(session: Session, *, by: Actor, kinds: Sequence[str] = ()) -> list[Job]:
    """One's own jobs, newest first, the latest fifty."""
    mine = select(Job).where(Job.owner == owner_of(by)).order_by(Job.created_at.desc(), Job.id).limit(MOST_LISTED)
    return list(session.scalars(mine.where(Job.kind.in_(kinds)) if kinds else mine))


def cancel(session: Session, job_id: str, *, by: Actor) -> Job:
    """The job, called off: one that waits is over at once, one that runs within seconds; nothing of it is stored.

    Raises NotFound as `get_job` does, and Conflict `job_is_over` for one that is done, failed or cancelled.
    """
    get_job(session, job_id, by=by)
    ended = case((Job.state == JobState.queued, func.now()), else_=None)
    state = case((Job.state == JobState.queued, JobState.cancelled), else_=Job.state)
    asked = update(Job).where(Job.id == job_id, Job.state.in_(OPEN))
    job = session.scalar(
        asked.values(stop_asked=True, state=state, finished_at=ended)
        .returning(Job)
        .execution_options(populate_existing=True)
    )
    if job is None:
        raise Conflict("job_is_over", job=job_id)
    return job


def claim(session: Session, *, kinds: Sequence[str]) -> Job | None:
    """The oldest waiting job, now running under the caller; None where nothing waits. Others skip what one looks at."""
    waiting = (
        select(Job.id)
        .where(Job.state == JobState.queued, Job.kind.in_(kinds))
        .order_by(Job.created_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    values = {
        "state": JobState.running,
        "attempt": Job.attempt + 1,
        "beat_at": func.now(),
        "started_at": func.coalesce(Job.started_at, func.now()),
        "progress": 0.0,
        "message": "",
        "message_values": {},
    }
    taken = update(Job).where(Job.id == waiting).values(values).returning(Job)
    return session.scalar(taken.execution_options(populate_existing=True))


def beat(session: Session, job_id: str, *, attempt: int, at: Mark) -> None:
    """Say that one is still at it, and how far; raises Lost when the job was called off or given to another process."""
    values = {
        "beat_at": func.clock_timestamp(),
        "progress": min(max(at.progress, 0.0), 1.0),
        "message": at.message,
        "message_values": dict(at.values),
    }
    told = session.scalar(update(Job).where(_mine(job_id, attempt)).values(values).returning(Job.stop_asked))
    if told is None or told:
        raise Lost(job_id)


def finish(session: Session, job_id: str, *, attempt: int, result: Mapping[str, Any]) -> None:
    """Store what came of the job; raises Lost where it is no longer one's own, so that the work is taken back too."""
    values = {"state": JobState.done, "progress": 1.0, "message": "done", "message_values": {}, "result": dict(result)}
    statement = update(Job).where(_mine(job_id, attempt), ~Job.stop_asked).values(finished_at=func.now(), **values)
    if session.scalar(statement.returning(Job.id)) is None:
        raise Lost(job_id)


def fail(session: Session, job_id: str, *, attempt: int, problem: Mapping[str, Any]) -> None:
    """Store why nothing came of the job; one that is no longer one's own stays as it is."""
    values = {"state": JobState.failed, "message": "failed", "message_values": {}, "problem": dict(problem)}
    session.execute(update(Job).where(_mine(job_id, attempt)).values(finished_at=func.now(), **values))


def give_back(session: Session, job_id: str, *, attempt: int) -> None:
    """Put a job back whose process is told to end, as if it had never begun; one that was called off is over."""
    _settle(session, _mine(job_id, attempt), attempts=func.greatest(Job.attempt - 1, 0), most=MOST_ATTEMPTS + 1)


def take_up_silent(session: Session, *, silent_after: timedelta = SILENT_AFTER) -> int:
    """The number of jobs whose process fell silent: queued again, or failed (`job_crashed`) after the second time."""
    silent = and_(Job.state == JobState.running, Job.beat_at < func.now() - silent_after)
    return _settle(session, silent, attempts=Job.attempt, most=MOST_ATTEMPTS)


def _settle(session: Session, which: Any, *, attempts: Any, most: int) -> int:
    over = or_(Job.stop_asked, Job.attempt >= most)
    crashed = {"code": "job_crashed", "details": {"attempts": MOST_ATTEMPTS}, "where": None}
    values = {
        "state": case((Job.stop_asked, JobState.cancelled), (Job.attempt >= most, JobState.failed), else_="queued"),
        "problem": case((and_(~Job.stop_asked, Job.attempt >= most), literal(crashed, Job.problem.type)), else_=None),
        "finished_at": case((over, func.now()), else_=None),
        "attempt": attempts,
    }
    return len(session.execute(update(Job).where(which).values(values).returning(Job.id)).all())


def _mine(job_id: str, attempt: int) -> Any:
    return and_(Job.id == job_id, Job.state == JobState.running, Job.attempt == attempt)


def add_paper(session: Session, job_id: str, *, form: str, name: str, content: bytes) -> None:
    """Keep a file that a job made, in the transaction of its work."""
    session.add(JobPaper(job_id=job_id, form=form, name=name, content=content))


def get_paper(session: Session, job_id: str, *, form: str, by: Actor) -> JobPaper:
    """A file of a job; raises NotFound as `get_job` does, and `no_such_paper` where the job made none of that form."""
    get_job(session, job_id, by=by)
    paper = session.get(JobPaper, (job_id, form))
    if paper is None:
        raise NotFound("no_such_paper", job=job_id, form=form)
    return paper


def add_upload(session: Session, upload_id: str, *, name: str, size_bytes: int, sha256: bytes, by: Actor) -> Upload:
    """The record of a file that lies in the upload folder under this id."""
    upload = Upload(id=upload_id, owner=owner_of(by), area=by.area, name=name[:200], bytes=size_bytes, sha256=sha256)
    session.add(upload)
    session.flush()
    return upload


def get_upload(session: Session, upload_id: str, *, by: Actor) -> Upload:
    """Somebody's own upload; raises NotFound for one that is gone or of somebody else."""
    upload = session.get(Upload, upload_id)
    if upload is None or upload.owner != owner_of(by):
        raise NotFound("no_such_upload", upload=upload_id[:40])
    return upload


def forget_surplus(session: Session, *, keep: int, by: Actor) -> list[str]:
    """The ids of somebody's uploads beyond their latest few that no open job needs, now forgotten."""
    latest = select(Upload.id).where(Upload.owner == owner_of(by)).order_by(Upload.at.desc()).limit(keep)
    surplus = delete(Upload).where(
        Upload.owner == owner_of(by), Upload.id.not_in(latest), Upload.id.not_in(_select_in_use())
    )
    return list(session.scalars(surplus.returning(Upload.id)))


def _select_in_use() -> Any:
    return select(Job.upload_id).where(Job.state.in_(OPEN), Job.upload_id.is_not(None))


def forget_old(session: Session) -> list[str]:
    """The ids of uploads that are a day old and that no open job needs, now forgotten; old jobs are forgotten too."""
    old = delete(Upload).where(Upload.at < func.now() - KEEP_UPLOADS, Upload.id.not_in(_select_in_use()))
    gone = list(session.scalars(old.returning(Upload.id)))
    session.execute(delete(Job).where(Job.finished_at < func.now() - KEEP_JOBS))
    return gone


def list_uploads(session: Session) -> set[str]:
    """The ids of all uploads that are known."""
    return set(session.scalars(select(Upload.id)))
