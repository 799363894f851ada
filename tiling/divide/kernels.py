"""The inner loops of the search, in plain Python that numba compiles (`choose_fastest`).

Random numbers are handed in, so both give the same answer for the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np


class Goal(NamedTuple):
    """The weights of the objective. A grid's deviation d is weight / target − 1.

    Per grid: even·d² + linear·|d| + strict·max(0, |d| − slack)² + compact·outline² / (4π area) + area limits, and
    `outside` where |d| is above the tolerance;
    per metre of border: `border` × cost; per unit of weight away from its grid of today: `keep`; `walk` per weight
    and metre to the seed. All are scaled so that a usual grid costs about 1.
    """

    target: float
    even: float
    linear: float
    strict: float
    slack: float
    tolerance: float
    outside: float
    compact: float
    border: float
    keep: float
    walk: float
    min_area_m2: float
    max_area_m2: float


class State(NamedTuple):
    """Arrays of one search: the part of each atom, and of each part weight, area, outline and number of atoms."""

    part: Any
    weight: Any
    area: Any
    outline: Any
    atoms: Any


class Net(NamedTuple):
    """The graph as plain arrays, with today's part (−1: none), what may not move, and seeds of parts (NaN: none)."""

    weight: Any
    area: Any
    around: Any
    first: Any
    near: Any
    length: Any
    cost: Any
    on_foot: Any
    today: Any
    fixed: Any
    x: Any
    y: Any
    seed_x: Any
    seed_y: Any


def part_cost(goal: Goal, weight: float, area: float, outline: float) -> float:
    """The cost of one grid with this weight, area in m² and outline in m."""
    off = abs(weight / goal.target - 1.0)
    over = max(0.0, off - goal.slack)
    cost = goal.even * off * off + goal.linear * off + goal.strict * over * over
    if off > goal.tolerance:
        cost += goal.outside
    cost += goal.compact * min(outline * outline / (12.566370614 * max(area, 1.0)), 20.0)
    if goal.max_area_m2 > 0.0 and area > goal.max_area_m2:
        cost += 10.0 * (area / goal.max_area_m2 - 1.0)
    if area < goal.min_area_m2:
        cost += 10.0 * (1.0 - area / goal.min_area_m2)
    return cost


def stays_connected(net: Net, part: Any, atom: int, mark: Any, stamp: int, queue: Any) -> bool:
    """Whether the part of this atom hangs together on foot without it; False for its last atom."""
    own = part[atom]
    wanted = 0
    for i in range(net.first[atom], net.first[atom + 1]):
        if net.on_foot[i] and part[net.near[i]] == own:
            wanted += 1
            queue[0] = net.near[i]
    if wanted < 2:
        return wanted == 1
    mark[atom] = stamp
    mark[queue[0]] = stamp
    head, tail = 0, 1
    while head < tail and wanted > 0:
        at = queue[head]
        head += 1
        for i in range(net.first[at], net.first[at + 1]):
            other = net.near[i]
            if net.on_foot[i] and other == atom:
                wanted -= 1
            elif net.on_foot[i] and mark[other] != stamp and part[other] == own:
                mark[other] = stamp
                queue[tail] = other
                tail += 1
    return wanted == 0


def move_atom(net: Net, goal: Goal, state: State, atom: int, to: int) -> float:
    """Move an atom to another part; the change of the cost."""
    part = state.part
    own = part[atom]
    own_length = 0.0
    to_length = 0.0
    border = 0.0
    for i in range(net.first[atom], net.first[atom + 1]):
        there = part[net.near[i]]
        if there == own:
            own_length += net.length[i]
            border += net.cost[i]
        elif there == to:
            to_length += net.length[i]
            border -= net.cost[i]
    change = goal.border * border
    for p, sign, shared in ((own, -1.0, own_length), (to, 1.0, to_length)):
        change -= part_cost(goal, state.weight[p], state.area[p], state.outline[p])
        state.weight[p] += sign * net.weight[atom]
        state.area[p] += sign * net.area[atom]
        state.outline[p] += sign * (net.around[atom] - 2.0 * shared)
        change += part_cost(goal, state.weight[p], state.area[p], state.outline[p])
        if goal.walk > 0.0:
            far = np.hypot(net.x[atom] - net.seed_x[p], net.y[atom] - net.seed_y[p])
            if far == far:
                change += sign * goal.walk * net.weight[atom] * far
    if net.today[atom] >= 0:
        if net.today[atom] == own:
            change += goal.keep * net.weight[atom]
        if net.today[atom] == to:
            change -= goal.keep * net.weight[atom]
    state.atoms[own] -= 1
    state.atoms[to] += 1
    part[atom] = to
    return change


def _pick_other_part(net: Net, part: Any, atom: int, luck: float) -> int:
    """A part beside the atom, found by one random neighbour; −1 where that is in the same part or not on foot."""
    degree = net.first[atom + 1] - net.first[atom]
    if degree == 0:
        return -1
    i = net.first[atom] + min(int(luck * degree), degree - 1)
    to = part[net.near[i]]
    if to == part[atom] or not net.on_foot[i]:
        return -1
    return int(to)


