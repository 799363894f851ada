"""Datums against an independent implementation, and there and back again."""

import math

import geocoordinates_ffi as oracle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiling.datums import DATUMS, from_wgs84, to_wgs84

METRES_PER_DEGREE = 111_320.0
# A kilometre inside the box around China, where every position has exactly one original.
lons = st.floats(72.02, 137.82)
lats = st.floats(0.85, 55.81)
shifted = st.sampled_from(["gcj02", "bd09"])


def off_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1]) * METRES_PER_DEGREE


@given(lons, lats, shifted)
def test_there_and_back_moves_a_point_less_than_a_hundredth_of_a_millimetre(lon, lat, datum):
    assert off_m(to_wgs84(*from_wgs84(lon, lat, datum), datum), (lon, lat)) < 1e-5


@given(lons, lats)
def test_gcj02_is_the_same_as_in_an_independent_library(lon, lat):
    theirs = oracle.wgs84_to_gcj02(oracle.Wgs84(lat=lat, lon=lon))
    assert off_m(from_wgs84(lon, lat, "gcj02"), (theirs.lon, theirs.lat)) < 1e-5


@given(lons, lats)
def test_bd09_is_the_same_as_in_an_independent_library(lon, lat):
    theirs = oracle.wgs84_to_bd09(oracle.Wgs84(lat=lat, lon=lon))
    assert off_m(from_wgs84(lon, lat, "bd09"), (theirs.lon, theirs.lat)) < 1e-5


@given(lons, lats)
def test_the_inverse_of_gcj02_is_the_same_as_in_an_independent_library(lon, lat):
    theirs = oracle.gcj02_to_wgs84_refined(oracle.Gcj02(lat=lat, lon=lon))
    assert off_m(to_wgs84(lon, lat, "gcj02"), (theirs.lon, theirs.lat)) < 0.5


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-89, 89)), min_size=1, max_size=8), st.sampled_from(DATUMS))
def test_an_array_gives_the_same_as_its_points_one_by_one(points, datum):
    lon, lat = np.array(points).T
    for convert in (to_wgs84, from_wgs84):
        together = np.column_stack(convert(lon, lat, datum))
        singly = np.array([convert(x, y, datum) for x, y in points])
        assert np.abs(together - singly).max() < 1e-12


def test_reading_wgs84_as_gcj02_is_hundreds_of_metres_wrong():
    assert 400 < off_m(to_wgs84(118.18, 39.65, "gcj02"), (118.18, 39.65)) < 750


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000"])
def test_wgs84_and_cgcs2000_are_left_alone(datum):
    assert to_wgs84(118.18, 39.65, datum) == (118.18, 39.65)
    assert from_wgs84(118.18, 39.65, datum) == (118.18, 39.65)


@pytest.mark.parametrize("lon, lat", [(-74.0, 40.7), (72.0, 39.0), (100.0, 56.0), (140.0, 30.0), (100.0, 0.5)])
def test_outside_the_box_gcj02_is_wgs84(lon, lat):
    assert from_wgs84(lon, lat, "gcj02") == (lon, lat)
    assert to_wgs84(lon, lat, "gcj02") == (lon, lat)


def test_outside_the_box_bd09_keeps_its_own_shift():
    theirs = oracle.wgs84_to_bd09(oracle.Wgs84(lat=40.7, lon=-74.0))
    ours = from_wgs84(-74.0, 40.7, "bd09")
    assert off_m(ours, (theirs.lon, theirs.lat)) < 1e-5
    assert off_m(to_wgs84(*ours, "bd09"), (-74.0, 40.7)) < 1e-5


@pytest.mark.parametrize("datum", DATUMS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_comes_back_as_it_is(datum, bad):
    assert to_wgs84(bad, 39.0, datum)[1] == 39.0
    lon, lat = to_wgs84(np.array([bad, 118.0]), np.array([39.0, 39.0]), datum)
    assert not math.isfinite(lon[0])
    assert lat[0] == 39.0
    assert off_m((lon[1], lat[1]), to_wgs84(118.0, 39.0, datum)) < 1e-5


def test_the_caller_keeps_his_arrays_unchanged():
    lon, lat = np.array([118.0]), np.array([39.0])
    to_wgs84(lon, lat, "gcj02")[0][:] = 0.0
    to_wgs84(lon, lat, "wgs84")[0][:] = 0.0
    assert (lon[0], lat[0]) == (118.0, 39.0)


def test_an_unknown_datum_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"beijing54.*wgs84, cgcs2000, gcj02, bd09"):
        to_wgs84(118.0, 39.0, "beijing54")
