"""One published plan of one district, as lookups need it: index, names, areas, overlays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.errors import NotFound
from layers.grids import Grid, GridLevel
from layers.locating.location import Dedicated, GridName, PathStep, SubGridName
from layers.plans import Plan, PlanArea
from tiling.locate import AreaLookup, DistrictIndex, DistrictTiles, OverlayLookup, SnapshotDamaged
from tiling.plane import city_epsg

LEVELS = {"district": 0, "subdistrict": 1, "community": 2}
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class AreaFacts:
    """One area as a plan knows it; `shape` is None where it has no boundary of its own."""

    code: str
    name: str
    level: str
    parent: str | None
    shape: BaseGeometry | None


@dataclass(frozen=True, slots=True)
class GridFacts:
    """A grid's name, kind and community (or smallest area)."""

    name: GridName
    parent: str | None


@dataclass(frozen=True, slots=True)
class OverlayFacts:
    """An overlay: a dedicated grid that may overlap anything."""

    name: Dedicated
    shape: BaseGeometry


@dataclass(frozen=True, eq=False)
class Edition:
    """One published plan: immutable, apart from what is worked out once and kept."""

    plan_id: int
    district: str
    plan_version: int
    index: DistrictIndex
    grids: Mapping[str, GridFacts]
    sub_grids: Mapping[str, SubGridName]
    areas: Mapping[str, AreaFacts]
    overlays: tuple[OverlayFacts, ...]
    # Finest tiles through which the border of an overlay runs: there the overlays differ from point to point.
    cut: frozenset[str]

    @cached_property
    def box(self) -> Box:
        """West, south, east, north of the frame, or of all tiles where there is no frame; degrees."""
        frame = self.areas[self.district].shape
        return self.index.bounds if frame is None or frame.is_empty else frame.bounds

    @cached_property
    def overlay_lookup(self) -> OverlayLookup:
        """The overlays, to be asked by point."""
        return OverlayLookup.of([one.name.code for one in self.overlays], polygons=[one.shape for one in self.overlays])

    @cached_property
    def overlay_names(self) -> Mapping[str, Dedicated]:
        """The overlays by code."""
        return {one.name.code: one.name for one in self.overlays}

    @cached_property
    def area_lookup(self) -> AreaLookup:
        """The areas with a boundary, to be asked by point."""
        shaped = [area for area in self.areas.values() if area.shape is not None]
        return AreaLookup.of(
            [area.code for area in shaped],
            [LEVELS[area.level] for area in shaped],
            polygons=[area.shape for area in shaped],
            parents={area.code: area.parent for area in self.areas.values() if area.parent is not None},
        )

    @cached_property
    def paths(self) -> Mapping[str, tuple[PathStep, ...]]:
        """The way down to each area, by the area's code."""
        return {code: self._path(code) for code in self.areas}

    def path_of(self, grid: str) -> tuple[PathStep, ...]:
        """The way down to the smallest area that the grid lies in."""
        return self.paths.get(self.grids[grid].parent or self.district) or self.paths[self.district]

    def path_at(self, lon: float, lat: float) -> tuple[PathStep, ...]:
        """The way down to the smallest area that holds a point; at least the district."""
        chain = self.area_lookup.path(lon, lat)
        return self.paths[chain[-1]] if chain else self.paths[self.district]

    def with_areas(self, *, areas: Mapping[str, AreaFacts]) -> Edition:
        """The same edition with areas read anew: their names may change while the plan does not."""
        return replace(self, areas=areas)

    def _path(self, code: str) -> tuple[PathStep, ...]:
        steps: list[PathStep] = []
        area = self.areas.get(code)
        while area is not None and len(steps) < len(LEVELS):
            steps.append(PathStep(area.level, area.code, area.name))
            area = self.areas.get(area.parent or "")
        return tuple(reversed(steps))


def build_index(session: Session, plan_id: int) -> DistrictIndex:
    """The index over the finest exclusive tiles of a plan, published or not; raises NotFound for an unknown plan.

    Half a second for 3,000 grids; the publisher stores its `to_bytes()` with the publication.
    """
    plan = session.get(Plan, plan_id)
    if plan is None:
        raise NotFound("no_such_plan", plan=plan_id)
    return _build_index(session, plan_id, plan.district, _grid_rows(session, plan_id))


def load_edition(session: Session, plan_id: int) -> Edition:
    """A published plan from the database: its index from the stored snapshot, built anew where there is none."""
    plan = session.get(Plan, plan_id)
    if plan is None or plan.plan_version is None:
        raise NotFound("no_such_plan", plan=plan_id)
    rows = _grid_rows(session, plan_id)
    index = _find_stored_index(session, plan_id) or _build_index(session, plan_id, plan.district, rows)
    grids, sub_grids = _facts(rows)
    overlays = _overlays(rows)
    return Edition(
        plan_id=plan_id,
        district=plan.district,
        plan_version=plan.plan_version,
        index=index,
        grids=grids,
        sub_grids=sub_grids,
        areas=load_areas(session, plan_id, plan.district),
        overlays=overlays,
        cut=_cut(overlays, rows),
    )


