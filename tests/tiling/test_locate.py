"""Lookups in tilings drawn as pictures; the laws stand in test_locate_laws.py."""

import math
import sys

import numpy as np
import pytest
import shapely
from shapely.geometry import Point, Polygon, box

from tests.drawing import cells_of
from tiling.locate import (
    PLAIN,
    RELATIONS,
    AreaLookup,
    DistrictIndex,
    DistrictTiles,
    OverlayLookup,
    PointLocator,
    choose_fastest,
)
from tiling.plane import Plane

EPSG = 4548
# Pictures are drawn in degrees here; a cell is a power of two, so that all corners and middles are exact.
WEST, SOUTH, CELL = 117.0, 39.0, 2.0**-10


def tiles_of(shapes, *, grids=None, frame=None, district="130273"):
    codes = np.array(list(shapes), dtype=object)
    polygons = np.array(list(shapes.values()), dtype=object)
    return DistrictTiles(district, frame, codes, codes if grids is None else np.array(grids), polygons, EPSG)


def picture(text, **more):
    cells = cells_of(text, cell_m=CELL, origin_m=(WEST, SOUTH))
    shapes = {letter: shapely.union_all(boxes) for letter, boxes in sorted(cells.items())}
    every = shapely.union_all([part for boxes in cells.values() for part in boxes])
    return tiles_of(shapes, **{"frame": box(*every.bounds), **more})


def locator_of(*districts, **how):
    return PointLocator([DistrictIndex.build(tiles, **how) for tiles in districts])


def at(column, row):
    """The place so many cells from the south-west corner of the picture."""
    return WEST + column * CELL, SOUTH + row * CELL


def test_a_point_inside_one_tile_is_inside():
    found = locator_of(picture("AB / CD")).explain(*at(0.5, 1.5))
    assert (found.relation, found.code, found.grid, found.sub_grid) == ("inside", "A", "A", None)
    assert found.district == "130273"
    assert found.touching == ()


def test_a_point_on_a_shared_edge_belongs_to_the_smallest_code():
    found = locator_of(picture("AB / CD")).explain(*at(0.5, 1))
    assert (found.relation, found.code) == ("border", "A")
    assert [other.code for other in found.touching] == ["C"]


def test_a_node_of_four_tiles_lists_the_other_three():
    found = locator_of(picture("DC / BA")).explain(*at(1, 1))
    assert (found.relation, found.code) == ("border", "A")
    assert [other.code for other in found.touching] == ["B", "C", "D"]


@pytest.mark.parametrize("place, code", [((0, 0.5), "C"), ((0, 0), "C"), ((2, 2), "B"), ((1.5, 2), "B")])
def test_a_frame_edge_with_one_tile_is_inside(place, code):
    locator = locator_of(picture("AB / CD"))
    assert (locator.explain(*at(*place)).relation, locator.explain(*at(*place)).code) == ("inside", code)
    assert locator.tile_codes[locator.one(*at(*place))] == code


def test_a_frame_edge_where_two_tiles_meet_is_a_border():
    assert locator_of(picture("AB / CD")).explain(*at(0, 1)).relation == "border"


def test_a_place_in_the_frame_without_a_tile_is_a_gap():
    found = locator_of(picture("A.. / A.B")).explain(*at(1.5, 1.6), gap_fallback_m=1.0)
    assert (found.relation, found.code, found.grid, found.tile) == ("gap", None, None, -1)
    assert (found.district, found.districts) == ("130273", ("130273",))


def test_in_a_gap_the_nearest_tile_within_the_fallback_is_named_with_its_distance():
    found = locator_of(picture("A.. / A.B")).explain(*at(1.5, 1.6), gap_fallback_m=60.0)
    assert (found.relation, found.code) == ("gap", "A")
    assert found.distance_m == pytest.approx(0.5 * CELL * 111_320 * math.cos(math.radians(39)), rel=0.005)


