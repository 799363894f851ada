"""What differs between two plans, and what changes hands with it ([P4], [P6]): as a map and as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.errors import NotFound
from layers.grids import GridLevel
from layers.planning.comparison.impact_counts import Both, Pair, count_open_incidents, grid_above, lift_to_grids
from layers.planning.comparison.posts import Post
from layers.planning.comparison.succession import Succession, compare_boards, ground_of
from layers.planning.memory.draft_cache import DraftMemory
from layers.planning.memory.viewed_drafts import board_of
from layers.planning.state.board import Board, objects
from layers.planning.state.short_codes import shorten_codes
from layers.plans import Plan, find_latest, get_plan

Against = Literal["published"] | int
# Ground that changes hands and is thinner than this is a border put straight, not ground worth a mark on a map.
THIN_M = 0.01


@dataclass(frozen=True)
class Compared:
    """Two plans on the table, and everything that changes between them."""

    plan: Plan
    other: Plan
    people: Succession

    @property
    def both(self) -> Both:
        return self.people.both


def compare(session: Session, drafts: DraftMemory, plan_id: int, *, against: Against, by: Actor) -> Compared:
    """A plan beside another one of its district; raises NotFound where there is none, or nothing published."""
    plan = get_plan(session, plan_id, by=by)
    other = _get_other(session, plan, against, by)
    old, new = board_of(session, drafts, other), board_of(session, drafts, plan)
    return Compared(plan, other, compare_boards(session, old, new, plan=plan))


def difference_of(
    session: Session, drafts: DraftMemory, plan_id: int, *, against: Against, by: Actor
) -> dict[str, Any]:
    """Grids added, removed, reshaped and renamed since another plan; buildings, households, workers and open incidents
    that get another grid, by pair of grids; grids that nobody serves.

    A planner of one street is told what concerns that street. The totals are the sums of the pairs. Workers are counted
    as charges that move: one worker who goes on with two new grids counts twice. Raises NotFound where there is no such
    plan, nothing published, or a plan of another district.
    """
    compared = compare(session, drafts, plan_id, against=against, by=by)
    both, people = compared.both, compared.people
    listed = {**_codes(both.old, both.new), "reshaped": sorted(people.reshaped)}
    codes = {kind: [code for code in some if by.holds(code)] for kind, some in listed.items()}
    counted = (
        *people.held.pairs(level=grid_above, both=both),
        *(charges_moved(people), lift_to_grids(count_open_incidents(session, both), both)),
    )
    buildings, households, workers, incidents = (_keep_within(pairs, by) for pairs in counted)
    return {
        "plan": str(compared.plan.id),
        "against": {"id": str(compared.other.id), "plan_version": compared.other.plan_version},
        **codes,
        "buildings": sum(buildings.values()),
        "households": sum(households.values()),
        "incidents": sum(incidents.values()),
        "workers": sum(workers.values()),
        "moves": _moves(buildings, households, workers, incidents, names=_names(both)),
        **_name_shortly(both, {code for pair in (*buildings, *workers, *incidents) for code in pair if code}),
        "handover": [one for one in _describe_handed(people) if by.holds(one["grid"])],
        "unserved": [code for code in people.unserved if by.holds(code)],
        "map": _map(both, codes),
        "ground": {"type": "FeatureCollection", "features": list(_ground(both, codes))},
    }


def _keep_within(pairs: Counter[Pair], by: Actor) -> Counter[Pair]:
    """The pairs of which the actor's area holds either side."""
    return Counter({pair: number for pair, number in pairs.items() if concerns(by, *pair)})


def concerns(by: Actor, *codes: str | None) -> bool:
    """Whether one of these grids lies in the actor's area."""
    return not by.area or any(by.holds(code) for code in codes if code)


def _get_other(session: Session, plan: Plan, against: Against, by: Actor) -> Plan:
    if against != "published":
        other = get_plan(session, against, by=by)
        if other.district != plan.district:
            raise NotFound("no_such_plan", plan=against)
        return other
    latest = find_latest(session, plan.district)
    if latest is None:
        raise NotFound("nothing_published", district=plan.district)
    return latest


def _codes(old: Board, new: Board) -> dict[str, list[str]]:
    shared = old.rows.keys() & new.rows.keys()
    named = ("name", "kind", "group_name", "parent_code")
    renamed = {c for c in shared if any(getattr(old.rows[c], n) != getattr(new.rows[c], n) for n in named)}
    return {
        "added": sorted(new.rows.keys() - old.rows.keys()),
        "removed": sorted(old.rows.keys() - new.rows.keys()),
        "renamed": sorted(renamed),
    }


