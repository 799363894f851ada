"""Two plans with one base, put together ([P1]): what comes over by itself, and what a person must decide.

Grids that a draft changed belong together where they touch or are parts of each other: one cannot be taken back
without the others, or there would be gaps. Such a group is in conflict where the newer plan changed one of its grids
or a border under it otherwise, or where both together would break the map.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers.planning.state.board import objects
from layers.planning.state.loading import Stored
from layers.planning.state.row_changes import RowChanges

Decision = Literal["skip", "redo"]
Reason = Literal["both_changed", "border", "breaks"]
_NAMED = ("parent_code", "name", "kind", "exclusive", "group_name", "parts_allowed", "locked")


@dataclass(frozen=True)
class Content:
    """Everything that a plan stores, byte for byte."""

    rows: Mapping[str, Stored]
    rings: Mapping[str, bytes]
    frame: bytes | None


@dataclass(frozen=True)
class Group:
    """Grids that a draft changed together; `clashes` are those that the newer plan changed otherwise."""

    codes: tuple[str, ...]
    clashes: tuple[str, ...]
    reason: Reason | None

    @property
    def id(self) -> str:
        """The smallest code: it stays the same as long as nobody edits there."""
        return self.codes[0]


@dataclass(frozen=True)
class Triple:
    """A base, a draft made from it, and the newer plan that came of it meanwhile."""

    base: Content
    own: Content
    theirs: Content

    def mine(self) -> set[str]:
        """The codes that the draft changed."""
        return find_differing(self.base, self.own)

    def list_new(self) -> set[str]:
        """The codes that the newer plan changed."""
        return find_differing(self.base, self.theirs)


def find_differing(base: Content, other: Content) -> set[str]:
    """The codes whose rows differ; numbers that were counted at another time do not count."""
    codes = base.rows.keys() | other.rows.keys()
    return {code for code in codes if not is_same(base.rows.get(code), other.rows.get(code))}


def is_same(one: Stored | None, other: Stored | None) -> bool:
    """Whether two rows say the same."""
    if one is None or other is None:
        return one is other
    return one[1] == other[1] and all(getattr(one[0], name) == getattr(other[0], name) for name in _NAMED)


def groups_of(triple: Triple) -> list[Group]:
    """The changes of a draft in groups, by their smallest code, and which of them clash."""
    mine, new = triple.mine(), triple.list_new()
    own, theirs = triple.own.rows, triple.theirs.rows
    clashing = {code for code in mine & new if not is_same(own.get(code), theirs.get(code))}
    borders = _borders_of_both(triple)
    groups = []
    for codes in _group_connected(triple, mine):
        clashes = tuple(sorted(clashing & codes))
        on_border = bool(borders) and bool(borders & _find_above(triple, codes))
        reason: Reason | None = "both_changed" if clashes else "border" if on_border else None
        groups.append(Group(tuple(sorted(codes)), clashes, reason))
    return sorted(groups, key=lambda group: group.id)


def _group_connected(triple: Triple, mine: Collection[str]) -> list[set[str]]:
    codes = sorted(mine)
    root = {code: code for code in codes}

    def find(code: str) -> str:
        while root[code] != code:
            root[code] = root[root[code]]
            code = root[code]
        return code

    for one, other in (*_find_touching(triple, codes), *_parts(triple, codes)):
        root[find(one)] = find(other)
    found: dict[str, set[str]] = {}
    for code in codes:
        found.setdefault(find(code), set()).add(code)
    return list(found.values())


def _find_touching(triple: Triple, codes: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of codes with another shape than before whose ground, old or new, touches."""
    grounds = {code: ground for code in codes if (ground := _find_moved_ground(triple, code)) is not None}
    names, shapes = list(grounds), objects(grounds.values())
    if not names:
        return []
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    return [(names[a], names[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True) if a < b]


def _find_moved_ground(triple: Triple, code: str) -> BaseGeometry | None:
    """The ground of a grid before and after the draft changed it; None where only its attributes changed."""
    held = [rows[code][1] for rows in (triple.base.rows, triple.own.rows) if code in rows]
    if len(held) == 2 and held[0] == held[1]:
        return None
    return shapely.GeometryCollection(shapely.from_wkb(objects(held)).tolist())


def _parts(triple: Triple, codes: Collection[str]) -> list[tuple[str, str]]:
    rows = (triple.base.rows, triple.own.rows)
    parents = {(code, held[code][0].parent_code) for held in rows for code in codes if code in held}
    return [(code, parent) for code, parent in parents if parent is not None and parent in codes]


FRAME = ""


def _borders_of_both(triple: Triple) -> set[str]:
    """The areas into whose rings both plans put other nodes; FRAME stands for the frame."""
    base, own, theirs = triple.base, triple.own, triple.theirs
    found = {
        code
        for code, ring in theirs.rings.items()
        if ring != base.rings.get(code) and own.rings.get(code) not in (base.rings.get(code), ring)
    }
    framed = theirs.frame != base.frame and own.frame not in (base.frame, theirs.frame)
    return found | ({FRAME} if framed else set())


def _find_above(triple: Triple, codes: Iterable[str]) -> set[str]:
    """The areas right above these grids, and the frame."""
    rows = (triple.base.rows, triple.own.rows)
    above = {held[code][0].parent_code for held in rows for code in codes if code in held}
    return {code for code in above if code is not None} | {FRAME}


def step_of(triple: Triple, kept: Collection[Group]) -> RowChanges:
    """What brings the draft onto the newer plan when only these groups of its changes stay."""
    own, theirs = triple.own, triple.theirs
    staying = {code for group in kept for code in group.codes}
    brought = (triple.mine() | triple.list_new()) - staying
    rows = {
        code: theirs.rows.get(code)
        for code in sorted(brought)
        if not is_same(own.rows.get(code), theirs.rows.get(code))
    }
    used = _vertices(own.rows[code][1] for code in staying if code in own.rows)
    rings = {code: _border(own.rings.get(code), ring, used) for code, ring in theirs.rings.items()}
    frame = None if theirs.frame is None else _border(own.frame, theirs.frame, used)
    return RowChanges(rows, {code: ring for code, ring in rings.items() if ring is not None}, frame)


Vertices = set[tuple[float, float]]


def _vertices(shapes: Iterable[bytes]) -> Vertices:
    coordinates = shapely.get_coordinates(shapely.from_wkb(objects(shapes)))
    return {(x, y) for x, y in coordinates.tolist()}


def _border(own: bytes | None, theirs: bytes, used: Vertices) -> bytes | None:
    """The ring of an area or the frame after the merge, None where the draft's own one stays.

    A node that only the draft put into it goes with the change that needed it, and stays with one that stays.
    """
    if own is None or own == theirs:
        return None if own == theirs else theirs
    nodes = _vertices([own]) - _vertices([theirs])
    if not nodes & used:
        return theirs
    return _drop_nodes(own, nodes - used) if nodes - used else None


def _drop_nodes(ring: bytes, nodes: Vertices) -> bytes:
    parts = [
        shapely.Polygon(_thin_ring(part.exterior, nodes), [_thin_ring(hole, nodes) for hole in part.interiors])
        for part in shapely.get_parts(shapely.from_wkb(ring)).tolist()
    ]
    return bytes(shapely.to_wkb(shapely.MultiPolygon(parts)))


def _thin_ring(ring: BaseGeometry, nodes: Vertices) -> list[tuple[float, float]]:
    kept = [(x, y) for x, y in shapely.get_coordinates(ring).tolist() if (x, y) not in nodes]
    return kept if kept[0] == kept[-1] else [*kept, kept[0]]


def find_near(groups: Iterable[Group], triple: Triple, where: BaseGeometry) -> list[Group]:
    """The groups whose ground touches a place in degrees."""
    found = []
    for group in groups:
        grounds = [ground for code in group.codes if (ground := _find_moved_ground(triple, code)) is not None]
        if grounds and bool(np.any(shapely.intersects(objects(grounds), where))):
            found.append(group)
    return found
