"""Who shall serve a grid once a plan is in force ([P6]): what was decided for a draft, and what took effect with it."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, id_column


class Successor(Base):
    """One worker's charge that begins with a plan; a row without a worker says that nobody shall serve the grid.

    `origin` is `decided` by a person, or `proposed`: a proposal that nobody changed and that took effect.
    """

    __tablename__ = "plan_successors"
    __table_args__ = (
        CheckConstraint("(worker_id IS NULL) = (role IS NULL)", name="a_charge_has_worker_and_role"),
        CheckConstraint("origin IN ('decided','proposed')", name="origin"),
        UniqueConstraint("plan_id", "grid_code", "worker_id", "role"),
    )

    id: Mapped[int] = id_column()
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"))
    grid_code: Mapped[str] = code_column()
    worker_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    role: Mapped[str | None]
    origin: Mapped[str] = mapped_column(server_default="decided")