def test_outside_the_frame_is_outside():
    found = locator_of(picture("AB / CD")).explain(*at(2.5, 1))
    assert (found.relation, found.district, found.code, found.districts) == ("outside", None, None, ())


def test_without_a_frame_nothing_is_a_gap():
    locator = locator_of(picture("AAA / A.A / AAA", frame=None))
    assert locator.explain(*at(1.5, 1.5)).relation == "outside"
    assert RELATIONS[locator.locate_many([at(1.5, 1.5)[0]], [at(1.5, 1.5)[1]]).relation[0]] == "outside"


def test_a_tile_that_fills_a_hole_of_another_is_found_in_it():
    locator = locator_of(picture("AAA / ABA / AAA"))
    assert locator.explain(*at(1.5, 1.5)).code == "B"
    assert locator.explain(*at(1, 1)).relation == "border"


def test_every_part_of_a_multipolygon_answers_and_two_parts_at_a_node_are_one_tile():
    locator = locator_of(picture("A.. / .A. / ..A"))
    assert locator.explain(*at(0.5, 2.5)).code == "A"
    assert (locator.explain(*at(1, 2)).relation, locator.explain(*at(1, 2)).code) == ("inside", "A")


def test_a_point_in_two_overlapping_tiles_is_a_border_with_the_smaller_code():
    left, right = box(*at(0, 0), *at(2, 1)), box(*at(1, 0), *at(3, 1))
    locator = locator_of(tiles_of({"B": left, "A": right}, frame=box(*at(0, 0), *at(3, 1))))
    found = locator.explain(*at(1.5, 0.5))
    assert (found.relation, found.code, [t.code for t in found.touching]) == ("border", "A", ["B"])
    assert locator.one(*at(1.5, 0.5)) < 0
    assert locator.tile_codes[locator.one(*at(0.5, 0.5))] == "B"


def test_a_tile_wholly_inside_another_is_a_border_everywhere_in_it():
    shapes = {"A": box(*at(0, 0), *at(5, 5)), "B": box(*at(2, 2), *at(3, 3))}
    locator = locator_of(tiles_of(shapes, frame=shapes["A"]))
    assert locator.explain(*at(2.5, 2.5)).relation == "border"
    assert locator.explain(*at(1.5, 2.5)).relation == "inside"


def test_a_tile_beyond_the_frame_still_answers():
    shapes = {"A": box(*at(0, 0), *at(4, 1))}
    locator = locator_of(tiles_of(shapes, frame=box(*at(0, 0), *at(2, 2))))
    assert locator.explain(*at(3.5, 0.5)).code == "A"
    assert locator.explain(*at(3.5, 1.0)).code == "A"
    assert locator.explain(*at(3.5, 1.0001)).relation == "outside"
    assert locator.explain(*at(1.5, 1.0001)).relation == "gap"


def test_between_two_sub_grids_of_one_grid_is_a_border_with_the_smaller_sub_grid():
    tiles = picture("abc", grids=["g1", "g1", "c"])
    found = locator_of(tiles).explain(*at(1, 0.5))
    assert (found.relation, found.grid, found.sub_grid) == ("border", "g1", "a")
    assert [other.sub_grid for other in found.touching] == ["b"]
    assert found.list_touching_grids() == (("b", 0.0),)


def test_a_grid_without_sub_grids_has_none():
    found = locator_of(picture("abc", grids=["g1", "g1", "c"])).explain(*at(2.5, 0.5))
    assert (found.grid, found.sub_grid) == ("c", None)


