"""The published state as GeoJSON, page by page: what other systems read.

A question becomes one statement, purely; PostGIS writes the features. Pages go by key, so they neither skip nor repeat
rows that stay. What a layer tells, and what of it to whom, stands in its spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, Double, Select, String, bindparam, cast, func, or_, select
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.grids import Grid, GridLevel
from layers.ids import find_id
from layers.plans import IN_FORCE_AS_ASKED, Plan
from layers.specs import LayerSpec, Published

Box = tuple[float, float, float, float]

_AREA = bindparam("area", type_=String)
_AFTER = bindparam("after", type_=String)
_WEST, _SOUTH, _EAST, _NORTH = (cast(bindparam(side), Double) for side in ("west", "south", "east", "north"))


@lru_cache
def statement_of(spec: LayerSpec, layer: Published, properties: tuple[str, ...]) -> Select[Any]:
    """The statement for one page of a layer, with :area :at :after :limit and the box to be bound."""
    columns = spec.table.__table__.c
    key, geometry = columns[layer.key], columns[layer.geometry]
    scope = func.starts_with(columns[layer.scoped_by], _AREA) if layer.scoped_by else _is_covered(columns[layer.point])
    after = key > (_AFTER if _is_code(layer) else cast(_AFTER, BigInteger))
    box = geometry.op("&&")(func.ST_MakeEnvelope(_WEST, _SOUTH, _EAST, _NORTH, 4326))
    feature = func.json_build_object(
        *("type", "Feature", "id", cast(key, String)),
        *("geometry", cast(func.ST_AsGeoJSON(geometry, 9), JSON)),
        *("properties", func.json_build_object(*_values(columns, properties))),
    )
    rows = select(key.label("key"), cast(feature, String).label("feature")).select_from(spec.table)
    if layer.joined:
        rows = rows.join(layer.joined.table, layer.joined.on)
    rows = rows.where(scope, or_(_AFTER.is_(None), after), or_(_WEST.is_(None), box))
    return rows.order_by(key).limit(bindparam("limit", type_=BigInteger))


def _is_covered(point: ColumnElement[Any]) -> ColumnElement[bool]:
    """A thing without a code of its own lies in an area when a published grid of that area covers it."""
    grids = select(Grid.code).join(Plan, Plan.id == Grid.plan_id).where(IN_FORCE_AS_ASKED, Grid.level == GridLevel.grid)
    held = grids.where(func.starts_with(Grid.code, _AREA), func.ST_Covers(Grid.geom, point))
    return or_(_AREA == "", held.exists())


def _values(columns: Any, properties: tuple[str, ...]) -> list[Any]:
    """Names and values in turn. Ids go out as opaque strings, whatever the database counts with."""
    return [
        part for name in properties for part in (name, cast(columns[name], String) if name == "id" else columns[name])
    ]


def _is_code(layer: Published) -> bool:
    return layer.key == "code"


@dataclass(frozen=True)
class PublishedPage:
    """Features as JSON texts, and the key to go on after; None on the last page."""

    features: Sequence[str]
    after: str | None


def read_page(
    session: Session,
    spec: LayerSpec,
    layer: Published,
    *,
    by: Actor,
    area: str,
    at: datetime,
    limit: int,
    box: Box | None = None,
    after: str | None = None,
) -> PublishedPage:
    """One page of a layer in the order of its keys, with what is reserved for the actor's role.

    The caller has seen to it that the actor may see the layer and look into the area.
    """
    west, south, east, north = box or (None, None, None, None)
    bound = {"area": area, "at": at, "after": after, "limit": limit + 1}
    edges = {"west": west, "south": south, "east": east, "north": north}
    properties = (*layer.properties, *(layer.reserved if by.role in layer.of_roles else ()))
    rows = session.execute(statement_of(spec, layer, properties), bound | edges).all()
    more = len(rows) > limit
    shown = rows[:limit]
    return PublishedPage([row.feature for row in shown], str(shown[-1].key) if more and shown else None)


def is_key(layer: Published, key: str) -> bool:
    """Whether a text can be a key of this layer."""
    return bool(key) and "\x00" not in key and (_is_code(layer) or find_id(key) is not None)
