"""Units: the departments (职能部门) that handle what a grid worker cannot."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.db import Base, code_column
from layers.errors import Unacceptable


class Unit(Base):
    """One department of one area."""

    __tablename__ = "units"

    code: Mapped[str] = code_column(primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(server_default="")
    area: Mapped[str] = code_column(server_default="")
    phone: Mapped[str | None]

    def name_in(self, lang: str) -> str:
        """The name in a language, the Chinese one where it has no other."""
        return self.name_en if lang == "en" and self.name_en else self.name


def list_units(session: Session) -> Sequence[Unit]:
    """All departments, by code."""
    return session.scalars(select(Unit).order_by(Unit.code)).all()


def require_unit(session: Session, code: str | None) -> None:
    """Raise Unacceptable for the code of a department that there is none of; no code at all is well."""
    if code is not None and session.get(Unit, code) is None:
        known = ", ".join(unit.code for unit in list_units(session))
        raise Unacceptable("unknown_unit", errors=[(["unit"], "unknown_unit")], unit=code, known=known)
