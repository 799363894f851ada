"""A small staffed city in PostGIS: a published plan, duty desks, workers with charges, shifts and positions.

town = staffed_city(session, now=NOON)        36 grids, one worker per finest tile, all on duty, all just seen
lon, lat = town.inside("130273001001001")     a point well inside a grid
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers import categories
from layers.areas import Area
from layers.assignments import Assignment
from layers.grids import Grid
from layers.plans import Plan, Publication
from layers.positions import Position
from layers.shifts import Shift
from layers.standings import Place
from layers.workers import Worker
from tests.city import City, synthetic_city

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # noon in Tangshan
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DESK_PHONE = "0315-1234567"


@dataclass(frozen=True)
class Town:
    """The stored city and what tests ask about it."""

    city: City
    plan_id: int

    def polygon(self, code: str) -> BaseGeometry:
        members = [
            polygon
            for finest, polygon in zip(self.city.codes, self.city.polygons, strict=True)
            if finest.startswith(code)
        ]
        return shapely.union_all(members)

    def inside(self, code: str) -> tuple[float, float]:
        point = self.polygon(code).representative_point()
        return point.x, point.y

    def place(self, code: str) -> Place:
        """The chain of codes above a finest code."""
        grid = code[:15]
        return Place("130273", code[:9], code[:12], grid, code if len(code) == 17 else None)


def staffed_city(session: Session, *, grids: int = 36, now: datetime = NOON, staff: bool = True) -> Town:
    city = synthetic_city(grids, seed=3)
    _store_areas(session, city)
    plan_id = _store_plan(session, city)
    categories.ensure_defaults(session)
    town = Town(city, plan_id)
    if staff:
        for code in city.codes:
            add_worker(session, f"W{code[6:]}", at=town.inside(code), grid=code, now=now)
    session.flush()
    return town


def add_worker(
    session: Session,
    number: str,
    *,
    now: datetime = NOON,
    grid: str | None = None,
    at: tuple[float, float] | None = None,
    home: tuple[float, float] | None = None,
    shift: tuple[datetime, datetime] | None = None,
    age: timedelta = timedelta(seconds=30),
    **columns: Any,
) -> int:
    """A stored worker, by default on duty all day and seen 30 s ago at `at`."""
    values = {"role": "grid_worker", "area": "130273", "name": f"name of {number}", "phone": "13812345678", **columns}
    if home is not None:
        values["home"] = from_shape(shapely.Point(*home), srid=4326)
    worker_id = int(session.scalar(insert(Worker).values(number=number, **values).returning(Worker.id)) or 0)
    if grid is not None:
        span = Range(LONG_AGO, None, bounds="[)")
        session.add(Assignment(worker_id=worker_id, grid_code=grid, role="grid_worker", span=span))
    start, end = shift or (now - timedelta(hours=6), now + timedelta(hours=6))
    if start < end:
        session.add(Shift(worker_id=worker_id, span=Range(start, end, bounds="[)")))
    if at is not None:
        seen = {"lon": at[0], "lat": at[1], "raw_lon": at[0], "raw_lat": at[1]}
        session.add(Position(worker_id=worker_id, fixed_at=now - age, **seen))
    session.flush()
    return worker_id


def _store_areas(session: Session, city: City) -> None:
    common = {"crs_epsg": None, "duty_phone": None, "centre_name": None}
    district = {
        "code": city.district,
        "name": "高新区",
        "level": "district",
        "parent_code": None,
        "geom": _stored(city.frame),
    }
    rows = [{**common, **district, "crs_epsg": city.epsg, "duty_phone": DESK_PHONE, "centre_name": "区网格中心"}]
    for level, parent_length, phone in (("subdistrict", 6, "0315-7654321"), ("community", 9, None)):
        for code, polygon in sorted(city.polygons_of(level).items()):
            geom = _stored(city.plane.to_degrees(polygon))
            area = {"code": code, "name": code, "level": level, "parent_code": code[:parent_length], "geom": geom}
            rows.append({**common, **area, "duty_phone": phone})
    session.execute(insert(Area), rows)


def _store_plan(session: Session, city: City) -> int:
    forever = Range(LONG_AGO, None, bounds="[)")
    plan = Plan(
        district=city.district,
        state="published",
        plan_version=1,
        frame=_stored(city.frame),
        created_by="test",
        in_force=forever,
    )
    session.add(plan)
    session.flush()
    session.execute(insert(Grid), list(_grid_rows(city, plan.id)))
    session.add(Publication(district=city.district, plan_id=plan.id, plan_version=1, effective_at=LONG_AGO))
    session.flush()
    return plan.id


def _grid_rows(city: City, plan_id: int) -> Any:
    polygons = {code: city.plane.to_degrees(polygon) for code, polygon in city.polygons_of("grid").items()}
    for code, polygon in polygons.items():
        yield _grid_row(plan_id, code, "grid", code[:12], polygon)
    for code, polygon in zip(city.codes, city.polygons, strict=True):
        if len(code) == 17:
            yield _grid_row(plan_id, code, "sub_grid", code[:15], polygon)


def _grid_row(plan_id: int, code: str, level: str, parent: str, polygon: BaseGeometry) -> dict[str, Any]:
    geom = _stored(polygon)
    return {
        "plan_id": plan_id,
        "code": code,
        "level": level,
        "parent_code": parent,
        "name": f"网格{code[12:]}",
        "geom": geom,
    }


def _stored(shape: BaseGeometry) -> Any:
    parts = list(shape.geoms) if shape.geom_type == "MultiPolygon" else [shape]
    return from_shape(shapely.MultiPolygon(parts), srid=4326)
