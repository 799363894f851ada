"""Figures of an area and of each child area, for leaders: counts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.grids import Grid
from layers.hazards import Hazard
from layers.heat.cells import HeatQuestion, asked_rows, count_by_category, count_by_day, require_countable
from layers.incidents import ENDS, Incident
from layers.plans import Plan, in_force_at

FINISHED = ("fed_back", "closed")
# A case that was told back counts as done although its file is not closed yet.
NO_LONGER_OPEN = (*ENDS, *FINISHED)


@dataclass(frozen=True)
class AreaFigures:
    """One area's counts in the period; `households` and `grids` are today's."""

    code: str
    name: str
    level: str
    grids: int
    households: int
    hazards: int
    hazards_rectified: int
    hazards_before: int
    incidents: int
    incidents_closed: int
    incidents_open: int


@dataclass(frozen=True)
class Figures:
    """The asked area's total, its child areas, and the shape of the period."""

    total: AreaFigures
    children: tuple[AreaFigures, ...]
    daily: Mapping[str, Mapping[str, int]]
    by_category: Mapping[str, Mapping[str, int]]


def read_figures(
    session: Session,
    area: str,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    zone: ZoneInfo,
    category: str | None = None,
) -> Figures:
    """Figures of an area (a code prefix) and of the areas right below it, of all categories or of one.

    Raises Unacceptable for an unknown category, and for one derived from residents, which is never counted exactly.
    """
    if category is not None:
        require_countable(session, category)
    hazards = HeatQuestion("hazards", area, since, until, category)
    incidents = HeatQuestion("incidents", area, since, until, category)
    here = session.get(Area, area)
    shown = here or Area(code=area, name="", level="")
    children = session.scalars(_children(session, area)).all()
    return Figures(
        total=_figures_of(session, shown, hazards, now=now),
        children=tuple(_figures_of(session, child, hazards, now=now) for child in children),
        daily={"hazards": count_by_day(session, hazards, zone), "incidents": count_by_day(session, incidents, zone)},
        by_category={
            "hazards": count_by_category(session, hazards),
            "incidents": count_by_category(session, incidents),
        },
    )


def _children(session: Session, area: str) -> Any:
    if session.get(Area, area) is not None:
        return select(Area).where(Area.parent_code == area).order_by(Area.code)
    return select(Area).where(Area.level == "district", func.starts_with(Area.code, area)).order_by(Area.code)


def _figures_of(session: Session, area: Area, asked: HeatQuestion, *, now: datetime) -> AreaFigures:
    hazard = replace(asked, area=area.code)
    incident = replace(hazard, layer="incidents")
    earlier = replace(hazard, since=asked.since - (asked.until - asked.since), until=asked.since)
    grids = session.execute(
        select(func.count(), func.coalesce(func.sum(Grid.households), 0))
        .join(Plan, Plan.id == Grid.plan_id)
        .where(in_force_at(now), Grid.level == "grid", Grid.exclusive, func.starts_with(Grid.code, area.code))
    ).one()
    found = session.execute(select(func.count(), func.count(Hazard.rectified_at)).where(asked_rows(hazard))).one()
    reported = session.execute(
        select(
            func.count(),
            func.count().filter(Incident.state.in_(FINISHED)),
            func.count().filter(Incident.state.not_in(NO_LONGER_OPEN)),
        ).where(asked_rows(incident))
    ).one()
    before = session.scalar(select(func.count()).select_from(Hazard).where(asked_rows(earlier))) or 0
    return AreaFigures(
        code=area.code,
        name=area.name,
        level=area.level,
        grids=int(grids[0]),
        households=int(grids[1]),
        hazards=int(found[0]),
        hazards_rectified=int(found[1]),
        hazards_before=int(before),
        incidents=int(reported[0]),
        incidents_closed=int(reported[1]),
        incidents_open=int(reported[2]),
    )
