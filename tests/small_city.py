"""A small published district in a database: what most tests of the service start from.

    city = load_small_city(session)          12 grids, some with sub-grids, in 130273; one worker in charge of each tile

The shapes are those of `tests.city.synthetic_city`; `city.shapes.polygons` are the stored degrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.assignments import Assignment
from layers.grids import Grid
from layers.planning.state import codes
from layers.plans import Plan, PlanArea, Publication
from layers.workers import Worker
from tests.city import City, synthetic_city

IN_FORCE_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
PREFIXES = {"district": 6, "subdistrict": 9, "community": 12}


@dataclass(frozen=True)
class SmallCity:
    """What was stored: the shapes, and the ids that tests ask by."""

    shapes: City
    plan_id: int
    plan_version: int
    district: str
    worker_of: dict[str, str]

    @property
    def codes(self) -> tuple[str, ...]:
        """The finest codes."""
        return self.shapes.codes

    def inside(self, code: str) -> tuple[float, float]:
        """A lon, lat well inside a finest tile."""
        point = self.shapes.polygons[self.shapes.codes.index(code)].representative_point()
        return point.x, point.y

    @property
    def outside(self) -> tuple[float, float]:
        """A lon, lat outside the frame and within the bounds of what is believed."""
        west, south, _, _ = self.shapes.frame.bounds
        return west - 0.02, south - 0.02


def load_small_city(session: Session, n: int = 12, **options: Any) -> SmallCity:
    """Store a district with one published plan, in force since the first of January 2026; nothing is committed."""
    shapes = synthetic_city(n, **options)
    session.add_all(_areas(shapes))
    session.flush()
    plan = Plan(
        district=shapes.district,
        title="one",
        state="published",
        plan_version=1,
        frame=stored(shapes.frame),
        created_by="planner",
        published_by="reviewer",
        published_at=IN_FORCE_SINCE,
        in_force=Range(IN_FORCE_SINCE, None),
    )
    session.add(plan)
    session.flush()
    session.add_all(_plan_areas(shapes, plan.id))
    session.add_all(_grids(shapes, plan.id))
    worker_of = _staff(session, shapes)
    session.add(
        Publication(
            district=shapes.district, plan_id=plan.id, plan_version=1, effective_at=IN_FORCE_SINCE, snapshot=None
        )
    )
    session.flush()
    codes.record_plan(session, shapes.district, plan_id=plan.id, origin="first")
    return SmallCity(shapes, plan.id, 1, shapes.district, worker_of)


def stored(shape: BaseGeometry) -> Any:
    """A polygon as the MultiPolygon that the database holds."""
    parts = shape.geoms if isinstance(shape, shapely.MultiPolygon) else [shape]
    return from_shape(shapely.MultiPolygon(list(parts)), srid=4326)


def _areas(shapes: City) -> Iterator[Area]:
    frame = stored(shapes.frame)
    yield Area(
        code=shapes.district, name="高新区", level="district", crs_epsg=shapes.epsg, geom=frame, duty_phone="0315-1"
    )
    for level in ("subdistrict", "community"):
        for code, ring in _rings(shapes, level).items():
            parent = code[:6] if level == "subdistrict" else code[:9]
            kind = "town" if level == "community" else None
            yield Area(code=code, name=f"{level} {code}", level=level, parent_code=parent, kind=kind, geom=stored(ring))


def _plan_areas(shapes: City, plan_id: int) -> Iterator[PlanArea]:
    for level in ("subdistrict", "community"):
        for code, ring in _rings(shapes, level).items():
            parent = code[:6] if level == "subdistrict" else code[:9]
            name = f"{level} {code}"
            yield PlanArea(plan_id=plan_id, code=code, level=level, name=name, parent_code=parent, geom=stored(ring))


def _rings(shapes: City, level: str) -> dict[str, BaseGeometry]:
    metres = shapes.polygons_of(level)
    return {code: shapes.plane.to_degrees(ring) for code, ring in sorted(metres.items())}


def _grids(shapes: City, plan_id: int) -> Iterator[Grid]:
    areas_m2 = {code: ring.area for code, ring in shapes.polygons_of("grid").items()}
    for code, ring in _rings(shapes, "grid").items():
        yield _grid(plan_id, code, level="grid", parent=code[:12], ring=ring, area_m2=areas_m2[code])
    for code, ring, ring_m in zip(shapes.codes, shapes.polygons, shapes.polygons_m, strict=True):
        if len(code) == 17:
            yield _grid(plan_id, code, level="sub_grid", parent=code[:15], ring=ring, area_m2=ring_m.area)


def _grid(plan_id: int, code: str, *, level: str, parent: str, ring: BaseGeometry, area_m2: float) -> Grid:
    return Grid(
        plan_id=plan_id,
        code=code,
        level=level,
        parent_code=parent,
        name=f"{'网格' if level == 'grid' else '子网格'} {code[-5:]}",
        households=30 if level == "grid" else 10,
        area_m2=area_m2,
        geom=stored(ring),
    )


def _staff(session: Session, shapes: City) -> dict[str, str]:
    """One worker in charge of each grid and each sub-grid; the worker's number by code."""
    mark = "W" if shapes.district == "130273" else f"W{shapes.district}-"
    worker_of = {code: f"{mark}{at:04d}" for at, code in enumerate(sorted({*shapes.codes, *shapes.grids}))}
    workers = {
        code: Worker(
            number=number,
            name=f"网格员{number}",
            role="grid_worker",
            area=code[:12],
            phone=f"1380000{number[-4:]}",
            home=from_shape(_anchor(shapes, code), srid=4326),
        )
        for code, number in worker_of.items()
    }
    session.add_all(workers.values())
    session.flush()
    since = Range(IN_FORCE_SINCE - timedelta(days=30), None)
    session.add_all(
        Assignment(worker_id=worker.id, grid_code=code, role="grid_worker", span=since)
        for code, worker in workers.items()
    )
    return worker_of


def _anchor(shapes: City, code: str) -> BaseGeometry:
    at = next(number for number, finest in enumerate(shapes.codes) if finest.startswith(code))
    return shapes.polygons[at].representative_point()
