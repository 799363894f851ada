"""The kinds of defects that need buildings: which are told, where, with which codes and figures, how severe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import shapely
from shapely.geometry import shape as shape_of
from sqlalchemy import insert
from sqlalchemy.orm import Session

from layers import planning
from layers.buildings import Building
from layers.planning import ImportedGrid
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, add_areas, rows_of

CITY = synthetic_city(40, sub_grids=(1,), seed=3)
TOWN = CITY.partition()
SIDE_M = 8.0


def house(x: float, y: float, households: int) -> dict[str, Any]:
    """A square house about a place in metres."""
    half = SIDE_M / 2
    outline = CITY.plane.to_degrees(shapely.MultiPolygon([shapely.box(x - half, y - half, x + half, y + half)]))
    place = CITY.plane.to_degrees(shapely.Point(x, y))
    geometry = {"geom": f"SRID=4326;{outline.wkt}", "inner_point": f"SRID=4326;{place.wkt}"}
    return {"district": CITY.district, "households": households, **geometry}


def told(
    session: Session, houses: Sequence[dict[str, Any]], *, rows: list[ImportedGrid], target: int | None = None
) -> dict[str, list[dict[str, Any]]]:
    """The defects of a draft of these grids, by kind."""
    add_areas(session, CITY, household_target=target)
    session.execute(insert(Building), list(houses))
    plan = planning.import_draft(session, CITY.district, rows=rows, frame=CITY.frame, by=DRAWER)
    found: dict[str, list[dict[str, Any]]] = {}
    for defect in planning.report_of(session, DRAFTS, plan.id, by=DRAWER)["defects"]:
        found.setdefault(defect["kind"], []).append(defect)
    return found


def deep_in(code: str) -> tuple[float, float]:
    place = shapely.point_on_surface(TOWN.polygon(code))
    return place.x, place.y


def test_a_gap_tells_the_households_and_buildings_in_it_and_each_of_these_has_no_grid(session: Session) -> None:
    lost, *rows = rows_of(CITY)
    found = told(session, [house(*deep_in(lost.code), 7), house(*deep_in(rows[0].code), 5)], rows=rows)
    (gap,) = found["gap"]
    assert (gap["severity"], gap["households"], gap["buildings"]) == ("error", 7, 1)
    (bare,) = found["uncovered_building"]
    assert (bare["severity"], bare["codes"]) == ("warning", [])
    assert CITY.plane.to_metres(shape_of(bare["where"])).distance(shapely.Point(deep_in(lost.code))) < 0.01
    assert found.keys() == {"gap", "uncovered_building"}


def test_a_building_across_a_border_is_told_with_both_grids_and_what_stands_in_the_other(session: Session) -> None:
    one = TOWN.codes[0]
    other = TOWN.neighbours(one)[0]
    border = shapely.intersection(*(shapely.boundary(TOWN.polygon(code)) for code in (one, other)))
    middle = shapely.line_interpolate_point(shapely.line_merge(border), 0.5, normalized=True)
    found = told(session, [house(middle.x, middle.y, 3), house(*deep_in(one), 3)], rows=rows_of(CITY))
    assert found.keys() == {"cut_building"}
    (cut,) = found["cut_building"]
    assert (cut["severity"], set(cut["codes"])) == ("warning", {one, other})
    assert CITY.plane.to_metres(shape_of(cut["where"])).distance(middle) < SIDE_M
    half = SIDE_M / 2
    box = shapely.box(middle.x - half, middle.y - half, middle.x + half, middle.y + half)
    shares = [shapely.intersection(box, TOWN.polygon(code)).area for code in (one, other)]
    assert min(abs(cut["area_m2"] - share) for share in shares) < 0.05


@pytest.mark.parametrize(
    ("households", "fits"), [(23, False), (24, True), (30, True), (36, True), (37, False)], ids=str
)
def test_a_grid_with_too_few_or_too_many_households_is_told_with_the_number(
    session: Session, households: int, fits: bool
) -> None:
    homes = {code: households if code == TOWN.codes[0] else 30 for code in TOWN.codes}
    found = told(
        session, [house(*deep_in(code), number) for code, number in homes.items()], rows=rows_of(CITY), target=30
    )
    if fits:
        assert found == {}
        return
    (defect,) = found["households_out_of_range"]
    assert (defect["severity"], defect["codes"]) == ("warning", [TOWN.codes[0]])
    assert defect["detail"] == f"{households} (24-36)"
    assert TOWN.polygon(TOWN.codes[0]).contains(CITY.plane.to_metres(shape_of(defect["where"])))
