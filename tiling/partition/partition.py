"""A tiling with its levels, read-only: finest polygons, who belongs to whom, the frame, and what an edit changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.errors import CodeTaken, NoSuchGrid
from tiling.partition.index import Index, patch_index
from tiling.partition.shapes import Geometries, dissolve, freeze_array, have_same_bytes, object_array

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an edit does, nothing else: the finest polygons whose bytes differ, and what comes and goes.

    `removed` names finest grids and upper-level grids that are left without children. `parents` holds new or changed
    parents only. `frame` is None where the frame's ring is unchanged; `areas` holds changed area rings.
    """

    changed: Mapping[str, BaseGeometry | None] = field(default_factory=dict)
    added: Mapping[str, BaseGeometry | None] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    frame: BaseGeometry | None = None
    areas: Mapping[str, BaseGeometry] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.removed or self.parents or self.areas) or self.frame is not None

    @property
    def touched(self) -> frozenset[str]:
        """The codes of finest grids to check after this change: changed and added ones."""
        return frozenset(self.changed) | frozenset(self.added)


@dataclass(frozen=True, eq=False)
class Partition:
    """The finest polygons of a district in metres, their parents at any number of levels, and the frame.

    Codes are sorted as bytes sort. Upper levels are dissolves of the finest. A draft may be imperfect, so polygons may
    be None, empty or invalid here; `coverage.check` tells. Make one with `Partition.of`, change it with `replace`.
    """

    codes: tuple[str, ...]
    polygons: Geometries
    parents: Mapping[str, str]
    frame: BaseGeometry | None
    areas: Mapping[str, BaseGeometry]
    parts_allowed: frozenset[str]
    _dissolved: dict[str, BaseGeometry] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        codes: Sequence[str],
        polygons: Sequence[BaseGeometry | None] | Geometries,
        *,
        parents: Mapping[str, str] = _NOTHING,
        frame: BaseGeometry | None = None,
        areas: Mapping[str, BaseGeometry] = _NOTHING,
        parts_allowed: Collection[str] = (),
    ) -> Partition:
        """A partition of polygons in lattice metres, sorted by code.

        `areas` are upper-level grids with a boundary of their own (communities). `parts_allowed` names grids that may
        have several parts. Raises ValueError for a code given twice, of unequal lengths, or a parent of itself.
        """
        if len(codes) != len(polygons) or len(set(codes)) != len(codes):
            raise ValueError("every polygon needs one code of its own")
        order = sorted(range(len(codes)), key=codes.__getitem__)
        names = tuple(codes[i] for i in order)
        _refuse_circles(parents)
        return cls(
            names,
            freeze_array([polygons[i] for i in order]),
            MappingProxyType(dict(parents)),
            frame,
            MappingProxyType(dict(areas)),
            frozenset(parts_allowed),
        )

    def __len__(self) -> int:
        return len(self.codes)

    def __contains__(self, code: object) -> bool:
        return code in self.row_of or code in self._children

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each finest code in `codes` and `polygons`."""
        return {code: row for row, code in enumerate(self.codes)}

    @cached_property
    def tree(self) -> Index:
        """A spatial index over `polygons`, by row; None and empty ones are never found. Rows come in no order."""
        return STRtree(self.polygons)

    @cached_property
    def notes(self) -> dict[str, Any]:
        """What others found out about this very partition and keep with it, by a name of their own."""
        return {}

    @cached_property
    def frame_notes(self) -> dict[str, Any]:
        """The same about the frame alone: an edit hands it on to the next partition, as long as the frame stays."""
        return {}

    @cached_property
    def area_notes(self) -> dict[str, Any]:
        """The same about the areas by their codes, handed on as long as no area's ring changes."""
        return {}

    def mark_valid(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether each of these finest polygons is valid, False where there is none; GEOS is asked once a polygon."""
        unknown = rows[self._validity[rows] < 0]
        if len(unknown):
            self._validity[unknown] = shapely.is_valid(self.polygons[unknown])
        return np.asarray(self._validity[rows] == 1)

    @cached_property
    def _validity(self) -> NDArray[np.int8]:
        return np.full(len(self.codes), -1, dtype=np.int8)

    @cached_property
    def areas_m2(self) -> NDArray[np.float64]:
        """The area of each finest polygon in square metres, by row; NaN where there is none."""
        return np.asarray(shapely.area(self.polygons))

    @cached_property
    def _area_boxes(self) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        return tuple(self.areas), shapely.bounds(np.array(list(self.areas.values()), dtype=object)).reshape(-1, 4)

    def areas_near(self, geometry: BaseGeometry) -> dict[str, BaseGeometry]:
        """The areas with a ring whose box meets the geometry's box, by code."""
        names, boxes = self._area_boxes
        west, south, east, north = geometry.bounds
        meets = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
        return {names[k]: self.areas[names[k]] for k in np.flatnonzero(meets).tolist()}

    @cached_property
    def _children(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for child in sorted(self.parents):
            found.setdefault(self.parents[child], []).append(child)
        return {parent: tuple(children) for parent, children in found.items()}

    def children(self, code: str) -> tuple[str, ...]:
        """The codes directly below, sorted; empty for a finest grid."""
        return self._children.get(code, ())

    def list_finest(self, code: str) -> tuple[str, ...]:
        """The finest grids of which this one consists, sorted; a finest one is its own. Raises NoSuchGrid."""
        if code in self.row_of:
            return (code,)
        if code not in self._children:
            raise NoSuchGrid(f"There is no grid {code}.", grid=code)
        return tuple(sorted(f for child in self._children[code] for f in self._list_finest_or_none(child)))

    def _list_finest_or_none(self, code: str) -> tuple[str, ...]:
        return self.list_finest(code) if code in self else ()

    def ancestors(self, code: str) -> tuple[str, ...]:
        """The codes above, nearest first."""
        above: list[str] = []
        while code in self.parents:
            code = self.parents[code]
            above.append(code)
        return tuple(above)

    def polygon(self, code: str) -> BaseGeometry | None:
        """The shape in metres at any level; an upper level is the dissolve of its valid finest polygons, kept.

        None where the draft holds none. Raises NoSuchGrid.
        """
        row = self.row_of.get(code)
        if row is not None:
            return self.polygons[row]  # type: ignore[no-any-return]
        if code not in self._dissolved:
            self._dissolved[code] = dissolve(self.polygons[self.rows(self.list_finest(code))])
        return self._dissolved[code]

    def rows(self, codes: Iterable[str]) -> NDArray[np.intp]:
        """The rows of finest codes, in the order given. Raises NoSuchGrid."""
        try:
            return np.array([self.row_of[code] for code in codes], dtype=np.intp)
        except KeyError as missing:
            raise NoSuchGrid(f"There is no grid {missing.args[0]}.", grid=missing.args[0]) from None

    def neighbours(self, code: str) -> tuple[str, ...]:
        """The grids of the same level that share a border of positive length with this one, sorted.

        The level is counted from the top; a grid that has no sub-grids stands for itself below. Raises NoSuchGrid.
        """
        depth = len(self.ancestors(code))
        own = set(self.list_finest(code))
        beside = {other for tile in own for other in self._tiles_beside(tile)} - own
        return tuple(sorted({self._find_at_depth(tile, depth) for tile in beside} - {code}))

    def _tiles_beside(self, code: str) -> list[str]:
        polygon = self.polygon(code)
        if polygon is None or polygon.is_empty:
            return []
        rows = self.tree.query(polygon, predicate="intersects")
        shared = shapely.intersection(shapely.boundary(polygon), shapely.boundary(self.polygons[rows]))
        return [self.codes[row] for row, line in zip(rows, shared, strict=True) if line.length > 0]

    def _find_at_depth(self, code: str, depth: int) -> str:
        chain = (code, *self.ancestors(code))
        return chain[max(len(chain) - 1 - depth, 0)]

    def find_around(self, codes: Iterable[str], rings: int = 2) -> frozenset[str]:
        """The finest grids of `codes` and all that touch them, and all that touch those, `rings` times."""
        found = {row for code in codes for row in self.rows(self.list_finest(code)).tolist()}
        edge = found
        for _ in range(rings):
            _, hits = self.tree.query(self.polygons[sorted(edge)], predicate="intersects")
            edge = set(hits.tolist()) - found
            found = found | edge
        return frozenset(self.codes[row] for row in found)

    def find_touching(self, geometry: BaseGeometry) -> tuple[str, ...]:
        """The finest grids that have a point in common with the geometry, sorted."""
        return tuple(sorted(self.codes[row] for row in self.tree.query(geometry, predicate="intersects")))

    def replace(self, change: Change) -> Partition:
        """A new partition with the change made; everything else is shared with this one.

        Raises NoSuchGrid for a changed or removed code that is not here, CodeTaken for an added one that is.
        """
        latest = self.__dict__.get("_latest")
        if latest is None or latest[0] is not change:
            # An edit looks at its own result before it is handed out; the caller then asks for the same once more.
            self.__dict__["_latest"] = latest = (change, self._apply(change))
        newer: Partition = latest[1]
        return newer

    def _apply(self, change: Change) -> Partition:
        self._refuse_misfit(change)
        parents = self._parents_after(change)
        codes, polygons = self._tiles_after(change)
        gone = self._find_stale(change)
        newer = Partition(
            codes,
            polygons,
            parents,
            self.frame if change.frame is None else change.frame,
            MappingProxyType({**self.areas, **change.areas}) if change.areas else self.areas,
            self.parts_allowed,
            {code: shape for code, shape in self._dissolved.items() if code not in gone},
        )
        self._hand_on(newer, change)
        return newer

    def _hand_on(self, newer: Partition, change: Change) -> None:
        """Gives the newer partition what was computed here and is still true: most of an edit on 3,000 grids."""
        same_codes, known = newer.codes is self.codes, self.__dict__
        if same_codes and "row_of" in known:
            newer.__dict__["row_of"] = self.row_of
        if newer.parents is self.parents and "_children" in known:
            newer.__dict__["_children"] = self._children
        if newer.frame is self.frame:
            newer.__dict__["frame_notes"] = self.frame_notes
        if newer.areas is self.areas:
            newer.__dict__["area_notes"] = self.area_notes
            newer.__dict__["_area_boxes"] = self._area_boxes
        if same_codes:
            self._hand_on_tiles(newer, self.rows(change.changed))

    def _hand_on_tiles(self, newer: Partition, changed: NDArray[np.intp]) -> None:
        known, given = self.__dict__, newer.__dict__
        if "tree" in known:
            given["tree"] = patch_index(self.tree, changed, newer.polygons)
        if "_validity" in known:
            given["_validity"] = self._validity.copy()
            given["_validity"][changed] = -1
        if "areas_m2" in known:
            given["areas_m2"] = self.areas_m2.copy()
            given["areas_m2"][changed] = shapely.area(newer.polygons[changed])

    def _refuse_misfit(self, change: Change) -> None:
        for code in (*change.changed, *change.removed):
            if code not in self:
                raise NoSuchGrid(f"There is no grid {code}.", grid=code)
        for code in change.added:
            if self._stays(code, change):
                raise CodeTaken(f"The code {code} is in use.", grid=code)

    def _stays(self, code: str, change: Change) -> bool:
        """Whether a code is in use after the change even without being added by it."""
        if code in self.row_of:
            return code not in change.removed
        return any(c not in change.removed and change.parents.get(c, code) == code for c in self.children(code))

    def _parents_after(self, change: Change) -> Mapping[str, str]:
        if not (change.parents or change.removed):
            return self.parents
        kept = {**self.parents, **change.parents}
        # Lowest first; a finest grid that became the parent of others is removed as a tile and stays as a grid.
        for code in sorted(change.removed, key=lambda c: -len(self.ancestors(c))):
            if code not in change.parents and code not in kept.values():
                kept.pop(code, None)
        return MappingProxyType(kept)

    def _tiles_after(self, change: Change) -> tuple[tuple[str, ...], Geometries]:
        if not (change.added or change.removed):
            polygons = self.polygons.copy()
            polygons[self.rows(change.changed)] = object_array(change.changed.values())
            polygons.flags.writeable = False
            return self.codes, polygons
        tiles = dict(zip(self.codes, self.polygons, strict=True))
        for code in change.removed:
            tiles.pop(code, None)
        tiles.update(change.changed)
        tiles.update(change.added)
        codes = tuple(sorted(tiles))
        return codes, freeze_array([tiles[code] for code in codes])

    def _find_stale(self, change: Change) -> set[str]:
        starts = {*change.touched, *change.removed, *change.parents, *change.parents.values()}
        return (
            starts
            | {above for code in starts for above in self.ancestors(code)}
            | {above for parent in change.parents.values() for above in self.ancestors(parent)}
        )

    def find_changes_since(self, older: Partition) -> Change:
        """What leads from the older partition to this one; `older.find_changes_since(new)` is the undo of an edit.

        Polygons are compared by identity, then vertex by vertex. A frame or area that was removed is not told.
        """
        changed, added = {}, {}
        for code, polygon in zip(self.codes, self.polygons, strict=True):
            if code not in older.row_of:
                added[code] = polygon
            elif not have_same_bytes(polygon, older.polygons[older.row_of[code]]):
                changed[code] = polygon
        gone = {code for code in older.codes if code not in self.row_of}
        gone |= {code for code in older._children if code not in self}
        return Change(
            changed=changed,
            added=added,
            removed=tuple(sorted(gone)),
            parents={c: p for c, p in self.parents.items() if older.parents.get(c) != p},
            frame=None if have_same_bytes(self.frame, older.frame) else self.frame,
            areas={c: ring for c, ring in self.areas.items() if not have_same_bytes(ring, older.areas.get(c))},
        )


def _refuse_circles(parents: Mapping[str, str]) -> None:
    for start in parents:
        seen, code = {start}, start
        while (code := parents.get(code, "")) in parents or code in seen:
            if code in seen:
                raise ValueError(f"{code} is its own ancestor")
            seen.add(code)
