"""The last known position of each worker, ordered by fix time ([D2]), with who sent it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor, Role
from layers.db import Base, now_column
from layers.moments import CLOCK_ERROR
from layers.workers import announce

# A phone that was away from the net sends what it kept; what is older than this is a wrong clock.
OLDEST = timedelta(days=7)


class Position(Base):
    """One worker's last fix. No spatial index: it would cost the hot table its in-page updates (HOT)."""

    __tablename__ = "positions"
    __table_args__ = (
        CheckConstraint("lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name="on_earth"),
        CheckConstraint("fixed_at <= received_at + interval '1 day'", name="fixed_before_it_was_received"),
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
    # Who sent it, and whether that was the worker's own account or a gateway: anybody else's word proves no place.
    sent_by: Mapped[str | None]
    first_hand: Mapped[bool] = mapped_column(server_default="true")
    # The transaction that wrote it last: by it a reader knows exactly what has come since another moment. `xmin` would
    # be that of a savepoint, where there is one, of which a snapshot knows nothing.
    written_in: Mapped[int] = mapped_column(BigInteger, server_default=text("((pg_current_xact_id())::text)::bigint"))


class Fix(NamedTuple):
    """One reported position; `place` is where it stands in what was sent, `lon, lat` are WGS84 degrees."""

    place: int
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


# The columns of a batch that JSON spells as PostgreSQL does: a float's shortest text, null.
NUMBERS = frozenset(("place", "lon", "lat", "raw_lon", "raw_lat", "accuracy_m"))

# One statement for a whole batch. Rows are locked in the order of worker ids, so two batches never wait for each other
# in a circle; the newest fix of each worker wins within the batch and against what is stored.
STORE = """
WITH sent AS (
    SELECT * FROM unnest(
        CAST(:place AS integer[]), CAST(:worker AS text[]),
        CAST(:lon AS double precision[]), CAST(:lat AS double precision[]),
        CAST(:raw_lon AS double precision[]), CAST(:raw_lat AS double precision[]),
        CAST(:datum AS text[]), CAST(:accuracy_m AS double precision[]), CAST(:fixed_at AS timestamptz[])
    ) AS sent(place, worker, lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at)
),
known AS (
    SELECT sent.*, workers.id, CASE
        WHEN workers.id IS NULL THEN 'unknown_worker'
        WHEN NOT starts_with(workers.area, :area) THEN 'foreign_area'
        WHEN :own_only AND workers.id IS DISTINCT FROM :only THEN 'another_worker' END AS reason
    FROM sent LEFT JOIN workers ON workers.number = sent.worker AND workers.active
),
latest AS (
    SELECT DISTINCT ON (id) * FROM known WHERE reason IS NULL ORDER BY id, fixed_at DESC, place DESC
),
stored AS (
    INSERT INTO positions AS old
        (worker_id, lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at, sent_by, first_hand)
    SELECT id, lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at, :sent_by,
        :gateway OR id IS NOT DISTINCT FROM :only FROM latest
    ON CONFLICT (worker_id) DO UPDATE
        SET (lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at, received_at, sent_by, first_hand, written_in)
        = (excluded.lon, excluded.lat, excluded.raw_lon, excluded.raw_lat, excluded.datum, excluded.accuracy_m,
           excluded.fixed_at, now(), excluded.sent_by, excluded.first_hand, excluded.written_in)
        WHERE old.fixed_at < excluded.fixed_at
    RETURNING 1
)
SELECT (SELECT count(*) FROM stored) AS stored,
    (SELECT count(*) FROM known WHERE reason IS NULL) AS meant,
    (SELECT coalesce(json_agg(json_build_array(place, reason) ORDER BY place), '[]') FROM known
        WHERE reason IS NOT NULL) AS refused
"""


def add_fixes(session: Session, fixes: Sequence[Fix], *, now: datetime, by: Actor) -> Stored:
    """What became of each fix; a worker's own fixes only, where a worker reports, and none of one without a number.

    A fix that is not newer than the stored one, or than another one of the same worker in the batch, counts as late.
    Refused: a moment over 60 s ahead (`in_the_future`: it would block all later fixes, [D2]) or more than seven days
    ago (`too_long_ago`), `unknown_worker`, `foreign_area`, `another_worker`.
    """
    earliest, latest = now - OLDEST, now + CLOCK_ERROR
    timely = [fix for fix in fixes if earliest <= fix.fixed_at <= latest]
    ahead = [(fix.place, "in_the_future") for fix in fixes if fix.fixed_at > latest]
    behind = [(fix.place, "too_long_ago") for fix in fixes if fix.fixed_at < earliest]
    whose = {"area": by.area, "own_only": by.role == Role.worker, "only": by.worker_id}
    whose |= {"sent_by": by.name, "gateway": by.gateway}
    found = session.execute(text(STORE), {**_columns(timely), **whose}).one()
    if found.stored:
        announce(session)
    refused = [(place, reason) for place, reason in found.refused] + ahead + behind
    return Stored(found.stored, found.meant - found.stored, tuple(sorted(refused)))


def _columns(fixes: Sequence[Fix]) -> dict[str, str]:
    """The fixes by column, each as an array in PostgreSQL's own spelling.

    The driver would spell 9,000 values one by one, which takes three times as long as storing them.
    """
    if not fixes:
        return dict.fromkeys(Fix._fields, "{}")
    columns: dict[str, tuple[Any, ...]] = dict(zip(Fix._fields, zip(*fixes, strict=True), strict=True))
    told = {
        name: "{" + orjson.dumps(values)[1:-1].decode() + "}" for name, values in columns.items() if name in NUMBERS
    }
    words = {name: "{" + ",".join(map(_quoted, columns[name])) + "}" for name in ("worker", "datum")}
    return {**told, **words, "fixed_at": "{" + ",".join([at.isoformat() for at in columns["fixed_at"]]) + "}"}


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
