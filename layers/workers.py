"""Workers: the people in charge of grids and sub-grids. Phones are masked unless the role needs them ([A2])."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column, id_column, now_column


class WorkerRole(enum.StrEnum):
    """网格员 · 网格长 · 楼栋长 · 巡查队 · 服务队."""

    grid_worker = "grid_worker"
    grid_leader = "grid_leader"
    building_leader = "building_leader"
    patrol_team = "patrol_team"
    service_team = "service_team"


class Worker(Base):
    """One worker; `number` is the staff number people use, `area` scopes who may see the row."""

    __tablename__ = "workers"
    __table_args__ = (
        CheckConstraint(
            "role IN ('grid_worker','grid_leader','building_leader','patrol_team','service_team')", name="role"
        ),
    )

    id: Mapped[int] = id_column()
    number: Mapped[str] = code_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    area: Mapped[str] = code_column(index=True)
    phone: Mapped[str | None]
    unit_code: Mapped[str | None] = code_column(nullable=True)
    home: Mapped[Any | None] = geometry_column("POINT", nullable=True, spatial_index=False)
    active: Mapped[bool] = mapped_column(server_default="true")
    last_assigned_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = now_column()


def masked_phone(phone: str | None) -> str | None:
    """A phone of which only the first three and the last two digits are left."""
    if phone is None or len(phone) < 6:
        return None
    return phone[:3] + "*" * (len(phone) - 5) + phone[-2:]
