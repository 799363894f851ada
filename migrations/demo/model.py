"""The demo town as plain values: what `town.make_town` returns. Shapes are metres of the city's CRS on the lattice."""

from __future__ import annotations

from dataclasses import dataclass

from shapely.geometry import LineString, MultiPolygon, Point, Polygon


@dataclass(frozen=True)
class TownArea:
    """The district, a subdistrict or a community."""

    code: str
    name: str
    level: str
    parent: str | None
    kind: str | None
    polygon: Polygon


@dataclass(frozen=True)
class TownGrid:
    """A grid or sub-grid; `use` says what the ground is: town, village, park, industry, river or patrol (overlays).

    Only an overlay may have parts: a patrol team watches several dedicated grids that lie apart.
    """

    code: str
    name: str
    level: str
    parent: str
    kind: str
    exclusive: bool
    group: str | None
    use: str
    polygon: Polygon | MultiPolygon
    households: int
    buildings: int


@dataclass(frozen=True)
class TownCompound:
    """A housing estate or a village: its ground between the streets."""

    name: str
    kind: str
    polygon: Polygon


@dataclass(frozen=True)
class TownBuilding:
    """A building; `rooms` are the households of each stairwell, `sub_grids` the sub-grid of each ("" for none)."""

    name: str
    address: str
    kind: str
    floors: int
    compound: int | None
    grid: str
    sub_grids: tuple[str, ...]
    rooms: tuple[int, ...]
    footprint: Polygon
    inner_point: Point

    @property
    def households(self) -> int:
        """How many households live here."""
        return sum(self.rooms)


@dataclass(frozen=True)
class TownRoad:
    """A stretch of road; small paths have no name."""

    name: str
    road_class: str
    line: LineString


@dataclass(frozen=True)
class TownGround:
    """A surface of water or green with its kind: river, pond, park or bank."""

    name: str
    kind: str
    polygon: Polygon


@dataclass(frozen=True)
class Town:
    """The whole demo town; `grids` holds grids, their sub-grids and the overlays of the patrol teams."""

    seed: int
    epsg: int
    frame: Polygon
    areas: tuple[TownArea, ...]
    grids: tuple[TownGrid, ...]
    compounds: tuple[TownCompound, ...]
    buildings: tuple[TownBuilding, ...]
    roads: tuple[TownRoad, ...]
    waters: tuple[TownGround, ...]
    parks: tuple[TownGround, ...]

    @property
    def tiles(self) -> tuple[TownGrid, ...]:
        """The exclusive grids and sub-grids that have no part below them: the finest level, in the order of codes."""
        divided = {grid.parent for grid in self.grids if grid.level == "sub_grid"}
        finest = [grid for grid in self.grids if grid.exclusive and grid.code not in divided]
        return tuple(sorted(finest, key=lambda grid: grid.code))
