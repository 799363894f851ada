"""Devices in homes: SOS buttons and infrared sensors. A device tells of an elder living alone, so it is personal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from layers.access import Role
from layers.db import PERSONAL, Base, code_column, geometry_column, id_column
from layers.specs import POINTS, Code, Field, Imported, LayerSpec, Moment, Published, Word


class Device(Base):
    """One device behind one door."""

    __tablename__ = "devices"
    __table_args__ = (
        CheckConstraint("kind IN ('sos_button','infrared_sensor')", name="kind"),
        CheckConstraint("state IN ('working','low_battery','broken')", name="state"),
        {"schema": PERSONAL},
    )

    id: Mapped[int] = id_column()
    serial: Mapped[str] = code_column(unique=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="working")
    household_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(f"{PERSONAL}.households.id"))
    building_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("buildings.id"))
    grid_code: Mapped[str | None] = code_column(nullable=True, index=True)
    checked_at: Mapped[datetime | None]
    geom: Mapped[Any] = geometry_column("POINT")


KINDS = {
    "sos_button": "sos_button", "sos": "sos_button", "infrared_sensor": "infrared_sensor",
    "infrared": "infrared_sensor", "红外感应": "infrared_sensor",
}  # fmt: skip
STATES = {
    "working": "working", "low_battery": "low_battery", "broken": "broken",
    "正常": "working", "低电量": "low_battery", "故障": "broken",
}  # fmt: skip

SPEC = LayerSpec(
    "devices",
    Device,
    # They tell where lone elders live: for those who answer them.
    hidden_from=frozenset(Role) - {Role.dispatcher, Role.worker, Role.admin},
    imported=Imported(
        fields=(
            Field("serial", ("serial", "sn", "device_id", "设备编号"), Code(), required=True),
            Field("kind", ("kind", "type", "设备类型"), Word(KINDS), required=True),
            Field("state", ("state", "status", "状态"), Word(STATES, default="working")),
            Field("building", ("building", "building_id", "楼栋编号"), Code()),
            Field("checked_at", ("checked_at", "检查时间"), Moment()),
        ),
        shapes=POINTS,
        key=("serial",),
    ),
    published=Published(
        "SOS buttons and sensors: personal, for those who answer them.",
        ("id", "serial", "kind", "state", "grid_code", "checked_at"),
        scoped_by="grid_code",
    ),
)
