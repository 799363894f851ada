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


def estimate_overlaps(polygons: NDArray[np.object_]) -> int:
    """About how many pairs of these polygons share ground, however thin: exact for small sets, else from a sample.

    Some polygons, the same each time, are held against all others. Missing, empty and invalid ones are left out. In any
    one CRS; about a second for 200,000 polygons, and not much more however they lie.
    """
    sound = polygons[shapely.is_valid(polygons) & ~shapely.is_empty(polygons) & ~shapely.is_missing(polygons)]
    if len(sound) < 2:
        return 0
    tree = shapely.STRtree(sound)
    rows = _sample(sound)
    found, near, looked_at = 0.0, 0, 0
    for start in range(0, len(rows), PIECE):
        piece = rows[start : start + PIECE]
        overlapping, neighbours = _overlaps_of(tree, piece)
        found, near, looked_at = found + overlapping, near + neighbours, looked_at + len(piece)
        if near > ENOUGH:
            break
    return round(found * len(sound) / looked_at / 2)


def _sample(polygons: NDArray[np.object_]) -> NDArray[np.intp]:
    vertices = int(shapely.get_num_coordinates(polygons).sum())
    size = min(MOST_SAMPLED, max(LEAST_SAMPLED, MOST_VERTICES * len(polygons) // vertices), len(polygons))
    return np.random.default_rng(1).permutation(len(polygons))[:size].astype(np.intp)


def _overlaps_of(tree: shapely.STRtree, rows: NDArray[np.intp]) -> tuple[float, int]:
    """How many overlaps some polygons have with any other one, of very many near ones an estimate; and those near."""
    shapes = tree.geometries
    which, hits = tree.query(shapes[rows])
    pairs = np.stack([rows[which], hits], axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    looked_at = pairs[np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_PAIRS)).astype(np.intp)]
    if not len(looked_at):
        return 0.0, 0
    meet = shapely.relate_pattern(shapes[looked_at[:, 0]], shapes[looked_at[:, 1]], "T********")
    return float(np.mean(meet)) * len(pairs), len(pairs)
