"""What a layer is, as data: its fields with their import rules, who may not see it, what is published, tiled, drawn,
found.

A `LayerSpec` stands beside its table; `layers.registry` has them all. Importing, reads, tiles, the search, the ground
of the maps, the command line and the pages go through the registry: none of them names a layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import ColumnElement, SQLColumnExpression

from layers.access import Role
from layers.db import Base

POLYGONS = ("Polygon", "MultiPolygon")
LINES = ("LineString", "MultiLineString")
POINTS = ("Point",)

# Columns that many kinds of files have. Names are those of OpenStreetMap extracts, statistical codes, NYC open data and
# Chinese offices' tables.
ID = ("external_id", "id", "osm_id", "incident_id", "unique_key", "src_index", "gid", "objectid", "编号")
NAME = ("name", "名称", "name_zh", "name:zh", "label")
OPENED = ("created_at", "created_date", "occurred_at", "发生时间")
CLOSED = ("closed_at", "closed_date", "办结时间")
WORDS = ("description", "descriptor", "complaint_details", "内容", "描述")
CATEGORY = ("category", "complaint_type", "problem", "类别")


@dataclass(frozen=True)
class Text:
    """Words as the file has them; where it has none, those of the fields `instead` with a blank between, else
    `default`."""

    default: str | None = None
    instead: tuple[str, ...] = ()


@dataclass(frozen=True)
class Code:
    """Digits and letters that name something: they never pass through floating point ([C6]).

    With a `pattern` the whole code must fit it; a row whose code does not is refused for the reason `wrong`.
    """

    pattern: str = ""
    wrong: str = ""


@dataclass(frozen=True)
class Whole:
    """A whole number between two limits."""

    least: int = 0
    most: int = 1_000_000
    default: int | None = None


@dataclass(frozen=True)
class Real:
    """A number between two limits."""

    least: float
    most: float


@dataclass(frozen=True)
class Word:
    """One of our words for a word of the file, compared without case and without blanks around it."""

    words: Mapping[str, str]
    default: str | None = None


@dataclass(frozen=True)
class Moment:
    """A time with its offset, or in the zone that is said with the file."""


Rule = Text | Code | Whole | Real | Word | Moment


@dataclass(frozen=True)
class Field:
    """One field of a layer: the columns by whose names it is guessed, and how a cell becomes its value.

    The first name that the file has wins. A field that is not `stored` only serves others (`Text.instead`).
    """

    name: str
    columns: tuple[str, ...]
    rule: Rule = Text()
    required: bool = False
    stored: bool = True


@dataclass(frozen=True)
class Imported:
    """How a file becomes rows.

    `shapes` are the geometry types that a row may have. `key` finds a row again; a code's first `district_digits` name
    its district. Where most rows must lie in the district that is asked for, the layer is `judged`; planners may import
    what is `of_planners`, an administrator everything. A layer with a verb of its own (`layers.importing`) stores the
    values by itself.
    """

    fields: tuple[Field, ...]
    shapes: tuple[str, ...] = ()
    key: tuple[str, ...] = ("source", "external_id")
    district_digits: int = 0
    of_planners: bool = False
    judged: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Its fields by their names."""
        return {one.name: one for one in self.fields}

    @property
    def timed(self) -> bool:
        """Whether its rows have times, which need a zone where they state no offset."""
        return any(isinstance(one.rule, Moment) for one in self.fields)


@dataclass(frozen=True)
class JoinedTable:
    """Another table that says which rows of a layer count: those for which `on` holds, which may ask for `:at`."""

    table: type[Base]
    on: ColumnElement[bool]


@dataclass(frozen=True, eq=False)
class Published:
    """What other systems read as GeoJSON: columns of the layer's table by their names, in the order of `key`.

    Rows lie in an area by a column of codes (`scoped_by`), or where a grid in force there covers their `point`.
    `of_roles` are told what is `reserved` as well. `told` says in the interface's document what the layer is.
    """

    told: str
    properties: tuple[str, ...]
    scoped_by: str = ""
    point: str = ""
    key: str = "id"
    geometry: str = "geom"
    reserved: tuple[str, ...] = ()
    of_roles: frozenset[Role] = frozenset()
    joined: JoinedTable | None = None


@dataclass(frozen=True, eq=False)
class Tile:
    """What vector tiles show: columns of the layer's table by their names, and from which zoom on.

    A property that is no column of that name is `spelled` out. Only rows of which `detail` holds are shown, which may
    ask for `:z`; where there are too many, the first in `order` are. `half_width_m` is half of the widest stroke that
    is drawn: what runs beside a tile reaches so far into it. Points that change without an import are `moving`.
    """

    properties: tuple[str, ...]
    lowest_zoom: int
    geometry: str = "geom"
    scoped_by: str = ""
    spelled: Mapping[str, SQLColumnExpression[Any]] = field(default_factory=dict)
    joined: JoinedTable | None = None
    order: tuple[SQLColumnExpression[Any], ...] = ()
    detail: ColumnElement[bool] | None = None
    half_width_m: float = 0.0
    moving: bool = False


@dataclass(frozen=True)
class Drawn:
    """How the ground of every map shows the tiles: a style class of `js/map/ground.js`, colours of `css/colours.css`.

    Layers are drawn by `order`, the lowest first. A planner may put away what is a `choice`, shown first or not.
    """

    style: Literal["area", "water", "road", "dot"]
    colour: str
    order: int
    from_zoom: int
    edge: str = ""
    choice: Literal["", "shown", "hidden"] = ""


@dataclass(frozen=True, eq=False)
class Searched:
    """How single things are found by what people type, and what is told of each: expressions over rows of `table`.

    Typed words must occur in `words` (lower case) or begin the `code`; where one of `starts` begins so, it is a better
    fit. A thing lies in an area when its `point` does, or when it shares `ground` with a grid there. One that a hand
    put into a grid (`grid_override`) is told with that grid. A row of the table `beside` it may be there or not.
    """

    kind: str
    table: type[Base]
    name: SQLColumnExpression[str]
    words: SQLColumnExpression[str]
    starts: tuple[SQLColumnExpression[str], ...]
    point: SQLColumnExpression[Any]
    beside: JoinedTable | None = None
    code: SQLColumnExpression[str] | None = None
    detail: SQLColumnExpression[str] | None = None
    grid_override: SQLColumnExpression[Any] | None = None
    named: ColumnElement[bool] | None = None
    lies_by: Literal["point", "ground"] = "point"


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """One layer. Roles that it is `hidden_from` see single things of it at no door; a part that is None it has not."""

    name: str
    table: type[Base]
    hidden_from: frozenset[Role] = frozenset()
    imported: Imported | None = None
    published: Published | None = None
    tile: Tile | None = None
    drawn: Drawn | None = None
    searched: Searched | None = None
