"""The large lines of the demo district: frame, river, communities, parks across borders, blocks between streets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from migrations.demo.cutting import (
    CannotCut,
    Cut,
    Halves,
    best_of,
    cut_along,
    halve,
    largest,
    lines_of,
    long_axis,
    swinging,
    turned,
)
from migrations.demo.wishes import DemoWish

BANK_M, WATER_M = 52.0, 24.0
RIVER_GRIDS, SHARED_PARKS = 24, 6
MIN_STRIP_M2 = 3_000.0


@dataclass(frozen=True)
class Block:
    """A region between streets, for a number of grids of one use (town, village, park, industry, river)."""

    community: str
    use: str
    grids: int
    region: Polygon
    group: str = ""


@dataclass
class Layout:
    """What the large lines leave behind: blocks, the cuts between them, the river."""

    frame: Polygon
    river: LineString
    corridor: BaseGeometry
    water: BaseGeometry
    communities: dict[str, Polygon] = field(default_factory=dict)
    banked: dict[str, Polygon] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    greens: list[Polygon] = field(default_factory=list)


def make_layout(wishes: dict[str, DemoWish], rng: np.random.Generator) -> Layout:
    """The district divided into blocks, each community as large as its wish asks."""
    layout = _framed(sum(wish.area_m2 for wish in wishes.values()), rng)
    sides = _river_sides(layout, wishes)
    for region, codes in sides:
        _divide_communities(layout, region, [wishes[code] for code in codes], rng)
    strips = _strips(layout)
    _share_parks(layout, rng)
    for code, region in layout.communities.items():
        ground = _without_parks(layout.banked.get(code, region), layout)
        _divide_blocks(layout, ground, list(wishes[code].items), wishes[code], rng)
    layout.blocks += [Block(code, "river", 1, strip, "river") for code, strip in strips]
    return layout


def _framed(area_m2: float, rng: np.random.Generator) -> Layout:
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * [1.06, 0.94]
    corners = corners + rng.uniform(-0.07, 0.07, (4, 2))
    ring = np.vstack([_wavy_side(a, b, rng) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)])
    shape = Polygon(ring)
    scale = math.sqrt(area_m2 / shape.area)
    frame = turned(Polygon(ring * scale), 7.0)
    river = _river(frame, rng)
    corridor = shapely.buffer(river, BANK_M, quad_segs=6)
    return Layout(frame, river, corridor, shapely.intersection(shapely.buffer(river, WATER_M, quad_segs=6), frame))


def _wavy_side(a: Any, b: Any, rng: np.random.Generator) -> Any:
    """Points of one side of the frame, the last corner left out."""
    t = np.linspace(0.0, 1.0, 26)[:-1]
    bend = swinging(rng, 0.035, ripple_m=0.012)(t) * np.sin(np.pi * t) ** 0.5
    across = np.array([a[1] - b[1], b[0] - a[0]]) / np.hypot(*(b - a))
    return a + t[:, None] * (b - a) + bend[:, None] * across


def _river(frame: Polygon, rng: np.random.Generator) -> LineString:
    """The middle of the river: from north to south in two or three swings, a vertex about every 30 m."""
    west, south, east, north = frame.bounds
    t = np.linspace(-0.05, 1.05, 90)
    phase, swing = rng.uniform(0.0, 6.28), (east - west) * rng.uniform(0.035, 0.055)
    x = west + (east - west) * (0.34 + 0.10 * t) + swing * np.sin(2.6 * math.pi * t / 1.1 + phase)
    x += 0.35 * swing * np.sin(6.1 * math.pi * t + 2.0 * phase)
    return LineString(np.column_stack([x, north + (south - north) * t]))


def _river_sides(layout: Layout, wishes: dict[str, DemoWish]) -> list[tuple[Polygon, list[str]]]:
    """The two banks with the codes of their communities, after the river was moved to where their areas fit."""
    west = [code for code in wishes if code[6:9] in ("401", "402")]
    east = [code for code in wishes if code not in west]
    share = sum(wishes[c].area_m2 for c in west) / sum(w.area_m2 for w in wishes.values())
    low, high = -layout.frame.length / 20, layout.frame.length / 20
    halves: Halves | None = None
    for _ in range(18):
        middle = (low + high) / 2
        river = affinity.translate(layout.river, xoff=middle)
        halves = cut_along(layout.frame, river)
        if halves is None:
            raise CannotCut("the river leaves the district on one side")
        western = min((halves.first, halves.second), key=lambda part: part.centroid.x)
        low, high = (middle, high) if western.area < share * layout.frame.area else (low, middle)
    assert halves is not None
    layout.river = halves.line
    layout.corridor = shapely.buffer(river, BANK_M, quad_segs=6)
    layout.water = shapely.intersection(shapely.buffer(river, WATER_M, quad_segs=6), layout.frame)
    layout.cuts.append(Cut(halves.line, ""))
    first, second = sorted((halves.first, halves.second), key=lambda part: part.centroid.x)
    return [(first, west), (second, east)]


def _divide_communities(layout: Layout, region: Polygon, wishes: list[DemoWish], rng: np.random.Generator) -> None:
    """Cut the region in two again and again until each wish has its own."""
    if len(wishes) == 1:
        layout.communities[wishes[0].code] = region
        return
    # Subdistricts are parted first, so that each is in one piece.
    border = [n for n, (a, b) in enumerate(pairwise(wishes), start=1) if a.code[:9] != b.code[:9]]
    at = border[0] if border else _middle([wish.area_m2 for wish in wishes], rng)
    weight = sum(wish.area_m2 for wish in wishes)
    halves = _street(layout, region, sum(w.area_m2 for w in wishes[:at]) / weight, rng, bent=0.05)
    layout.cuts.append(Cut(halves.line, "primary" if weight > 9e5 else "secondary" if weight > 2.8e5 else "tertiary"))
    _divide_communities(layout, halves.first, wishes[:at], rng)
    _divide_communities(layout, halves.second, wishes[at:], rng)


def _middle(weights: list[float], rng: np.random.Generator) -> int:
    """Where to part a list so that its halves weigh about the same, not always exactly."""
    total = np.cumsum(weights) / sum(weights)
    at = int(np.argmin(np.abs(total[:-1] - rng.uniform(0.42, 0.58)))) + 1
    return min(max(at, 1), len(weights) - 1)


def _street(layout: Layout, region: Polygon, share: float, rng: np.random.Generator, *, bent: float) -> Halves:
    """A straight or curved street that leaves `share` of the region's dry ground on its left."""
    ground = shapely.difference(region, layout.corridor)
    axis, _ = long_axis(region)
    side = math.sqrt(region.area)
    tries: list[Halves | None] = []
    for across in (90.0, 90.0, 90.0, 0.0):
        curved = rng.random() < 0.55
        bend = swinging(rng, side * (bent if curved else 0.008))
        angle = axis + across + rng.uniform(-7.0, 7.0)
        tries.append(halve(region, share, ground=ground, degrees=angle, bend=bend))
    best = best_of(tries) or best_of(
        halve(region, share, ground=ground, degrees=axis + turn) for turn in range(0, 180, 15)
    )
    if best is None:
        raise CannotCut("no straight line cuts this region in two")
    return best


