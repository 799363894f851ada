"""Heat and figures for leaders: counts per cell, never points ([A3]).

What derives from residents is answered from releases: a month of the city, in communities and above, and nothing else.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel
from shapely.geometry.base import BaseGeometry

from gis_api.answers import JSON, declare_answer
from gis_api.answers import heat as answers
from gis_api.dependencies import AnyRole, HeatMemory_, Now, Read, Zone
from gis_api.geojson import feature, feature_collection
from gis_api.moments import AskedMoment, AskedMonth
from gis_api.strict_routes import StrictRoute
from layers import heat, releases
from layers.access import Actor, require_visible
from layers.errors import Unacceptable
from layers.heat import spots
from layers.moments import span_of_month
from layers.releases import LEVELS, ReleaseAsked, ReleaseCard, ReleasedCell
from layers.shifts import span_of_day

router = APIRouter(tags=["heat"], route_class=StrictRoute)
DEFAULT_PERIOD = timedelta(days=30)
LONGEST_PERIOD = timedelta(days=366 * 3)

# The layers that derive from residents, beside the table that their cases stand in.
RELEASED = {"resident_hazards": "hazards", "resident_incidents": "incidents"}
Layer = Literal["hazards", "incidents", "resident_hazards", "resident_incidents"]
CellName = Literal["sub_grid", "grid", "community", "subdistrict", "district", "250m", "500m"]
Per = Literal["count", "households", "change"]


def _area(by: Actor, asked: str | None) -> str:
    area = by.area if asked is None else asked
    require_visible(by, area)
    return area


def _period(since: datetime | None, until: datetime | None, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    # Whole days of the city, today among them: the same thirty wherever nothing is said, on every page.
    end = until or span_of_day(now.astimezone(zone).date(), zone=zone)[1]
    start = since or end - DEFAULT_PERIOD
    if not start < end or end - start > LONGEST_PERIOD:
        raise Unacceptable("wrong_period", errors=[(["since"], "wrong_period")])
    return start, end


@router.get("/api/v1/heat", responses=declare_answer(answers.HeatAnswer))
def read_heat(
    tx: Read,
    by: AnyRole,
    now: Now,
    zone: Zone,
    memory: HeatMemory_,
    layer: Layer = "hazards",
    area: str | None = None,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    category: str | None = None,
    cell: CellName = "grid",
    per: Per = "count",
    format: Literal["geojson", "json"] = "geojson",  # noqa: A002 - the contract's word
    month: AskedMonth | None = None,
    beside: Literal["panel"] | None = None,
) -> Response:
    """Counts per cell of the area, zeros included.

    `beside=panel` adds the figures of the same period (`total`, `by_category`, `communities` with the count before), so
    that a page asks once for all that it shows.

    What derives from residents (the layers `resident_…`, or a category of that kind) is told by `month`, for
    communities, subdistricts and districts: rows of a release, `n` null where too few may be shown. Other layers may
    be asked by month too.
    """
    if layer in RELEASED or heat.is_resident_derived(tx, category):
        where = _area(by, area)
        if month is None or since is not None or until is not None:
            raise Unacceptable("resident_period", errors=[(["month"], "resident_period")])
        if cell not in LEVELS or per != "count":
            raise Unacceptable("resident_cell", errors=[(["cell"], "resident_cell")], cell=cell)
        rows = ReleaseAsked(RELEASED.get(layer, layer), month, cell, where, category or "")
        return _answer(_describe_release(layer, rows, *releases.read_release(tx, rows, by=by), form=format))
    if month is not None:
        since, until = span_of_month(month, zone)
    start, end = _period(since, until, now, zone)
    asked = heat.HeatQuestion(layer, _area(by, area), start, end, category, cell, per)
    cells = heat.count_cells(tx, asked, memory=memory, now=now, shapes=format == "geojson")
    about: dict[str, Any] = {"layer": layer, "cell": cell, "per": per}
    about |= {"since": start.isoformat(), "until": end.isoformat()}
    if beside is not None:
        about |= {"panel": _show_panel(heat.read_panel(tx, asked, memory=memory, now=now))}
    if format == "json":
        return _answer(about | {"cells": [show_cell(one) for one in cells]})
    return _answer(feature_collection((feature(one.shape, **show_cell(one)) for one in cells), **about))


@router.get("/api/v1/heat/spots", responses=declare_answer(answers.SpotsAnswer), response_class=Response)
def read_spots(
    tx: Read,
    by: AnyRole,
    now: Now,
    zone: Zone,
    memory: HeatMemory_,
    layer: Literal["hazards", "incidents"] = "hazards",
    area: str | None = None,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    category: str | None = None,
    cell: Literal["sub_grid", "grid", "community", "subdistrict"] = "grid",
    per: Literal["count", "households"] = "count",
) -> Response:
    """Cells that stand, with their neighbours, above or below what chance would give (Getis-Ord Gi*).

    Of all that are named at most one in twenty is so by chance. Layers and categories that derive from residents are
    never judged here. The same question has the same answer: `seed` and `draws` say how chance was drawn.
    """
    start, end = _period(since, until, now, zone)
    asked = heat.HeatQuestion(layer, _area(by, area), start, end, category, cell, per)
    found = heat.find_spots(tx, asked, memory=memory, now=now)
    about = {"layer": layer, "cell": cell, "per": per, "since": start.isoformat(), "until": end.isoformat()}
    drawn = {"seed": spots.SEED, "draws": spots.DRAWS, "false_share": spots.FALSE_SHARE}
    told = [show_cell(one.cell) | {"kind": one.kind, "z": round(one.z, 3), "p": round(one.p, 4)} for one in found.spots]
    islands = [one.cell for one in found.islands]
    left = {"judged": found.judged, "islands": islands, "homeless": found.homeless}
    return _answer({**about, **drawn, **left, "spots": told})


def _answer(body: dict[str, Any]) -> Response:
    """The body as JSON, without a model in between, which would take longer over thousands of cells than counting."""
    return Response(orjson.dumps(body), media_type=JSON)


def _show_panel(panel: heat.Panel) -> dict[str, Any]:
    return {
        "total": dataclasses.asdict(panel.total),
        "by_category": panel.by_category,
        "communities": [
            {"cell": cell.cell, "name": cell.name, "n": cell.n, "before": before} for cell, before in panel.communities
        ],
    }


def _describe_release(
    layer: str, rows: ReleaseAsked, cards: list[ReleaseCard], cells: list[ReleasedCell], *, form: str
) -> dict[str, Any]:
    told: list[tuple[BaseGeometry | None, dict[str, Any]]] = [
        (cell.shape, {"cell": cell.area, "name": cell.name, "n": cell.n, "rate": None, "suppressed": cell.n is None})
        for cell in cells
    ]
    about = {
        "layer": layer,
        "category": rows.category or None,
        "cell": rows.level,
        "per": "count",
        "month": f"{rows.month:%Y-%m}",
        "release": [str(card.id) for card in cards],
        "released_at": max(card.released_at for card in cards).isoformat(),
        "smallest": releases.SMALLEST,
    }
    if form == "json":
        return about | {"cells": [properties for _, properties in told]}
    return feature_collection((feature(shape, **properties) for shape, properties in told), **about)


class ReleaseOut(BaseModel):
    """One month of one layer; no hidden cell can be narrowed to less than `narrowest` (null: nothing bounds any)."""

    id: str
    layer: str
    district: str
    month: str
    released_at: datetime
    categories: list[str]
    shown: int
    hidden: int
    narrowest: float | None


class ReleasesOut(BaseModel):
    smallest: int
    releases: list[ReleaseOut]


@router.get("/api/v1/releases", summary="What was released of layers that derive from residents")
def list_releases(
    tx: Read, by: AnyRole, layer: Literal["resident_hazards", "resident_incidents"] | None = None
) -> ReleasesOut:
    """Every month that was released within the reader's area, the newest first; `category` "" is the total."""
    names = {table: name for name, table in RELEASED.items()}
    found = releases.list_releases(tx, layer=None if layer is None else RELEASED[layer], by=by)
    return ReleasesOut(
        smallest=releases.SMALLEST,
        releases=[
            ReleaseOut(
                id=str(one.id),
                layer=names[one.layer],
                month=f"{one.month:%Y-%m}",
                categories=list(one.categories),
                **{name: getattr(one, name) for name in ("district", "released_at", "shown", "hidden", "narrowest")},
            )
            for one in found
        ],
    )


def show_cell(cell: heat.Cell) -> dict[str, Any]:
    """One cell's answer without its shape."""
    rate = None if cell.rate is None else round(cell.rate, 4)
    return {
        "cell": cell.cell,
        "name": cell.name,
        "n": cell.n,
        "rate": rate,
        "suppressed": False,
        "households": cell.households,
    }


@router.get("/api/v1/figures", responses=declare_answer(answers.FiguresAnswer))
def read_figures(
    tx: Read,
    by: AnyRole,
    now: Now,
    zone: Zone,
    memory: HeatMemory_,
    area: str | None = None,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    category: str | None = None,
) -> dict[str, Any]:
    """The figures of an area and of each area right below it, with the daily curve and the categories."""
    start, end = _period(since, until, now, zone)
    where = _area(by, area)
    figures = heat.read_figures(tx, where, memory=memory, since=start, until=end, now=now, zone=zone, category=category)
    return {
        "since": start.isoformat(),
        "until": end.isoformat(),
        "total": dataclasses.asdict(figures.total),
        "areas": [dataclasses.asdict(child) for child in figures.children],
        "daily": figures.daily,
        "by_category": figures.by_category,
    }
