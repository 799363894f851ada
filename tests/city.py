"""Cities made up for tests: quick valid tilings of any size, with wiggled borders and optional sub-grids.

    city = synthetic_city(784)
    city.codes        finest codes, sub-grids where a grid has them
    city.grids        the grid of each finest tile
    city.polygons     degrees, nine decimals        city.polygons_m   the same on the lattice, metres
    city.parents      sub-grid -> grid -> community -> subdistrict -> district
    city.partition()  as a tiling.partition.Partition

Borders are built once and used by both neighbours, so the tiling is valid by construction: vertex for vertex,
no gap, no overlap, the frame its exact union.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.plane import Plane, city_epsg, to_lattice

if TYPE_CHECKING:
    from migrations.demo.model import Town

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]

GRIDS_PER_COMMUNITY_ROWS = 3
COMMUNITIES_PER_SUBDISTRICT = 40


@dataclass(frozen=True)
class City:
    """One district of finest tiles with their parents, in metres and in degrees."""

    district: str
    epsg: int
    codes: tuple[str, ...]
    grids: tuple[str, ...]
    parents: dict[str, str]
    polygons_m: Geometries
    frame_m: BaseGeometry

    @cached_property
    def plane(self) -> Plane:
        return Plane(self.epsg)

    @cached_property
    def polygons(self) -> Geometries:
        return np.asarray(self.plane.to_degrees(self.polygons_m), dtype=object)

    @cached_property
    def frame(self) -> BaseGeometry:
        return self.plane.to_degrees(self.frame_m)  # type: ignore[no-any-return]

    def polygons_of(self, level: str) -> dict[str, BaseGeometry]:
        """Dissolved polygons in metres by code; level is sub_grid (finest), grid, community or subdistrict."""
        length = {"sub_grid": 17, "grid": 15, "community": 12, "subdistrict": 9}[level]
        members: dict[str, list[BaseGeometry]] = {}
        for code, polygon in zip(self.codes, self.polygons_m, strict=True):
            members.setdefault(code[:length], []).append(polygon)
        return {code: shapely.coverage_union_all(parts) for code, parts in members.items()}

    def partition(self, *, levels: tuple[str, ...] = ("community",)) -> Any:
        """The district as a Partition in metres, with the rings of the named upper levels as areas."""
        from tiling.partition import Partition

        areas = {code: ring for level in levels for code, ring in self.polygons_of(level).items()}
        return Partition.of(self.codes, self.polygons_m, parents=self.parents, frame=self.frame_m, areas=areas)


@cache
def demo_town(seed: int = 1) -> Town:
    """The demo district's ground, made once per test run: it takes seconds and never changes."""
    from migrations.demo.town import make_town

    return make_town(seed)


def synthetic_city(
    n: int,
    *,
    seed: int = 1,
    sub_grids: tuple[int, ...] = (1, 2, 3),
    vertices: int = 44,
    grid_m: float = 60.0,
    lon: float = 118.18,
    lat: float = 39.65,
    district: str = "130273",
) -> City:
    """n grids in wiggled rows, `sub_grids` choices of tiles per grid (1 = the grid is finest itself).

    `vertices` is about how many a finest polygon has; `grid_m` the usual side; the south-west corner is at lon, lat.
    """
    rng = np.random.default_rng(seed)
    epsg = city_epsg(lon, lat)
    corner = np.asarray(Plane(epsg).to_xy(lon, lat), dtype=float).ravel()
    rows = _rows_of(n, rng, sub_grids)
    lines = _Lines(rows, rng, step_m=4.0 * grid_m / max(vertices, 8), height_m=grid_m, width_m=grid_m * _columns(n))
    polygons = shapely.polygons([shapely.linearrings(to_lattice(ring + corner)) for ring in lines.rings()])
    codes, grids, parents = _codes_of(rows, district)
    frame = shapely.coverage_union_all(polygons)
    return City(district, epsg, codes, grids, parents, np.asarray(polygons, dtype=object), frame)


def _columns(n: int) -> int:
    return max(1, round(n**0.5))


