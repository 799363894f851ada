"""Taking a batch of positions: the newest fix of each worker by fix time, each of the others with its reason ([D2])."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.moments import AGEING_S, CLOCK_ERROR, read_moment
from layers.positions.flips import LEAST_JUMP_M, METRES_A_DEGREE, Astray, Judged, Seen, judge
from layers.workers import announce

# A phone that was away from the net sends what it kept; what is older than this is a wrong clock.
OLDEST = timedelta(days=7)
# Tracks are kept for so long where nothing else is set.
TRACK_DAYS = 30
# A track takes one point in so many seconds: on foot that is a dozen metres.
SLOT_S = 10


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
    """How many fixes were stored, how many came too late, and which were refused for which reason.

    `flagged` are taken and choose nobody: `late` (a newer one is known), `old` (half an hour old when it came, and so
    stale: the phone had no line, or its clock is behind).
    """

    stored: int
    late: int
    refused: tuple[tuple[int, str], ...]
    flagged: tuple[tuple[int, str], ...] = ()


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
    RETURNING worker_id
),
slots AS (
    SELECT id, floor(date_part('epoch', fixed_at) / :slot_s)::bigint AS slot, fixed_at, lon, lat FROM known
    WHERE reason IS NULL AND fixed_at >= :track_since
),
tracked AS (
    INSERT INTO personal.track_points (worker_id, slot, fixed_at, lon, lat)
    SELECT DISTINCT ON (id, slot) id, slot, slots.fixed_at, slots.lon, slots.lat
    FROM slots LEFT JOIN positions AS old ON old.worker_id = id
    WHERE floor(date_part('epoch', old.fixed_at) / :slot_s)::bigint IS DISTINCT FROM slot
    ORDER BY id, slot, slots.fixed_at
    ON CONFLICT DO NOTHING
)
SELECT (SELECT count(*) FROM stored) AS stored,
    (SELECT coalesce(json_agg(place ORDER BY place), '[]') FROM known WHERE reason IS NULL AND place NOT IN (
        SELECT place FROM latest WHERE id IN (SELECT worker_id FROM stored))) AS late,
    (SELECT coalesce(json_agg(json_build_array(place, reason) ORDER BY place), '[]') FROM known
        WHERE reason IS NOT NULL) AS refused
"""


# Degrees of latitude, squared, by which a flip moves somebody at least: a tenth less, as degrees are no metres.
JUMP_2 = (0.9 * LEAST_JUMP_M / METRES_A_DEGREE) ** 2
# Those in a batch who may have jumped, with what is known of them: who moved as far in a minute or two, who has several
# fixes, whose phone is astray. Mostly nobody, so that a batch is looked through where it is stored.
SUSPECTS = """
SELECT workers.number, positions.lon, positions.lat, positions.raw_lon, positions.raw_lat, positions.datum,
    positions.accuracy_m, positions.fixed_at, positions.astray
FROM unnest(CAST(:worker AS text[]), CAST(:lon AS double precision[]), CAST(:lat AS double precision[]),
    CAST(:fixed_at AS timestamptz[])) AS sent(worker, lon, lat, fixed_at)
JOIN workers ON workers.number = sent.worker AND workers.active
    AND starts_with(workers.area, :area) AND (NOT :own_only OR workers.id IS NOT DISTINCT FROM :only)
LEFT JOIN positions ON positions.worker_id = workers.id
WHERE positions.astray IS NOT NULL OR (
    sent.fixed_at <= positions.fixed_at + interval '3 minutes'
    AND power(sent.lat - positions.lat, 2)
        + power((sent.lon - positions.lon) * cos(radians(positions.lat)), 2) > :jump_2)
    OR sent.worker = ANY(CAST(:repeated AS text[]))
"""
ASTRAY = """
UPDATE positions SET astray = CAST(told.astray AS jsonb)
FROM unnest(CAST(:numbers AS text[]), CAST(:astray AS text[])) AS told(number, astray)
JOIN workers ON workers.number = told.number
WHERE positions.worker_id = workers.id
"""


