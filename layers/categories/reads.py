"""What categories there are, and how long their steps may take."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.categories.table import Category, CategoryClock
from layers.errors import Unacceptable


def list_categories(session: Session) -> Sequence[Category]:
    """All categories in the order in which a person is shown them."""
    return session.scalars(select(Category).order_by(Category.position, Category.code)).all()


def list_clocks(session: Session) -> Sequence[CategoryClock]:
    """All clocks, by category, level and step."""
    columns = (CategoryClock.category, CategoryClock.level, CategoryClock.step)
    return session.scalars(select(CategoryClock).order_by(*columns)).all()


def get_category(session: Session, code: str) -> Category:
    """The category of incidents with this code; raises Unacceptable when there is none."""
    found = session.get(Category, code)
    if found is None or found.kind == "hazard":
        raise Unacceptable("unknown_category", errors=[(["category"], "unknown_category")], category=code[:60])
    return found


def find_minutes(session: Session, category: str, *, level: str, step: str) -> int | None:
    """How many minutes the step may take, None where no clock runs."""
    clock = session.get(CategoryClock, (category, level, step))
    return clock.minutes if clock is not None else None
