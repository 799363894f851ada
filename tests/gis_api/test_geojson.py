"""Geometry and positions at the door: what is read, what is refused, and with which words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_api import texts
from gis_api.geojson import (
    datum_of,
    feature,
    feature_collection,
    parse_geometry,
    position,
    refusals,
    refuse_position,
    to_geojson,
)
from layers.access import Actor
from layers.errors import Unacceptable
from tiling.datums import from_wgs84

BOUNDS = ((117.0, 39.0, 119.0, 40.0),)
SQUARE = [[118.0, 39.5], [118.1, 39.5], [118.1, 39.6], [118.0, 39.6], [118.0, 39.5]]
PERSON, KEY = Actor("p", "planner"), Actor("k", "planner", kind="key")


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def test_a_polygon_comes_back_as_it_was_sent_and_heights_are_dropped() -> None:
    shape = parse_geometry(polygon([[*xy, 12.0] for xy in SQUARE]))
    assert to_geojson(shape) == polygon(SQUARE)
    assert not shapely.has_z(shape)


def nested(depth: int) -> Any:
    value: Any = [118.0, 39.5]
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (None, "wrong_geometry_type"),
        ("POLYGON EMPTY", "wrong_geometry_type"),
        ({"type": "Feature", "geometry": polygon(SQUARE)}, "wrong_geometry_type"),
        ({"type": "GeometryCollection", "geometries": []}, "wrong_geometry_type"),
        ({"type": "Point", "coordinates": [118.0, 39.5]}, "wrong_geometry_type"),
        ({"type": "Polygon"}, "wrong_nesting"),
        ({"type": "Polygon", "coordinates": 7}, "wrong_nesting"),
        (polygon([]), "short_ring"),
        ({"type": "Polygon", "coordinates": []}, "empty_geometry"),
        (polygon(SQUARE[:-1]), "open_ring"),
        (polygon(SQUARE[:2]), "short_ring"),
        (polygon([["118", "39"], *SQUARE[1:]]), "wrong_position"),
        (polygon([[True, 39.5], *SQUARE[1:]]), "wrong_position"),
        (polygon([[118.0], *SQUARE[1:]]), "wrong_position"),
        (polygon([[10**400, 39.5], *SQUARE[1:]]), "wrong_position"),
        (polygon([[math.nan, 39.5], *SQUARE[1:]]), "off_the_earth"),
        (polygon([[39.5, 118.0], *SQUARE[1:]]), "off_the_earth"),
        ({"type": "Polygon", "coordinates": nested(900)}, "wrong_position"),
        (polygon([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]), "invalid_geometry"),
        (polygon(SQUARE, SQUARE), "invalid_geometry"),
    ],
)
def test_a_geometry_that_cannot_be_used_is_refused(sent: Any, code: str) -> None:
    with pytest.raises(Unacceptable) as refused:
        parse_geometry(sent)
    assert refused.value.code == code
    assert refused.value.errors
    assert texts.has(f"errors.{code}")


def test_a_ring_that_crosses_itself_is_told_with_the_point() -> None:
    with pytest.raises(Unacceptable) as refused:
        parse_geometry(polygon([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]))
    where = refused.value.where
    assert where is not None and where.distance(shapely.Point(118.05, 39.55)) < 1e-9


def test_too_many_vertices_are_counted_before_a_shape_is_made() -> None:
    with pytest.raises(Unacceptable) as refused:
        parse_geometry(polygon([SQUARE[0]] * 1_000), most_vertices=999)
    assert refused.value.code == "too_many_vertices"


def test_a_line_and_a_point_are_read_where_they_are_asked_for() -> None:
    line = parse_geometry({"type": "LineString", "coordinates": SQUARE[:3]}, kinds=("LineString",))
    assert line.equals(shapely.LineString(SQUARE[:3]))
    with pytest.raises(Unacceptable):
        parse_geometry({"type": "LineString", "coordinates": SQUARE[:1]}, kinds=("LineString",))
    assert parse_geometry({"type": "Point", "coordinates": SQUARE[0]}, kinds=("Point",)).x == 118.0


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_geometry_in_another_datum_is_stored_in_wgs84(datum: str) -> None:
    shape = shapely.Polygon(SQUARE)
    told = to_geojson(shape, datum=datum)
    assert parse_geometry(told, datum=datum).hausdorff_distance(shape) < 3e-9
    assert shapely.Polygon(told["coordinates"][0]).distance(shapely.Point(SQUARE[0])) > 1e-3


def test_a_feature_carries_its_code_as_id() -> None:
    made = feature(shapely.Point(1, 2), code="A", name="n")
    assert made["id"] == "A" and made["properties"] == {"code": "A", "name": "n"}
    assert feature_collection([made], next=None)["features"] == [made]


def test_the_datum_is_stated_or_the_keys_and_never_guessed() -> None:
    chinese = Actor("k", "planner", kind="key", datum="gcj02")
    assert (datum_of(PERSON, None), datum_of(chinese, None), datum_of(chinese, "gcj02")) == ("wgs84", "gcj02", "gcj02")
    for actor, stated, code in (
        (KEY, None, "datum_missing"),
        (chinese, "wgs84", "datum_contradicts_key"),
        (PERSON, "GCJ-02", "unknown_datum"),
    ):
        with pytest.raises(Unacceptable) as refused:
            datum_of(actor, stated)
        assert refused.value.code == code


def test_what_was_sent_travels_beside_what_is_used() -> None:
    lon, lat = from_wgs84(118.0, 39.5, "bd09")
    made = position(lon, lat, datum="bd09", actor=PERSON, bounds=BOUNDS, accuracy_m=12.0)
    assert (made.raw_lon, made.raw_lat, made.datum, made.accuracy_m) == (lon, lat, "bd09", 12.0)
    assert abs(made.lon - 118.0) < 2e-9 and abs(made.lat - 39.5) < 2e-9


ANYTHING = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 118.0, 39.5, 117.0, 119.0, 39.0, 40.0, 180.0, 90.0]),
    st.floats(116.0, 120.0),
    st.floats(38.0, 41.0),
)


@given(lon=ANYTHING, lat=ANYTHING)
def test_many_positions_are_refused_as_one_position_is(lon: float, lat: float) -> None:
    lons, lats = np.array([lon]), np.array([lat])
    many = refusals(lons, lats, lons, lats, bounds=BOUNDS)
    try:
        refuse_position(lon, lat, lon, lat, bounds=BOUNDS)
        code = None
    except Unacceptable as refused:
        code = (refused.errors[0][0][0], refused.code)
    assert [found[1:] for found in many] == ([code] if code else [])
