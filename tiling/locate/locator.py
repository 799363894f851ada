"""One locator over the indexes of all districts in force."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace as with_fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tiling.locate import kernels
from tiling.locate.answers import Located, LocatedMany, Near
from tiling.locate.crossing import BORDER, GAP
from tiling.locate.distances import TIE_DECIMALS, find_around, find_nearest_of_many
from tiling.locate.districts import DistrictMap
from tiling.locate.index import DistrictIndex, Held
from tiling.locate.tiles import Floats

# Below this number of points in gaps each is asked for by itself; above, the district's borders are projected once.
_FEW = 32

_Touch = tuple[str, int, int]  # code, district's place, tile in the district


class PointLocator:
    """Which tile is responsible for a point: one answer, always ([L2]).

    Covers, never contains: a point on a border belongs to all tiles that touch it, and the smallest code by bytes is
    responsible. Decided by exact predicates on the stored degrees, so PostGIS says the same. Immutable: any thread may
    read, `replace` and `without_district` give new locators that share the indexes of the other districts.

    `one(lon, lat)` is the number of the tile responsible where the relation is `inside`, else a number below 0: ask
    `explain`. It takes any two floats (not-a-number is outside) and costs 0.25 µs in a cell without a border; in one
    with a border 3 µs, or 0.5 µs with `kernel=choose_fastest()`, which a service chooses and a short command does not.
    """

    one: Callable[[float, float], int]

    def __init__(self, indexes: Iterable[DistrictIndex], *, kernel: kernels.Kernel | None = None) -> None:
        self.indexes = tuple(sorted(indexes, key=lambda index: index.code))
        if len({index.code for index in self.indexes}) < len(self.indexes):
            raise ValueError("two indexes are of the same district")
        self.offsets = tuple(int(n) for n in np.cumsum([0, *map(len, self.indexes)]))
        self._kernel = kernel
        self._map = DistrictMap.build(self.indexes)
        probes = [index.probe(kernel=kernel or kernels.PLAIN) for index in self.indexes]
        self.one = self._map.probe(probes, self.offsets)

    def __len__(self) -> int:
        """Number of tiles of all districts."""
        return self.offsets[-1]

    @cached_property
    def tile_codes(self) -> NDArray[Any]:
        """The code of each tile."""
        return _join([index.tile_codes for index in self.indexes])

    @cached_property
    def tile_grids(self) -> NDArray[Any]:
        """The code of the grid of each tile."""
        return _join([index.tile_grids for index in self.indexes])

    @cached_property
    def tile_district(self) -> NDArray[Any]:
        """The code of the district of each tile."""
        return _join([np.full(len(index), index.code, dtype=object) for index in self.indexes])

    def replace(self, index: DistrictIndex) -> PointLocator:
        """A locator with this index instead of its district's former one, or added; the tiles are numbered anew."""
        return PointLocator([*(i for i in self.indexes if i.code != index.code), index], kernel=self._kernel)

    def without_district(self, code: str) -> PointLocator:
        """A locator without the district of this code."""
        return PointLocator((i for i in self.indexes if i.code != code), kernel=self._kernel)

    def explain(
        self, lon: float, lat: float, *, accuracy_m: float | None = None, gap_fallback_m: float = 50.0
    ) -> Located:
        """The whole answer for one point; distances in metres of the city's plane.

        With `accuracy_m` also every tile within that radius and the distance to the nearest border. In a gap the
        nearest tile within `gap_fallback_m` is named. A point that is no number is outside. 3 µs, with distances
        150 µs and more with the number of vertices around.
        """
        if not (math.isfinite(lon) and math.isfinite(lat)):
            return Located("outside")
        held = [(place, self.indexes[place].find_held(lon, lat)) for place in self._map.places_at(lon, lat)]
        found = self._judge(held)
        if found.relation == "gap":
            found = self._add_nearest(found, (lon, lat), gap_fallback_m)
        return found if accuracy_m is None else self._add_candidates(found, (lon, lat), accuracy_m, dict(held))

    def locate_many(
        self,
        lon: ArrayLike,
        lat: ArrayLike,
        *,
        gap_fallback_m: float | None = None,
        kernel: kernels.Kernel | None = None,
    ) -> LocatedMany:
        """Relation and tile of many points, as `explain` gives them one by one.

        With `gap_fallback_m` a point in a gap gets the nearest tile within that distance (20 to 150 µs for each such
        point); without, it gets none. 10-25 million points a second, with numba releasing the interpreter lock.
        """
        x, y = (np.ascontiguousarray(side, dtype=np.float64) for side in (lon, lat))
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError("lon and lat must be two flat arrays of one length")
        relation, tile = self._locate_points(x, y, kernel or self._kernel)
        if gap_fallback_m is not None:
            gaps = np.flatnonzero(relation == GAP)
            tile[gaps] = self._find_nearest_tiles(x[gaps], y[gaps], gap_fallback_m)
        return LocatedMany(relation, tile, self.tile_codes, self.tile_grids)

    def _locate_points(
        self, x: Floats, y: Floats, kernel: kernels.Kernel | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        if len(self.indexes) == 1:
            return self.indexes[0].locate_many(x, y, kernel=kernel)
        relation, tile = np.zeros(len(x), dtype=np.uint8), np.full(len(x), -1, dtype=np.int32)
        for place, points, alone in self._map.points_by_district(x, y):
            theirs = self._locate_in(place, x[points], y[points], kernel)
            sole, shared = points[:alone], points[alone:]
            relation[sole], tile[sole] = theirs[0][:alone], theirs[1][:alone]
            if len(shared):
                ours = relation[shared], tile[shared]
                relation[shared], tile[shared] = self._merge_answers(ours, (theirs[0][alone:], theirs[1][alone:]))
        return relation, tile

    def _locate_in(
        self, place: int, x: Floats, y: Floats, kernel: kernels.Kernel | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        relation, tile = self.indexes[place].locate_many(x, y, kernel=kernel)
        tile[tile >= 0] += self.offsets[place]
        return relation, tile

    def _find_nearest_tiles(self, x: Floats, y: Floats, within_m: float) -> NDArray[np.int64]:
        if len(x) <= _FEW:
            found = [self.explain(lon, lat, gap_fallback_m=within_m).tile for lon, lat in zip(x, y, strict=True)]
            return np.array(found, dtype=np.int64)
        best, apart = np.full(len(x), -1, dtype=np.int64), np.full(len(x), math.inf)
        for place, index in enumerate(self.indexes):
            near = self._map.points_near(place, x, y, radius_m=within_m)
            if not len(near):
                continue
            tile, distance = find_nearest_of_many(index, x[near], y[near], within_m=within_m)
            number = np.where(tile >= 0, tile + self.offsets[place], -1)
            tie = np.round(distance, TIE_DECIMALS) == np.round(apart[near], TIE_DECIMALS)
            smaller = self._byte_rank[number] < self._byte_rank[best[near]]
            nearer = np.where(tie, smaller, distance < apart[near]) & (tile >= 0)
            best[near[nearer]], apart[near[nearer]] = number[nearer], distance[nearer]
        return best

    def _merge_answers(self, ours: tuple[Any, Any], theirs: tuple[Any, Any]) -> tuple[Any, Any]:
        """Two districts' answers for the same points as one: both hold a point → border, smallest code."""
        (relation, tile), (other, number) = ours, theirs
        held, also = tile >= 0, number >= 0
        out = np.where(also | (~held & (other == GAP)), other, relation)
        best = np.where(also, number, tile)
        both = np.flatnonzero(held & also)
        if not len(both):
            return out, best  # the ranks of a million codes take a second, and most calls never need them
        out[both] = BORDER
        best[both] = np.where(self._byte_rank[tile[both]] < self._byte_rank[number[both]], tile[both], number[both])
        return out, best

    @cached_property
    def _byte_rank(self) -> NDArray[np.int64]:
        order = sorted(range(len(self)), key=self.tile_codes.__getitem__)
        rank = np.empty(len(self), dtype=np.int64)
        rank[order] = np.arange(len(self))
        return rank

    def _judge(self, held: list[tuple[int, Held]]) -> Located:
        """Relation, responsible tile and others that touch, from what each district says."""
        touches: list[_Touch] = sorted(
            (self.indexes[place].tile_codes[tile], place, tile) for place, it in held for tile in it.tiles
        )
        places = [place for place, it in held if it.tiles or it.in_frame]
        districts = tuple(self.indexes[place].code for place in places)
        if not touches:
            return Located("gap", district=districts[0], districts=districts) if places else Located("outside")
        found = Located("inside" if len(touches) == 1 else "border", districts=districts)
        touching = tuple(self._build_near(other, 0.0) for other in touches[1:])
        return with_fields(self._put_responsible(found, touches[0]), touching=touching)

    def _put_responsible(self, found: Located, touch: _Touch, distance_m: float = 0.0) -> Located:
        code, place, tile = touch
        index = self.indexes[place]
        district = found.district or index.code
        number = self.offsets[place] + tile
        return with_fields(
            found, district=district, code=code, grid=index.tile_grids[tile], tile=number, distance_m=distance_m
        )

    def _build_near(self, touch: _Touch, distance_m: float) -> Near:
        code, place, tile = touch
        return Near(code, self.indexes[place].tile_grids[tile], self.indexes[place].code, distance_m)

    def _add_nearest(self, found: Located, at: tuple[float, float], within_m: float) -> Located:
        near = self._tiles_within(at, within_m, {})[0]
        return self._put_responsible(found, near[0][1], near[0][0]) if near else found

    def _add_candidates(
        self, found: Located, at: tuple[float, float], accuracy_m: float, held: dict[int, Held]
    ) -> Located:
        near, border_m, grid_border_m = self._tiles_within(at, accuracy_m, held)
        return with_fields(
            found,
            candidates=tuple(self._build_near(touch, distance) for distance, touch in near),
            distance_to_border_m=border_m if math.isfinite(border_m) else None,
            distance_to_grid_border_m=grid_border_m if math.isfinite(grid_border_m) else None,
        )

    def _tiles_within(
        self, at: tuple[float, float], radius_m: float, held: dict[int, Held]
    ) -> tuple[list[tuple[float, _Touch]], float, float]:
        """Tiles within the radius, nearest first, and the distances to the nearest border of a tile and of a grid."""
        found: list[tuple[float, _Touch]] = []
        border_m = grid_border_m = math.inf
        for place in sorted({*self._map.places_near(*at, radius_m=radius_m), *held}):
            index = self.indexes[place]
            own = held[place].tiles if place in held else ()
            it = find_around(index, *at, radius_m=radius_m, also=own)
            for tile, distance in zip(it.tiles.tolist(), it.border_m.tolist(), strict=True):
                border_m = min(border_m, distance)
                if tile in own or distance <= radius_m:
                    found.append((0.0 if tile in own else distance, (index.tile_codes[tile], place, tile)))
            grid_border_m = min(grid_border_m, it.grid_border_m)
        found.sort(key=lambda entry: (round(entry[0], TIE_DECIMALS), entry[1]))
        return found, border_m, grid_border_m


def _join(tables: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(tables) if tables else np.zeros(0, dtype=object)
