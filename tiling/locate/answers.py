"""What a lookup gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Relation: TypeAlias = Literal["outside", "inside", "border", "gap"]
RELATIONS: Final[tuple[Relation, ...]] = ("outside", "inside", "border", "gap")


@dataclass(frozen=True)
class Near:
    """A tile at a distance in metres: 0.0 where the point lies in it or on its border."""

    code: str
    grid: str
    district: str
    distance_m: float

    @property
    def sub_grid(self) -> str | None:
        """The sub-grid's code, None where the grid has no sub-grids."""
        return None if self.code == self.grid else self.code


@dataclass(frozen=True)
class Located:
    """The one answer for one point ([L2]), with what else is near.

    tile                       number of the responsible tile in this locator, -1 where there is none
    code, grid, sub_grid       the responsible tile (finest level), its grid, and itself where it is a sub-grid;
                               for a gap the nearest tile within the fallback distance
    district                   of the answer; for a gap the district whose frame holds the point
    districts                  all districts with a tile or a frame at the point, smallest code first
    touching                   on a border the other tiles there, smallest code first
    candidates                 with `accuracy_m`: every tile within that radius, nearest first
    distance_m                 to the responsible tile: 0.0, or in a gap how far the nearest one is
    distance_to_border_m       with `accuracy_m`: to the nearest border of any tile, sub-grid borders included
    distance_to_grid_border_m  the same, borders between sub-grids of one grid left out
    """

    relation: Relation
    district: str | None = None
    code: str | None = None
    grid: str | None = None
    tile: int = -1
    districts: tuple[str, ...] = ()
    touching: tuple[Near, ...] = ()
    candidates: tuple[Near, ...] = ()
    distance_m: float | None = None
    distance_to_border_m: float | None = None
    distance_to_grid_border_m: float | None = None

    @property
    def sub_grid(self) -> str | None:
        """The sub-grid's code, None where there is none."""
        return None if self.code == self.grid else self.code

    def candidate_grids(self) -> tuple[tuple[str, float], ...]:
        """Grid and distance in metres of every grid within the accuracy, nearest first, its own included."""
        return _group_by_grid(self.candidates)

    def list_touching_grids(self) -> tuple[tuple[str, float], ...]:
        """The other grids that touch the point; on a border inside one grid its other sub-grids that do."""
        grids = tuple(pair for pair in _group_by_grid(self.touching) if pair[0] != self.grid)
        return grids or tuple((tile.code, tile.distance_m) for tile in self.touching)


def _group_by_grid(tiles: tuple[Near, ...]) -> tuple[tuple[str, float], ...]:
    nearest: dict[str, float] = {}
    for tile in tiles:
        nearest.setdefault(tile.grid, tile.distance_m)
    return tuple(nearest.items())


@dataclass(frozen=True, eq=False)
class LocatedMany:
    """Relation and tile of each of many points, as numbers, with the tables that spell them out.

    relation  index into RELATIONS
    tile      index into tile_codes and tile_grids; -1 where no tile is responsible
    """

    relation: NDArray[np.uint8]
    tile: NDArray[np.int32]
    tile_codes: NDArray[Any]
    tile_grids: NDArray[Any]

    @property
    def relations(self) -> NDArray[Any]:
        """The relation of each point in words."""
        return np.array(RELATIONS, dtype=object)[self.relation]

    @property
    def grid_codes(self) -> NDArray[Any]:
        """The grid code of each point, None where there is none."""
        return _spell(self.tile_grids, self.tile)

    @property
    def sub_grid_codes(self) -> NDArray[Any]:
        """The sub-grid code of each point, None where there is none or its grid has no sub-grids."""
        subs = self.tile_codes.copy()
        subs[subs == self.tile_grids] = None
        return _spell(subs, self.tile)


def _spell(table: NDArray[Any], numbers: NDArray[np.int32]) -> NDArray[Any]:
    words = np.empty(len(table) + 1, dtype=object)
    words[:-1] = table  # the last one, which -1 picks, stays None
    return np.asarray(words[numbers])
