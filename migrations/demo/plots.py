"""A plot: the ground of one future grid with what stands on it; and the ground of blocks that streets leave free."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry

from migrations.demo.cutting import HALF_WIDTH_M, Cut, largest, long_axis
from migrations.demo.layout import Block, Layout

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FRAME_MARGIN_M = 5.0


@dataclass
class House:
    """One building; `rooms` are households per stairwell, `parts` the sub-grid (1, 2 …) of each stairwell."""

    footprint: Polygon
    kind: str
    floors: int
    rooms: tuple[int, ...] = ()
    parts: tuple[int, ...] = ()

    @property
    def households(self) -> int:
        """How many households live here."""
        return sum(self.rooms)


@dataclass(frozen=True)
class Yards:
    """Yards in rows and columns in a village's own axes: borders of columns and rows, and which yards are there."""

    x: Floats
    y: Floats
    column: Ints
    row: Ints

    def __len__(self) -> int:
        return len(self.column)

    def take(self, which: NDArray[np.bool_] | Ints) -> Yards:
        """The chosen yards in the same rows and columns."""
        return Yards(self.x, self.y, self.column[which], self.row[which])


@dataclass
class Plot:
    """The ground of one grid; `parts` are its sub-grids, none where the grid is finest itself."""

    block: int
    community: str
    use: str
    group: str
    region: Polygon
    turn: float = 0.0
    yards: Yards | None = None
    houses: list[House] = field(default_factory=list)
    parts: list[Polygon] = field(default_factory=list)
    cuts: list[LineString] = field(default_factory=list)

    @property
    def households(self) -> int:
        """How many households live on the plot."""
        return sum(house.households for house in self.houses)


def sites(layout: Layout) -> list[Polygon]:
    """The largest piece of each block that streets, river and frame leave free."""
    widths = np.array([HALF_WIDTH_M[cut.road_class] for cut in layout.cuts])
    streets = shapely.buffer([cut.line for cut in layout.cuts], widths, quad_segs=4)
    edge = shapely.buffer(layout.frame.exterior, FRAME_MARGIN_M, quad_segs=2)
    taken = np.array([*streets, edge, layout.corridor], dtype=object)
    tree = shapely.STRtree(taken)
    greens = shapely.union_all(shapely.buffer(layout.greens, -HALF_WIDTH_M["residential"]))
    return [_free(block, taken, tree, greens) for block in layout.blocks]


def _free(block: Block, taken: NDArray[np.object_], tree: shapely.STRtree, greens: BaseGeometry) -> Polygon:
    if block.use == "river":
        return block.region
    if block.group.startswith("park"):
        # A park over a border: no street runs through it, only around it.
        return largest(shapely.intersection(block.region, greens))
    near = [int(i) for i in tree.query(block.region, predicate="intersects")]
    return largest(shapely.difference(block.region, shapely.union_all(taken[near])))


def south_facing(region: Polygon) -> float:
    """The turn in degrees, within 45 of 0, that lays the region's sides along the axes: rows of houses look south."""
    return (long_axis(region)[0] + 45.0) % 90.0 - 45.0


def clear_width(ground: BaseGeometry, south: float, *, north: float) -> tuple[float, float]:
    """West and east end of the longest stretch that is free over the whole band; two zeros where there is none."""
    west, _, east, _ = ground.bounds
    spans = []
    for y in np.linspace(south, north, 4):
        pieces = shapely.get_parts(shapely.intersection(ground, LineString([(west - 1.0, y), (east + 1.0, y)])))
        lengths = shapely.length(pieces)
        if not len(pieces) or lengths.max() == 0.0:
            return 0.0, 0.0
        spans.append(pieces[int(np.argmax(lengths))].bounds)
    left, right = max(span[0] for span in spans), min(span[2] for span in spans)
    return (left, right) if right > left else (0.0, 0.0)


def rectangle(west: float, south: float, *, width: float, depth: float) -> Polygon:
    """An upright rectangle from its south-west corner."""
    return box(west, south, west + width, south + depth)


def path_cuts(plots: list[Plot]) -> list[Cut]:
    """The cuts between sub-grids of all plots; no road runs there."""
    return [Cut(line, "") for plot in plots for line in plot.cuts]
