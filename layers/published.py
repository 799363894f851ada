"""The published state as GeoJSON, page by page: what other systems read.

A question becomes one statement, purely; PostGIS writes the features. Pages go by key, so they neither skip nor repeat
rows that stay. Households per building are told to planners only ([A2]).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from layers.plans import IN_FORCE_AT

Box = tuple[float, float, float, float]

_IN_FORCE = f"grids t JOIN plans p ON p.id = t.plan_id AND {IN_FORCE_AT}"
# A thing without a code of its own lies in an area when a published grid of that area covers it.
_COVERED = (
    "(:area = '' OR EXISTS (SELECT 1 FROM grids g JOIN plans p ON p.id = g.plan_id "  # noqa: S608 - constants only
    f"AND {IN_FORCE_AT} WHERE g.level = 'grid' AND starts_with(g.code, :area) "
    "AND ST_Covers(g.geom, {point})))"
)


@dataclass(frozen=True)
class PublishedLayer:
    """One readable layer: its rows, its key, its properties, and what scopes it."""

    source: str
    key: str
    properties: tuple[str, ...]
    scope: str
    geometry: str = "t.geom"


LAYERS: dict[str, PublishedLayer] = {
    "areas": PublishedLayer(
        "areas t", "t.code", ("code", "name", "level", "parent_code", "kind"), "starts_with(t.code, :area)"
    ),
    "grids": PublishedLayer(
        f"{_IN_FORCE}",
        "t.code",
        ("code", "name", "level", "parent_code", "kind", "exclusive", "households", "buildings", "area_m2"),
        "starts_with(t.code, :area)",
    ),
    "buildings": PublishedLayer(
        "buildings t",
        "t.id",
        ("id", "name", "kind", "floors", "height_m", "stairwells"),
        _COVERED.format(point="t.inner_point"),
    ),
    "buildings_with_households": PublishedLayer(
        "buildings t",
        "t.id",
        ("id", "name", "kind", "floors", "height_m", "stairwells", "households"),
        _COVERED.format(point="t.inner_point"),
    ),
    "hazards": PublishedLayer(
        "hazards t JOIN categories c ON c.code = t.category AND NOT c.resident_derived",
        "t.id",
        ("id", "category", "state", "severity", "found_at", "rectified_at", "grid_code", "current_code"),
        "starts_with(t.current_code, :area)",
    ),
    "devices": PublishedLayer(
        "personal.devices t",
        "t.id",
        ("id", "serial", "kind", "state", "grid_code", "checked_at"),
        "starts_with(t.grid_code, :area)",
    ),
}


@lru_cache
def statement_of(name: str) -> TextClause:
    """The statement for one page of a layer, with :area :at :after :limit and the box to be bound."""
    layer = LAYERS[name]
    # Ids go out as opaque strings, whatever the database counts with.
    values = ", ".join(f"'{word}', t.{word}" + ("::text" if word == "id" else "") for word in layer.properties)
    feature = (
        f"json_build_object('type', 'Feature', 'id', {layer.key}::text, "
        f"'geometry', ST_AsGeoJSON({layer.geometry}, 9)::json, 'properties', json_build_object({values}))::text"
    )
    after = f"(CAST(:after AS text) IS NULL OR {layer.key} > CAST(:after AS {_key_type(layer)}))"
    box = (
        f"(CAST(:west AS float8) IS NULL OR {layer.geometry} "
        "&& ST_MakeEnvelope(CAST(:west AS float8), :south, :east, :north, 4326))"
    )
    return text(
        f"SELECT {layer.key} AS key, {feature} AS feature FROM {layer.source} "  # noqa: S608 - only names from above
        f"WHERE {layer.scope} AND {after} AND {box} ORDER BY {layer.key} LIMIT :limit"
    )


def _key_type(layer: PublishedLayer) -> str:
    return "text" if layer.key.endswith("code") else "bigint"


@dataclass(frozen=True)
class PublishedPage:
    """Features as JSON texts, and the key to go on after; None on the last page."""

    features: Sequence[str]
    after: str | None


def read_page(
    session: Session,
    name: str,
    *,
    area: str,
    at: datetime,
    limit: int,
    box: Box | None = None,
    after: str | None = None,
) -> PublishedPage:
    """One page of a layer in the order of its keys."""
    west, south, east, north = box or (None, None, None, None)
    bound = {"area": area, "at": at, "after": after, "limit": limit + 1}
    edges = {"west": west, "south": south, "east": east, "north": north}
    rows = session.execute(statement_of(name), bound | edges).all()
    more = len(rows) > limit
    shown = rows[:limit]
    return PublishedPage([row.feature for row in shown], str(shown[-1].key) if more and shown else None)


def is_key(name: str, key: str) -> bool:
    """Whether a text can be a key of this layer."""
    is_code = LAYERS[name].key.endswith("code")
    return bool(key) and "\x00" not in key and (is_code or (key.isdecimal() and key.isascii() and len(key) <= 18))
