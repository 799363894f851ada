"""Heat and figures for leaders: counts per cell, never points ([A3])."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any, Literal

from fastapi import APIRouter

from gis_api.answers import cases as answers
from gis_api.answers import shown
from gis_api.dependencies import AnyRole, Now, Read
from gis_api.geojson import feature, feature_collection
from gis_api.moments import AskedMoment
from gis_api.strict_routes import StrictRoute
from layers import heat
from layers.access import Actor, require_visible
from layers.errors import Unacceptable
from layers.shifts import CITY_ZONE, span_of_day

router = APIRouter(tags=["heat"], route_class=StrictRoute)
DEFAULT_PERIOD = timedelta(days=30)
LONGEST_PERIOD = timedelta(days=366 * 3)

Layer = Literal["hazards", "incidents"]
CellName = Literal["sub_grid", "grid", "community", "subdistrict", "250m", "500m"]
Per = Literal["count", "households", "change"]


def _area(by: Actor, asked: str | None) -> str:
    area = by.area if asked is None else asked
    require_visible(by, area)
    return area


def _period(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    # Whole days of the city, today among them: the same thirty wherever nothing is said, on every page.
    end = until or span_of_day(now.astimezone(CITY_ZONE).date())[1]
    start = since or end - DEFAULT_PERIOD
    if not start < end or end - start > LONGEST_PERIOD:
        raise Unacceptable("wrong_period", errors=[(["since"], "wrong_period")])
    return start, end


@router.get("/api/v1/heat", responses=shown(answers.HeatAnswer))
def read_heat(
    tx: Read,
    by: AnyRole,
    now: Now,
    layer: Layer = "hazards",
    area: str | None = None,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    category: str | None = None,
    cell: CellName = "grid",
    per: Per = "count",
    format: Literal["geojson", "json"] = "geojson",  # noqa: A002 - the contract's word
) -> dict[str, Any]:
    """Counts per cell of the area, zeros included; `n` is null where too few may be shown."""
    start, end = _period(since, until, now)
    asked = heat.HeatQuestion(layer, _area(by, area), start, end, category, cell, per)
    cells = heat.count_cells(tx, asked, now=now)
    about = {"layer": layer, "cell": cell, "per": per, "since": start.isoformat(), "until": end.isoformat()}
    if format == "json":
        return about | {"cells": [_plain(one) for one in cells]}
    return feature_collection((feature(one.shape, **_plain(one)) for one in cells), **about)


def _plain(cell: heat.Cell) -> dict[str, Any]:
    rate = None if cell.rate is None else round(cell.rate, 4)
    return {
        "cell": cell.cell,
        "name": cell.name,
        "n": cell.n,
        "rate": rate,
        "suppressed": cell.suppressed,
        "households": cell.households,
    }


@router.get("/api/v1/figures", responses=shown(answers.FiguresAnswer))
def read_figures(
    tx: Read,
    by: AnyRole,
    now: Now,
    area: str | None = None,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    category: str | None = None,
) -> dict[str, Any]:
    """The figures of an area and of each area right below it, with the daily curve and the categories."""
    start, end = _period(since, until, now)
    where = _area(by, area)
    figures = heat.read_figures(tx, where, since=start, until=end, now=now, category=category)
    return {
        "since": start.isoformat(),
        "until": end.isoformat(),
        "total": dataclasses.asdict(figures.total),
        "areas": [dataclasses.asdict(child) for child in figures.children],
        "daily": figures.daily,
        "by_category": figures.by_category,
    }