def test_two_districts_that_share_a_frame_edge_make_a_border_there():
    west = picture("ab", district="1")
    east = tiles_of({"0c": box(*at(2, 0), *at(3, 1))}, frame=box(*at(2, 0), *at(3, 1)), district="2")
    locator = locator_of(west, east)
    found = locator.explain(*at(2, 0.5))
    assert (found.relation, found.code, found.district) == ("border", "0c", "2")
    assert found.districts == ("1", "2")
    assert [(other.code, other.district) for other in found.touching] == [("b", "1")]
    many = locator.locate_many(*np.array([at(2, 0.5), at(1.5, 0.5), at(2.5, 0.5), at(3.5, 0.5)]).T)
    assert many.relations.tolist() == ["border", "inside", "inside", "outside"]
    assert many.grid_codes.tolist() == ["0c", "b", "0c", None]


def test_codes_are_ordered_by_bytes():
    found = locator_of(picture("aB")).explain(*at(1, 0.5))
    assert found.code == "B"


def test_with_an_accuracy_every_tile_within_it_is_listed_nearest_first():
    found = locator_of(picture("ABCD")).explain(*at(0.8, 0.5), accuracy_m=110.0)
    assert [near.code for near in found.candidates] == ["A", "B", "C"]
    cell_m = CELL * 111_320 * math.cos(math.radians(SOUTH))
    assert [near.distance_m for near in found.candidates] == pytest.approx([0.0, 0.2 * cell_m, 1.2 * cell_m], rel=0.01)
    assert found.distance_to_border_m == pytest.approx(0.2 * cell_m, rel=0.01)


def test_distances_are_those_of_the_geometry_in_the_plane_of_the_city():
    tiles = picture("AAB / CCB / CDD")
    place = at(1.37, 1.81)
    plane = Plane(EPSG)
    point = Point(*(float(v) for v in plane.to_xy(*place)))
    wanted = {c: plane.to_metres(p).distance(point) for c, p in zip(tiles.codes, tiles.polygons, strict=True)}
    found = locator_of(tiles).explain(*place, accuracy_m=500.0)
    assert {near.code: near.distance_m for near in found.candidates} == pytest.approx(wanted, abs=0.002)
    assert found.distance_to_border_m == pytest.approx(
        plane.to_metres(tiles.polygons[0]).boundary.distance(point), abs=0.002
    )


def test_the_border_of_the_grid_leaves_out_borders_between_its_sub_grids():
    found = locator_of(picture("ab", grids=["g", "g"])).explain(*at(0.9, 0.5), accuracy_m=20.0)
    assert found.distance_to_border_m < 10 < found.distance_to_grid_border_m
    assert found.candidate_grids() == (("g", 0.0),)


def test_ties_within_a_millimetre_are_named_by_code():
    found = locator_of(picture("B. / .A")).explain(*at(1, 1), accuracy_m=10.0)
    assert [near.code for near in found.candidates] == ["A", "B"]


def test_outside_but_near_the_accuracy_still_lists_candidates():
    found = locator_of(picture("AB")).explain(*at(2.1, 0.5), accuracy_m=20.0)
    assert (found.relation, found.code) == ("outside", None)
    assert [near.code for near in found.candidates] == ["B"]


@pytest.mark.parametrize(
    "lon, lat", [(math.nan, 39.0), (117.0, math.nan), (math.inf, 39.0), (-math.inf, 39), (1e300, -1e300)]
)
def test_what_is_no_place_is_outside_and_breaks_nothing(lon, lat):
    locator = locator_of(picture("AB / CD"))
    assert locator.explain(lon, lat, accuracy_m=5.0).relation == "outside"
    assert locator.one(lon, lat) < 0
    for kernel in (choose_fastest(), PLAIN):
        assert locator.locate_many(
            [lon, WEST + CELL / 2], [lat, SOUTH + CELL / 2], kernel=kernel
        ).relation.tolist() == [0, 1]


def test_no_points_and_no_districts_are_answered():
    assert len(PointLocator([]).locate_many([117.0], [39.0]).relation) == 1
    assert PointLocator([]).explain(117.0, 39.0).relation == "outside"
    assert PointLocator([]).one(117.0, 39.0) < 0
    assert len(locator_of(picture("AB")).locate_many([], []).tile) == 0


