"""What each worker takes over and hands over with a plan ([P6]): grids, buildings, and what is open there, as numbers.

No resident is in it: households are counted, incidents, hazards and devices too. Devices tell of elders who live
alone, so small numbers of them are for admins only ([A3]).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.buildings import Building, Compound
from layers.errors import NotFound
from layers.planning.comparison.differences import Against, Compared, compare, concerns
from layers.planning.comparison.impact_counts import Code, Pair, count_open_incidents, devices_due, open_hazards
from layers.planning.comparison.posts import Post, Posts
from layers.planning.comparison.succession import Succession
from layers.planning.memory.draft_cache import DraftMemory
from layers.planning.state.board import Board
from layers.smallest_count import SMALLEST
from layers.workers import Worker

Direction = Literal["taken", "handed"]


@dataclass(frozen=True, slots=True, order=True)
class HandedMove:
    """Ground that one worker takes or hands over: from which grid of the older plan to which of the newer one."""

    worker: str
    direction: Direction
    origin: str
    target: str


@dataclass(frozen=True, slots=True)
class Passing:
    """How much goes along with a move; `devices` is None where the number is too small to be told."""

    move: HandedMove
    worker_name: str
    origin_name: str
    target_name: str
    others: tuple[str, ...]
    buildings: int
    households: int
    incidents: int
    hazards: int
    devices: int | None


@dataclass(frozen=True, slots=True)
class HandedBuilding:
    """One building that a worker takes or hands over."""

    move: HandedMove
    worker_name: str
    name: str
    address: str
    compound: str
    households: int


@dataclass(frozen=True, slots=True, order=True)
class HandedDuty:
    """A grid whose charge begins (`taken`) or ends (`handed`) for a worker."""

    worker: str
    direction: Direction
    grid: str
    role: str
    worker_name: str
    grid_name: str
    level: str
    households: int


@dataclass(frozen=True)
class Handover:
    """The whole list; `unserved` are grids that nobody takes over."""

    title: str
    district: str
    effective_at: datetime | None
    duties: tuple[HandedDuty, ...]
    passings: tuple[Passing, ...]
    houses: tuple[HandedBuilding, ...]
    unserved: tuple[tuple[str, str, int], ...]

    def select_worker(self, worker: str) -> Handover:
        """The part of one worker."""
        return replace(
            self,
            duties=tuple(one for one in self.duties if one.worker == worker),
            passings=tuple(one for one in self.passings if one.move.worker == worker),
            houses=tuple(one for one in self.houses if one.move.worker == worker),
            unserved=(),
        )

    def workers(self) -> dict[str, str]:
        """The names of everybody who takes or hands over something, by staff number."""
        found = {one.worker: one.worker_name for one in self.duties}
        return dict(sorted({**found, **{one.move.worker: one.worker_name for one in self.passings}}.items()))


def build_handover(
    session: Session,
    drafts: DraftMemory,
    plan_id: int,
    *,
    against: Against,
    now: datetime,
    by: Actor,
    worker: str | None = None,
) -> Handover:
    """What every worker, or one of them, takes over and hands over when a plan follows another one.

    A planner of one street gets what concerns that street. Raises NotFound where there is no such plan or worker.
    """
    if worker is not None and session.scalar(select(Worker.id).where(Worker.number == worker)) is None:
        raise NotFound("not_found")
    compared = compare(session, drafts, plan_id, against=against, by=by)
    people, new = compared.people, compared.both.new
    begin = compared.plan.in_force.lower if compared.plan.in_force is not None else None
    whole = Handover(
        compared.plan.title,
        compared.plan.district,
        begin,
        tuple(duty for duty in sorted(_duties(people)) if concerns(by, duty.grid)),
        tuple(one for one in _list_passings(session, compared, now=now, by=by) if _is_mine(one.move, by)),
        tuple(house for house in _houses(session, people) if _is_mine(house.move, by)),
        tuple((code, new.rows[code].name, new.rows[code].households) for code in people.unserved if concerns(by, code)),
    )
    return whole if worker is None else whole.select_worker(worker)


def _is_mine(move: HandedMove, by: Actor) -> bool:
    return concerns(by, move.origin, move.target)


def _duties(people: Succession) -> Iterator[HandedDuty]:
    yield from _list_differing("taken", people.both.new, people.after, people.before)
    yield from _list_differing("handed", people.both.old, people.before, people.after)


def _list_differing(
    direction: Direction, board: Board, mine: Mapping[str, Posts], theirs: Mapping[str, Posts]
) -> Iterator[HandedDuty]:
    for code in mine.keys() & board.rows.keys():
        row = board.rows[code]
        for post in mine[code]:
            if post not in theirs.get(code, ()):
                yield HandedDuty(
                    post.worker, direction, code, post.role, post.name, row.name, row.level, row.households
                )


@dataclass(frozen=True)
class _Staff:
    """Who serves a tile, itself or through its grid, before and after."""

    people: Succession

    def moves(self, pair: Pair) -> Iterator[HandedMove]:
        """Every worker who takes or hands over what goes from one tile to another."""
        old, new = pair
        before = _find_serving(self.people.both.old, old, self.people.before)
        after = _find_serving(self.people.both.new, new, self.people.after)
        origin, target = _grid(self.people.both.old, old), _grid(self.people.both.new, new)
        for worker in sorted(after - before):
            yield HandedMove(worker, "taken", origin, target)
        for worker in sorted(before - after):
            yield HandedMove(worker, "handed", origin, target)


def _grid(board: Board, tile: Code) -> str:
    return "" if tile is None else board.grid_of(tile)


def _find_serving(board: Board, tile: Code, posts: Mapping[str, Posts]) -> set[str]:
    if tile is None:
        return set()
    return {post.worker for code in {tile, board.grid_of(tile)} for post in posts.get(code, ())}


def _list_passings(session: Session, compared: Compared, *, now: datetime, by: Actor) -> Iterator[Passing]:
    people, both = compared.people, compared.both
    buildings: Counter[Pair] = Counter()
    households: Counter[Pair] = Counter()
    held = people.held
    for old, new, number in zip(held.before, held.after, held.houses.households.tolist(), strict=True):
        buildings[old, new] += 1
        households[old, new] += number
    counted = (
        *(buildings, households, count_open_incidents(session, both)),
        *(open_hazards(session, both), devices_due(session, both, now=now)),
    )
    sums = _sum_by_worker(_Staff(people), counted)
    names = {post.worker: post.name for posts in (*people.before.values(), *people.after.values()) for post in posts}
    for move, numbers in sorted(sums.items()):
        yield _build_passing(move, numbers, people, name=names[move.worker], by=by)


def _sum_by_worker(staff: _Staff, counted: Iterable[Counter[Pair]]) -> dict[HandedMove, list[int]]:
    """Numbers by tiles as numbers by worker and grids, one for each of the counts."""
    sums: dict[HandedMove, list[int]] = {}
    listed = list(counted)
    for at, counter in enumerate(listed):
        for pair, number in counter.items():
            for move in staff.moves(pair):
                sums.setdefault(move, [0] * len(listed))[at] += number
    return sums


def _build_passing(move: HandedMove, numbers: list[int], people: Succession, *, name: str, by: Actor) -> Passing:
    old, new = people.both.old, people.both.new
    buildings, households, incidents, hazards, devices = numbers
    posts: Iterable[Post] = (
        people.before.get(move.origin, ()) if move.direction == "taken" else people.after.get(move.target, ())
    )
    told = devices if by.role == Role.admin or devices >= SMALLEST else None
    return Passing(
        move=move,
        worker_name=name,
        origin_name=old.rows[move.origin].name if move.origin else "",
        target_name=new.rows[move.target].name if move.target else "",
        others=tuple(dict.fromkeys(post.name for post in posts if post.worker != move.worker)),
        buildings=buildings,
        households=households,
        incidents=incidents,
        hazards=hazards,
        devices=told,
    )


def _houses(session: Session, people: Succession) -> Iterator[HandedBuilding]:
    staff, held = _Staff(people), people.held
    moves = [tuple(staff.moves(pair)) for pair in zip(held.before, held.after, strict=True)]
    ids = [number for number, mine in zip(held.houses.ids.tolist(), moves, strict=True) if mine]
    columns = (Building.id, Building.name, Building.address, Compound.name, Building.households)
    statement = select(*columns).outerjoin(Compound, Compound.id == Building.compound_id)
    told = {row[0]: row for row in session.execute(statement.where(Building.id.in_(ids)))}
    names = {post.worker: post.name for posts in (*people.before.values(), *people.after.values()) for post in posts}
    found = [
        HandedBuilding(move, names[move.worker], row[1], row[2], row[3] or "", row[4])
        for number, mine in zip(held.houses.ids.tolist(), moves, strict=True)
        for move in mine
        if (row := told.get(number)) is not None
    ]
    yield from sorted(found, key=lambda house: (house.move, house.compound, house.name))
