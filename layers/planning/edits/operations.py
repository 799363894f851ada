"""What a planner may do to a draft, as data: one frozen dataclass for each operation of the API.

Positions and shapes are WGS84 degrees, lon first. An existing vertex is named by its stored position.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar

import shapely
from shapely.geometry.base import BaseGeometry

from layers.grids import GridKind

Position = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The base of all operations; `op` is its name in the API."""

    op: ClassVar[str] = ""

    def as_json(self) -> dict[str, Any]:
        """The operation as the API spells it, for the history of the draft."""
        named = {one.name: _plain(getattr(self, one.name)) for one in fields(self)}
        return {"op": self.op, **named}


@dataclass(frozen=True, kw_only=True)
class MoveVertex(Operation):
    """All grids that share the vertex at `at` follow it to `to`."""

    op = "move_vertex"
    at: Position
    to: Position


@dataclass(frozen=True, kw_only=True)
class InsertVertex(Operation):
    """A new vertex on the border near `at`, at once moved to `to`."""

    op = "insert_vertex"
    at: Position
    to: Position


@dataclass(frozen=True, kw_only=True)
class DeleteVertex(Operation):
    """The vertex at `at` goes, in every ring that has it."""

    op = "delete_vertex"
    at: Position


@dataclass(frozen=True, kw_only=True)
class RedrawBorder(Operation):
    """The border between two grids runs along `line` from now on."""

    op = "redraw_border"
    left: str
    right: str
    line: BaseGeometry


@dataclass(frozen=True, kw_only=True)
class Split(Operation):
    """A grid is cut along a line; the part with more households keeps the code."""

    op = "split"
    code: str
    line: BaseGeometry
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Merge(Operation):
    """Neighbouring grids become one, which has the smallest of their codes."""

    op = "merge"
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Carve(Operation):
    """A new grid takes its area from those below; an overlay takes nothing from anybody.

    `pieces_to` says who gets what a neighbour would lose contact with: a code, or "new" for the new grid ([S10]).
    """

    op = "carve"
    geometry: BaseGeometry
    name: str = ""
    kind: GridKind = GridKind.base
    exclusive: bool = True
    group: str | None = None
    parent: str | None = None
    pieces_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class Add(Carve):
    """A new grid on ground that belongs to nobody yet, or an overlay."""

    op = "add"


@dataclass(frozen=True, kw_only=True)
class Give(Operation):
    """An area (painted blocks or buildings) changes hands."""

    op = "give"
    geometry: BaseGeometry
    to: str
    pieces_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class Remove(Operation):
    """A grid goes, its ground to `into`; an overlay needs no `into`."""

    op = "remove"
    code: str
    into: str | None = None


@dataclass(frozen=True, kw_only=True)
class FillGap(Operation):
    """The gap at a place becomes part of a grid."""

    op = "fill_gap"
    where: Position
    into: str


@dataclass(frozen=True, kw_only=True)
class Reshape(Operation):
    """An overlay gets another outline; tiles change by their shared borders instead."""

    op = "reshape"
    code: str
    geometry: BaseGeometry


@dataclass(frozen=True, kw_only=True)
class SetAttributes(Operation):
    """What a grid is called and what it is; `values` holds those columns that were given.

    A tile that becomes an overlay gives its ground to `into`; one that becomes a tile takes its ground, and
    `pieces_to` says as for a carve who gets what a neighbour would lose contact with.
    """

    op = "set"
    code: str
    new_code: str | None = None
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    into: str | None = None
    pieces_to: str | None = None


def _plain(value: object) -> object:
    if isinstance(value, BaseGeometry):
        return json.loads(shapely.to_geojson(value))
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
