"""Who is on duty when, worked out of all that is stored: the one statement that everybody who asks goes through ([D1]).

    base    = single shifts ∪ the shifts of the week (templates by the wall clock of their zone)
    duty    = (base ∪ what one stands in for) − leave ∪ extra

What somebody stands in for is the base of whoever is absent, within the span of the leave. A leave takes away also what
one would have stood in for; an extra is on top of everything. PostgreSQL's multiranges add, take away and merge, so
spans that overlap or touch come out as one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    CompoundSelect,
    Date,
    DateTime,
    Integer,
    Select,
    cast,
    extract,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE, Range

from layers.shifts.table import LONGEST, Shift, ShiftException, ShiftTemplate

_DAY = timedelta(days=1)


def duty_spans(since: datetime, until: datetime, *, beyond: timedelta = timedelta(0)) -> CTE:
    """`worker_id, span`: the duty that touches [since, until).

    Which moments of the window are duty is exact; how far a stretch goes on outside is followed as far as `beyond`.
    """
    window = Range(since - beyond, until + beyond, bounds="[)")
    base = _base(window).subquery()
    taken = (
        select(ShiftException.substitute_id.label("worker_id"), (base.c.span * ShiftException.span).label("span"))
        .select_from(base)
        .join(ShiftException, ShiftException.worker_id == base.c.worker_id)
        .where(ShiftException.substitute_id.is_not(None), base.c.span.overlaps(ShiftException.span))
    )
    due = _unite_spans(union_all(select(base.c.worker_id, base.c.span), taken)).subquery()
    leaves = _unite_spans(_exceptions("leave", window)).subquery()
    nothing = cast(literal("{}"), TSTZMULTIRANGE)
    kept = due.c.spans - func.coalesce(leaves.c.spans, nothing)
    at_work = select(due.c.worker_id, func.unnest(kept, type_=Shift.span.type).label("span"))
    at_work = at_work.outerjoin(leaves, leaves.c.worker_id == due.c.worker_id)
    whole = _unite_spans(union_all(at_work, _exceptions("extra", window))).subquery()
    told = select(whole.c.worker_id, func.unnest(whole.c.spans, type_=Shift.span.type).label("span")).subquery()
    asked = Range(since, until, bounds="[)")
    return select(told.c.worker_id, told.c.span).where(told.c.span.overlaps(asked)).cte("duty")


def _base(window: Range[datetime]) -> CompoundSelect[Any]:
    single = select(Shift.worker_id, Shift.span).where(Shift.span.overlaps(window))
    return union_all(single, _expand_templates(window))


def _expand_templates(window: Range[datetime]) -> Select[Any]:
    """The shifts of the week, day by day: the local day may be another one than that of UTC."""
    assert window.lower is not None
    assert window.upper is not None
    first, last = (window.lower - LONGEST - _DAY).date(), (window.upper + _DAY).date()
    # Without a zone: PostgreSQL would take dates for midnights of whatever zone the session has.
    series = func.generate_series(_to_local(first), _to_local(last), timedelta(days=1))
    days = series.table_valued("day", name="days").render_derived()
    day, weekday = days.c.day, cast(extract("isodow", days.c.day), Integer)
    start = day + func.make_interval(0, 0, 0, 0, 0, ShiftTemplate.starts_minute)
    end = start + func.make_interval(0, 0, 0, 0, 0, ShiftTemplate.minutes)
    zone = ShiftTemplate.zone
    span = func.tstzrange(
        func.timezone(zone, _to_local(start)), func.timezone(zone, _to_local(end)), "[)", type_=Shift.span.type
    )
    today = cast(day, Date)
    valid = (today >= ShiftTemplate.first_day) & (ShiftTemplate.last_day.is_(None) | (today <= ShiftTemplate.last_day))
    held = ShiftTemplate.weekdays.op(">>")(weekday - 1).op("&")(1) == 1
    return select(ShiftTemplate.worker_id, span.label("span")).join(days, valid & held).where(span.overlaps(window))


def _to_local(moment: Any) -> Any:
    return cast(moment, DateTime(timezone=False))


def _exceptions(kind: str, window: Range[datetime]) -> Any:
    of_this = (ShiftException.kind == kind, ShiftException.span.overlaps(window))
    return select(ShiftException.worker_id, ShiftException.span).where(*of_this)


def _unite_spans(rows: Any) -> Select[Any]:
    """`worker_id, spans`: all spans of each worker as one multirange."""
    each = rows.subquery()
    spans = func.range_agg(each.c.span, type_=TSTZMULTIRANGE()).label("spans")
    united: Select[Any] = select(each.c.worker_id, spans).group_by(each.c.worker_id)
    return united
