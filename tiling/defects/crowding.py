"""How much a set of polygons overlaps itself, told from a sample: whether a full check of it is worth beginning."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

# A sample is as large as its vertices allow: two thousand grids of a hundred vertices, fewer of finer ones.
MOST_SAMPLED, LEAST_SAMPLED, MOST_VERTICES = 2_000, 50, 200_000
# Of many polygons in one place not every pair is looked at: so many of each piece of the sample stand for the others,
# and after so many neighbours no further piece is needed.
PIECE, MOST_PAIRS, ENOUGH = 50, 5_000, 1_000_000


def estimate_overlaps(polygons: NDArray[np.object_], *, least: int = 0) -> int:
    """About how many pairs of these polygons share ground, however thin: exact for small sets, else from a sample.

    Some polygons, the same each time, are held against all others. Missing, empty and invalid ones are left out. In any
    one CRS; about a second for 200,000 polygons, and not much more however they lie. 0 where even their boxes meet in
    fewer pairs than `least`: that costs milliseconds for a district, which is how nearly every set is told.
    """
    tree = shapely.STRtree(polygons)
    rows = _sample(polygons)
    if _estimate_pairs(tree, rows, overlapping=False) < least or not len(rows):
        return 0
    sound = polygons[shapely.is_valid(polygons) & ~shapely.is_empty(polygons) & ~shapely.is_missing(polygons)]
    return round(_estimate_pairs(shapely.STRtree(sound), _sample(sound), overlapping=True))


def _estimate_pairs(tree: shapely.STRtree, rows: NDArray[np.intp], *, overlapping: bool) -> float:
    """About how many pairs of the tree's polygons are near each other, or share ground, told from these rows."""
    found, near, looked_at = 0.0, 0, 0
    for start in range(0, len(rows), PIECE):
        piece = rows[start : start + PIECE]
        pairs = _find_near(tree, piece)
        found += _overlaps_of(tree, pairs) if overlapping else len(pairs)
        near, looked_at = near + len(pairs), looked_at + len(piece)
        if near > ENOUGH:
            break
    return found * len(tree.geometries) / looked_at / 2 if looked_at else 0.0


def _find_near(tree: shapely.STRtree, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    which, hits = tree.query(tree.geometries[rows])
    pairs = np.stack([rows[which], hits], axis=1)
    return np.asarray(pairs[pairs[:, 0] != pairs[:, 1]])


def _overlaps_of(tree: shapely.STRtree, pairs: NDArray[np.intp]) -> float:
    """How many of these pairs share ground; of very many an estimate."""
    if not len(pairs):
        return 0.0
    looked_at = pairs[np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_PAIRS)).astype(np.intp)]
    shapes = tree.geometries
    meet = shapely.relate_pattern(shapes[looked_at[:, 0]], shapes[looked_at[:, 1]], "T********")
    return float(np.mean(meet)) * len(pairs)


def _sample(polygons: NDArray[np.object_]) -> NDArray[np.intp]:
    vertices = int(shapely.get_num_coordinates(polygons).sum())
    size = min(MOST_SAMPLED, max(LEAST_SAMPLED, MOST_VERTICES * len(polygons) // max(vertices, 1)), len(polygons))
    return np.random.default_rng(1).permutation(len(polygons))[:size].astype(np.intp)
