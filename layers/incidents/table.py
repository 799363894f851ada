"""The stored incident, its steps, the decision behind each assignment, and the idempotency keys ([D5], [D6])."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import PERSONAL, Base, code_column, geometry_column, id_column, now_column
from layers.specs import CATEGORY, CLOSED, ID, OPENED, POINTS, WORDS, Code, Field, Imported, LayerSpec, Moment

STATES = (
    "reported",
    "triaged",
    "dispatched",
    "accepted",
    "arrived",
    "handled",
    "verified",
    "fed_back",
    "closed",
    "waiting",
    "split",
    "duplicate",
    "cancelled",
    "void",
)
# What fills a worker's hands: at most three of these at a time ([D6]).
OPEN_TASK_STATES = ("dispatched", "accepted", "arrived")
# While somebody is on the way or there: as long as that their word may be awaited.
CHECKED_STATES = ("accepted", "arrived")
LEVELS = ("grid", "subdistrict", "district")
# Steps that figures ask for ([E1]): `steps_taken` holds a bit for each that was ever taken. Add at the end only.
FIGURED_STEPS = (
    *("dispatch", "reassign", "decline", "timeout", "pass_on"),
    *("send_back", "reopen", "settle", "feed_back"),
)
URGENCIES = ("low", "normal", "high", "critical")
CHANNELS = ("hotline", "wechat", "app", "patrol", "sensor", "department", "checkpoint")


def _write_one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


class Incident(Base):
    """One incident. `grid_code` and `plan_version` are those of its acceptance; `current_code` follows ([P5]).

    With a `condition` of the standard sheet (its own version's, [K5]) `due_at` is the sheet's, and `accept_by` is until
    when whoever was sent has to accept it; without one that is `due_at` itself.

    `collector_id` is whoever is on the way to look at it ([D10]): whether it exists while it is reported, whether it is
    done when it is handled. With `inspect_last` whoever handled it is not who says that it is done.

    `check_in_minutes` is how often its worker has to say that they are well, `check_in_by` until when the next time (a
    timer that runs), `check_in_missed_at` when it was told that the word did not come.

    What figures need after the clock is gone ([E1]): `timed`, whether one ever ran; `late_at`, the first deadline that
    was missed, and `late_step`, the step that missed it; `steps_taken`, bits of `FIGURED_STEPS`.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint(_write_one_of("state", STATES), name="state"),
        CheckConstraint(_write_one_of("urgency", URGENCIES), name="urgency"),
        CheckConstraint(_write_one_of("level", LEVELS), name="level"),
        ForeignKeyConstraint(
            ["standard_version", "condition"], ["standard_conditions.version", "standard_conditions.code"]
        ),
        CheckConstraint("(state = 'waiting') = (waiting_reason IS NOT NULL)", name="waiting_has_a_reason"),
        Index("uq_incidents_source_external_id", "source", "external_id", unique=True),
        Index("ix_incidents_current_code_reported_at", "current_code", "reported_at"),
        Index("ix_incidents_worker_id_state", "worker_id", "state"),
        Index("ix_incidents_state_reported_at", "state", "reported_at"),
        Index("ix_incidents_changed_at_id", "changed_at", "id"),
        CheckConstraint("part_of IS NOT NULL OR NOT leads", name="a_part_leads"),
        Index("ix_incidents_part_of", "part_of", postgresql_where=text("part_of IS NOT NULL")),
        Index("ix_incidents_joined_to", "joined_to", postgresql_where=text("joined_to IS NOT NULL")),
        CheckConstraint("collector_id IS NULL OR state IN ('reported', 'handled')", name="a_collector_has_a_task"),
        Index("ix_incidents_collector_id", "collector_id", postgresql_where=text("collector_id IS NOT NULL")),
        CheckConstraint(
            f"check_in_by IS NULL OR {_write_one_of('state', CHECKED_STATES)}", name="a_check_in_is_of_a_task_in_hand"
        ),
        Index("ix_incidents_check_in_by", "check_in_by", postgresql_where=text("check_in_by IS NOT NULL")),
    )

    id: Mapped[int] = id_column()
    state: Mapped[str]
    waiting_reason: Mapped[str | None]
    category: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    urgency: Mapped[str] = mapped_column(server_default="normal")
    description: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str] = mapped_column(server_default="hotline")
    occurred_at: Mapped[datetime]
    reported_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = now_column()
    due_at: Mapped[datetime | None]
    yellow_at: Mapped[datetime | None]
    late_thrice_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    clock: Mapped[dict[str, Any] | None]
    grace: Mapped[dict[str, Any] | None]
    level: Mapped[str] = mapped_column(server_default="grid")
    relation: Mapped[str] = mapped_column(server_default="inside")
    district: Mapped[str | None] = code_column(nullable=True)
    grid_code: Mapped[str | None] = code_column(nullable=True)
    sub_grid_code: Mapped[str | None] = code_column(nullable=True)
    current_code: Mapped[str | None] = code_column(nullable=True)
    desk_area: Mapped[str | None] = code_column(nullable=True)
    plan_version: Mapped[int | None]
    index_version: Mapped[int | None]
    worker_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("workers.id"))
    unit_code: Mapped[str | None] = code_column(nullable=True)
    location: Mapped[dict[str, Any] | None]
    geom: Mapped[Any] = geometry_column("POINT")
    raw_lon: Mapped[float]
    raw_lat: Mapped[float]
    datum: Mapped[str] = mapped_column(server_default="wgs84")
    accuracy_m: Mapped[float | None]
    source: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]
    joined_to: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("incidents.id"))
    part_of: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("incidents.id"))
    leads: Mapped[bool] = mapped_column(server_default="false")
    standard_version: Mapped[int | None]
    condition: Mapped[str | None] = code_column(nullable=True)
    accept_by: Mapped[datetime | None]
    collector_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("workers.id"))
    inspect_last: Mapped[bool] = mapped_column(server_default="false")
    timed: Mapped[bool] = mapped_column(server_default="false")
    late_at: Mapped[datetime | None]
    late_step: Mapped[str | None]
    steps_taken: Mapped[int] = mapped_column(server_default="0")
    check_in_minutes: Mapped[int | None]
    check_in_by: Mapped[datetime | None]
    check_in_missed_at: Mapped[datetime | None]


