"""What has happened since a mark: events in the order of their commits, and whoever has moved ([D12], [L7]).

    mark = read_mark(session)
    …
    news = read_news(session, mark, area="130273", now=now)      # each thing once, however it is cut into pieces

A mark is the number of the last event and a snapshot of PostgreSQL. An event's number is given after its commit, one
process at a time, so that a smaller one never appears later. Positions have no numbers, for each is overwritten by the
next: who has moved since a snapshot are the rows whose last transaction it does not see yet. Both hold over a restart
of the server. A mark of another database (a backup that was restored) is told from its being ahead of this one.

Both are read in one transaction that sees one moment (REPEATABLE READ).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, Text, and_, cast, func, or_, select, text
from sqlalchemy.orm import Session

from layers.outgoing import OutgoingEvent
from layers.shifts import MOMENT, duty_spans

OF_PLANS = "plan."
_MARK = re.compile(r"(\d{1,18})-((\d{1,18}):(\d{1,18}):((?:\d{1,18}(?:,\d{1,18})*)?))", re.ASCII)
# A snapshot names the transactions that were under way: some dozens; more than this was never given out.
LONGEST_MARK = 4_000


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Up to where somebody has been told: the last event's number, and what of the positions was seen."""

    number: int
    snapshot: str

    def __str__(self) -> str:
        return f"{self.number}-{self.snapshot}"


@dataclass(frozen=True, slots=True)
class Moved:
    """The newest fix of a worker on duty, in WGS84 degrees."""

    worker: str
    name: str
    area: str
    lon: float
    lat: float
    accuracy_m: float | None
    fixed_at: datetime


@dataclass(frozen=True, slots=True)
class CityNews:
    """What came after `since`, up to `mark`. `whole` is False where there was more than fits: ask again from `mark`;
    the positions come with the last piece."""

    since: Bookmark
    mark: Bookmark
    events: Sequence[OutgoingEvent]
    fixes: Sequence[Moved]
    whole: bool


def parse_mark(told: str) -> Bookmark | None:
    """The mark that was told, None for what was never told by us."""
    found = _MARK.fullmatch(told) if len(told) <= LONGEST_MARK else None
    if found is None:
        return None
    low, high = int(found[3]), int(found[4])
    running = [int(one) for one in found[5].split(",")] if found[5] else []
    bounded = all(low <= one < high for one in running) and 0 < low <= high
    return Bookmark(int(found[1]), found[2]) if bounded and running == sorted(set(running)) else None


def read_mark(session: Session) -> Bookmark:
    """The present moment."""
    last = select(func.coalesce(func.max(OutgoingEvent.number), 0)).scalar_subquery()
    number, snapshot = session.execute(select(last, cast(func.pg_current_snapshot(), Text))).one()
    return Bookmark(number, snapshot)


def is_known(session: Session, mark: Bookmark) -> bool:
    """Whether what came after a mark can still be told: not where events are forgotten since, nor for a mark that is
    ahead of this database."""
    row = session.execute(_STANDING, {"snapshot": mark.snapshot}).one()
    return bool((row.first or 1) - 1 <= mark.number <= (row.last or 0) and not row.ahead)


def read_news(session: Session, since: Bookmark, *, area: str, now: datetime, most: int) -> CityNews:
    """What has happened since a mark: events of an area (a code prefix) and of plans that hold it, and everybody on
    duty who has moved, wherever they are: whose they are is for who knows the charges."""
    present = read_mark(session)
    events = session.scalars(_events_after(since.number, area).limit(most + 1)).all()
    if len(events) > most:
        told = events[:most]
        reached = replace(since, number=told[-1].number or since.number)
        return CityNews(since, reached, told, (), whole=False)
    return CityNews(since, present, events, _list_moved(session, since.snapshot, now), whole=True)


def _list_moved(session: Session, snapshot: str, now: datetime) -> list[Moved]:
    moved = session.execute(_MOVED, {"snapshot": snapshot}).all()
    if not moved:
        return []
    duty = duty_spans(now, now + MOMENT)
    on_duty = set(session.scalars(select(duty.c.worker_id)))
    return [Moved(*row[1:]) for row in moved if row.id in on_duty]


def lies_in(event: OutgoingEvent, area: str) -> bool:
    """Whether an event is told in an area; a plan's district may be wider than it."""
    return event.area.startswith(area) or (event.kind.startswith(OF_PLANS) and area.startswith(event.area))


def _events_after(number: int, area: str) -> Select[OutgoingEvent]:
    within = OutgoingEvent.area.op("^@")(cast(area, Text))
    wider = and_(OutgoingEvent.kind.startswith(OF_PLANS), cast(area, Text).op("^@")(OutgoingEvent.area))
    later = select(OutgoingEvent).where(OutgoingEvent.number > number, or_(within, wider))
    return later.order_by(OutgoingEvent.number)


_STANDING = text("""
    SELECT (SELECT min(number) FROM outgoing_events) AS first,
           (SELECT max(number) FROM outgoing_events) AS last,
           pg_snapshot_xmax(CAST(:snapshot AS pg_snapshot)) > pg_snapshot_xmax(pg_current_snapshot()) AS ahead
""")
# The second condition leaves out what a restored backup brought along from a server that counted otherwise.
_MOVED = text("""
    SELECT w.id, w.number, w.name, w.area, p.lon, p.lat, p.accuracy_m, p.fixed_at
    FROM positions p JOIN workers w ON w.id = p.worker_id AND w.active
    WHERE NOT pg_visible_in_snapshot(CAST(CAST(p.written_in AS text) AS xid8), CAST(:snapshot AS pg_snapshot))
        AND pg_visible_in_snapshot(CAST(CAST(p.written_in AS text) AS xid8), pg_current_snapshot())
    ORDER BY w.number
""")