def load_areas(session: Session, plan_id: int, district: str) -> dict[str, AreaFacts]:
    """The areas of a district as its plan knows them: the plan's own rings and frame over the official ones."""
    official = select(Area.code, Area.name, Area.level, Area.parent_code, func.ST_AsBinary(Area.geom))
    # Below a district: found by their chain of parents, since foreign codes need not carry the district's prefix.
    below = select(Area.code).where(Area.code == district).cte("below", recursive=True)
    below = below.union_all(select(Area.code).where(Area.parent_code == below.c.code))
    own = select(PlanArea.code, PlanArea.name, PlanArea.level, PlanArea.parent_code, func.ST_AsBinary(PlanArea.geom))
    found = {row[0]: row for row in session.execute(official.where(Area.code.in_(select(below.c.code))))}
    found |= {row[0]: row for row in session.execute(own.where(PlanArea.plan_id == plan_id))}
    areas = {code: AreaFacts(code, row[1], row[2], row[3], _shape(row[4])) for code, row in found.items()}
    frame = session.scalar(select(func.ST_AsBinary(Plan.frame)).where(Plan.id == plan_id))
    if frame is not None:
        areas[district] = replace(areas[district], shape=_shape(frame))
    return areas


def _find_stored_index(session: Session, plan_id: int) -> DistrictIndex | None:
    """The index that the publisher stored; None where there is none, or one of another version of this program."""
    stored = _find_snapshot(session, plan_id)
    if stored is None:
        return None
    try:
        return DistrictIndex.from_buffer(stored)
    except SnapshotDamaged:
        return None


def _find_snapshot(session: Session, plan_id: int) -> bytes | None:
    """The bytes of the last snapshot of a plan, in binary: as text they come in hexadecimal digits, 4 times slower."""
    statement = (
        "SELECT snapshot FROM publications WHERE plan_id = %s AND snapshot IS NOT NULL "
        "ORDER BY index_version DESC LIMIT 1"
    )
    with session.connection().connection.driver_connection.cursor(binary=True) as cursor:  # type: ignore[union-attr]
        row = cursor.execute(statement, (plan_id,)).fetchone()
    return None if row is None else row[0]


def _build_index(session: Session, plan_id: int, district: str, rows: Sequence[Row[Any]]) -> DistrictIndex:
    finest = _select_finest(rows)
    areas = load_areas(session, plan_id, district)
    frame = areas[district].shape
    shapes: NDArray[Any] = shapely.from_wkb([bytes(row.shape) for row in finest])
    tiles = DistrictTiles(
        code=district,
        frame=frame,
        codes=np.array([row.code for row in finest], dtype=object),
        grids=np.array(
            [row.parent_code if row.level == GridLevel.sub_grid else row.code for row in finest], dtype=object
        ),
        polygons=np.asarray(shapes, dtype=object),
        epsg=_choose_epsg(session, district, frame),
    )
    return DistrictIndex.build(tiles)


def _select_finest(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    divided = {row.parent_code for row in rows if row.level == GridLevel.sub_grid}
    return [row for row in rows if row.exclusive and (row.level == GridLevel.sub_grid or row.code not in divided)]


def _cut(overlays: tuple[OverlayFacts, ...], rows: Sequence[Row[Any]]) -> frozenset[str]:
    if not overlays:
        return frozenset()
    finest = _select_finest(rows)
    borders = shapely.STRtree([overlay.shape.boundary for overlay in overlays])
    shapes: NDArray[Any] = shapely.from_wkb([bytes(row.shape) for row in finest])
    return frozenset(finest[at].code for at in borders.query(shapes, predicate="intersects")[0])


def _grid_of(row: Row[Any]) -> str:
    return str(row.parent_code if row.level == GridLevel.sub_grid else row.code)


def _choose_epsg(session: Session, district: str, frame: BaseGeometry | None) -> int:
    stored = session.scalar(select(Area.crs_epsg).where(Area.code == district))
    if stored is not None:
        return stored
    middle = shapely.Point(0, 0) if frame is None else frame.centroid
    return city_epsg(middle.x, middle.y)


def _grid_rows(session: Session, plan_id: int) -> Sequence[Row[Any]]:
    shape = func.ST_AsBinary(Grid.geom).label("shape")
    columns = select(Grid.code, Grid.level, Grid.parent_code, Grid.name, Grid.kind, Grid.exclusive, shape)
    return session.execute(columns.where(Grid.plan_id == plan_id).order_by(Grid.code)).all()


def _facts(rows: Iterable[Row[Any]]) -> tuple[dict[str, GridFacts], dict[str, SubGridName]]:
    grids: dict[str, GridFacts] = {}
    sub_grids: dict[str, SubGridName] = {}
    for row in rows:
        if row.level == GridLevel.sub_grid:
            sub_grids[row.code] = SubGridName(row.code, row.name)
        elif row.exclusive:
            grids[row.code] = GridFacts(GridName(row.code, row.name, row.kind), row.parent_code)
    return grids, sub_grids


def _overlays(rows: Iterable[Row[Any]]) -> tuple[OverlayFacts, ...]:
    return tuple(
        OverlayFacts(Dedicated(row.code, row.name, exclusive=False), shapely.from_wkb(bytes(row.shape)))
        for row in rows
        if row.level == GridLevel.grid and not row.exclusive
    )


def _shape(wkb: Any) -> BaseGeometry | None:
    return None if wkb is None else shapely.from_wkb(bytes(wkb))
