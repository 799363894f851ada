"""Town compounds: blocks cut into plots of about 30 households, with slabs, towers and a few L shapes facing south."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry

from migrations.demo.cutting import CannotCut, Cut, Halves, best_of, cut_along, halve, straight, swinging, turned
from migrations.demo.layout import Block
from migrations.demo.plots import House, Plot, clear_width, rectangle, south_facing

# Three in a hundred grids are far from the target, as in any plan that has grown old.
TARGET, LEAST, MOST, ODD = 30, 24, 36, 0.03
WALL_M, WING_M = 4.0, 11.0
ELLS = 0.12
STAIRWELL_M = (12.5, 16.0)


@dataclass(frozen=True)
class Style:
    """How the houses of one compound are built."""

    turn: float
    tower: bool
    depth_m: float
    stairwell_m: float


def make_compound(
    number: int, block: Block, *, site: Polygon, rng: np.random.Generator
) -> tuple[list[Plot], list[Cut]]:
    """The plots of one town block with their houses, and the paths between them."""
    for swing in (0.0, 0.0, 0.0, 0.0, 8.0, -8.0, 20.0, -20.0):
        try:
            return _compound(number, block, site, south_facing(block.region) + swing, rng)
        except CannotCut:
            continue
    raise CannotCut("a town block does not divide into plots")


def _compound(
    number: int, block: Block, site: Polygon, turn: float, rng: np.random.Generator
) -> tuple[list[Plot], list[Cut]]:
    cuts: list[Cut] = []
    regions = _cells(block.region, block.grids, site, turn, rng, cuts)
    style = Style(turn, bool(rng.random() < 0.25), rng.uniform(11.0, 13.0), rng.uniform(*STAIRWELL_M))
    plots = []
    for region in regions:
        plot = Plot(number, block.community, block.use, "", region, turn)
        plot.houses = _houses(shapely.intersection(region, site), style, rng)
        plots.append(plot)
    return plots, cuts


def _cells(
    region: Polygon, count: int, site: BaseGeometry, turn: float, rng: np.random.Generator, cuts: list[Cut]
) -> list[Polygon]:
    """The region cut into `count` cells with about the same free ground, along the axes of the compound."""
    if count == 1:
        return [region]
    first = count // 2 if count % 2 == 0 or rng.random() < 0.5 else count - count // 2
    halves = _path(region, first / count, shapely.intersection(site, region), turn, rng)
    cuts.append(Cut(halves.line, "path"))
    return _cells(halves.first, first, site, turn, rng, cuts) + _cells(
        halves.second, count - first, site, turn, rng, cuts
    )


def _path(region: Polygon, share: float, site: BaseGeometry, turn: float, rng: np.random.Generator) -> Halves:
    west, south, east, north = turned(site, -turn).bounds
    # Slabs lie east-west, so a cell may be a little wider than deep.
    across = 90.0 if (east - west) > 1.15 * (north - south) else 0.0
    for bend in (swinging(rng, 1.5, ripple_m=rng.choice([0.0, 0.8, 1.6])), straight):
        for angle in (turn + across, turn + 90.0 - across, turn + 45.0, turn - 45.0):
            halves = halve(region, share, ground=site, degrees=angle, bend=bend)
            if halves is not None and halves.roundness() > 0.3:
                return halves
    fallback = best_of(halve(region, share, ground=site, degrees=turn + a) for a in range(0, 180, 15))
    if fallback is None:
        raise CannotCut("no path divides this compound")
    return fallback


def _houses(ground: BaseGeometry, style: Style, rng: np.random.Generator) -> list[House]:
    """Houses for about TARGET households on the ground of one plot."""
    flat = turned(shapely.buffer(ground, -WALL_M, join_style="mitre"), -style.turn)
    wanted = int(np.clip(round(rng.normal(TARGET, 2.4)), LEAST, MOST))
    if rng.random() < ODD:
        wanted = int(rng.choice([18, 20, 40, 44]))
    shapes = _ell(flat, style, rng) if rng.random() < ELLS else []
    shapes = shapes or (_tower(flat, style, rng) if style.tower else _slabs(flat, style, rng))
    shapes = shapes or _tower(flat, style, rng) or _slabs(flat, style, rng)
    if not shapes:
        raise CannotCut("a plot of the town is too small for a house")
    return [
        House(turned(shape, style.turn), "residential", floors, (doors * floors,) * stairwells)
        for shape, (floors, stairwells, doors) in zip(shapes, _filled(shapes, wanted, style, rng), strict=True)
    ]


def _slabs(flat: BaseGeometry, style: Style, rng: np.random.Generator) -> list[Polygon]:
    """One to three rows of slabs, each as long as the ground and its stairwells allow."""
    _, south, _, north = flat.bounds
    rows = 1 if north - south < 36.0 else 2 if north - south < 64.0 else 3
    pitch = (north - south) / rows
    slabs: list[Polygon] = []
    room = 5 if rows > 1 else 4
    for row in range(rows):
        low = south + pitch * (row + 0.5) - style.depth_m / 2.0 + rng.uniform(-0.6, 0.6)
        west, east = clear_width(flat, low, north=low + style.depth_m)
        stairwells = int(min((east - west) // style.stairwell_m, 4 if rows == 1 else 3 if rows == 2 else 2, room))
        if stairwells < 1 or north - south < style.depth_m:
            continue
        length = stairwells * style.stairwell_m
        slab = rectangle(west + (east - west - length) * rng.uniform(0.2, 0.8), low, width=length, depth=style.depth_m)
        if shapely.contains(flat, slab):
            slabs.append(slab)
            room -= stairwells
    return slabs


def _ell(flat: BaseGeometry, style: Style, rng: np.random.Generator) -> list[Polygon]:
    """One house in the shape of an L along the north of the ground; none where it has no room for the wing."""
    _, south, _, north = flat.bounds
    low = north - style.depth_m - rng.uniform(1.0, 4.0)
    west, east = clear_width(flat, low, north=low + style.depth_m)
    stairwells = int(min((east - west) // style.stairwell_m, 3))
    wing_m = min(low - south - 1.0, rng.uniform(9.0, 14.0))
    if stairwells < 2 or wing_m < 7.0:
        return []
    x0, x1 = west + 0.5, west + stairwells * style.stairwell_m
    end, inner = (x0, x0 + WING_M) if rng.random() < 0.5 else (x1, x1 - WING_M)
    other, top, foot = x0 + x1 - end, low + style.depth_m, low - wing_m
    ell = Polygon([(other, top), (end, top), (end, foot), (inner, foot), (inner, low), (other, low)])
    return [ell] if shapely.contains(flat, ell) else []


def _tower(flat: BaseGeometry, style: Style, rng: np.random.Generator) -> list[Polygon]:
    """One tower near the middle of the ground."""
    middle = shapely.centroid(flat)
    for width, depth in ((2 * style.stairwell_m, 14.0), (22.0, 16.0), (17.0, 13.0), (13.0, 11.0), (11.0, 9.0)):
        for _ in range(6):
            x, y = middle.x + rng.uniform(-4.0, 4.0), middle.y + rng.uniform(-4.0, 4.0)
            tower = rectangle(x - width / 2, y - depth / 2, width=width, depth=depth)
            if shapely.contains(flat, tower):
                return [tower]
    return []


def _filled(shapes: list[Polygon], wanted: int, style: Style, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Floors, stairwells and doors per floor of each house, so that all together come near the wanted households."""
    stairwells = [max(1, round((s.bounds[2] - s.bounds[0]) / style.stairwell_m)) for s in shapes]
    best: list[tuple[int, int, int]] = []
    for doors in (2, 3, 4) if sum(stairwells) == 1 else (2,):
        for floors in range(2, 19):
            plan = [(floors, count, doors) for count in stairwells]
            best = min(best or plan, plan, key=lambda p: abs(_homes(p) - wanted))
    return _one_floor_more(best, wanted, rng)