def _counterpart(net: Net, part: Any, atom: int, own: int, to: int, luck: float) -> int:
    """An atom of `to` to go the other way, found by a random walk in `own`; −1 where the walk leads elsewhere.

    The walk matters: two rows of houses become two squares only by swapping atoms at opposite ends of their border.
    """
    at = atom
    for _ in range(8):
        degree = net.first[at + 1] - net.first[at]
        scaled = luck * degree
        i = min(int(scaled), degree - 1)
        luck = scaled - i
        there = net.near[net.first[at] + i]
        if part[there] == to and there != atom and at != atom:
            return int(there)
        if part[there] == own and net.on_foot[net.first[at] + i]:
            at = there
    return -1


def _touches(net: Net, part: Any, atom: int, to: int) -> bool:
    found = False
    for i in range(net.first[atom], net.first[atom + 1]):
        found = found or (net.on_foot[i] and part[net.near[i]] == to)
    return found


def _may_go(net: Net, part: Any, atom: int, to: int, mark: Any, stamp: int, queue: Any) -> bool:
    if net.fixed[atom] or not _touches(net, part, atom, to):
        return False
    return stays_connected(net, part, atom, mark, stamp, queue)


def anneal(
    net: Net, goal: Goal, state: State, luck: Any, heat: float, mark: Any, stamp: int, queue: Any
) -> tuple[float, int]:
    """One round of border moves, one per row of `luck` (5 numbers) at the temperature `heat`; change of cost, stamp.

    Every second move that would make things worse is tried as a swap. A move that tears a part apart is never made.
    """
    gained = 0.0
    part = state.part
    count = len(net.weight)
    for step in range(len(luck)):
        atom = min(int(luck[step, 0] * count), count - 1)
        own = part[atom]
        to = _pick_other_part(net, part, atom, luck[step, 1])
        stamp += 2
        if to < 0 or not _may_go(net, part, atom, to, mark, stamp, queue):
            continue
        change = move_atom(net, goal, state, atom, to)
        back = -1
        if luck[step, 2] < 0.5 and change > 0.0:
            back = _counterpart(net, part, atom, own, to, luck[step, 3])
        if back >= 0 and _may_go(net, part, back, own, mark, stamp + 1, queue):
            change += move_atom(net, goal, state, back, own)
        else:
            back = -1
        if change <= 0.0 or luck[step, 4] < np.exp(-change / heat):
            gained += change
            continue
        if back >= 0:
            move_atom(net, goal, state, back, to)
        move_atom(net, goal, state, atom, own)
    return gained, stamp + 1


def _root_of(root: Any, node: int) -> int:
    while root[node] != node:
        root[node] = root[root[node]]
        node = root[node]
    return node


def grow_tree(near: Any, order: Any, source: Any, count: int, start: int) -> tuple[Any, Any]:
    """A spanning tree of a connected graph by entries in the given order (Kruskal), as (order of visit, parent)."""
    root = np.arange(count)
    used = np.zeros(len(order), np.bool_)
    begin = np.zeros(count + 2, np.int64)
    for k in range(len(order)):
        one, other = source[order[k]], near[order[k]]
        one_root, other_root = _root_of(root, one), _root_of(root, other)
        if one_root != other_root:
            root[one_root] = other_root
            used[k] = True
            begin[one + 2] += 1
            begin[other + 2] += 1
    begin = np.cumsum(begin)
    tree = np.zeros(begin[-1], np.int64)
    for k in range(len(order)):
        if used[k]:
            one, other = source[order[k]], near[order[k]]
            tree[begin[one + 1]] = other
            begin[one + 1] += 1
            tree[begin[other + 1]] = one
            begin[other + 1] += 1
    return _visit(tree, begin, count, start)


def _visit(tree: Any, begin: Any, count: int, start: int) -> tuple[Any, Any]:
    visit = np.zeros(count, np.int64)
    parent = np.full(count, -1)
    visit[0] = start
    tail = 1
    for head in range(count):
        at = visit[head]
        for j in range(begin[at], begin[at + 1]):
            if tree[j] != parent[at]:
                parent[tree[j]] = at
                visit[tail] = tree[j]
                tail += 1
    return visit, parent


def weights_below(visit: Any, parent: Any, weight: Any) -> Any:
    """The weight of the subtree under each node."""
    below = weight.copy()
    for k in range(len(visit) - 1, 0, -1):
        below[parent[visit[k]]] += below[visit[k]]
    return below


class SearchKernel(NamedTuple):
    """How fast the loops are: `speed` is about how many times slower than compiled the plain ones run."""

    name: str
    slower: float
    anneal: Callable[..., tuple[float, int]]
    grow_tree: Callable[..., tuple[Any, Any]]
    weights_below: Callable[..., Any]


PLAIN = SearchKernel("numpy", 100.0, anneal, grow_tree, weights_below)


@cache
def choose_fastest() -> SearchKernel:
    """The compiled loops, or the plain ones where numba is missing. The first call takes seconds, then it is cached."""
    try:
        from tiling.divide import compiled
    except ImportError:
        return PLAIN
    return SearchKernel("numba", 1.0, compiled.anneal, compiled.grow_tree, compiled.weights_below)
