"""A draft as it lies on the table: its partition in lattice metres, what each grid is called, and its report.

A board is read-only and belongs to one version of one plan; an edit makes the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.errors import NotFound
from layers.grids import Grid, GridLevel
from tiling.partition import Partition
from tiling.plane import Plane

Geometries = NDArray[np.object_]
_NO_NAMES: Mapping[str, frozenset[str]] = MappingProxyType({})

# The attributes of a grid's row, in the order of GridRow; the geometry goes beside them.
COLUMNS = (
    Grid.code,
    Grid.level,
    Grid.parent_code,
    Grid.name,
    Grid.kind,
    Grid.exclusive,
    Grid.group_name,
    Grid.parts_allowed,
    Grid.locked,
    Grid.imperfect,
    Grid.households,
    Grid.buildings,
    Grid.area_m2,
)


@dataclass(frozen=True, slots=True)
class GridRow:
    """One stored grid or sub-grid without its shape; field for field the columns of the table."""

    code: str
    level: str
    parent_code: str | None
    name: str
    kind: str = "base"
    exclusive: bool = True
    group_name: str | None = None
    parts_allowed: bool = False
    locked: bool = False
    imperfect: bool = False
    households: int = 0
    buildings: int = 0
    area_m2: float = 0.0


@dataclass(frozen=True, slots=True)
class AreaRing:
    """A plan's copy of one area: who it is, and its ring in metres where it has one of its own."""

    code: str
    level: str
    name: str
    parent_code: str | None
    ring: BaseGeometry | None


