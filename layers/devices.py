"""Devices in homes: SOS buttons and infrared sensors. A device tells of an elder living alone, so it is personal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import PERSONAL, Base, code_column, geometry_column, id_column


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
