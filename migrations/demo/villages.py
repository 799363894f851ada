"""Villages: rows of single houses with small yards, cut into grids of about 50 along steps between the yards."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from migrations.demo.cutting import CannotCut, Cut, Halves, cut_along, largest, turned
from migrations.demo.layout import Block
from migrations.demo.plots import Floats, House, Plot, Yards, rectangle, south_facing

TARGET, LEAST, MOST, ODD = 50, 41, 59, 0.03
LANE_M, ROWS_BETWEEN_LANES, COLUMNS_BETWEEN_LANES = 3.4, 2, 8
WIDTH_M, DEPTH_M = 13.6, 16.5
BESIDE_M, NARROWEST_M = 0.3, 1.0


def make_village(number: int, block: Block, *, site: Polygon, rng: np.random.Generator) -> tuple[list[Plot], list[Cut]]:
    """The plots of one village block with their houses, and the lanes on the borders between them."""
    for swing in (0.0, 0.0, 12.0, -12.0, 25.0, -25.0, 40.0):
        try:
            return _village(number, block, site, south_facing(block.region) + swing, rng)
        except CannotCut:
            continue
    raise CannotCut("a village block does not divide in any direction")


def _village(
    number: int, block: Block, site: Polygon, turn: float, rng: np.random.Generator
) -> tuple[list[Plot], list[Cut]]:
    counts = [_wanted(rng) for _ in range(block.grids)]
    yards = _yards(turned(shapely.buffer(site, -1.5), -turn), sum(counts), rng)
    cuts: list[LineString] = []
    plots = []
    for region, mine in _divided(turned(block.region, -turn), yards, counts, rng, cuts):
        plot = Plot(number, block.community, block.use, "", turned(region, turn), turn, mine)
        plot.houses = [_house(mine, at, turn, rng) for at in range(len(mine))]
        plots.append(plot)
    return plots, [Cut(turned(line, turn), "path") for line in cuts]


def _wanted(rng: np.random.Generator) -> int:
    """How many households a grid shall have: around the target, now and then far from it, as in any old plan."""
    if rng.random() < ODD:
        return int(rng.choice([36, 38, 62, 64]))
    return int(np.clip(round(rng.normal(TARGET, 3.2)), LEAST, MOST))


def divide_plot(plot: Plot, count: int, *, rng: np.random.Generator) -> int:
    """How many sub-grids the plot got (at most `count`), each with about as many houses."""
    assert plot.yards is not None
    order = np.arange(len(plot.yards))
    counts = [len(part) for part in np.array_split(order, count)]
    cuts: list[LineString] = []
    pieces = _divided(turned(plot.region, -plot.turn), plot.yards, counts, rng, cuts)
    plot.parts = [turned(region, plot.turn) for region, _ in pieces]
    plot.cuts = [turned(line, plot.turn) for line in cuts]
    places = {
        (int(c), int(r)): n for n, (_, part) in enumerate(pieces, 1) for c, r in zip(part.column, part.row, strict=True)
    }
    for house, column, row in zip(plot.houses, plot.yards.column, plot.yards.row, strict=True):
        house.parts = (places[int(column), int(row)],)
    return len(pieces)


def _yards(ground: BaseGeometry, wanted: int, rng: np.random.Generator) -> Yards:
    """Exactly `wanted` yards that lie wholly on the ground: as large as fit, a few places left empty."""
    low, high = 0.45, 1.7
    phase = rng.uniform(0.0, 1.0, 2)
    for _ in range(14):
        scale = (low + high) / 2.0
        fitting = _lattice(ground, scale, phase)
        low, high = (scale, high) if len(fitting) >= wanted * 1.05 else (low, scale)
    fitting = _lattice(ground, low, phase)
    if len(fitting) < wanted:
        raise CannotCut("a village block is too small for its houses")
    return fitting.take(np.sort(rng.choice(len(fitting), wanted, replace=False)))


def _lattice(ground: BaseGeometry, scale: float, phase: Floats) -> Yards:
    """All yards of a size that lie on the ground."""
    west, south, east, north = ground.bounds
    x = _borders(west, east, WIDTH_M * scale, COLUMNS_BETWEEN_LANES, float(phase[0]))
    y = _borders(south, north, DEPTH_M * scale, ROWS_BETWEEN_LANES, float(phase[1]))
    column, row = (each.ravel() for each in np.meshgrid(np.arange(len(x) - 1), np.arange(len(y) - 1)))
    tall = (np.diff(x)[column] > WIDTH_M * scale * 0.9) & (np.diff(y)[row] > DEPTH_M * scale * 0.9)
    shapely.prepare(ground)
    inside = shapely.contains(ground, shapely.box(x[column], y[row], x[column + 1], y[row + 1])) & tall
    return Yards(x, y, column[inside], row[inside])


def _borders(start: float, end: float, pitch: float, together: int, phase: float) -> Floats:
    """Borders of yards along one axis; every few yards a lane, which is a place too narrow for a yard."""
    steps = np.full(int((end - start) / pitch) + 3, pitch)
    steps = np.insert(steps, np.arange(together, len(steps), together), LANE_M)
    return np.asarray(start - phase * pitch + np.concatenate([[0.0], np.cumsum(steps)]))


def _house(yards: Yards, at: int, turn: float, rng: np.random.Generator) -> House:
    """A house at the north of its yard, sometimes with a wing, one or two floors."""
    west, east = yards.x[yards.column[at]], yards.x[yards.column[at] + 1]
    south, north = yards.y[yards.row[at]], yards.y[yards.row[at] + 1]
    width = (east - west) * rng.uniform(0.72, 0.86)
    depth = (north - south) * rng.uniform(0.44, 0.58)
    x, y = west + (east - west - width) * rng.uniform(0.35, 0.65), north - depth - rng.uniform(0.7, 1.3)
    shape: BaseGeometry = rectangle(x, y, width=width, depth=depth)
    if rng.random() < 0.18:
        wing = (north - south) * 0.2
        shape = shapely.union(
            shape,
            rectangle(x if rng.random() < 0.5 else x + width * 0.65, y - wing, width=width * 0.35, depth=wing + 0.5),
        )
    return House(turned(largest(shape), turn), "house", int(rng.choice([1, 1, 2, 2, 3])), (1,))


def _divided(
    region: Polygon, yards: Yards, counts: list[int], rng: np.random.Generator, cuts: list[LineString]
) -> list[tuple[Polygon, Yards]]:
    """The region cut into one part per count, with that many yards in each."""
    if len(counts) == 1:
        return [(region, yards)]
    at = len(counts) // 2
    halves, mine = _stepped(region, yards, sum(counts[:at]), rng)
    cuts.append(halves.line)
    return _divided(halves.first, yards.take(mine), counts[:at], rng, cuts) + _divided(
        halves.second, yards.take(~mine), counts[at:], rng, cuts
    )


def _stepped(region: Polygon, yards: Yards, count: int, rng: np.random.Generator) -> tuple[Halves, NDArray[np.bool_]]:
    """The region cut along steps so that `count` yards lie in the first part, and which ones they are."""
    wide = np.ptp(yards.x[yards.column]) > np.ptp(yards.y[yards.row])
    for slope in (*rng.uniform(-0.22, 0.22, 3), 0.0013, 0.4, -0.4, 0.8, -0.8):
        for upright in (wide, not wide):
            line, mine = _steps(region, yards, count, float(slope), bool(upright))
            # Off the borders of the yards by a little: two cuts along the same lane must not run into each other.
            line = shapely.transform(line, lambda xy: xy + rng.uniform(-BESIDE_M, BESIDE_M, 2))
            halves = cut_along(region, line)
            if halves is None or not (_sound(halves.first) and _sound(halves.second)):
                continue
            if np.array_equal(_within(halves.first, yards), mine):
                return halves, mine
    raise CannotCut("no stepped line divides this village")


def _within(part: Polygon, yards: Yards) -> NDArray[np.bool_]:
    """Which yards have their middle in the part."""
    x = (yards.x[yards.column] + yards.x[yards.column + 1]) / 2.0
    y = (yards.y[yards.row] + yards.y[yards.row + 1]) / 2.0
    return np.asarray(shapely.contains_xy(part, x, y), dtype=np.bool_)


def _sound(part: Polygon) -> bool:
    """Whether the part is more than a splinter and holds together where it is narrowest."""
    inner = shapely.buffer(part, -NARROWEST_M / 2.0, join_style="mitre")
    return bool(part.area > 100.0 and inner.geom_type == "Polygon" and not inner.is_empty)


def _steps(
    region: Polygon, yards: Yards, count: int, slope: float, upright: bool
) -> tuple[LineString, NDArray[np.bool_]]:
    """A staircase through the region, between yards, with `count` of them before it, and which these are.

    Before means south of a line that runs west, or west of a line that runs north.
    """
    along, across = (yards.y, yards.x) if upright else (yards.x, yards.y)
    step, level = (yards.row, yards.column) if upright else (yards.column, yards.row)
    key = (across[level] + across[level + 1]) / 2.0 + slope * (along[step] + along[step + 1]) / 2.0
    ranked = np.argsort(key, kind="stable")
    limit = (key[ranked[count - 1]] + key[ranked[count]]) / 2.0
    mine = np.zeros(len(key), dtype=bool)
    mine[ranked[:count]] = True
    heights = across[1:][
        np.searchsorted((across[:-1] + across[1:]) / 2.0, limit - slope * (along[:-1] + along[1:]) / 2.0) - 1
    ]
    line = _staircase(along, heights, region)
    return (LineString(line[:, ::-1]) if upright else LineString(line[::-1])), mine


def _staircase(along: Floats, heights: Floats, region: Polygon) -> Floats:
    """The corners of the staircase, run on beyond the region at both ends."""
    a = np.repeat(along, 2)[1:-1]
    b = np.repeat(heights, 2)
    reach = float(region.length)
    ends = [[a[0] - reach, b[0]]], [[a[-1] + reach, b[-1]]]
    corners = np.vstack([ends[0], np.column_stack([a, b]), ends[1]])
    keep = np.r_[True, np.any(np.diff(corners, axis=0) != 0.0, axis=1)]
    return shapely.get_coordinates(shapely.simplify(LineString(corners[keep]), 0.0))
