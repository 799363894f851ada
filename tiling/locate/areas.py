"""Areas above the grids, and overlays across them: few polygons, looked up in a tree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely


@dataclass(frozen=True, eq=False)
class AreaLookup:
    """The chain of areas (district, street, community) that hold a point, from polygons in degrees.

    For points in a gap, where no grid names its parents. Not for the hot route: 15 µs a point.
    """

    codes: tuple[str, ...]
    levels: tuple[int, ...]
    parents: Mapping[str, str]
    tree: shapely.STRtree

    @classmethod
    def of(
        cls, codes: Sequence[str], levels: Sequence[int], *, polygons: Any, parents: Mapping[str, str]
    ) -> AreaLookup:
        """Areas with their level (0 is the top) and what each lies in; an area without a polygon is only a parent."""
        shapes = np.asarray(polygons, dtype=object)
        if not len(codes) == len(levels) == len(shapes):
            raise ValueError("codes, levels and polygons must be of one length")
        return cls(tuple(codes), tuple(levels), dict(parents), shapely.STRtree(shapes))

    def path(self, lon: float, lat: float) -> tuple[str, ...]:
        """Codes from the top down to the smallest area that holds the point; on a border the smallest code."""
        if not (math.isfinite(lon) and math.isfinite(lat)):
            return ()
        held = self.tree.query(shapely.Point(lon, lat), predicate="intersects").tolist()
        if not held:
            return ()
        deepest = min(held, key=lambda k: (-self.levels[k], self.codes[k]))
        chain = [self.codes[deepest]]
        while (parent := self.parents.get(chain[-1])) is not None and parent not in chain:
            chain.append(parent)
        return tuple(reversed(chain))


@dataclass(frozen=True, eq=False)
class OverlayLookup:
    """The overlay grids that cover a point; overlays may overlap anything."""

    codes: tuple[str, ...]
    tree: shapely.STRtree

    @classmethod
    def of(cls, codes: Sequence[str], *, polygons: Any) -> OverlayLookup:
        """Overlay grids by code, with polygons in degrees."""
        shapes = np.asarray(polygons, dtype=object)
        if len(codes) != len(shapes):
            raise ValueError("codes and polygons must be of one length")
        order = sorted(range(len(codes)), key=codes.__getitem__)
        return cls(tuple(codes[k] for k in order), shapely.STRtree(shapes[order]))

    def find_covering(self, lon: float, lat: float) -> tuple[str, ...]:
        """Codes of the overlays that cover the point, a border included, by bytes; free when there are no overlays."""
        if not self.codes or not (math.isfinite(lon) and math.isfinite(lat)):
            return ()
        return tuple(self.codes[k] for k in sorted(self.tree.query(shapely.Point(lon, lat), predicate="intersects")))
