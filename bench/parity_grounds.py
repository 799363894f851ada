"""The grounds over which `bench.parity` compares: the demo district, Manhattan after a repair, Beijing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from migrations.demo.model import TownGrid
from migrations.demo.town import make_town
from tiling.locate import DistrictTiles
from tiling.plane import Plane, city_epsg
from tiling.repair import propose

DATA = Path(os.environ.get("WANGGE_TEST_DATA", str(Path(__file__).parents[2] / "shared" / "data")))
DEMO_SEED = 1
# What a person would have to decide one by one, here decided for all of a kind: disputed ground is halved along its
# middle, a gap goes to the neighbour with the longest border to it.
DECIDED = {"overlap": "split", "gap": "longest_border"}


@dataclass(frozen=True)
class Ground:
    """Districts with their tiles in degrees, under the name that is printed."""

    name: str
    districts: tuple[DistrictTiles, ...]

    @cached_property
    def polygons(self) -> NDArray[np.object_]:
        """The tiles of all districts."""
        return np.concatenate([tiles.polygons for tiles in self.districts])

    @cached_property
    def tile_codes(self) -> NDArray[np.object_]:
        """The code of each tile."""
        return np.concatenate([tiles.codes for tiles in self.districts])

    @cached_property
    def codes(self) -> NDArray[np.object_]:
        """All codes by their bytes."""
        return np.array(sorted(self.tile_codes.tolist()), dtype=object)

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return len(self.tile_codes)

    def place_of(self, codes: NDArray[np.object_]) -> NDArray[np.int64]:
        """Where each code stands among all codes."""
        return np.searchsorted(self.codes, codes).astype(np.int64)


def demo() -> Iterator[Ground]:
    """The demo district by its finest tiles and by its grids; overlays lie across them and are no part of it."""
    town = make_town(DEMO_SEED)
    regular = [grid for grid in town.grids if grid.exclusive]
    divided = {grid.parent for grid in regular if grid.level == "sub_grid"}
    frame = Plane(town.epsg).to_degrees(town.frame)
    for name, chosen in (
        ("demo district, finest level", [grid for grid in regular if grid.code not in divided]),
        ("demo district, grid level", [grid for grid in regular if grid.level == "grid"]),
    ):
        yield Ground(name, (_demo_tiles(chosen, frame, town.epsg),))


def _demo_tiles(chosen: list[TownGrid], frame: BaseGeometry, epsg: int) -> DistrictTiles:
    codes = np.array([grid.code for grid in chosen], dtype=object)
    grids = np.array([grid.parent if grid.level == "sub_grid" else grid.code for grid in chosen], dtype=object)
    polygons = Plane(epsg).to_degrees(np.array([grid.polygon for grid in chosen], dtype=object))
    return DistrictTiles("130273", frame, codes, grids, polygons, epsg)


def manhattan() -> Iterator[Ground]:
    """Manhattan's election districts after a repair, in the outline of the borough, which leaves shores and parks."""
    table = geopandas.read_file(DATA / "nyc" / "election_districts_2013.geojson")
    borough = geopandas.read_file(DATA / "nyc" / "borough.geojson").geometry.union_all()
    epsg = city_epsg(*shapely.get_coordinates(borough.centroid)[0].tolist())
    codes = [f"{row:04d}" for row in range(len(table))]
    repair = propose(codes, Plane(epsg).to_metres(np.array(table.geometry, dtype=object)), options=DECIDED)
    names = np.array(list(repair.polygons), dtype=object)
    polygons = Plane(epsg).to_degrees(np.array(list(repair.polygons.values()), dtype=object))
    yield Ground("Manhattan repaired", (DistrictTiles("1", borough, names, names, polygons, epsg),))


def beijing() -> Iterator[Ground]:
    """Beijing's townships in the districts of their counties, each framed by its union."""
    table = geopandas.read_parquet(DATA / "cn" / "beijing_townships.parquet")
    polygons, county = np.array(table.geometry, dtype=object), table["county"].to_numpy()
    codes = np.array([f"{row:04d}" for row in range(len(table))], dtype=object)
    districts = []
    for name in sorted(set(county)):
        mine = county == name
        frame = shapely.union_all(polygons[mine])
        districts.append(DistrictTiles(name, frame, codes[mine], codes[mine], polygons[mine], 4527))
    yield Ground("Beijing townships", tuple(districts))


GROUNDS: dict[str, Callable[[], Iterator[Ground]]] = {"demo": demo, "manhattan": manhattan, "beijing": beijing}