def charges_moved(people: Succession) -> Counter[Pair]:
    """Charges that begin or end with the newer plan, by the grid that a worker comes from and the one they go to.

    A charge that begins comes from the grid of the worker that gives most households to the new one (most ground where
    nobody lives); one that ends without another one beginning goes nowhere.
    """
    moved: Counter[Pair] = Counter()
    went: set[tuple[str, Post]] = set()
    origins = {line.grid: [code for code, _ in line.origins] for line in people.lines if line.origins}
    for code, posts in sorted(people.after.items()):
        for post in posts:
            if post in people.before.get(code, ()):
                continue
            source = _source(people, origins.get(code) or ground_of(people.both, code), post)
            moved[source, code] += 1
            went.add((source or "", post))
    for code, posts in sorted(people.before.items()):
        for post in posts:
            if post not in people.after.get(code, ()) and (code, post) not in went:
                moved[code, None] += 1
    return moved


def _source(people: Succession, origins: Iterable[str], post: Post) -> str | None:
    """Where a worker served before: the first of these grids, else one that they leave."""
    for origin in origins:
        if post in people.before.get(origin, ()):
            return origin
    left = (code for code, posts in sorted(people.before.items()) if post in posts)
    return next((code for code in left if post not in people.after.get(code, ())), None)


def _describe_handed(people: Succession) -> list[dict[str, Any]]:
    """Who serves a grid that is no more, and whoever is replaced in one that stays."""
    return [
        {"grid": code, **post.as_json()}
        for code, posts in sorted(people.before.items())
        for post in posts
        if post not in people.after.get(code, ())
    ]


def _names(both: Both) -> Mapping[str, str]:
    return {code: row.name for board in (both.old, both.new) for code, row in board.rows.items()}


def _name_shortly(both: Both, codes: Collection[str]) -> dict[str, dict[str, str]]:
    """The short codes of some grids, each a name of one grid in both plans, and the names of their communities."""
    short = shorten_codes(both.old.rows.keys() | both.new.rows.keys())
    areas = {code: area.name for board in (both.old, both.new) for code, area in board.areas.items()}
    homes = {code: (both.new if code in both.new.rows else both.old).community_of(code) for code in codes}
    return {
        "short_codes": {code: short[code] for code in sorted(codes)},
        "communities": {code: areas[home] for code, home in sorted(homes.items()) if home in areas},
    }


def _moves(*counted: Counter[Pair], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """One line for each pair of grids, most households first."""
    buildings, households, workers, incidents = counted
    pairs = {*buildings, *workers, *incidents}
    order = sorted(pairs, key=lambda pair: (-households[pair], -buildings[pair], str(pair)))
    return [
        {
            "from": old,
            "to": new,
            "from_name": names.get(old or ""),
            "to_name": names.get(new or ""),
            "buildings": buildings[old, new],
            "households": households[old, new],
            "workers": workers[old, new],
            "incidents": incidents[old, new],
        }
        for old, new in order
    ]


def _map(both: Both, codes: dict[str, list[str]]) -> dict[str, Any]:
    listed = [("added", both.new, code) for code in codes["added"]]
    listed += [("removed", both.old, code) for code in codes["removed"]]
    listed += [("reshaped", both.new, code) for code in codes["reshaped"]]
    return {"type": "FeatureCollection", "features": list(_features(listed))}


def _features(listed: Iterable[tuple[str, Board, str]]) -> Iterator[dict[str, Any]]:
    for change, board, code in listed:
        yield _feature(board, code, board.shape(code), change)


def _feature(board: Board, code: str, shape: BaseGeometry | None, change: str) -> dict[str, Any]:
    row = board.rows[code]
    geometry = None if shape is None else json.loads(shapely.to_geojson(board.plane.to_degrees(shape)))
    properties = {"code": code, "name": row.name, "level": row.level, "change": change}
    return {"type": "Feature", "id": code, "properties": properties, "geometry": geometry}


def _ground(both: Both, codes: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    """The ground that each reshaped grid gains from, or loses to, other grids of both plans, with its area in m².

    What a new grid takes or a removed one leaves is that grid's own shape; sub-grids are told by their grid.
    """
    fresh, gone = _unite(both.new, codes["added"]), _unite(both.old, codes["removed"])
    for code in codes["reshaped"]:
        before, after = both.old.shape(code), both.new.shape(code)
        if both.new.rows[code].level != GridLevel.grid or before is None or after is None:
            continue
        if not (before.is_valid and after.is_valid):
            continue
        for change, ground in (
            ("gained", after.difference(before).difference(gone)),
            ("lost", before.difference(after).difference(fresh)),
        ):
            if ground.area > THIN_M * ground.length:
                feature = _feature(both.new, code, ground, change)
                feature["properties"]["area_m2"] = round(float(ground.area), 3)
                yield feature


def _unite(board: Board, codes: Iterable[str]) -> BaseGeometry:
    grids = [code for code in codes if board.rows[code].level == GridLevel.grid]
    shapes = [shape for code in grids if (shape := board.shape(code)) is not None and shape.is_valid]
    return shapely.union_all(objects(shapes)) if shapes else shapely.Polygon()
