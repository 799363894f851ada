"""The tracks of workers by day: read by the worker alone, thinned within the hour, forgotten after some days.

read_track(session, worker_id, span=(since, until))      points in the order of time, in parts where it was silent
thin_tracks(session, now=now)                            fewer points, none farther than TOLERANCE_M from the truth
forget_tracks(session, now=now, days=30)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.orm import Session

from layers.moments import FRESH_S
from layers.positions.flips import METRES_A_DEGREE, distance_m
from layers.positions.table import TrackPoint
from layers.positions.thinning import Flags, list_begins, list_kept

# As near as a phone knows where it is.
TOLERANCE_M = 10.0
# What comes within the hour may still be joined by what a phone kept without a line.
RAW_FOR = timedelta(hours=1)
# Workers in one run: a second of work.
MOST_WORKERS = 300


class Footprint(NamedTuple):
    """One point of a track, in degrees WGS84."""

    at: datetime
    lon: float
    lat: float


def read_track(session: Session, worker_id: int, *, span: tuple[datetime, datetime]) -> list[list[Footprint]]:
    """Where a worker was in [since, until), in parts: a new one begins where nothing came for five minutes."""
    rows = _read_points(session, TrackPoint.worker_id == worker_id, *_lies_within(span))
    parts: list[list[Footprint]] = []
    for row, begins in zip(rows, _begins_of(rows).tolist(), strict=True):
        if begins:
            parts.append([])
        parts[-1].append(Footprint(row.fixed_at, row.lon, row.lat))
    return parts


def _lies_within(span: tuple[datetime, datetime]) -> tuple[ColumnElement[bool], ...]:
    return TrackPoint.fixed_at >= span[0], TrackPoint.fixed_at < span[1]


def _read_points(session: Session, *which: ColumnElement[bool]) -> Sequence[Any]:
    columns = (TrackPoint.slot, TrackPoint.fixed_at, TrackPoint.lon, TrackPoint.lat)
    asked = select(*columns, TrackPoint.thinned, TrackPoint.begins).where(*which)
    return session.execute(asked.order_by(TrackPoint.fixed_at)).all()


def _begins_of(rows: Sequence[Any]) -> Flags:
    if not rows:
        return np.zeros(0, dtype=np.bool_)
    at = np.asarray([row.fixed_at.timestamp() for row in rows])
    thinned, begun = (np.asarray([getattr(row, name) for row in rows]) for name in ("thinned", "begins"))
    return list_begins(at, thinned=thinned, begun=begun, gap_s=FRESH_S)


def length_of(part: Sequence[Footprint]) -> float:
    """The length of a part in metres."""
    return sum(distance_m(one[1:], other[1:]) for one, other in pairwise(part))


def thin_tracks(session: Session, *, now: datetime) -> int:
    """The number of points taken out of tracks; what came within the last hour stays as it is."""
    old = now - RAW_FOR
    # Two processes take different workers: whose rows are locked is another one's.
    due = (
        select(TrackPoint.worker_id, func.min(TrackPoint.fixed_at), func.max(TrackPoint.fixed_at))
        .where(~TrackPoint.thinned, TrackPoint.fixed_at < old)
        .group_by(TrackPoint.worker_id)
        .order_by(TrackPoint.worker_id)
        .limit(MOST_WORKERS)
    )
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("thin_tracks"))))
    return sum(_thin(session, *row) for row in session.execute(due).all())


def _thin(session: Session, worker_id: int, since: datetime, until: datetime) -> int:
    """Points that were thinned before stay: what is new hangs on the one before it and on those between."""
    ours = TrackPoint.worker_id == worker_id
    before = select(func.max(TrackPoint.fixed_at)).where(ours, TrackPoint.fixed_at < since).scalar_subquery()
    after = select(func.min(TrackPoint.fixed_at)).where(ours, TrackPoint.fixed_at > until).scalar_subquery()
    rows = _read_points(
        session,
        ours,
        TrackPoint.fixed_at >= func.coalesce(before, since),
        TrackPoint.fixed_at <= func.coalesce(after, until),
    )
    begins = _begins_of(rows)
    lat = np.asarray([row.lat for row in rows])
    x = np.asarray([row.lon for row in rows]) * np.cos(np.radians(lat.mean())) * METRES_A_DEGREE
    at = np.asarray([row.fixed_at.timestamp() for row in rows])
    due = np.asarray([since <= row.fixed_at <= until and not row.thinned for row in rows])
    kept = list_kept(x, lat * METRES_A_DEGREE, at, fixed=~due, begins=begins, within_m=TOLERANCE_M)
    gone = [row.slot for row, stays in zip(rows, kept, strict=True) if not stays]
    session.execute(delete(TrackPoint).where(ours, TrackPoint.slot.in_(gone)))
    # The one before began what it begins long ago; what came between may join the one after to it.
    told = [at for at, row in enumerate(rows) if kept[at] and row.fixed_at >= since]
    slots, flags = [rows[at].slot for at in told], begins[told].tolist()
    session.execute(text(_MARK), {"worker": worker_id, "slots": slots, "begins": flags})
    return len(gone)


_MARK = """
UPDATE personal.track_points AS point SET thinned = true, begins = told.begins
FROM unnest(CAST(:slots AS bigint[]), CAST(:begins AS boolean[])) AS told(slot, begins)
WHERE point.worker_id = :worker AND point.slot = told.slot AND (NOT point.thinned OR point.begins <> told.begins)
"""


def forget_tracks(session: Session, *, now: datetime, days: int) -> int:
    """The number of points removed that are older than so many days."""
    gone = delete(TrackPoint).where(TrackPoint.fixed_at < now - timedelta(days=days))
    return len(session.execute(gone.returning(TrackPoint.slot)).all())
