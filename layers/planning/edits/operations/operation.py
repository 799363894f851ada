"""What every operation of a planner is: a frozen dataclass whose fields say how they are sent, and what it draws.

A field's type carries how it comes in through a door (`Sent`), so that the doors derive their models from the operation
and do not write it again. Positions and shapes are WGS84 degrees, lon first. An existing vertex is named by its stored
position.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import shapely
from shapely.geometry.base import BaseGeometry

from layers.planning.edits.drawn import DrawingTable
from layers.planning.state.row_changes import Move


class SentKind(StrEnum):
    """How a member of an operation is sent: what a door takes for it, and how it reads that."""

    position = "position"
    point = "point"
    line = "line"
    ground = "ground"
    patches = "patches"
    code = "code"
    codes = "codes"
    name = "name"
    given_name = "given_name"


@dataclass(frozen=True)
class SentAs:
    """The name under which a member is sent, where Python cannot have it (`from`)."""

    name: str


@dataclass(frozen=True)
class Column:
    """A column that an operation may set: how it is called where it is sent, of what type it is, and whether null is a
    value (it takes the column's content away) or as good as not sent."""

    sent: str
    column: str
    type: Any
    removable: bool = False


@dataclass(frozen=True)
class SentColumns:
    """That a mapping from column to value is sent as members of their own; those that are not sent stay."""

    columns: tuple[Column, ...]


Position = Annotated[tuple[float, float], SentKind.position]
Point = Annotated[tuple[float, float], SentKind.point]
Line = Annotated[BaseGeometry, SentKind.line]
Ground = Annotated[BaseGeometry, SentKind.ground]
Patches = Annotated[BaseGeometry, SentKind.patches]
Code = Annotated[str, SentKind.code]
Codes = Annotated[tuple[str, ...], SentKind.codes]
Name = Annotated[str, SentKind.name]


@dataclass(frozen=True, kw_only=True)
class Operation(ABC):
    """The base of all operations; `op` is its name in the API."""

    op: ClassVar[str] = ""

    @abstractmethod
    def draw(self, table: DrawingTable) -> Move:
        """What the operation does to a board; raises what the pure edits of `tiling` raise, and LayerError."""

    def as_json(self) -> dict[str, Any]:
        """The operation as the API spells it, for the history of the draft."""
        named = {one.name: _make_plain(getattr(self, one.name)) for one in fields(self)}
        return {"op": self.op, **named}


def _make_plain(value: object) -> object:
    if isinstance(value, BaseGeometry):
        return json.loads(shapely.to_geojson(value))
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
