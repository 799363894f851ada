"""Snapshots: the same answers, no copy, and every damaged byte found."""

import mmap

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from tiling.locate import DistrictIndex, DistrictTiles, PointLocator, SnapshotDamaged


def squares(count):
    codes = np.array([f"网格{k:03d}" for k in range(count)], dtype=object)
    shapes = np.array([box(117 + k * 0.001, 39.0, 117 + (k + 1) * 0.001, 39.001) for k in range(count)], dtype=object)
    frame = shapely.union_all(shapes)
    return DistrictTiles("130273", frame, codes, np.array(["网格000"] * count), shapes, 4548)


@pytest.fixture(scope="module")
def index():
    return DistrictIndex.build(squares(7))


def answers(index):
    rng = np.random.default_rng(1)
    locator = PointLocator([index])
    found = locator.locate_many(rng.uniform(116.999, 117.009, 2000), rng.uniform(38.9995, 39.0015, 2000))
    return found.relation.tolist(), found.grid_codes.tolist(), found.sub_grid_codes.tolist()


def test_a_snapshot_answers_like_the_index_it_was_made_from(index):
    again = DistrictIndex.from_buffer(index.to_bytes())
    assert answers(again) == answers(index)
    assert (again.code, again.epsg, len(again)) == ("130273", 4548, 7)
    assert PointLocator([again]).explain(117.0015, 39.0005, accuracy_m=200.0) == PointLocator([index]).explain(
        117.0015, 39.0005, accuracy_m=200.0
    )


def test_the_same_index_gives_the_same_bytes(index):
    assert DistrictIndex.from_buffer(index.to_bytes()).to_bytes() == index.to_bytes()


def test_a_file_is_mapped_and_not_copied(index, tmp_path):
    path = tmp_path / "130273.index"
    path.write_bytes(index.to_bytes())
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    again = DistrictIndex.from_buffer(mapped)
    assert np.shares_memory(again.lookup.cells, np.frombuffer(mapped, dtype=np.uint8))
    assert answers(again) == answers(index)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_changed_byte_is_found(index, data):
    whole = bytearray(index.to_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SnapshotDamaged):
        DistrictIndex.from_buffer(bytes(whole))


@pytest.mark.parametrize("keep", [0, 7, 47, 48, 200, -64, -1])
def test_a_file_cut_short_is_refused(index, keep):
    with pytest.raises(SnapshotDamaged, match="build the index again"):
        DistrictIndex.from_buffer(index.to_bytes()[:keep])


def test_something_else_is_refused_with_what_to_do():
    with pytest.raises(SnapshotDamaged, match="build the index again"):
        DistrictIndex.from_buffer(b"PK\x03\x04" + bytes(200))


def test_an_index_cannot_be_changed(index):
    with pytest.raises(ValueError, match="read-only"):
        index.lookup.cells[0] = 3
