"""Stored duty: single shifts, the shifts of a week, what departs from both, and how many people it takes ([D1])."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, id_column, now_column
from layers.specs import Code, Field, Imported, LayerSpec, Moment

# The zone of the made-up city; that of a real one is a setting (WANGGE_TIME_ZONE).
CITY_ZONE = ZoneInfo("Asia/Shanghai")
LONGEST = timedelta(hours=48)
LONGEST_LEAVE = timedelta(days=366)
KINDS = ("leave", "extra")


class Shift(Base):
    """One stretch of duty; the minute of handover belongs to the next shift. Overlaps merge when they are read."""

    __tablename__ = "shifts"
    __table_args__ = (
        CheckConstraint("NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name="span_is_half_open"),
        CheckConstraint("upper(span) - lower(span) <= interval '48 hours'", name="no_longer_than_two_days"),
        Index("ix_shifts_span", "span", postgresql_using="gist"),
        Index("ix_shifts_worker_id", "worker_id"),
    )

    id: Mapped[int] = id_column()
    worker_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)


class ShiftTemplate(Base):
    """A shift of every week: on these weekdays (bit 0 is Monday), from so many minutes after midnight on, so long.

    It counts from `first_day` to `last_day`, both included, by the wall clock of its zone. What is past stays: a change
    of the week ends a template and begins another.
    """

    __tablename__ = "shift_templates"
    __table_args__ = (
        CheckConstraint("weekdays BETWEEN 1 AND 127", name="some_weekday"),
        CheckConstraint("starts_minute BETWEEN 0 AND 1439", name="starts_within_a_day"),
        CheckConstraint("minutes BETWEEN 1 AND 2880", name="no_longer_than_two_days"),
        Index("ix_shift_templates_worker_id", "worker_id"),
    )

    id: Mapped[int] = id_column()
    worker_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    weekdays: Mapped[int]
    starts_minute: Mapped[int]
    minutes: Mapped[int]
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    zone: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


class ShiftException(Base):
    """What departs from shifts and templates: `leave` takes the duty of a span away, `extra` adds the span.

    With a leave somebody may stand in: whatever duty the absent one would have had in the span is then theirs.
    """

    __tablename__ = "shift_exceptions"
    __table_args__ = (
        CheckConstraint("kind IN ('leave','extra')", name="kind"),
        CheckConstraint("substitute_id IS NULL OR kind = 'leave'", name="only_a_leave_is_stood_in_for"),
        CheckConstraint("substitute_id <> worker_id", name="nobody_stands_in_for_themselves"),
        CheckConstraint("NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name="span_is_half_open"),
        Index("ix_shift_exceptions_span", "span", postgresql_using="gist"),
    )

    id: Mapped[int] = id_column()
    worker_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    kind: Mapped[str]
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    substitute_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(server_default="")
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


class CoverMinimum(Base):
    """How many people it takes at least in an area, at any moment."""

    __tablename__ = "cover_minimums"
    __table_args__ = (CheckConstraint("people >= 0", name="people_are_counted"),)

    area: Mapped[str] = code_column(primary_key=True)
    people: Mapped[int]
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


SPEC = LayerSpec(
    "shifts",
    Shift,
    imported=Imported(
        fields=(
            Field("worker", ("worker", "number", "staff_number", "工号"), Code(), required=True),
            Field("start", ("start", "starts_at", "from", "上岗"), Moment(), required=True),
            Field("end", ("end", "ends_at", "to", "下岗"), Moment(), required=True),
        ),
    ),
)
