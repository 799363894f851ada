"""What is divided, and what stands for itself: dedicated land, buildings larger than a grid, water, cut-off pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tiling.divide.graph import Atoms, Graph
from tiling.divide.units import number_groups
from tiling.divide.wishes import Wishes

Ints = NDArray[np.intp]


class Role(StrEnum):
    """Why a grid is a grid."""

    base = "base"
    dedicated = "dedicated"
    oversize = "oversize"
    cut_off = "cut_off"


@dataclass(eq=False)
class Plan:
    """The regions to divide with their number of grids, and grids that are settled already."""

    regions: list[tuple[Ints, int]] = field(default_factory=list)
    settled: list[tuple[Ints, Role]] = field(default_factory=list)
    loose: list[int] = field(default_factory=list)
    """Atoms that nobody reaches on foot, to be given to a neighbour at the end: water, the strip between two lanes."""


def plan_area(graph: Graph, atoms: Atoms, mine: Ints, wishes: Wishes, target: float) -> Plan:
    """The plan for one area (community), whose atoms are `mine`."""
    plan = Plan()
    dry = mine[~atoms.water[mine]]
    plan.loose += mine[atoms.water[mine]].tolist()
    empty = _find_empty_land(graph, atoms, dry, wishes)
    large = dry[graph.weight[dry] > target * (1 + wishes.tolerance)]
    ordinary = np.setdiff1d(dry, np.concatenate([large, *empty]) if empty else large)
    pieces = pieces_on_foot(graph, ordinary)
    pieces, empty = _rejoin(graph, pieces, empty, target)
    giants = {int(atom): [int(atom)] for atom in large}
    if len(pieces) == 1 and not len(large):
        # The only piece is cut off from nothing, however light it is.
        plan.regions.append((pieces[0], number_of_grids(float(graph.weight[pieces[0]].sum()), target)))
        pieces = []
    for piece in pieces:
        _place(graph, piece, giants, plan, wishes, target)
    plan.settled += [(np.array(held, dtype=np.intp), Role.oversize) for held in giants.values()]
    plan.settled += [(land, Role.dedicated) for land in empty]
    _settle_nothing(plan)
    return plan


def _settle_nothing(plan: Plan) -> None:
    """Where an area has nothing but loose ground it is one grid after all."""
    if plan.loose and not plan.regions and not plan.settled:
        plan.settled.append((np.array(plan.loose, dtype=np.intp), Role.dedicated))
        plan.loose = []


def pieces_on_foot(graph: Graph, atoms: Ints) -> list[Ints]:
    """The atoms in groups that are connected on foot, each group sorted."""
    if not len(atoms):
        return []
    atoms = np.sort(atoms)
    inner = graph.part(atoms)
    on_foot = inner.on_foot
    group = number_groups(len(inner), inner.sources()[on_foot], inner.near[on_foot])
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order])) + 1
    return list(np.split(atoms[order], starts))


def _find_empty_land(graph: Graph, atoms: Atoms, dry: Ints, wishes: Wishes) -> list[Ints]:
    """Groups of empty blocks, each block at least as large as asked for."""
    if wishes.empty_m2 <= 0:
        return []
    wide = atoms.empty_block[dry] & (graph.weight[dry] == 0) & (graph.area_m2[dry] >= wishes.empty_m2)
    return pieces_on_foot(graph, dry[wide])


def _neighbours(graph: Graph, atoms: Ints) -> Ints:
    """The atoms next to these on foot."""
    rows = np.concatenate([np.arange(graph.first[a], graph.first[a + 1]) for a in atoms.tolist()])
    rows = rows[graph.on_foot[rows]]
    return np.asarray(np.setdiff1d(graph.near[rows], atoms), dtype=np.intp)


def _rejoin(graph: Graph, pieces: list[Ints], empty: list[Ints], target: float) -> tuple[list[Ints], list[Ints]]:
    """Empty land between pieces too small for a grid becomes ordinary ground again, since it holds them together."""
    kept: list[Ints] = []
    for land in empty:
        beside = _neighbours(graph, land)
        touching = [k for k, piece in enumerate(pieces) if len(np.intersect1d(beside, piece))]
        small = [k for k in touching if graph.weight[pieces[k]].sum() < 0.5 * target]
        if not small or (len(touching) == len(small) == 1 and graph.weight[pieces[small[0]]].sum() == 0):
            kept.append(land)
            continue
        joined = np.sort(np.concatenate([land, *(pieces[k] for k in touching)]))
        pieces = [piece for k, piece in enumerate(pieces) if k not in touching] + [joined]
    return pieces, kept


def _place(graph: Graph, piece: Ints, giants: dict[int, list[int]], plan: Plan, wishes: Wishes, target: float) -> None:
    """A piece becomes a region, or joins what it hangs on where it is far too small for a grid of its own."""
    weight = float(graph.weight[piece].sum())
    beside = _neighbours(graph, piece)
    giant = [g for g, held in giants.items() if len(np.intersect1d(beside, held))]
    if giant and weight < target * (1 - wishes.tolerance):
        # Out of tolerance by itself: it goes to the building that cuts it off, which is out of tolerance anyway.
        giants[giant[0]] += piece.tolist()
    elif weight >= target * 0.5:
        plan.regions.append((piece, number_of_grids(weight, target)))
    elif weight > 0 or graph.area_m2[piece].sum() >= max(wishes.empty_m2, 1.0):
        plan.settled.append((piece, Role.cut_off if weight > 0 else Role.dedicated))
    else:
        plan.loose += piece.tolist()


def number_of_grids(weight: float, target: float) -> int:
    """The number of grids that comes nearest to the target in proportion; at least 1."""
    low = max(int(weight // target), 1)
    return min((low, low + 1), key=lambda count: abs(float(np.log(weight / count / target))))
