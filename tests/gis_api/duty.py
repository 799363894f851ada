"""Everybody of the small city on duty and just seen at home: what tests of dispatching over HTTP start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from geoalchemy2.functions import ST_X, ST_Y
from sqlalchemy import Engine, insert, select
from sqlalchemy.dialects.postgresql import Range
from starlette.testclient import TestClient

from layers import categories
from layers.db import transaction
from layers.positions import Position
from layers.shifts import Shift
from layers.workers import Worker, announce


def put_on_duty(engine: Engine) -> None:
    """Shifts from six hours ago for twelve hours, positions of half a minute ago, and the categories; announced."""
    now = datetime.now(UTC)
    span = Range(now - timedelta(hours=6), now + timedelta(hours=6), bounds="[)")
    seen = now - timedelta(seconds=30)
    with transaction(engine) as session:
        categories.ensure_defaults(session)
        homes = session.execute(select(Worker.id, ST_X(Worker.home), ST_Y(Worker.home))).all()
        session.execute(insert(Shift), [{"worker_id": worker_id, "span": span} for worker_id, _, _ in homes])
        session.execute(
            insert(Position),
            [
                {"worker_id": worker_id, "lon": lon, "lat": lat, "raw_lon": lon, "raw_lat": lat, "fixed_at": seen}
                for worker_id, lon, lat in homes
            ],
        )
        announce(session)


def report(client: TestClient, at: tuple[float, float], *, key: str | None = None, **told: Any) -> Any:
    """The answer to a report of a place, with a key of its own where none is given."""
    body = {"lon": at[0], "lat": at[1], "category": "sanitation", **told}
    return client.post("/api/v1/incidents", json=body, headers={"Idempotency-Key": key or uuid4().hex})
