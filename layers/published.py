"""The published state as GeoJSON, page by page: what other systems read.

A question becomes one statement, purely; PostGIS writes the features. Pages go by key, so they neither skip nor repeat
rows that stay. What a layer tells, and what of it to whom, stands in its spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.plans import IN_FORCE_AT
from layers.specs import Published

Box = tuple[float, float, float, float]

# A thing without a code of its own lies in an area when a published grid of that area covers it.
_COVERED = (
    "(:area = '' OR EXISTS (SELECT 1 FROM grids g JOIN plans p ON p.id = g.plan_id "  # noqa: S608 - constants only
    f"AND {IN_FORCE_AT} WHERE g.level = 'grid' AND starts_with(g.code, :area) "
    "AND ST_Covers(g.geom, {point})))"
)


@lru_cache
def statement_of(layer: Published, properties: tuple[str, ...]) -> TextClause:
    """The statement for one page of a layer, with :area :at :after :limit and the box to be bound."""
    # Ids go out as opaque strings, whatever the database counts with.
    values = ", ".join(f"'{word}', t.{word}" + ("::text" if word == "id" else "") for word in properties)
    scope = f"starts_with({layer.scoped_by}, :area)" if layer.scoped_by else _COVERED.format(point=layer.point)
    feature = (
        f"json_build_object('type', 'Feature', 'id', {layer.key}::text, "
        f"'geometry', ST_AsGeoJSON({layer.geometry}, 9)::json, 'properties', json_build_object({values}))::text"
    )
    key_type = "text" if _is_code(layer) else "bigint"
    after = f"(CAST(:after AS text) IS NULL OR {layer.key} > CAST(:after AS {key_type}))"
    box = (
        f"(CAST(:west AS float8) IS NULL OR {layer.geometry} "
        "&& ST_MakeEnvelope(CAST(:west AS float8), :south, :east, :north, 4326))"
    )
    return text(
        f"SELECT {layer.key} AS key, {feature} AS feature FROM {layer.source} "  # noqa: S608 - only names of the specs
        f"WHERE {scope} AND {after} AND {box} ORDER BY {layer.key} LIMIT :limit"
    )


def _is_code(layer: Published) -> bool:
    return layer.key.endswith("code")


@dataclass(frozen=True)
class PublishedPage:
    """Features as JSON texts, and the key to go on after; None on the last page."""

    features: Sequence[str]
    after: str | None


def read_page(
    session: Session,
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
    rows = session.execute(statement_of(layer, properties), bound | edges).all()
    more = len(rows) > limit
    shown = rows[:limit]
    return PublishedPage([row.feature for row in shown], str(shown[-1].key) if more and shown else None)


def is_key(layer: Published, key: str) -> bool:
    """Whether a text can be a key of this layer."""
    whole = key.isdecimal() and key.isascii() and len(key) <= 18
    return bool(key) and "\x00" not in key and (_is_code(layer) or whole)
