"""The last known position of each worker, ordered by fix time ([D2])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.db import Base, now_column
from layers.workers import announce

# A clock that is a little ahead is forgiven; one that is further ahead would block all later fixes ([D2]).
MOST_AHEAD = timedelta(seconds=60)


class Position(Base):
    """One worker's last fix. No spatial index: it would cost the hot table its in-page updates (HOT)."""

    __tablename__ = "positions"
    __table_args__ = (
        CheckConstraint("lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name="on_earth"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    worker_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    lon: Mapped[float]
    lat: Mapped[float]
    raw_lon: Mapped[float]
    raw_lat: Mapped[float]
    datum: Mapped[str] = mapped_column(server_default="wgs84")
    accuracy_m: Mapped[float | None]
    fixed_at: Mapped[datetime]
    received_at: Mapped[datetime] = now_column()


@dataclass(frozen=True, slots=True)
class Fix:
    """One reported position; `index` is its place in what was sent, `lon, lat` are WGS84 degrees."""

    index: int
    worker: str
    lon: float
    lat: float
    raw_lon: float
    raw_lat: float
    datum: str
    accuracy_m: float | None
    fixed_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """How many fixes were stored, how many came too late, and which were refused for which reason."""

    stored: int
    late: int
    refused: tuple[tuple[int, str], ...]


# One statement for a whole batch. Rows are locked in the order of worker ids, so two batches never wait for each other
# in a circle; the newest fix of each worker wins within the batch and against what is stored.
STORE = """
WITH sent AS (
    SELECT * FROM unnest(
        CAST(:index AS integer[]), CAST(:worker AS text[]),
        CAST(:lon AS double precision[]), CAST(:lat AS double precision[]),
        CAST(:raw_lon AS double precision[]), CAST(:raw_lat AS double precision[]),
        CAST(:datum AS text[]), CAST(:accuracy_m AS double precision[]), CAST(:fixed_at AS timestamptz[])
    ) AS sent(index, worker, lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at)
),
known AS (
    SELECT sent.*, workers.id, CASE
        WHEN workers.id IS NULL THEN 'unknown_worker'
        WHEN NOT starts_with(workers.area, :area) THEN 'foreign_area'
        WHEN workers.id <> :only THEN 'another_worker' END AS reason
    FROM sent LEFT JOIN workers ON workers.number = sent.worker AND workers.active
),
latest AS (
    SELECT DISTINCT ON (id) * FROM known WHERE reason IS NULL ORDER BY id, fixed_at DESC, index DESC
),
stored AS (
    INSERT INTO positions AS old (worker_id, lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at)
    SELECT id, lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at FROM latest
    ON CONFLICT (worker_id) DO UPDATE SET (lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at, received_at)
        = (excluded.lon, excluded.lat, excluded.raw_lon, excluded.raw_lat, excluded.datum, excluded.accuracy_m,
           excluded.fixed_at, now())
        WHERE old.fixed_at < excluded.fixed_at
    RETURNING 1
)
SELECT (SELECT count(*) FROM stored) AS stored,
    (SELECT count(*) FROM known WHERE reason IS NULL) AS meant,
    (SELECT coalesce(json_agg(json_build_array(index, reason) ORDER BY index), '[]') FROM known
        WHERE reason IS NOT NULL) AS refused
"""


def add_fixes(session: Session, fixes: Sequence[Fix], *, now: datetime, by: Actor) -> Stored:
    """What became of each fix; a worker's own fixes only, where a worker reports.

    A fix that is not newer than the stored one, or than another one of the same worker in the batch, counts as late.
    Refused: a moment over 60 s ahead (`in_the_future`), `unknown_worker`, `foreign_area`, `another_worker`.
    """
    ahead = [fix for fix in fixes if fix.fixed_at > now + MOST_AHEAD]
    timely = [fix for fix in fixes if fix.fixed_at <= now + MOST_AHEAD]
    values: dict[str, Any] = {name: [getattr(fix, name) for fix in timely] for name in Fix.__slots__}
    found = session.execute(text(STORE), {**values, "area": by.area, "only": by.worker_id}).one()
    if found.stored:
        announce(session)
    refused = [(index, reason) for index, reason in found.refused] + [(fix.index, "in_the_future") for fix in ahead]
    return Stored(found.stored, found.meant - found.stored, tuple(sorted(refused)))
