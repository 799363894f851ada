"""The cases behind one number of the evaluation, and why they are late."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, tuple_
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.categories import Category
from layers.errors import Unacceptable
from layers.evaluation.predicates import CODE, FIGURES, is_counted
from layers.evaluation.questions import NONE, EvaluationAsked, is_asked, is_in_row
from layers.evaluation.reading import list_children
from layers.grids import Grid
from layers.heat.ground import CityGround
from layers.incidents import Incident, is_living
from layers.plans import Plan, is_in_force_at
from layers.units import Unit
from layers.workers import Worker


@dataclass(frozen=True, slots=True)
class Behind:
    """How many cases stand behind a number, a page of them, and how many of them by step and by category.

    `steps` counts the step that first missed its limit, or that runs late now ("" where none did). `places` are the
    names of the grids and areas whose codes the cases of the page have.
    """

    n: int
    cases: Sequence[Any]
    steps: Sequence[tuple[str, int]]
    categories: Sequence[tuple[str, int]]
    places: Mapping[str, str]


def list_behind(
    session: Session,
    asked: EvaluationAsked,
    figure: str,
    *,
    code: str | None,
    after: tuple[datetime, int] | None,
    limit: int,
    now: datetime,
    lang: str,
) -> Behind:
    """The cases of a row (`code`; None: of all rows) that a figure counts, the oldest first, units named in a language.

    Nothing of where exactly, what was said or who reported is told. Raises Unacceptable for an unknown figure.
    """
    if figure not in FIGURES:
        raise Unacceptable("unknown_figure", errors=[(["figure"], "unknown_figure")], known=", ".join(FIGURES))
    meant: list[ColumnElement[bool]] = [is_counted(), is_asked(asked), FIGURES[figure].where(now)]
    if code is not None:
        siblings = _list_siblings(session, asked, now) if asked.by == "area" and code == NONE else ()
        meant.append(is_in_row(asked, code, siblings))
    step = _name_late_step(now)
    counted = select(step, func.count()).join(Category, Category.code == Incident.category).where(*meant)
    steps = [(row[0], row[1]) for row in session.execute(counted.group_by(step).order_by(func.count().desc(), step))]
    kinds = select(Incident.category, func.count()).join(Category, Category.code == Incident.category).where(*meant)
    kinds = kinds.group_by(Incident.category).order_by(func.count().desc(), Incident.category)
    categories = [(row[0], row[1]) for row in session.execute(kinds)]
    page = _select_cases(step, lang).where(*meant)
    if after is not None:
        page = page.where(tuple_(Incident.reported_at, Incident.id) > tuple_(*after))
    cases = session.execute(page.order_by(Incident.reported_at, Incident.id).limit(limit)).all()
    places = _name_places(session, {case.code for case in cases}, now)
    return Behind(sum(n for _, n in steps), cases, steps, categories, places)


def _name_places(session: Session, codes: Collection[str], now: datetime) -> dict[str, str]:
    """The names of codes: of grids as they are now, and of areas, where a case lies in no grid."""
    grids = select(Grid.code, Grid.name).join(Plan, Plan.id == Grid.plan_id).where(is_in_force_at(now))
    named = grids.where(Grid.code.in_(codes)).union_all(select(Area.code, Area.name).where(Area.code.in_(codes)))
    return {row.code: row.name for row in session.execute(named)}


def _name_late_step(now: datetime) -> ColumnElement[str]:
    """The step that missed its limit first: kept, or that of the clock that runs late."""
    running = func.coalesce(Incident.clock["step"].astext, "")
    late_now = func.coalesce(Incident.due_at < now, False)
    return func.coalesce(Incident.late_step, case((late_now, running), else_=""))


def _name_of_unit(lang: str) -> ColumnElement[str]:
    return case((Unit.name_en != "", Unit.name_en), else_=Unit.name) if lang == "en" else Unit.name.expression


def _select_cases(step: ColumnElement[str], lang: str) -> Any:
    place = select(Area.name).where(CODE.startswith(Area.code), Area.level == "subdistrict").limit(1).scalar_subquery()
    columns = (Incident.id, Incident.state, Incident.category, Incident.urgency, Incident.reported_at)
    clock = (Incident.closed_at, Incident.waiting_reason, Incident.unit_code, is_living().label("living"))
    late_at = func.coalesce(Incident.late_at, Incident.due_at).label("due_at")
    return (
        select(
            *columns,
            *clock,
            late_at,
            CODE.label("code"),
            place.label("subdistrict"),
            step.label("late_step"),
            Worker.number.label("worker"),
            Worker.name.label("worker_name"),
            _name_of_unit(lang).label("unit_name"),
        )
        .join(Category, Category.code == Incident.category)
        .outerjoin(Worker, Worker.id == Incident.worker_id)
        .outerjoin(Unit, Unit.code == Incident.unit_code)
    )


def _list_siblings(session: Session, asked: EvaluationAsked, now: datetime) -> list[str]:
    areas = session.execute(select(Area.code, Area.name, Area.level, Area.parent_code)).all()
    grids = select(Grid.code, Grid.name, Grid.level, Grid.parent_code).join(Plan, Plan.id == Grid.plan_id)
    found = session.execute(grids.where(is_in_force_at(now), Grid.exclusive.is_(True))).all()
    ground = CityGround((), tuple(found), tuple(areas))
    return [row.code for row in list_children(ground, asked.area)]
