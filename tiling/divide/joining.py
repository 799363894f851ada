"""Ground that nobody divides: it joins the neighbour it shares most border with, or stands for itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiling.divide.graph import Graph
from tiling.divide.units import number_groups

Ints = NDArray[np.intp]


def join_loose(graph: Graph, label: Ints) -> None:
    """Give every atom without a label (−1) that of the neighbour with which it shares most border, in rounds.

    Atoms that touch no labelled one, directly or through others, keep −1.
    """
    source = graph.sources()
    while (label < 0).any():
        ready = np.flatnonzero((label[source] < 0) & (label[graph.near] >= 0))
        if not len(ready):
            return
        width = int(label.max()) + 1
        pair, row = np.unique(source[ready] * width + label[graph.near[ready]], return_inverse=True)
        length = np.bincount(row.ravel(), weights=graph.length_m[ready])
        order = np.argsort(length, kind="stable")
        label[pair[order] // width] = pair[order] % width


def islets(graph: Graph, label: Ints) -> list[Ints]:
    """The connected groups of atoms that still have no label."""
    left = np.flatnonzero(label < 0).astype(np.intp)
    if not len(left):
        return []
    inner = graph.part(left)
    group = number_groups(len(inner), inner.sources(), inner.near)
    return [left[group == number] for number in range(int(group.max()) + 1)]
