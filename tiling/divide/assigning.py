"""From atoms to grids: every area is planned, every region solved, and what is left joins a neighbour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tiling.divide.annealing import Progress, SearchRegion, Stop
from tiling.divide.graph import Graph
from tiling.divide.ground import SiteGround
from tiling.divide.joining import islets, join_loose
from tiling.divide.offices import grow_parts, seed_atoms
from tiling.divide.regions import Plan, Role, number_of_grids, pieces_on_foot, plan_area
from tiling.divide.search import goal_of, solve
from tiling.divide.today import heal, today_of_atoms
from tiling.divide.wishes import Wishes

Ints = NDArray[np.intp]
Solver = Callable[..., tuple[Ints, float]]


@dataclass(eq=False)
class Assignment:
    """The grid of each atom, the role of each grid, the objective's value, and whether the search was not cut short."""

    label: Ints
    roles: list[Role] = field(default_factory=list)
    cost: float = 0.0
    complete: bool = True

    def add(self, atoms: Ints, part: Ints, role: Role) -> None:
        """New grids for these atoms, by their part; parts that nobody has are not counted."""
        used, number = np.unique(part, return_inverse=True)
        self.label[atoms] = len(self.roles) + number.ravel()
        self.roles += [role] * len(used)


def assign(
    ground: SiteGround,
    wishes: Wishes,
    *,
    rng: np.random.Generator,
    should_stop: Stop,
    progress: Progress,
    solver: Solver = solve,
) -> Assignment:
    """The grid of every atom; the same for the same generator unless it is stopped. Another `solver` may be tried."""
    graph = ground.graph
    plans = [
        plan_area(graph, ground.atoms, np.flatnonzero(ground.atoms.area == row).astype(np.intp), wishes, ground.target)
        for row in range(len(ground.site.areas))
    ]
    _share_out(plans, wishes, graph)
    found = Assignment(np.full(len(graph), -1, dtype=np.intp))
    for plan in plans:
        for held, role in plan.settled:
            found.add(held, np.zeros(len(held), dtype=np.intp), role)
    regions = [one for plan in plans for one in plan.regions]
    _solve_all(found, regions, ground, wishes, rng, should_stop, progress, solver)
    join_loose(graph, found.label)
    for islet in islets(graph, found.label):
        found.add(islet, np.zeros(len(islet), dtype=np.intp), Role.dedicated)
    return found


def _solve_all(
    found: Assignment,
    regions: list[tuple[Ints, int]],
    ground: SiteGround,
    wishes: Wishes,
    rng: np.random.Generator,
    should_stop: Stop,
    progress: Progress,
    solver: Solver,
) -> None:
    seeds = seed_atoms(ground)
    today = today_of_atoms(ground) if ground.site.today else np.full(len(ground.graph), -1, dtype=np.intp)
    whole, done = max(sum(len(held) for held, _ in regions), 1), 0
    for held, count in regions:
        region = region_of(ground, held, count, today=today, seeds=seeds)
        goal = goal_of(wishes, ground.target, region.graph, region.count)
        at, share = done / whole, len(held) / whole

        def tell(part: float, at: float = at, share: float = share) -> None:
            progress(at + part * share)

        part, cost = solver(region, goal, wishes, rng=rng, should_stop=should_stop, progress=tell)
        found.add(held, part, Role.base)
        found.cost += cost
        done += len(held)
        found.complete = found.complete and not should_stop()


def _share_out(plans: list[Plan], wishes: Wishes, graph: Graph) -> None:
    """Where a number of grids was asked for, the regions share it so that their grids weigh as alike as possible."""
    if wishes.grids is None:
        return
    regions = [(plan, k) for plan in plans for k in range(len(plan.regions))]
    weights = [float(graph.weight[plan.regions[k][0]].sum()) for plan, k in regions]
    counts = [1] * len(regions)
    for _ in range(wishes.grids - sum(len(plan.settled) for plan in plans) - len(regions)):
        # Sainte-Laguë: the next grid goes where grids would be heaviest.
        heaviest = max(range(len(regions)), key=lambda i: weights[i] / (2 * counts[i] + 1), default=None)
        if heaviest is not None:
            counts[heaviest] += 1
    for (plan, k), count in zip(regions, counts, strict=True):
        plan.regions[k] = (plan.regions[k][0], min(count, len(plan.regions[k][0])))


def region_of(ground: SiteGround, held: Ints, count: int, *, today: Ints, seeds: Ints) -> SearchRegion:
    """The region of these (sorted) atoms, with the start that offices or today's grids give it."""
    graph, places = ground.graph.part(held), ground.atoms.place[held]
    fixed = np.isin(held, seeds)
    nothing = np.full(len(held), -1, dtype=np.intp)
    own = np.flatnonzero(fixed).astype(np.intp)
    if len(own):
        return SearchRegion(graph, len(own), nothing, fixed, places, places[own], grow_parts(graph, own, places))
    if (today[held] < 0).all():
        return SearchRegion(graph, count, nothing, fixed, places, _make_no_seeds(count))
    start, homes = heal(graph, today[held])
    count = int(start.max()) + 1
    return SearchRegion(graph, count, homes, fixed, places, _make_no_seeds(count), start)


def _make_no_seeds(count: int) -> NDArray[np.float64]:
    return np.full((max(count, 1), 2), np.nan)


def sub_labels(ground: SiteGround, label: Ints, wishes: Wishes, *, rng: np.random.Generator, should_stop: Stop) -> Ints:
    """The sub-grid of every atom, numbered over all grids: each grid divided once more on its own atoms."""
    target = wishes.sub_target or ground.target
    found = Assignment(np.full(len(label), -1, dtype=np.intp))
    order = np.argsort(label, kind="stable").astype(np.intp)
    for held in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        _divide_once_more(found, ground, held, target, wishes, rng, should_stop)
    return found.label


def _divide_once_more(
    found: Assignment,
    ground: SiteGround,
    held: Ints,
    target: float,
    wishes: Wishes,
    rng: np.random.Generator,
    should_stop: Stop,
) -> None:
    graph, nothing = ground.graph, np.full(len(ground.graph), -1, dtype=np.intp)
    pieces = [piece for piece in pieces_on_foot(graph, held) if graph.weight[piece].sum() >= 0.5 * target]
    for piece in pieces:
        count = number_of_grids(float(graph.weight[piece].sum()), target)
        region = region_of(ground, piece, count, today=nothing, seeds=np.empty(0, dtype=np.intp))
        goal = goal_of(wishes, target, region.graph, count)
        part, _ = solve(region, goal, wishes, rng=rng, should_stop=should_stop, progress=lambda _share: None)
        found.add(piece, part, Role.base)
    if not pieces:
        found.add(held, np.zeros(len(held), dtype=np.intp), Role.base)
    inner, label = graph.part(held), found.label[held].copy()
    join_loose(inner, label)
    found.label[held] = label