@dataclass(frozen=True, slots=True)
class HouseholdTarget:
    """How many households a base grid of a community should hold, and what is still in range, ends included."""

    number: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which state of which plan: the version alone would come back after a rollback, the moment never does."""

    plan_id: int
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """How many grids, sub-grids, overlays, households and buildings a plan has; overlays hold nobody of their own."""

    grids: int = 0
    sub_grids: int = 0
    overlays: int = 0
    households: int = 0
    buildings: int = 0

    def add(self, row: GridRow, sign: int) -> Totals:
        """The totals with one row more (sign 1) or less (sign -1)."""
        if row.level == GridLevel.sub_grid:
            return replace(self, sub_grids=self.sub_grids + sign)
        if not row.exclusive:
            return replace(self, overlays=self.overlays + sign)
        return replace(
            self,
            grids=self.grids + sign,
            households=self.households + sign * row.households,
            buildings=self.buildings + sign * row.buildings,
        )


@dataclass(frozen=True, eq=False)
class Board:
    """One version of one plan. `overlays` are grids that are no tiles; all geometry is in metres on the lattice."""

    stamp: Stamp
    district: str
    plane: Plane
    rows: Mapping[str, GridRow]
    partition: Partition
    overlays: Mapping[str, BaseGeometry]
    areas: Mapping[str, AreaRing]
    targets: Mapping[str, HouseholdTarget]
    totals: Totals
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """All codes that a recoded grid has borne in any plan, by each of them."""

    def get_row(self, code: str) -> GridRow:
        """The grid of this code; raises NotFound."""
        row = self.rows.get(code)
        if row is None:
            raise NotFound("no_such_grid", grid=code)
        return row

    def shape(self, code: str) -> BaseGeometry | None:
        """The shape of a grid of any level, overlays included, in metres; None where a draft holds none."""
        return self.overlays[code] if code in self.overlays else self.partition.polygon(code)

    def grid_of(self, tile: str) -> str:
        """The grid to which a finest tile belongs; its own code where it has no sub-grids."""
        row = self.rows[tile]
        return row.parent_code if row.level == GridLevel.sub_grid and row.parent_code else tile

    def find_present_code(self, code: str) -> str:
        """The code that a grid has here: what was put into it by hand may still name another that it has borne."""
        if code in self.rows:
            return code
        return min(self.names.get(code, frozenset()) & self.rows.keys(), default=code)

    def find_borne(self, codes: Iterable[str]) -> set[str]:
        """These codes and all others that the same grids have borne."""
        return {name for code in codes for name in (code, *self.names.get(code, ()))}

    def community_of(self, code: str) -> str | None:
        """The code of the area directly above a grid or sub-grid."""
        return self.rows[self.grid_of(code)].parent_code

    def with_rows(self, changed: Mapping[str, GridRow | None]) -> Board:
        """The same board with these rows instead of those of the same code, None taking one away; shapes stay."""
        if all(self.rows.get(code) is row for code, row in changed.items()):
            return self
        rows, totals = dict(self.rows), self.totals
        for code, row in changed.items():
            old = rows.pop(code, None)
            totals = totals if old is None else totals.add(old, -1)
            if row is not None:
                rows[code], totals = row, totals.add(row, 1)
        return replace(self, rows=rows, totals=totals)


def build(
    stamp: Stamp,
    district: str,
    *,
    epsg: int,
    rows: Iterable[GridRow],
    shapes: Mapping[str, BaseGeometry | None],
    frame: BaseGeometry | None,
    areas: Iterable[AreaRing],
    targets: Mapping[str, HouseholdTarget],
    names: Mapping[str, frozenset[str]] = _NO_NAMES,
) -> Board:
    """A board from rows and their shapes in metres; shapes of grids that have sub-grids are not needed."""
    by_code = {row.code: row for row in rows}
    rings = {area.code: area for area in areas}
    tiles = list_finest(by_code)
    partition = Partition.of(
        tiles,
        objects(shapes[code] for code in tiles),
        parents=_parents(by_code, rings),
        frame=frame,
        areas={code: area.ring for code, area in rings.items() if area.ring is not None},
        parts_allowed=[row.code for row in by_code.values() if row.parts_allowed],
    )
    drawn = ((code, shapes[code]) for code, row in by_code.items() if not row.exclusive)
    overlays = {code: shape for code, shape in drawn if shape is not None}
    totals = Totals()
    for row in by_code.values():
        totals = totals.add(row, 1)
    return Board(stamp, district, Plane(epsg), by_code, partition, overlays, rings, targets, totals, names)


def list_finest(rows: Mapping[str, GridRow]) -> list[str]:
    """The codes of the tiles: exclusive grids and sub-grids that have nothing below them, sorted."""
    above = {row.parent_code for row in rows.values() if row.level == GridLevel.sub_grid}
    return sorted(code for code, row in rows.items() if row.exclusive and code not in above)


def _parents(rows: Mapping[str, GridRow], areas: Mapping[str, AreaRing]) -> dict[str, str]:
    grids = {code: row.parent_code for code, row in rows.items() if row.exclusive and row.parent_code}
    upper = {code: area.parent_code for code, area in areas.items() if area.parent_code}
    return {**upper, **grids}


def objects(items: Iterable[Any]) -> Geometries:
    """A one-dimensional array of objects; numpy would unpack multi-part geometries by itself."""
    listed = list(items)
    out = np.empty(len(listed), dtype=object)
    out[:] = listed
    return out


def to_single(geometries: Geometries) -> Geometries:
    """MultiPolygons of one part as that part, everything else as it is: tiles are Polygons, tables hold Multis."""
    alone = (shapely.get_type_id(geometries) == 6) & (shapely.get_num_geometries(geometries) == 1)
    return np.asarray(np.where(alone, shapely.get_geometry(geometries, 0), geometries), dtype=object)


def to_multi(geometries: Geometries) -> Geometries:
    """Polygons as MultiPolygons of one part, None and what is no polygon as an empty MultiPolygon."""
    return objects(_to_multi(geometry) for geometry in geometries)


def _to_multi(geometry: BaseGeometry | None) -> BaseGeometry:
    if isinstance(geometry, shapely.MultiPolygon):
        return geometry
    if isinstance(geometry, shapely.Polygon) and not geometry.is_empty:
        return shapely.MultiPolygon([geometry])
    return shapely.MultiPolygon()
