"""Districts with a plan in the database, for tests of planning: synthetic cities of any size, with buildings."""

from __future__ import annotations

import numpy as np
import shapely
from sqlalchemy import func, insert
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.areas import Area
from layers.buildings import Building
from layers.planning import DraftMemory, ImportedGrid, import_draft, publish, submit
from layers.plans import Plan
from tests.city import City

DRAWER = Actor(name="drawer", role=Role.planner, area="130273")
REVIEWER = Actor(name="reviewer", role=Role.planner, area="130273")
STRANGER = Actor(name="stranger", role=Role.planner, area="110101")
# What this process remembers of drafts, as an application does.
DRAFTS = DraftMemory()


def add_areas(session: Session, city: City, *, rings: bool = True, household_target: int | None = None) -> None:
    """The district of a city with its subdistricts and communities."""
    plane = city.plane
    frame = _multi(city.frame)
    session.add(Area(code=city.district, name="测试区", level="district", crs_epsg=city.epsg, geom=_ewkt(frame)))
    session.flush()
    for level in ("subdistrict", "community"):
        for code, ring in sorted(city.polygons_of(level).items()):
            shape = _ewkt(_multi(plane.to_degrees(ring))) if rings and level == "community" else None
            area = Area(code=code, name=f"{level} {code}", level=level, parent_code=city.parents[code], geom=shape)
            area.households_target = household_target
            session.add(area)
        session.flush()


def rows_of(city: City) -> list[ImportedGrid]:
    """The grids and sub-grids of a city, ready to be imported."""
    whole = city.polygons_of("grid")
    polygons = dict(zip(city.codes, city.polygons, strict=True))
    grids = [
        ImportedGrid(
            code=code,
            name=f"网格{code[-3:]}",
            polygon=polygons.get(code) or city.plane.to_degrees(shape),
            parent=city.parents[code],
        )
        for code, shape in sorted(whole.items())
    ]
    parts = [
        ImportedGrid(code=code, name=f"子网格{code[-2:]}", polygon=polygon, parent=code[:15], level="sub_grid")
        for code, polygon in polygons.items()
        if len(code) == 17
    ]
    return grids + parts


def add_draft(session: Session, city: City, *, by: Actor = DRAWER, rings: bool = True) -> Plan:
    """A draft of a whole city, its areas stored first."""
    add_areas(session, city, rings=rings)
    return import_draft(session, city.district, rows=rows_of(city), frame=city.frame, by=by)


def add_published(session: Session, city: City, *, rings: bool = True) -> Plan:
    """The city's plan in force, drawn by one and published by another."""
    plan = add_draft(session, city, rings=rings)
    submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    return publish(session, plan.id, version=plan.version, by=REVIEWER)


WARNINGS = ("cut_building", "uncovered_building", "households_out_of_range")


def add_buildings(session: Session, city: City, *, number: int, seed: int = 1, side_m: float = 8.0) -> int:
    """The households of so many square houses strewn over a city; some stand across borders."""
    rng = np.random.default_rng(seed)
    west, south, east, north = city.frame_m.bounds
    places = np.column_stack([rng.uniform(west, east, number), rng.uniform(south, north, number)])
    inside = shapely.intersects_xy(city.frame_m.buffer(-side_m), places)
    places = places[inside]
    squares = shapely.box(*(places - side_m / 2).T, *(places + side_m / 2).T)
    shapes, points = city.plane.to_degrees(squares), city.plane.to_degrees(shapely.points(places))
    homes = rng.integers(0, 20, len(places)).tolist()
    rows = [
        {"district": city.district, "households": home, "geom": _ewkt(_multi(shape)), "inner_point": _ewkt(point)}
        for home, shape, point in zip(homes, shapes, points, strict=True)
    ]
    session.execute(insert(Building), rows)
    session.execute(func.now().select())
    return sum(homes)


def _multi(shape: shapely.Geometry) -> shapely.Geometry:
    return shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])


def _ewkt(shape: shapely.Geometry) -> str:
    return f"SRID=4326;{shapely.to_wkt(shape, rounding_precision=9)}"
