"""GeoJSON (RFC 7946) as it is answered: WGS84 degrees, longitude first."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class Geometry(BaseModel):
    """A GeoJSON geometry in WGS84 degrees."""

    type: Literal[
        "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"
    ]
    coordinates: list[Any] | None = None


class Feature(BaseModel):
    """A GeoJSON feature."""

    type: Literal["Feature"]
    geometry: Geometry | None
    properties: dict[str, Any]


class Features(BaseModel):
    """A GeoJSON feature collection."""

    type: Literal["FeatureCollection"]
    features: list[Feature]


class FeaturesPage(Features):
    """A page of features, and the address of the next one."""

    next: str | None
