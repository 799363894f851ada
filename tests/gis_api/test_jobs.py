"""The job process does what is due, and outlives a database that is away."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import Engine, text

from gis_api import jobs
from gis_api.answers.cases import JobKind
from gis_api.job_runner import WORK
from layers import history
from layers import jobs as long_jobs
from layers.access import Actor, SignIn, User
from layers.db import make_engine, transaction
from layers.incidents import IdempotencyKey
from tests.gis_api.conftest import ClientAs

OLD = datetime.now(UTC) - timedelta(days=31)


def test_idempotency_keys_are_kept_for_thirty_days(engine: Engine) -> None:
    with transaction(engine) as session:
        for key, at in (("old", OLD), ("young", datetime.now(UTC) - timedelta(days=29))):
            session.add(IdempotencyKey(client="key:x", key=key, body_sha256=b"1", at=at))
    with transaction(engine) as session:
        assert jobs.forget_idempotency_keys(session) == 1
        assert session.execute(text("SELECT key FROM idempotency_keys")).scalars().all() == ["young"]


def test_expired_sign_ins_are_forgotten(engine: Engine) -> None:
    with transaction(engine) as session:
        session.add(User(name="someone", role="leader", password_hash="x"))
        session.flush()
        session.add(SignIn(sha256=b"1", user_name="someone", expires_at=OLD))
    with transaction(engine) as session:
        assert jobs.forget_sign_ins(session) == 1


def test_a_database_that_is_away_ends_nothing() -> None:
    away = make_engine("postgresql://nobody@/nothing?host=/nowhere")
    assert jobs.do(away, jobs.Task("seal", 1.0, history.seal)) == 0


def test_tasks_are_done_again_when_they_are_due(engine: Engine) -> None:
    stop, count = threading.Event(), []

    def count_up(_: object) -> int:
        count.append(1)
        if len(count) == 3:
            stop.set()
        return 1

    jobs.run(engine, tasks=[jobs.Task("count", 0.01, count_up)], stop=stop)
    assert len(count) == 3


def test_the_job_process_keeps_a_child_that_does_long_jobs(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    monkeypatch.setenv("WANGGE_VAR", str(tmp_path))
    by = Actor(name="planner", role="planner", area="130273")
    with transaction(engine) as session:
        job_id = long_jobs.add_job(session, "inspection", task={"upload": "gone", "file": "a"}, area="", by=by).id
    workshop = jobs.Workshop()
    workshop.keep()
    try:
        deadline, state = time.monotonic() + 30, "queued"
        while state in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(0.1)
            with transaction(engine) as session:
                job = long_jobs.get_job(session, job_id, by=by)
                state, problem = job.state, job.problem
    finally:
        workshop.stop()
    assert state == "failed"
    assert problem is not None
    assert problem["code"] == "upload_gone"


def test_jobs_are_asked_by_a_kind_that_there_is(client_as: ClientAs) -> None:
    assert set(get_args(JobKind)) == set(WORK)
    assert client_as("planner").get("/api/v1/jobs", params=[("kind", kind) for kind in WORK]).status_code == 200
    refused = client_as("planner").get("/api/v1/jobs", params={"kind": "nonsense"})
    assert refused.status_code == 422 and refused.json()["errors"][0]["loc"][0] == "kind"