def test_none_and_empty_polygons_hold_nothing():
    tiles = tiles_of({"A": box(*at(0, 0), *at(1, 1)), "B": None, "C": Polygon()}, frame=box(*at(0, 0), *at(2, 1)))
    locator = locator_of(tiles)
    assert locator.explain(*at(0.5, 0.5)).code == "A"
    assert locator.explain(*at(1.5, 0.5), gap_fallback_m=1.0).code is None
    assert locator_of(tiles_of({"B": None})).explain(*at(0.5, 0.5), accuracy_m=3.0).relation == "outside"


def test_two_tiles_of_one_code_are_refused():
    shapes = np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)], dtype=object)
    with pytest.raises(ValueError, match="130273"):
        DistrictIndex.build(DistrictTiles("130273", None, np.array(["A", "A"]), np.array(["A", "A"]), shapes, EPSG))


def test_replacing_a_district_leaves_the_old_locator_and_the_others_as_they_were():
    east = tiles_of({"X": box(*at(5, 0), *at(6, 1))}, district="2")
    before = locator_of(picture("AA", district="1"), east)
    after = before.replace(DistrictIndex.build(picture("AB", district="1")))
    assert (before.explain(*at(1.5, 0.5)).code, after.explain(*at(1.5, 0.5)).code) == ("A", "B")
    assert after.explain(*at(5.5, 0.5)).code == "X"
    assert after.indexes[1] is before.indexes[1]
    assert after.without_district("1").explain(*at(1.5, 0.5)).relation == "outside"


def test_many_with_a_fallback_names_the_nearest_tile_in_a_gap():
    locator = locator_of(picture("A.. / A.B"))
    lon, lat = np.array([at(1.1, 1.5), at(0.5, 0.5), at(1.5, 3)]).T
    assert locator.locate_many(lon, lat).grid_codes.tolist() == [None, "A", None]
    assert locator.locate_many(lon, lat, gap_fallback_m=50.0).grid_codes.tolist() == ["A", "A", None]


def test_without_numba_the_plain_kernel_serves(monkeypatch):
    monkeypatch.delattr("tiling.locate.compiled", raising=False)
    monkeypatch.setitem(sys.modules, "tiling.locate.compiled", None)
    assert choose_fastest.__wrapped__() is PLAIN
    assert choose_fastest().name == "numba"


def test_many_refuses_arrays_of_two_lengths():
    with pytest.raises(ValueError, match="one length"):
        locator_of(picture("A")).locate_many([1.0, 2.0], [1.0])


def test_overlays_cover_whatever_they_cover():
    overlays = OverlayLookup.of(["P2", "P1"], polygons=[box(0, 0, 2, 2), box(1, 1, 3, 3)])
    assert overlays.find_covering(1.5, 1.5) == ("P1", "P2")
    assert overlays.find_covering(2.0, 0.5) == ("P2",)
    assert overlays.find_covering(9.0, 9.0) == overlays.find_covering(math.nan, 1.0) == ()


def test_without_overlays_nothing_covers():
    nothing = OverlayLookup.of([], polygons=[])
    assert nothing.find_covering(1.0, 1.0) == ()


def test_the_path_goes_down_to_the_smallest_area_that_holds_the_point():
    areas = AreaLookup.of(
        ["130273", "130273001", "130273001002", "130273001001"],
        [0, 1, 2, 2],
        polygons=[box(0, 0, 4, 4), None, box(1, 0, 2, 1), box(0, 0, 1, 1)],
        parents={"130273001": "130273", "130273001001": "130273001", "130273001002": "130273001"},
    )
    assert areas.path(0.5, 0.5) == ("130273", "130273001", "130273001001")
    assert areas.path(1.0, 0.5) == ("130273", "130273001", "130273001001")
    assert areas.path(3.0, 3.0) == ("130273",)
    assert areas.path(9.0, 9.0) == areas.path(math.nan, 0.0) == ()