def _strips(layout: Layout) -> list[tuple[str, Polygon]]:
    """The river with its banks, one strip or more in each community along it: RIVER_GRIDS of them."""
    strips = sorted(_whole_strips(layout), key=lambda each: -each[1].area)[:RIVER_GRIDS]
    for code, _ in strips:
        rest = layout.banked[code] = largest(shapely.difference(layout.communities[code], layout.corridor))
        # A small street along the bank, between the strip and the blocks behind it.
        shores = lines_of(shapely.intersection(shapely.boundary(layout.corridor), layout.communities[code]))
        near = [line for line in shores if rest.distance(line.interpolate(0.5, normalized=True)) < 1e-6]
        layout.cuts += [Cut(line, "residential") for line in near]
    while len(strips) < RIVER_GRIDS:
        code, longest = max(strips, key=lambda each: float(each[1].area))
        across = long_axis(longest)[0] + 90.0
        halves = best_of(halve(longest, 0.5, ground=longest, degrees=across + turn) for turn in range(-60, 61, 15))
        if halves is None:
            raise CannotCut("a strip of the river bank is too bent to cut")
        strips = [each for each in strips if each[1] is not longest] + [(code, halves.first), (code, halves.second)]
        layout.cuts.append(Cut(halves.line, ""))
    return sorted(strips, key=lambda each: (each[0], -each[1].centroid.y))