def _homes(plan: list[tuple[int, int, int]]) -> int:
    return sum(floors * stairwells * doors for floors, stairwells, doors in plan)


def _one_floor_more(
    plan: list[tuple[int, int, int]], wanted: int, rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """The plan with single houses one floor higher or lower where that comes nearer to the wanted households."""
    for at in rng.permutation(len(plan)):
        floors, stairwells, doors = plan[at]
        for change in (-1, 1):
            other = [*plan[:at], (max(2, floors + change), stairwells, doors), *plan[at + 1 :]]
            if abs(_homes(other) - wanted) < abs(_homes(plan) - wanted):
                plan = other
    return plan


@dataclass(frozen=True)
class _Flight:
    """One stairwell in the compound's own axes: which house and stairwell, where, how many households."""

    house: int
    stairwell: int
    west: float
    south: float
    east: float
    north: float
    households: int


def most_parts(plot: Plot) -> int:
    """Into how many sub-grids a town plot can be divided: at most one per stairwell."""
    return sum(len(house.rooms) for house in plot.houses)


def divide_plot(plot: Plot, count: int) -> int:
    """How many sub-grids the plot got (at most `count`): cut between houses first, then between stairwells."""
    turn, flights = plot.turn, _flights(plot, plot.turn)
    plot.parts, plot.cuts = [], []
    groups = _divided(turned(plot.region, -turn), flights, count, plot.cuts)
    plot.parts = [turned(region, turn) for region, _ in groups]
    plot.cuts = [turned(line, turn) for line in plot.cuts]
    owner = {(f.house, f.stairwell): n for n, (_, group) in enumerate(groups, start=1) for f in group}
    for at, house in enumerate(plot.houses):
        house.parts = tuple(owner[at, s] for s in range(len(house.rooms)))
    return len(groups)


def _flights(plot: Plot, turn: float) -> list[_Flight]:
    flights = []
    for at, house in enumerate(plot.houses):
        west, south, east, north = turned(house.footprint, -turn).bounds
        step = (east - west) / len(house.rooms)
        flights += [
            _Flight(at, s, west + s * step, south, west + (s + 1) * step, north, rooms)
            for s, rooms in enumerate(house.rooms)
        ]
    return flights


def _divided(
    region: Polygon, flights: list[_Flight], count: int, cuts: list[LineString]
) -> list[tuple[Polygon, list[_Flight]]]:
    if count <= 1 or len(flights) < 2:
        return [(region, flights)]
    for line, left in _choices(region, flights):
        halves = cut_along(region, line)
        if halves is None or min(halves.first.area, halves.second.area) < 60.0:
            continue
        right = [f for f in flights if f not in left]
        if not (_holds(halves.first, left) and _holds(halves.second, right)):
            continue
        share = sum(f.households for f in left) / sum(f.households for f in flights)
        lefts = min(max(round(count * share), 1), count - 1, len(left))
        lefts = max(lefts, count - len(right))
        cuts.append(halves.line)
        return _divided(halves.first, left, lefts, cuts) + _divided(halves.second, right, count - lefts, cuts)
    return [(region, flights)]


def _holds(part: Polygon, flights: list[_Flight]) -> bool:
    """Whether the middles of all these stairwells lie in the part."""
    middles = np.array([((f.west + f.east) / 2.0, (f.south + f.north) / 2.0) for f in flights])
    return bool(shapely.contains_xy(part, middles[:, 0], middles[:, 1]).all())


def _choices(region: Polygon, flights: list[_Flight]) -> list[tuple[LineString, list[_Flight]]]:
    """Lines that part the flights, best first: between houses, then between stairwells, near the middle."""
    west, south, east, north = (float(v) for v in box(*region.bounds).buffer(3.0).bounds)
    found: list[tuple[float, LineString, list[_Flight]]] = []
    for f in flights:
        below = [g for g in flights if g.south < f.south]
        if below and (y := max(g.north for g in below)) < f.south:
            middle = (y + f.south) / 2.0
            found.append((_unevenness(below, flights), LineString([(east, middle), (west, middle)]), below))
        before = [g for g in flights if g.west < f.west]
        if before and (x := max(g.east for g in before)) <= f.west + 1e-6:
            shared = any(g.house == f.house for g in before)
            line = LineString([((x + f.west) / 2.0, south), ((x + f.west) / 2.0, north)])
            found.append((_unevenness(before, flights) + shared, line, before))
    # Left of a line that runs west is the south, left of one that runs north is the west.
    return [(line, left) for _, line, left in sorted(found, key=lambda each: each[0])]


def _unevenness(part: list[_Flight], whole: list[_Flight]) -> float:
    return abs(sum(f.households for f in part) / sum(f.households for f in whole) - 0.5)