class Reporter(Base):
    """Who reported and how to answer back: personal."""

    __tablename__ = "reporters"
    __table_args__ = ({"schema": PERSONAL},)

    incident_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str]
    name: Mapped[str | None]
    phone: Mapped[str | None]
    worker_id: Mapped[int | None] = mapped_column(BigInteger)


class IncidentStep(Base):
    """One step of one incident's timeline: never changed, never deleted.

    `taken_at` is when it was taken, where a phone without a line kept it and it came here (`at`) later.
    """

    __tablename__ = "incident_steps"
    __table_args__ = (Index("ix_incident_steps_incident_id_id", "incident_id", "id"),)

    id: Mapped[int] = id_column()
    incident_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("incidents.id", ondelete="CASCADE"))
    step: Mapped[str]
    state: Mapped[str]
    at: Mapped[datetime] = now_column()
    by: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    to: Mapped[str | None]
    proof: Mapped[dict[str, Any] | None]
    taken_at: Mapped[datetime | None]


class Decision(Base):
    """Why this worker: every candidate and every rejected one with its reason, and what was known ([D3]).

    `basis` is all that the ranking depended on; with it the decision can be made again. Older ones have none.
    """

    __tablename__ = "decisions"

    id: Mapped[int] = id_column()
    incident_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("incidents.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = now_column()
    policy: Mapped[str]
    plan_version: Mapped[int | None]
    index_version: Mapped[int | None]
    chosen: Mapped[int | None] = mapped_column(BigInteger)
    candidates: Mapped[list[Any]]
    rejected: Mapped[list[Any]]
    basis: Mapped[dict[str, Any] | None]


class IdempotencyKey(Base):
    """A client's key, the hash of the body it came with, and the answer that was given ([D6])."""

    __tablename__ = "idempotency_keys"

    client: Mapped[str] = code_column(primary_key=True)
    key: Mapped[str] = code_column(primary_key=True)
    body_sha256: Mapped[bytes] = mapped_column(BYTEA)
    status: Mapped[int | None]
    answer: Mapped[dict[str, Any] | None]
    at: Mapped[datetime] = now_column()


SPEC = LayerSpec(
    "incidents",
    Incident,
    imported=Imported(
        fields=(
            Field("external_id", ID, Code()),
            Field("category", CATEGORY),
            Field("description", WORDS),
            Field("occurred_at", ("occurred_at", "发生时间", *OPENED), Moment(), required=True),
            Field("reported_at", ("reported_at", "上报时间", *OPENED), Moment()),
            Field("closed_at", CLOSED, Moment()),
            Field("channel", ("channel", "open_data_channel_type", "来源")),
            Field("urgency", ("urgency", "紧急程度")),
            Field("state", ("state", "status", "状态")),
        ),
        shapes=POINTS,
    ),
)
