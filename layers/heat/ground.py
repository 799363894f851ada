"""What cases are counted on: the areas and the grids in force, and how the finest codes fold up to asked cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.grids import Grid
from layers.plans import Plan, is_in_force_at

# Ladders are small; whoever asks for more areas than these has the oldest made anew.
MOST_LADDERS = 64


@dataclass(frozen=True, eq=False)
class Ladder:
    """The cells of one level within one area, in the order of their codes, and what is known of each."""

    cells: tuple[str, ...]
    names: tuple[str, ...]
    households: tuple[int, ...]
    cell_of: Mapping[str, int]
    _wkb: Mapping[str, bytes] = field(repr=False)
    _parts: Mapping[str, Sequence[bytes]] = field(repr=False)
    _placed: list[tuple[tuple[str, ...], NDArray[np.int64]]] = field(default_factory=list, repr=False)

    def fold(self, codes: tuple[str, ...], counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts by cell from counts by code; codes that lie in no cell are left out."""
        which = self._place(codes)
        known = which >= 0
        folded = np.bincount(which[known], weights=counts[known], minlength=len(self.cells))
        return folded.astype(np.int64)

    def _place(self, codes: tuple[str, ...]) -> NDArray[np.int64]:
        """The cell of each code, -1 for none; the codes of the cases that were asked about last are remembered."""
        if self._placed and self._placed[0][0] is codes:
            return self._placed[0][1]
        which = np.fromiter((self.cell_of.get(code, -1) for code in codes), dtype=np.int64, count=len(codes))
        self._placed[:] = [(codes, which)]
        return which

    def read_shapes(self) -> list[BaseGeometry | None]:
        """Each cell's shape in degrees: its own ring, or the dissolve of its grids where the area has none."""
        return [self._read_shape(cell) for cell in self.cells]

    def _read_shape(self, cell: str) -> BaseGeometry | None:
        own = self._wkb.get(cell)
        if own is not None:
            return shapely.from_wkb(own)
        parts = self._parts.get(cell)
        return None if parts is None else shapely.union_all(shapely.from_wkb(list(parts)))


@dataclass(frozen=True, eq=False)
class CityGround:
    """The rows of the areas and of the grids in force, as they were at a version of the map."""

    version: tuple[Any, ...]
    grids: tuple[Any, ...]
    areas: tuple[Any, ...]
    _ladders: dict[tuple[str, str], Ladder] = field(default_factory=dict, repr=False)

    def find_ladder(self, area: str, level: str) -> Ladder:
        """The cells of a level (`sub_grid`: the finest) within an area; made once for each."""
        key = (area, level)
        found = self._ladders.get(key)
        if found is None:
            while len(self._ladders) >= MOST_LADDERS:
                self._ladders.pop(next(iter(self._ladders)), None)
            found = self._ladders[key] = _make_ladder(self.find_grids(area), self.find_areas(area), level)
        return found

    def find_grids(self, area: str) -> list[Any]:
        """The grids and sub-grids whose codes lie in an area."""
        return [row for row in self.grids if row.code.startswith(area)]

    def find_areas(self, area: str) -> list[Any]:
        """The areas whose codes lie in an area, itself among them."""
        return [row for row in self.areas if row.code.startswith(area)]

    def find_epsg(self, area: str) -> int | None:
        """The plane of the district of an area; that of one district where there are several."""
        districts = (row for row in self.find_areas(area[:6]) if row.level == "district")
        return next((row.crs_epsg for row in districts), None)


def read_ground(session: Session, version: tuple[Any, ...], *, now: datetime) -> CityGround:
    """The ground of a moment, in two statements."""
    grids = session.execute(_select_grids(now)).all()
    shape = Area.geom.ST_AsBinary().label("wkb")
    columns = (Area.code, Area.name, Area.level, Area.parent_code, Area.crs_epsg)
    areas = session.execute(select(*columns, shape).order_by(Area.code)).all()
    return CityGround(version, tuple(grids), tuple(areas))


def _select_grids(now: datetime) -> Select[Any]:
    columns = (Grid.code, Grid.name, Grid.level, Grid.parent_code, Grid.households)
    return (
        select(*columns, Grid.geom.ST_AsBinary().label("wkb"))
        .join(Plan, Plan.id == Grid.plan_id)
        .where(is_in_force_at(now), Grid.exclusive.is_(True))
        .order_by(Grid.code)
    )


def _make_ladder(grids: Sequence[Any], areas: Sequence[Any], level: str) -> Ladder:
    rows = [*grids, *areas]
    inner = {row.parent_code for row in grids if row.level == "sub_grid"}
    finest = [row for row in grids if row.code not in inner]
    if level == "sub_grid":
        cell_of: Mapping[str, str | None] = {row.code: row.code for row in finest}
    else:
        parents = {row.code: row.parent_code for row in rows}
        level_of = {row.code: row.level for row in rows}
        cell_of = {row.code: _find_ancestor(row.code, level, level_of, parents) for row in rows}
    wanted = {cell for cell in cell_of.values() if cell}
    names = {row.code: row.name for row in rows if row.code in wanted}
    cells = tuple(sorted(names))
    number = {cell: at for at, cell in enumerate(cells)}
    households, parts = _gather(finest, cell_of)
    return Ladder(
        cells=cells,
        names=tuple(names[cell] for cell in cells),
        households=tuple(households[cell] for cell in cells),
        cell_of={code: number[cell] for code, cell in cell_of.items() if cell in number},
        _wkb={row.code: bytes(row.wkb) for row in rows if row.code in wanted and row.wkb is not None},
        _parts=parts,
    )


def _gather(finest: Sequence[Any], cell_of: Mapping[str, str | None]) -> tuple[Counter[str], dict[str, list[bytes]]]:
    """The households of each cell and the shapes of the grids in it."""
    households: Counter[str] = Counter()
    parts: dict[str, list[bytes]] = defaultdict(list)
    for row in finest:
        cell = cell_of.get(row.code)
        if cell is not None:
            households[cell] += row.households
            parts[cell].append(bytes(row.wkb))
    return households, parts


def _find_ancestor(code: str, level: str, level_of: Mapping[str, str], parents: Mapping[str, str | None]) -> str | None:
    """The cell of the asked level that a code lies in, None above that level."""
    here: str | None = code
    while here is not None and level_of.get(here) != level:
        here = parents.get(here)
    return here
