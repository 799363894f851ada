"""Who serves a grid once a plan is in force ([P6]): proposals, decisions, and the charges that begin and end with it.

A new grid is proposed to whoever serves the grid that most of its households come from; where nobody lives, the one
that most of its ground comes from. A decision of a person stands above the proposal. Nothing is dated before the plan
is published: then charges of grids that go end, and those of successors begin, at the moment from which it is in force.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers import history
from layers.access import Actor, require_area
from layers.assignments import Assignment
from layers.chronicle import Happening
from layers.errors import NotFound, Unacceptable
from layers.grids import GridLevel
from layers.planning.comparison.impact_counts import Both, Held, find_reshaped_codes, pair_boards, read_held_houses
from layers.planning.comparison.posts import Post, Posts, begin_of, list_serving_under, posts_of
from layers.planning.edits.editing import lock_draft
from layers.planning.edits.ledger import record
from layers.planning.memory.draft_cache import DraftMemory, open_draft, open_locked_draft
from layers.planning.state.board import Board
from layers.planning.state.loading import load_board
from layers.plans import Plan, PlanState, get_plan
from layers.successors import Successor
from layers.workers import Worker, announce, ids_of

UNSERVED = "unserved_grid"


Origins = Mapping[str, Sequence[tuple[str, int]]]


@dataclass(frozen=True)
class SuccessionLine:
    """One grid of a plan: what became of it, where its households come from, who serves it now and afterwards.

    `source` is `decided`, `proposed` or `serving` (nothing changes).
    """

    grid: str
    change: str
    origins: tuple[tuple[str, int], ...]
    serving: Posts
    successors: Posts
    source: str


@dataclass(frozen=True)
class Succession:
    """Everything that a plan changes about who serves what: by grid, and what ends with the grids that go."""

    both: Both
    held: Held
    before: Mapping[str, Posts]
    after: Mapping[str, Posts]
    lines: tuple[SuccessionLine, ...]
    unserved: tuple[str, ...]
    # The codes of both plans whose ground differs: to compare all shapes of a district takes a while.
    reshaped: Collection[str]


def succession_of(session: Session, drafts: DraftMemory, plan: Plan) -> Succession:
    """What a plan changes about who serves what, compared with the plan that it is based on.

    For a plan in force: as it was recorded at its publication. About 0.5 s for 3,000 grids.
    """
    new = open_draft(session, drafts, plan).board if plan.state == PlanState.draft else load_board(session, plan)
    base = None if plan.based_on is None else session.get(Plan, plan.based_on)
    old = new if base is None else load_board(session, base)
    return compare_boards(session, old, new, plan=plan)


def compare_boards(session: Session, old: Board, new: Board, *, plan: Plan) -> Succession:
    """The same between any two boards; `plan` is that of the newer one.

    Of a plan whose time is over, or a draft that was put aside, everything is told as it was then.
    """
    begin = begin_of(plan)
    decided = _move_to_present_codes(_read_decided(session, plan.id), new)
    aside = plan.updated_at if begin is None and plan.state == PlanState.archived else None
    before = posts_of(session, {*old.rows, *new.rows}, at=begin or aside)
    changes = _changes(old, new)
    both = pair_boards(old, new, besides={*decided, *changes})
    held = read_held_houses(session, both)
    origins = origins_of(both, held)
    proposed = {} if begin is not None else _proposals(both, origins, before, changes)
    after = {code: posts for code, posts in (before | proposed).items() if code in new.rows}
    after |= {code: record.posts for code, record in decided.items() if code in new.rows}
    served = after if begin is None else list_serving_under(session, plan, new.rows)
    unserved = tuple(code for code in sorted(new.rows) if not _is_served(new, code, served))
    lines = tuple(
        SuccessionLine(
            code,
            changes.get(code, "kept"),
            tuple(origins.get(code, ())) if code in changes else (),
            before.get(code, ()),
            after.get(code, ()),
            decided[code].origin if code in decided else "proposed" if code in proposed else "serving",
        )
        for code in sorted({*changes, *unserved, *(decided.keys() & new.rows.keys())})
    )
    reshaped = [code for code, change in changes.items() if change == "reshaped"]
    return Succession(both, held, before, after, lines, unserved, reshaped)


@dataclass(frozen=True)
class _Record:
    posts: Posts
    origin: str


def _read_decided(session: Session, plan_id: int) -> dict[str, _Record]:
    """The recorded successors by grid; nobody at all for a grid that nobody shall serve."""
    columns = (Successor.grid_code, Successor.origin, Worker.number, Successor.role, Worker.name, Successor.worker_id)
    statement = select(*columns).outerjoin(Worker, Worker.id == Successor.worker_id)
    found: dict[str, tuple[str, list[Post]]] = {}
    for code, origin, number, role, name, worker_id in session.execute(statement.where(Successor.plan_id == plan_id)):
        _, posts = found.setdefault(code, (origin, []))
        if number is not None:
            posts.append(Post(number, role or "", name, worker_id or 0))
    return {code: _Record(tuple(sorted(posts)), origin) for code, (origin, posts) in found.items()}


def _move_to_present_codes(decided: Mapping[str, _Record], board: Board) -> dict[str, _Record]:
    """The decisions about grids that have got another code since, under that one; a later decision stands above."""
    former = {
        board.find_present_code(code): record for code, record in sorted(decided.items()) if code not in board.rows
    }
    return former | {code: record for code, record in decided.items() if code in board.rows}


def _changes(old: Board, new: Board) -> dict[str, str]:
    changes = dict.fromkeys(new.rows.keys() - old.rows.keys(), "added")
    return changes | dict.fromkeys(find_reshaped_codes(old, new), "reshaped")


def _proposals(both: Both, origins: Origins, before: Mapping[str, Posts], changes: Iterable[str]) -> dict[str, Posts]:
    """The posts of each new or changed grid that nobody serves yet, taken from where its households come from."""
    found = {}
    for code in sorted(changes):
        if before.get(code):
            continue
        for origin in itertools.chain((origin for origin, _ in origins.get(code, ())), ground_of(both, code)):
            if origin == both.new.rows[code].parent_code:
                break  # a part of a grid that stays is served with it
            posts = before.get(origin) or before.get(_find_above(both.old, origin), ())
            if posts:
                found[code] = posts
                break
    return found


def _find_above(board: Board, code: str) -> str:
    row = board.rows[code]
    return row.parent_code if row.level == GridLevel.sub_grid and row.parent_code else code


def origins_of(both: Both, held: Held) -> dict[str, list[tuple[str, int]]]:
    """Where the households of each grid come from: codes of its level in the older plan, most households first."""
    homes: dict[str, Counter[str]] = {}
    blocks: dict[str, Counter[str]] = {}
    for old, new, number in zip(held.before, held.after, held.houses.households.tolist(), strict=True):
        if old is None or new is None:
            continue
        for origin, code in {(old, new), (both.old.grid_of(old), both.new.grid_of(new))}:
            homes.setdefault(code, Counter())[origin] += number
            blocks.setdefault(code, Counter())[origin] += 1
    return {
        code: sorted(sums.items(), key=lambda one, code=code: (-one[1], -blocks[code][one[0]], one[0]))  # type: ignore[misc]
        for code, sums in homes.items()
    }


def ground_of(both: Both, code: str) -> Iterator[str]:
    """The codes of the older plan whose ground a grid takes, the largest share first: for grids without households."""
    shape, partition = both.new.shape(code), both.old.partition
    if shape is None or shape.is_empty or not shape.is_valid:
        return
    part = both.new.rows[code].level == GridLevel.sub_grid
    shares: dict[str, float] = {}
    for row in partition.tree.query(shape).tolist():
        tile, ring = partition.codes[row], partition.polygons[row]
        if ring.is_valid:
            origin = tile if part else both.old.grid_of(tile)
            shares[origin] = shares.get(origin, 0.0) + float(shapely.intersection(ring, shape).area)
    yield from (origin for origin in sorted(shares, key=lambda one: (-shares[one], one)) if shares[origin] > 1.0)


def _is_served(board: Board, code: str, after: Mapping[str, Posts]) -> bool:
    """Whether somebody serves a grid, itself or each of its parts, or a part through its grid."""
    if after.get(code):
        return True
    row = board.rows[code]
    if row.level == GridLevel.sub_grid:
        return bool(row.parent_code and after.get(row.parent_code))
    if code in board.overlays or code in board.partition.row_of:
        return False
    return all(after.get(part) for part in board.partition.list_finest(code))


def successors_as_json(session: Session, drafts: DraftMemory, plan_id: int, *, by: Actor) -> dict[str, Any]:
    """Who serves each new or changed grid of a plan as the API tells it, and the grids that nobody serves."""
    plan = get_plan(session, plan_id, by=by)
    found = succession_of(session, drafts, plan)
    new = found.both.new
    return {
        "plan": str(plan.id),
        "version": plan.version,
        "effective_at": None if (begin := begin_of(plan)) is None else begin.isoformat(),
        "grids": [_line_as_json(line, new) for line in found.lines if by.holds(line.grid)],
        "ending": [
            {"grid": code, "name": found.both.old.rows[code].name, "posts": [post.as_json() for post in posts]}
            for code, posts in sorted(found.before.items())
            if code in found.both.old.rows and code not in new.rows and by.holds(code)
        ],
        "unserved": [code for code in found.unserved if by.holds(code)],
    }


def _line_as_json(line: SuccessionLine, board: Board) -> dict[str, Any]:
    row = board.rows[line.grid]
    return {
        "grid": line.grid,
        "name": row.name,
        "level": row.level,
        "households": row.households,
        "change": line.change,
        "from": [{"grid": code, "households": number} for code, number in line.origins],
        "serving": [post.as_json() for post in line.serving],
        "successors": [post.as_json() for post in line.successors],
        "source": line.source,
    }


Decision = tuple[str, Sequence[tuple[str, str]] | None]
"""A grid with the workers and roles that shall serve it; None to go back to the proposal."""


def decide(
    session: Session, drafts: DraftMemory, plan_id: int, decisions: Sequence[Decision], *, version: int, by: Actor
) -> Plan:
    """The draft with these decisions; grids that are not named keep theirs, an empty list means nobody.

    Who decides has edited the draft. Raises NotFound for a grid that is not in the plan, Unacceptable for an unknown
    worker, Forbidden for a grid or a worker of a foreign area, Conflict for a plan that is no draft, Outdated.
    """
    plan = lock_draft(session, plan_id, version=version, by=by)
    draft = open_locked_draft(session, drafts, plan)
    for code, posts in decisions:
        if code not in draft.board.rows:
            raise NotFound("no_such_grid", grid=code[:60])
        require_area(by, code)
        _write(session, plan.id, code, posts, board=draft.board, by=by)
    if by.name not in plan.editors:
        plan.editors = [*plan.editors, by.name]
    details = {"grids": [code for code, _ in decisions]}
    record(session, drafts, plan, draft, Happening(action="successors"), details=details, by=by)
    return plan


def _write(
    session: Session, plan_id: int, code: str, posts: Sequence[tuple[str, str]] | None, *, board: Board, by: Actor
) -> None:
    borne = Successor.grid_code.in_(board.find_borne([code]) - (board.rows.keys() - {code}))
    session.execute(delete(Successor).where(Successor.plan_id == plan_id, borne))
    if posts is None:
        return
    ids = ids_of(session, sorted({number for number, _ in posts}), by=by)
    wanted = [{"worker_id": ids[number], "role": role} for number, role in dict.fromkeys(posts)]
    for one in wanted or [{"worker_id": None, "role": None}]:
        session.add(Successor(plan_id=plan_id, grid_code=code, origin="decided", **one))
    session.flush()


def find_unserved(session: Session, drafts: DraftMemory, plan: Plan) -> list[str]:
    """The new or changed grids that nobody will serve; none at all in a district that keeps no workers here."""
    found = succession_of(session, drafts, plan)
    if not found.before and not any(found.after.values()):
        return []
    touched = {line.grid for line in found.lines if line.change != "kept" or line.source == "decided"}
    return [code for code in found.unserved if code in touched]


def take_effect(session: Session, plan: Plan, found: Succession, *, begin: datetime, by: Actor) -> None:
    """Date the charges: those of grids that go and of people who are replaced end at `begin`, the others' begin there.

    In the transaction of the publication, so that the map and the people change together. Raises Unacceptable naming a
    successor who is no longer there.
    """
    old, new = found.both.old, found.both.new
    gone = sorted(old.rows.keys() - new.rows.keys())
    changed = [line for line in found.lines if line.serving != line.successors]
    _require_active(session, {post.worker for line in changed for post in line.successors})
    _end(session, Assignment.grid_code.in_(gone), at=begin)
    for line in changed:
        for post in line.serving:
            if post not in line.successors:
                _end(session, _charge_of(line.grid, post), at=begin)
        for post in line.successors:
            if post not in line.serving:
                _start(session, line.grid, post, at=begin)
        _record(session, plan.id, line)
    if gone or changed:
        session.flush()
        announce(session)
        grids = sorted([*gone, *(line.grid for line in changed)])
        history.note(
            session, "plan.succession", subject=f"plan:{plan.id}", area=plan.district, by=by, grids=grids[:1000]
        )


def _require_active(session: Session, numbers: Collection[str]) -> None:
    active = set(session.scalars(select(Worker.number).where(Worker.number.in_(list(numbers)), Worker.active)))
    missing = sorted(set(numbers) - active)
    if missing:
        raise Unacceptable("unknown_worker", errors=[(["successors"], "unknown_worker")], worker=missing[0])


def _charge_of(code: str, post: Post) -> ColumnElement[bool]:
    return and_(Assignment.grid_code == code, Assignment.worker_id == post.worker_id, Assignment.role == post.role)


def _end(session: Session, which: ColumnElement[bool], *, at: datetime) -> None:
    """End charges, also those of people who are no longer there; one that would only begin later never begins."""
    for row in session.scalars(select(Assignment).where(which, func.coalesce(func.upper(Assignment.span) > at, True))):
        if row.span.lower is not None and row.span.lower >= at:
            session.delete(row)
        else:
            row.span = Range(row.span.lower, at, bounds="[)")
    session.flush()


def _start(session: Session, code: str, post: Post, *, at: datetime) -> None:
    row = Assignment(worker_id=post.worker_id, grid_code=code, role=post.role, span=Range(at, None, bounds="[)"))
    session.add(row)


def _record(session: Session, plan_id: int, line: SuccessionLine) -> None:
    """Keep what took effect with the plan, so that it can be told afterwards whose proposal it was."""
    if line.source != "proposed":
        return
    for post in line.successors:
        session.add(
            Successor(plan_id=plan_id, grid_code=line.grid, worker_id=post.worker_id, role=post.role, origin="proposed")
        )
