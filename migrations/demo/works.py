"""Industry: large halls with an office beside them; nobody lives here."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry import Polygon

from migrations.demo.cutting import turned
from migrations.demo.layout import Block
from migrations.demo.plots import House, Plot, clear_width, rectangle, south_facing

WALL_M, YARD_M, DEEPEST_HALL_M = 7.0, 14.0, 46.0


def make_works(number: int, block: Block, *, site: Polygon, rng: np.random.Generator) -> Plot:
    """The plot of one industrial block with its halls."""
    turn = south_facing(block.region)
    plot = Plot(number, block.community, block.use, block.group, block.region, turn)
    flat = turned(shapely.buffer(site, -WALL_M, join_style="mitre"), -turn)
    _, south, _, north = flat.bounds
    rows = max(1, round((north - south) / 60.0))
    pitch = (north - south) / rows
    for row in range(rows):
        depth = min(pitch - YARD_M, DEEPEST_HALL_M) * rng.uniform(0.8, 1.0)
        low = south + pitch * row + (pitch - depth) / 2.0
        for hall in _halls(clear_width(flat, low, north=low + depth), low, depth, rng):
            if shapely.contains(flat, hall):
                kind = "factory" if hall.area > 400.0 else "office"
                plot.houses.append(House(turned(hall, turn), kind, 1 if kind == "factory" else 4))
    return plot


def _halls(span: tuple[float, float], low: float, depth: float, rng: np.random.Generator) -> list[Polygon]:
    """One or two halls side by side, or a hall and its office, within the span."""
    west, east = span
    width = east - west
    if width < 24.0:
        return []
    if width < 70.0:
        return [rectangle(west + 1.0, low, width=width * rng.uniform(0.7, 0.95), depth=depth)]
    first = width * rng.uniform(0.45, 0.7)
    rest = width - first - YARD_M
    second = rectangle(
        west + first + YARD_M, low, width=rest * rng.uniform(0.75, 1.0), depth=depth * rng.uniform(0.75, 1.0)
    )
    if rng.random() < 0.35:
        second = rectangle(west + first + YARD_M, low, width=min(rest, 24.0), depth=14.0)
    return [rectangle(west, low, width=first, depth=depth), second]
