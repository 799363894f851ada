"""Long work as rows: one at a time per person and kind, taken by one process, called off, taken up again once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session

from layers import jobs
from layers.access import Actor
from layers.db import transaction
from layers.errors import Conflict, NotFound
from layers.jobs import Job, Lost, Mark

PLANNER = Actor(name="planner", role="planner", area="130273")
AT_ONCE = timedelta(0)


def added(session: Session, *, kind: str = "import", by: Actor = PLANNER, **task: Any) -> Job:
    return jobs.add_job(session, kind, task=task, area=by.area, by=by)


def claimed(session: Session, *, kind: str = "import") -> Job:
    job = jobs.claim(session, kinds=(kind,))
    assert job is not None
    return job


def test_a_job_waits_runs_and_is_done(session: Session) -> None:
    job = added(session, layer="grids")
    assert (job.state, job.progress, job.attempt) == ("queued", 0.0, 0)
    taken = claimed(session)
    assert (taken.id, taken.state, taken.attempt, taken.task) == (job.id, "running", 1, {"layer": "grids"})
    assert taken.by == PLANNER
    jobs.beat(session, job.id, attempt=1, at=Mark(0.4, "storing", {"rows": 7}))
    seen = jobs.get_job(session, job.id, by=PLANNER)
    assert (seen.progress, seen.message, seen.message_values) == (0.4, "storing", {"rows": 7})
    jobs.finish(session, job.id, attempt=1, result={"stored": 7})
    seen = jobs.get_job(session, job.id, by=PLANNER)
    assert (seen.state, seen.progress, seen.result) == ("done", 1.0, {"stored": 7})
    assert seen.finished_at is not None


def test_a_person_has_one_open_job_of_a_kind(session: Session) -> None:
    first = added(session)
    with pytest.raises(Conflict, match="job_open") as refused:
        added(session)
    assert refused.value.details["job"] == first.id
    assert claimed(session).id == first.id
    added(session, kind="inspection")
    added(session, by=Actor(name="other", role="planner", area="130273"))
    added(session, by=Actor(name="planner", role="planner", area="130273", kind="key"))
    with pytest.raises(Conflict, match="job_open"):
        added(session)
    jobs.finish(session, first.id, attempt=1, result={})
    assert added(session).id != first.id


def test_of_two_requests_at_once_one_gets_the_job(engine: Engine) -> None:
    with transaction(engine) as one:
        added(one)
        with pytest.raises(Exception, match=r"job_open|lock timeout"), transaction(engine) as other:
            other.execute(text("SET LOCAL lock_timeout = '100ms'"))
            added(other)
    with pytest.raises(Conflict, match="job_open"), transaction(engine) as other:
        added(other)


def test_two_processes_never_take_the_same_job(engine: Engine) -> None:
    with transaction(engine) as session:
        wanted = {added(session, by=Actor(name=name, role="planner")).id for name in ("a", "b")}
    with transaction(engine) as one, transaction(engine) as other:
        assert {claimed(one).id, claimed(other).id} == wanted
        assert jobs.claim(other, kinds=("import",)) is None


def test_the_oldest_job_comes_first_and_other_kinds_are_left_alone(session: Session) -> None:
    first = added(session, by=Actor(name="a", role="planner"))
    session.execute(update(Job).where(Job.id == first.id).values(created_at=text("now() - interval '1 hour'")))
    added(session, by=Actor(name="b", role="planner"))
    assert jobs.claim(session, kinds=("divide",)) is None
    assert claimed(session).id == first.id


def test_a_waiting_job_that_is_called_off_is_over_at_once(session: Session) -> None:
    job = jobs.cancel(session, added(session).id, by=PLANNER)
    assert job.state == "cancelled"
    assert job.finished_at is not None
    assert jobs.claim(session, kinds=("import",)) is None
    with pytest.raises(Conflict, match="job_is_over"):
        jobs.cancel(session, job.id, by=PLANNER)


def test_a_running_job_that_is_called_off_stores_nothing(session: Session) -> None:
    added(session)
    job = claimed(session)
    assert jobs.cancel(session, job.id, by=PLANNER).state == "running"
    with pytest.raises(Lost):
        jobs.beat(session, job.id, attempt=1, at=Mark(0.5))
    with pytest.raises(Lost):
        jobs.finish(session, job.id, attempt=1, result={})
    jobs.give_back(session, job.id, attempt=1)
    assert jobs.get_job(session, job.id, by=PLANNER).state == "cancelled"


def test_a_job_whose_process_died_is_taken_up_once_more_and_then_fails(session: Session) -> None:
    job = added(session)
    claimed(session)
    assert jobs.take_up_silent(session) == 0, "it beat a moment ago"
    silent(session, job.id)
    assert jobs.take_up_silent(session) == 1
    assert jobs.get_job(session, job.id, by=PLANNER).state == "queued"
    assert claimed(session).attempt == 2
    with pytest.raises(Lost):
        jobs.beat(session, job.id, attempt=1, at=Mark(0.9))
    silent(session, job.id)
    jobs.take_up_silent(session)
    seen = jobs.get_job(session, job.id, by=PLANNER)
    assert seen.state == "failed"
    assert seen.problem is not None
    assert seen.problem["code"] == "job_crashed"


def test_a_process_that_is_told_to_end_gives_its_job_back_as_if_it_had_not_begun(session: Session) -> None:
    job = added(session)
    for _ in range(3):
        assert claimed(session).attempt == 1
        jobs.give_back(session, job.id, attempt=1)
    assert jobs.get_job(session, job.id, by=PLANNER).state == "queued"


def silent(session: Session, job_id: str) -> None:
    session.execute(update(Job).where(Job.id == job_id).values(beat_at=text("now() - interval '1 minute'")))


def test_a_failed_job_says_why_and_makes_room_for_the_next(session: Session) -> None:
    job = added(session)
    claimed(session)
    jobs.fail(session, job.id, attempt=1, problem={"code": "file_is_empty", "details": {}, "where": None})
    seen = jobs.get_job(session, job.id, by=PLANNER)
    assert (seen.state, seen.problem) == ("failed", {"code": "file_is_empty", "details": {}, "where": None})
    added(session)


@pytest.mark.parametrize(
    ("reader", "sees"),
    [
        (PLANNER, True),
        (Actor(name="colleague", role="planner", area="130273"), True),
        (Actor(name="admin", role="admin", area=""), True),
        (Actor(name="leader", role="leader", area="130273"), False),
        (Actor(name="colleague", role="planner", area="120104"), False),
        (Actor(name="colleague", role="planner", area="130273001"), False),
    ],
)
def test_a_job_is_seen_by_its_owner_and_the_planners_of_its_area(session: Session, reader: Actor, sees: bool) -> None:
    job = added(session)
    if sees:
        assert jobs.get_job(session, job.id, by=reader).id == job.id
        return
    with pytest.raises(NotFound):
        jobs.get_job(session, job.id, by=reader)
    with pytest.raises(NotFound):
        jobs.cancel(session, job.id, by=reader)


def test_the_list_holds_ones_own_jobs_only(session: Session) -> None:
    mine = added(session)
    added(session, by=Actor(name="other", role="planner", area="130273"))
    assert [job.id for job in jobs.list_jobs(session, by=PLANNER)] == [mine.id]
    assert jobs.list_jobs(session, by=PLANNER, kinds=("divide",)) == []


def test_an_upload_is_its_owners_and_is_forgotten_after_a_day_unless_a_job_needs_it(session: Session) -> None:
    for name in ("old", "needed", "young"):
        jobs.add_upload(session, name, name="grids.gpkg", size_bytes=3, sha256=b"x", by=PLANNER)
    with pytest.raises(NotFound):
        jobs.get_upload(session, "old", by=Actor(name="other", role="planner", area="130273"))
    session.execute(text("UPDATE uploads SET at = now() - interval '25 hours' WHERE id <> 'young'"))
    needing = jobs.add_job(session, "import", task={}, area="", upload="needed", by=PLANNER)
    assert jobs.forget_old(session) == ["old"]
    assert jobs.list_uploads(session) == {"needed", "young"}
    jobs.cancel(session, needing.id, by=PLANNER)
    assert jobs.forget_old(session) == ["needed"]
    assert jobs.get_job(session, needing.id, by=PLANNER).upload_id is None