def add_fixes(
    session: Session, fixes: Sequence[Fix], *, now: datetime, track_days: int = TRACK_DAYS, by: Actor
) -> Stored:
    """What became of each fix; a worker's own fixes only, where a worker reports, and none of one without a number.

    A fix that is not newer than the stored one, or than another one of the same worker in the batch, counts as late.
    Refused: a moment over 60 s ahead (`in_the_future`: it would block all later fixes, [D2]) or more than seven days
    ago (`too_long_ago`), `unknown_worker`, `foreign_area`, `another_worker`, `datum_flipped` ([C2]).
    All that was not refused is in the worker's track, where tracks are kept for any days at all.
    """
    earliest, latest = now - OLDEST, now + CLOCK_ERROR
    timely = [fix for fix in fixes if earliest <= fix.fixed_at <= latest]
    refused = [(fix.place, "in_the_future") for fix in fixes if fix.fixed_at > latest]
    refused += [(fix.place, "too_long_ago") for fix in fixes if fix.fixed_at < earliest]
    whose = {"area": by.area, "own_only": by.role == Role.worker, "only": by.worker_id}
    flipped, astray = _find_flips(session, timely, whose)
    refused += [(place, "datum_flipped") for place in flipped]
    believed = [fix for fix in timely if fix.place not in flipped] if flipped else timely
    about = {
        "sent_by": by.name,
        "gateway": by.gateway,
        "slot_s": float(SLOT_S),
        "track_since": now - timedelta(track_days),
    }
    found = session.execute(text(STORE), {**_columns(believed), **whose, **about}).one()
    if astray:  # after the store: of a phone that is new its row is new
        told = [None if one is None else _as_json(one) for one in astray.values()]
        session.execute(text(ASTRAY), {"numbers": list(astray), "astray": told})
    if found.stored:
        announce(session)
    refused += [(place, reason) for place, reason in found.refused]
    flagged = [*((place, "late") for place in found.late), *_list_old(believed, found, now)]
    return Stored(found.stored, len(found.late), tuple(sorted(refused)), tuple(sorted(flagged)))


def _list_old(fixes: Sequence[Fix], found: Any, now: datetime) -> Iterator[tuple[int, str]]:
    told = {*found.late, *(place for place, _ in found.refused)}
    old = now - timedelta(seconds=AGEING_S)
    return ((fix.place, "old") for fix in fixes if fix.fixed_at < old and fix.place not in told)


def _find_flips(
    session: Session, fixes: Sequence[Fix], whose: dict[str, Any]
) -> tuple[set[int], dict[str, Astray | None]]:
    """The places in the batch of the fixes of phones that speak another datum than they state, and who changed."""
    columns = _columns(fixes)
    asked = {name: columns[name] for name in ("worker", "lon", "lat", "fixed_at")}
    repeated = [number for number, times in Counter(fix.worker for fix in fixes).items() if times > 1]
    rows = session.execute(text(SUSPECTS), {**asked, **whose, "jump_2": JUMP_2, "repeated": repeated}).all()
    suspects = {row.number: row for row in rows}.values()
    if not suspects:
        return set(), {}
    by_worker: dict[str, list[Fix]] = defaultdict(list)
    for fix in fixes:
        by_worker[fix.worker].append(fix)
    changed: dict[str, Astray | None] = {}
    flipped: set[int] = set()
    for row in suspects:
        before = None if row.astray is None else _read_astray(row.astray)
        judged = _judge(row, before, by_worker[row.number])
        flipped.update(judged.flipped)
        if judged.astray != before:
            changed[row.number] = judged.astray
    return flipped, changed


def _judge(row: Any, astray: Astray | None, sent: Sequence[Fix]) -> Judged:
    last = (row.lon, row.lat, row.raw_lon, row.raw_lat, row.datum, row.accuracy_m, row.fixed_at)
    known = None if row.fixed_at is None else Seen(-1, *last)
    told = (
        Seen(fix.place, fix.lon, fix.lat, fix.raw_lon, fix.raw_lat, fix.datum, fix.accuracy_m, fix.fixed_at)
        for fix in sorted(sent, key=lambda fix: (fix.fixed_at, fix.place))
    )
    return judge(known, astray, told)


def _as_json(astray: Astray) -> str:
    return orjson.dumps({**astray._asdict(), "at": astray.at.isoformat()}).decode()


def _read_astray(kept: dict[str, Any]) -> Astray:
    return Astray(**{**kept, "at": read_moment(kept["at"])})


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
    words = {name: "{" + ",".join(map(_quote, columns[name])) + "}" for name in ("worker", "datum")}
    return {**told, **words, "fixed_at": "{" + ",".join([at.isoformat() for at in columns["fixed_at"]]) + "}"}


def _quote(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