def _whole_strips(layout: Layout) -> list[tuple[str, Polygon]]:
    """The river's part of each community, where it leaves the rest in one piece."""
    strips = []
    for code, region in layout.communities.items():
        rest = largest(shapely.difference(region, layout.corridor))
        strip = shapely.difference(region, rest)
        if isinstance(strip, Polygon) and strip.area > MIN_STRIP_M2:
            strips.append((code, strip))
    return strips


def _without_parks(region: Polygon, layout: Layout) -> Polygon:
    rest = shapely.difference(region, shapely.union_all(layout.greens))
    if not isinstance(rest, Polygon):
        raise CannotCut("river and parks leave a community in parts")
    return rest


def _share_parks(layout: Layout, rng: np.random.Generator) -> None:
    """SHARED_PARKS round parks, each over the border of two communities: two grids with one group."""
    codes = list(layout.communities)
    tree = shapely.STRtree(list(layout.communities.values()))
    pairs = [(int(a), int(b)) for a, b in tree.query(list(layout.communities.values()), predicate="touches").T if a < b]
    for at in rng.permutation(len(pairs)):
        if len(layout.greens) == SHARED_PARKS:
            return
        a, b = (codes[i] for i in pairs[at])
        park = _park_across(layout, a, b, rng)
        if park is None:
            continue
        layout.greens.append(park)
        group = f"park-{len(layout.greens)}"
        layout.cuts.append(Cut(LineString(park.exterior), "residential"))
        for code in (a, b):
            part = largest(shapely.intersection(layout.communities[code], park))
            layout.blocks.append(Block(code, "park", 1, part, group))
    raise CannotCut("no room for the parks on the borders of communities")


def _park_across(layout: Layout, a: str, b: str, rng: np.random.Generator) -> Polygon | None:
    """A round park on the middle of the border between two communities, or None where it does not fit."""
    border = lines_of(shapely.intersection(layout.communities[a], layout.communities[b]))
    if not border or border[0].length < 150.0:
        return None
    middle = border[0].interpolate(0.5, normalized=True)
    turn = np.linspace(0.0, 2.0 * math.pi, 45)[:-1]
    phase = rng.uniform(0.0, 6.28, 2)
    radius = rng.uniform(52.0, 66.0) * (1.0 + 0.10 * np.sin(2 * turn + phase[0]) + 0.05 * np.sin(3 * turn + phase[1]))
    park = Polygon(np.column_stack([middle.x + radius * np.cos(turn), middle.y + radius * np.sin(turn)]))
    both = shapely.union(layout.communities[a], layout.communities[b])
    near = [other for other in layout.greens if other.distance(park) < 400.0]
    if near or not shapely.buffer(both, -12.0).contains(park) or park.distance(layout.river) < 2 * BANK_M:
        return None
    whole = [shapely.difference(layout.communities[code], park).geom_type == "Polygon" for code in (a, b)]
    return park if all(whole) else None


def _divide_blocks(
    layout: Layout, region: Polygon, items: list[tuple[str, int, float]], wish: DemoWish, rng: np.random.Generator
) -> None:
    """Cut a community's ground along small streets until each item of its wish has its own block."""
    if len(items) == 1:
        use, grids, _ = items[0]
        layout.blocks.append(Block(wish.code, use, grids, region, wish.group if use == "industry" else ""))
        return
    weights = [area for _, _, area in items]
    at = _middle(weights, rng)
    halves = _street(layout, region, sum(weights[:at]) / sum(weights), rng, bent=0.025)
    layout.cuts.append(Cut(halves.line, "residential"))
    _divide_blocks(layout, halves.first, items[:at], wish, rng)
    _divide_blocks(layout, halves.second, items[at:], wish, rng)
