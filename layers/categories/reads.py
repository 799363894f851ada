"""What categories there are, and how long their steps may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.categories.table import Category, CategoryClock
from layers.clocks import Limit, LimitKind
from layers.db import table_of
from layers.errors import Conflict, NotFound, Unacceptable
from layers.history import note


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


def get_open_category(session: Session, code: str) -> Category:
    """The category for a new report; raises Unacceptable with the reason for one that is retired."""
    found = get_category(session, code)
    if found.retired is not None:
        errors = [(["category"], "category_retired")]
        raise Unacceptable("category_retired", errors=errors, name=found.name, reason=found.retired)
    return found


def add_category(session: Session, code: str, *, name: str, by: Actor, **more: str | None) -> Category:
    """The new category, at the end of the list; raises Conflict for a code that is taken. `more` may hold name_en,
    kind, unit_code, urgency and triage."""
    if session.get(Category, code) is not None:
        raise Conflict("category_taken", category=code)
    last = session.scalar(select(func.max(Category.position))) or 0
    category = Category(code=code, name=name, position=last + 1, **more)
    session.add(category)
    session.flush()
    note(session, "category.added", subject=code, area=by.area, by=by)
    session.refresh(category)
    return category


def change_category(session: Session, code: str, changes: Mapping[str, str | None], *, by: Actor) -> Category:
    """The category with these columns changed; `retired` is the reason for which nothing is reported under it any
    more, None takes it up again. Raises NotFound."""
    category = session.get(Category, code, with_for_update=True)
    if category is None:
        raise NotFound("not_found")
    for column, value in changes.items():
        setattr(category, column, value)
    session.flush()
    told = {"retired": changes["retired"]} if "retired" in changes else {}
    note(session, "category.changed", subject=code, area=by.area, by=by, changed=sorted(changes), **told)
    return category


def find_limit(session: Session, category: str, *, level: str, step: str) -> Limit | None:
    """How long the step may take, None where no clock runs."""
    clocks = table_of(CategoryClock)
    this = (clocks.c.category == category) & (clocks.c.level == level) & (clocks.c.step == step)
    row = session.execute(select(clocks.c.amount, clocks.c.kind).where(this)).one_or_none()
    return None if row is None else Limit(row.amount, LimitKind(row.kind))


def put_limit(session: Session, category: str, limit: Limit, *, level: str, step: str, by: Actor) -> CategoryClock:
    """The stored limit of one step at one level; it counts from the next start of that clock on.

    Raises NotFound for a category or a clock that there is none of.
    """
    clock = session.get(CategoryClock, (category, level, step), with_for_update=True)
    if clock is None:
        raise NotFound("not_found")
    before = {"amount": clock.amount, "kind": clock.kind}
    clock.amount, clock.kind = limit.amount, str(limit.kind)
    told = {"level": level, "step": step, "before": before, "amount": limit.amount, "limit_kind": str(limit.kind)}
    note(session, "clock.put", subject=category, area=by.area, by=by, **told)
    session.flush()
    return clock