def _rows_of(n: int, rng: np.random.Generator, sub_grids: tuple[int, ...]) -> list[list[int]]:
    """Rows from south to north, each the numbers of tiles of its grids from west to east."""
    row_count = max(1, round(n / _columns(n)))
    sizes = [n // row_count + (1 if row < n % row_count else 0) for row in range(row_count)]
    return [[int(k) for k in rng.choice(sub_grids, size)] for size in sizes]


class _Lines:
    """Row borders and cuts between tiles, each made once."""

    def __init__(
        self, rows: list[list[int]], rng: np.random.Generator, *, step_m: float, height_m: float, width_m: float
    ) -> None:
        self.rows, self.rng, self.step_m, self.height_m = rows, rng, step_m, height_m
        self.cuts = [self._cuts(row, width_m) for row in rows]
        levels = range(len(rows) + 1)
        self.borders = [self._border(level) for level in levels]

    def _cuts(self, row: list[int], width_m: float) -> Floats:
        """x of the tile borders of a row, both ends included; grids of about equal width, tiles within them."""
        share = self.rng.uniform(0.85, 1.15, len(row))
        tiles = np.concatenate([np.full(k, s / k) for k, s in zip(row, share, strict=True)])
        return to_lattice(np.concatenate([[0.0], np.cumsum(tiles) / tiles.sum()]) * width_m)

    def _border(self, level: int) -> Floats:
        """The line between two rows: x rising, with a vertex at every cut of both rows."""
        beside = [self.cuts[row] for row in (level - 1, level) if 0 <= row < len(self.rows)]
        nodes = np.unique(np.concatenate(beside))
        x = np.unique(to_lattice(np.concatenate([self._between(a, b) for a, b in itertools.pairwise(nodes)])))
        swing = 0.05 * self.height_m * (np.sin(x / 47.0 + level) + np.sin(x / 131.0 + 2.0 * level))
        ripple = (
            np.sin(1.9 * x / self.step_m + self.rng.uniform(0.0, 6.0)) * 0.12 * min(self.step_m, 0.2 * self.height_m)
        )
        # a function of x alone: two cuts that nearly meet must not make a spike
        return to_lattice(np.column_stack([x, level * self.height_m + swing + ripple]))

    def _between(self, a: float, b: float) -> Floats:
        return np.linspace(a, b, max(2, round((b - a) / self.step_m) + 1))

    def rings(self) -> Iterator[Floats]:
        """Rings of all tiles, rows from south to north, tiles from west to east."""
        for row, cuts in enumerate(self.cuts):
            below, above = self.borders[row], self.borders[row + 1]
            posts = [self._post(below, above, x) for x in cuts]
            for west, east in itertools.pairwise(posts):
                floor = _span(below, west[0, 0], east[0, 0])
                roof = _span(above, west[-1, 0], east[-1, 0])
                yield np.concatenate([floor, east[1:], roof[::-1][1:], west[::-1][1:]])

    def _post(self, below: Floats, above: Floats, x: float) -> Floats:
        """The cut at x from the lower to the upper border, swaying by at most a tenth of the tile's height."""
        foot, head = below[np.searchsorted(below[:, 0], x)], above[np.searchsorted(above[:, 0], x)]
        t = np.linspace(0.0, 1.0, max(2, round(self.height_m / self.step_m) + 1))[:, None]
        sway = np.sin(np.pi * t[:, 0]) * self.rng.uniform(-0.08, 0.08, len(t)) * min(self.step_m * 2, self.height_m)
        sway[[0, -1]] = 0.0
        line = foot + t * (head - foot)
        line[:, 0] += sway
        return to_lattice(line)


def _span(border: Floats, west: float, east: float) -> Floats:
    lo, hi = np.searchsorted(border[:, 0], [west, east])
    return border[lo : hi + 1]


def _codes_of(rows: list[list[int]], district: str) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """Finest codes, their grids and all parents; communities are patches three rows high."""
    codes: list[str] = []
    grids: list[str] = []
    parents: dict[str, str] = {}
    filled: dict[str, int] = {}
    for row, tiles in enumerate(rows):
        for column, count in enumerate(tiles):
            community = _community_of(row, column / len(tiles), rows, district)
            filled[community] = filled.get(community, 0) + 1
            grid = f"{community}{filled[community]:03d}"
            finest = [f"{grid}{k:02d}" for k in range(1, count + 1)] if count > 1 else [grid]
            codes += finest
            grids += [grid] * count
            parents |= {code: grid for code in finest if code != grid}
            parents |= {grid: community, community: community[:9], community[:9]: district}
    return tuple(codes), tuple(grids), parents


def _community_of(row: int, share: float, rows: list[list[int]], district: str) -> str:
    bands = max(1, round(len(rows[0]) / 5))
    number = (row // GRIDS_PER_COMMUNITY_ROWS) * bands + int(share * bands)
    street, community = divmod(number, COMMUNITIES_PER_SUBDISTRICT)
    return f"{district}{street + 1:03d}{community + 1:03d}"
