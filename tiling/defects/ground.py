"""Polygons under examination, with an index and the knowledge which of them are usable and how they are read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.defects.edges import Edges, edges_of, frame_edges, join_edges, partners
from tiling.partition import Index, Partition
from tiling.structure import structure_of

Rows = NDArray[np.intp]
_UNKNOWN, _NO, _YES, _READ = -1, 0, 1, 2
_POLYGON_TYPES = (3, 6)


@dataclass(frozen=True, eq=False)
class Ground:
    """Codes and polygons in a fixed order, an index over them, and the frame. Validity is looked up once a row.

    `drawn` are the polygons as they came. In `polygons` an invalid one is replaced by what its structure means as
    soon as its row is asked for by `select_usable`, which all that measures does first. `frame_notes` keeps what is
    found out about the frame, for other grounds in the same frame; `valid` tells of rows whether their polygons are.
    """

    codes: Sequence[str]
    drawn: NDArray[np.object_]
    tree: Index
    frame: BaseGeometry | None
    frame_notes: dict[str, Any] = field(default_factory=dict, repr=False)
    valid: Callable[[Rows], NDArray[np.bool_]] | None = field(default=None, repr=False)
    polygons: NDArray[np.object_] = field(init=False, repr=False)
    _known: NDArray[np.int8] = field(init=False, repr=False)
    _about: tuple[bytes, tuple[Edges, NDArray[np.intp]]] | None = field(default=None, init=False, repr=False)
    _looking: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "polygons", self.drawn)
        object.__setattr__(self, "_known", np.full(len(self.drawn), _UNKNOWN, dtype=np.int8))
        if self.frame is not None:
            shapely.prepare(self.frame)

    @cached_property
    def all_rows(self) -> Rows:
        """Every row."""
        return np.arange(len(self.drawn))

    def select_usable(self, rows: Rows) -> Rows:
        """Those of the rows whose ground is known: valid polygons, and invalid ones that can be read."""
        if (self._known[rows] == _UNKNOWN).any():
            with self._looking:
                self._look_at(rows[self._known[rows] == _UNKNOWN])
        return np.asarray(rows[self._known[rows] > _NO])

    def select_faulty(self, rows: Rows) -> Rows:
        """Those of the rows that hold no valid polygon, whether it can be read or not."""
        self.select_usable(rows)
        return np.asarray(rows[self._known[rows] != _YES])

    def select_unknown(self, rows: Rows) -> Rows:
        """Those of the rows whose ground nobody knows."""
        self.select_usable(rows)
        return np.asarray(rows[self._known[rows] == _NO])

    def _look_at(self, rows: Rows) -> None:
        shapes = self.drawn[rows]
        solid = np.isin(shapely.get_type_id(shapes), _POLYGON_TYPES) & ~shapely.is_empty(shapes)
        valid = shapely.is_valid(shapes) if self.valid is None else self.valid(rows)
        known = np.where(solid & valid, _YES, _NO)
        for k in np.flatnonzero(solid & ~valid).tolist():
            known[k] = self._read(int(rows[k]))
        self._known[rows] = known

    def _read(self, row: int) -> int:
        meant = structure_of(self.drawn[row])
        if meant is None:
            return _NO
        if self.polygons is self.drawn:
            object.__setattr__(self, "polygons", self.drawn.copy())
        self.polygons[row] = meant
        return _READ

    def find_near(self, rows: Rows, reach_m: float = 0.0) -> Rows:
        """The usable rows whose boxes come within `reach_m` of those of the rows given, these included."""
        west, south, east, north = shapely.bounds(self.polygons[rows]).T
        hits = self.tree.query(shapely.box(west - reach_m, south - reach_m, east + reach_m, north + reach_m))[1]
        return self.select_usable(np.unique(np.concatenate([hits, rows])))

    def find_within(self, window: BaseGeometry) -> Rows:
        """The usable rows whose boxes meet the window's."""
        return self.select_usable(np.sort(self.tree.query(window)))

    @property
    def border(self) -> Edges:
        """The edges of the frame."""
        found: Edges | None = self.frame_notes.get("edges")
        if found is None:
            self.frame_notes["edges"] = found = frame_edges(self.frame)
        return found

    @cached_property
    def all_usable(self) -> Rows:
        """Every row that holds a valid polygon."""
        return self.select_usable(self.all_rows)

    @cached_property
    def all_edges(self) -> tuple[Edges, NDArray[np.intp]]:
        """The edges of all usable rows and of the frame, and the partner of each."""
        edges = join_edges(edges_of(self.polygons[self.all_usable], self.all_usable), self.border)
        return edges, partners(edges)

    def edges_about(self, rows: Rows) -> tuple[Edges, NDArray[np.intp]]:
        """The edges of these usable rows, of all beside them and of the frame there, and the partner of each.

        Partners are certain for the rows given only.
        """
        key, held = rows.tobytes(), self._about
        if held is None or held[0] != key:
            held = (key, self._edges_about(rows))
            object.__setattr__(self, "_about", held)
        return held[1]

    def _edges_about(self, rows: Rows) -> tuple[Edges, NDArray[np.intp]]:
        around = self.find_near(rows)
        border = self.border.select(self.border.meets(shapely.total_bounds(self.polygons[rows])))
        edges = join_edges(edges_of(self.polygons[around], around), border)
        return edges, partners(edges)

    def list_loose(self) -> Edges:
        """All edges that nobody meets."""
        edges, met_by = self.all_edges
        return edges.select(met_by < 0)

    def list_loose_about(self, rows: Rows) -> Edges:
        """The edges of these usable rows, and of the frame beside them, that nobody meets."""
        edges, met_by = self.edges_about(rows)
        return edges.select((met_by < 0) & ((edges.row < 0) | np.isin(edges.row, rows)))

    def count_covering(self, points: NDArray[np.object_]) -> NDArray[np.intp]:
        """How many usable polygons hold each point."""
        which, hits = self.tree.query(points)
        rows = self.select_usable(np.unique(hits))
        fit = np.isin(hits, rows)
        which, hits = which[fit], hits[fit]
        # A point on a slit's edge belongs to nobody's interior, but it is not ground without an owner either.
        holds = shapely.intersects(self.polygons[hits], points[which])
        return np.bincount(which[holds], minlength=len(points))

    def mark_inside_frame(self, points: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Whether each point lies in the frame; everywhere without a frame."""
        if self.frame is None:
            return np.ones(len(points), dtype=bool)
        return np.asarray(shapely.intersects(self.frame, points))


def ground_of(partition: Partition) -> Ground:
    """The ground of a partition for looking about some of its grids, made once: an edit is judged, then checked."""
    held: Ground | None = partition.notes.get("ground")
    if held is None:
        held = Ground(
            partition.codes,
            partition.polygons,
            partition.tree,
            partition.frame,
            frame_notes=partition.frame_notes,
            valid=partition.mark_valid,
        )
        partition.notes["ground"] = held
    return held
