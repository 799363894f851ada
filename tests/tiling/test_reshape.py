"""Split, merge, carve, add, give, remove and fill, in pictures and as laws."""

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from tests.city import synthetic_city
from tests.drawing import area, at, draw, line
from tiling.coverage import check
from tiling.errors import (
    CodeTaken,
    InvalidShape,
    LineDoesNotCross,
    NoSuchGrid,
    NotNeighbours,
    NotNested,
    OutsideFrame,
    SplitsGrid,
    TilingError,
    TooManyVertices,
    WouldVanish,
)
from tiling.partition import Change, Partition
from tiling.reshape import add, carve, choose_sub_code, fill_gap, give, merge, remove, split

TOWN = draw(
    """
    AAB
    AAB
    CCC
    """
)
NESTED = draw(
    """
    aabee
    ccbff
    dddff
    """,
    parents={"a": "A", "c": "A", "b": "B", "d": "D", "e": "E", "f": "E", "A": "x", "B": "x", "D": "x", "E": "x"},
)
CITY = synthetic_city(40, vertices=16, sub_grids=(1, 2)).partition()


def areas(partition: Partition) -> dict[str, float]:
    return {code: round(float(shapely.area(partition.polygon(code))), 2) for code in partition.codes}


def after(partition: Partition, change: Change) -> Partition:
    newer = partition.replace(change)
    report = check(newer)
    assert report.ok, report.lines()
    return newer


# --- split ---


def test_a_line_across_makes_two_grids_and_the_larger_keeps_the_code() -> None:
    change = split(TOWN, "A", line((-1, 1.5), (3, 1.5)), new_code="D")
    assert set(change.added) == {"D"}
    assert set(change.changed) == {"A", "B"}  # B shares the edge that got a node
    assert change.frame is not None
    assert areas(after(TOWN, change)) == {"A": 300.0, "B": 200.0, "C": 300.0, "D": 100.0}


def test_the_measure_decides_who_keeps_the_code() -> None:
    change = split(TOWN, "A", line((-1, 1.5), (3, 1.5)), new_code="D", weigh=lambda piece: -piece.area)
    assert areas(after(TOWN, change))["A"] == 100.0


def test_a_line_from_border_to_border_needs_no_ends_outside() -> None:
    assert areas(after(TOWN, split(TOWN, "A", line((0, 2), (2, 2)), new_code="D")))["D"] == 200.0


def test_ends_within_a_centimetre_of_the_border_are_put_onto_it() -> None:
    change = split(TOWN, "A", line((0.000_8, 2), (1.999_2, 2)), new_code="D")
    assert set(change.changed) == {"A"}
    after(TOWN, change)


@pytest.mark.parametrize(
    ("places", "inside"),
    [
        (((0.5, 2), (3, 2)), (0.5, 2)),
        (((-1, 2), (1.5, 2)), (1.5, 2)),
        (((0.5, 2), (1.5, 2)), (0.5, 2)),
        (((0.5, 2.5), (1.5, 2.5), (1.5, 1.5), (0.5, 2.5)), (0.5, 2.5)),
    ],
    ids=["starts inside", "ends inside", "wholly inside", "closed inside"],
)
def test_a_line_that_hangs_inside_is_refused_with_that_end(
    places: tuple[tuple[float, float], ...], inside: tuple[float, float]
) -> None:
    with pytest.raises(LineDoesNotCross) as refused:
        split(TOWN, "A", line(*places), new_code="D")
    assert refused.value.where == shapely.Point(at(*inside))


@pytest.mark.parametrize(
    "places",
    [((5, 5), (6, 6)), ((0, 3), (2, 3)), ((-1, 4), (1, 2.999_999_9)), ((0, 4), (0, 0))],
    ids=["far away", "along the border", "touching", "along a side"],
)
def test_a_line_that_parts_nothing_is_refused(places: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(LineDoesNotCross):
        split(TOWN, "A", line(*places), new_code="D")


@pytest.mark.parametrize(
    "shape",
    [
        shapely.LineString(),
        shapely.LineString([at(0, 2), at(0, 2)]),
        shapely.LineString([at(-1, 1), at(3, 3), at(3, 1), at(-1, 3)]),
        shapely.LineString([at(0, 2), (float("nan"), 0.0)]),
        shapely.LineString([at(0, 2), (1e12, 0.0)]),
        shapely.Point(at(0, 0)),
        shapely.box(*at(0, 0), *at(1, 1)),
    ],
    ids=["empty", "no length", "knot", "nan", "huge", "point", "polygon"],
)
def test_what_is_no_simple_line_is_refused(shape: BaseGeometry) -> None:
    with pytest.raises(InvalidShape):
        split(TOWN, "A", shape, new_code="D")


def test_a_line_of_a_million_vertices_is_refused_at_once() -> None:
    endless = shapely.LineString(np.column_stack([np.linspace(0, 1e3, 10**6), np.zeros(10**6)]))
    with pytest.raises(TooManyVertices):
        split(TOWN, "A", endless, new_code="D")


def test_several_crossings_make_several_pieces_with_codes_from_west_to_east() -> None:
    town = draw("AAAAA / AAAAA")
    zigzag = line((1, 3), (1, -1), (2, -1), (2, 3), (4, 3), (4, -1))
    assert areas(after(town, split(town, "A", zigzag, new_code=["P", "Q", "R", "S"]))) == {
        "A": 400.0,
        "P": 200.0,
        "Q": 200.0,
        "R": 200.0,
    }


def test_too_few_codes_are_told_with_the_pieces() -> None:
    with pytest.raises(SplitsGrid) as refused:
        split(TOWN, "A", line((-1, 2.5), (2.5, 2.5), (2.5, 1.5), (-1, 1.5)), new_code="D")
    assert len(refused.value.pieces) == refused.value.details["needed"] == 2


def test_a_code_in_use_is_refused() -> None:
    with pytest.raises(CodeTaken):
        split(TOWN, "A", line((-1, 1.5), (3, 1.5)), new_code="B")
    with pytest.raises(NoSuchGrid):
        split(TOWN, "Z", line((-1, 1.5), (3, 1.5)), new_code="D")


def test_a_ring_around_another_grid_is_split_through_the_hole() -> None:
    town = draw("AAA / ABA / AAA")
    newer = after(town, split(town, "A", line((-1, 1.5), (4, 1.4)), new_code="D"))
    assert sorted(areas(newer)) == ["A", "B", "D"]
    with pytest.raises(LineDoesNotCross):
        split(town, "A", line((-1, 1.5), (1.5, 1.5)), new_code="D")


def test_parts_of_a_multipolygon_that_the_line_leaves_alone_stay_with_the_code() -> None:
    town = draw("AA.AAA / AA.ABA / AA.AAA", parts_allowed=frozenset("A"), frame="union")
    newer = after(town, split(town, "A", line((-1, 1), (2.5, 1)), new_code="D"))
    assert areas(newer) == {"A": 1200.0, "B": 100.0, "D": 200.0}


def test_sub_grids_follow_a_split_of_their_grid() -> None:
    change = split(NESTED, "A", line((-1, 2), (3, 2)), new_code="N")
    assert dict(change.parents) == {"N": "x", "a": "N"} or dict(change.parents) == {"N": "x", "c": "N"}
    assert not change.changed
    after(NESTED, change)


def test_a_sub_grid_that_is_cut_stays_with_its_larger_half_and_both_halves_nest() -> None:
    newer = after(NESTED, split(NESTED, "A", line((0.5, 4), (0.5, -1)), new_code="N"))
    assert newer.children("A") == ("a", "c")
    assert newer.children("N") == ("N01", "N02")
    assert newer.parents["N"] == "x"
    assert round(float(shapely.area(newer.polygon("N")))) == 100


def test_sub_codes_count_on_from_the_highest() -> None:
    assert choose_sub_code("130273001001001", ["13027300100100102", "13027300100100107", "9"]) == "13027300100100108"


# --- merge and remove ---


def test_merging_keeps_the_smallest_code_and_every_outer_vertex() -> None:
    change = merge(TOWN, ["C", "A"])
    assert change.removed == ("C",)
    assert areas(after(TOWN, change)) == {"A": 700.0, "B": 200.0}


@pytest.mark.parametrize("codes", [["A", "D"], ["A"], []])
def test_grids_that_meet_in_a_corner_only_do_not_merge(codes: list[str]) -> None:
    with pytest.raises(NotNeighbours):
        merge(draw("AB / CD"), codes)


def test_merged_grids_keep_their_sub_grids() -> None:
    newer = after(NESTED, merge(NESTED, ["A", "B"]))
    assert newer.children("A") == ("a", "b", "c")
    assert "B" not in newer
    assert newer.parents["A"] == "x"


def test_a_grid_without_sub_grids_becomes_one_when_it_joins_grids_that_have_them() -> None:
    mixed = draw("aaB / ccB", parents={"a": "A", "c": "A", "A": "x", "B": "x"})
    newer = after(mixed, merge(mixed, ["A", "B"], into="B"))
    assert newer.children("B") == ("B01", "a", "c")
    assert newer.parents["B"] == "x"
    undone = newer.replace(mixed.find_changes_since(newer))
    assert undone.codes == mixed.codes
    assert dict(undone.parents) == dict(mixed.parents)


def test_grids_of_two_communities_do_not_merge() -> None:
    rings = {"x": shapely.box(*at(0, 0), *at(1, 1)), "y": shapely.box(*at(1, 0), *at(2, 1))}
    town = draw("AB", parents={"A": "x", "B": "y"}, areas=rings)
    for edit in (lambda: merge(town, ["A", "B"]), lambda: remove(town, "A", into="B")):
        with pytest.raises(NotNested):
            edit()


def test_a_grid_is_removed_into_a_neighbour_with_all_its_sub_grids() -> None:
    newer = after(NESTED, remove(NESTED, "E", into="B"))
    assert areas(newer)["b"] == 800.0
    assert "E" not in newer


def test_removing_into_a_grid_with_sub_grids_follows_the_longest_border() -> None:
    newer = after(NESTED, remove(NESTED, "D", into="A"))
    assert areas(newer)["c"] == 500.0
    with pytest.raises(NotNeighbours):
        remove(NESTED, "A", into="E")
    with pytest.raises(NotNeighbours):
        remove(NESTED, "A", into="A")


# --- carve ---


def test_a_carve_takes_ground_from_all_below() -> None:
    change = carve(TOWN, area((1, 0.5), (2.5, 0.5), (2.5, 2.2), (1, 2.2)), code="D")
    assert areas(after(TOWN, change)) == {"A": 280.0, "B": 140.0, "C": 225.0, "D": 255.0}


def test_a_carve_in_the_middle_leaves_a_ring() -> None:
    newer = after(TOWN, carve(TOWN, area((0.5, 1.5), (1.5, 1.5), (1.5, 2.5)), code="D"))
    assert len(newer.polygon("A").interiors) == 1  # type: ignore[union-attr]


def test_a_carve_that_touches_in_a_vertex_only_takes_nothing_there() -> None:
    newer = after(TOWN, carve(TOWN, area((2, 1), (2.5, 1.5), (2.2, 2.2)), code="D"))
    assert areas(newer)["A"] == 400.0
    assert areas(newer)["C"] == 300.0


def test_a_carve_reaching_over_the_frame_stops_there() -> None:
    newer = after(TOWN, carve(TOWN, area((-5, -5), (0.5, -5), (0.5, 0.5), (-5, 0.5)), code="D"))
    assert areas(newer)["D"] == 25.0


def test_a_carve_over_everything_is_refused_and_names_a_grid_that_would_vanish() -> None:
    with pytest.raises(WouldVanish) as refused:
        carve(TOWN, area((-1, -1), (4, -1), (4, 5), (-1, 5)), code="D")
    assert refused.value.where == TOWN.polygon(str(refused.value.details["grid"]))


def test_a_carve_that_cuts_a_neighbour_in_two_asks_where_the_piece_goes() -> None:
    strip = area((-1, 0.3), (4, 0.3), (4, 0.6), (-1, 0.6))
    with pytest.raises(SplitsGrid) as refused:
        carve(TOWN, strip, code="D")
    assert [round(piece.area) for piece in refused.value.pieces] == [90]
    newer = after(TOWN, carve(TOWN, strip, code="D", pieces_to="D"))
    assert areas(newer)["D"] == 180.0


def test_a_cut_off_piece_may_go_to_a_neighbour_that_borders_on_it() -> None:
    strip = area((1, 1.4), (4, 1.4), (4, 1.8), (1, 1.8))
    newer = after(TOWN, carve(TOWN, strip, code="D", pieces_to="C"))
    assert areas(newer) == {"A": 360.0, "B": 120.0, "C": 340.0, "D": 80.0} or check(newer).ok
    with pytest.raises(NotNeighbours):
        carve(TOWN, area((-1, 0.3), (4, 0.3), (4, 0.6), (-1, 0.6)), code="D", pieces_to="B")


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        (area((1, 0), (2, 1), (2, 0), (1, 1)), InvalidShape),
        (area((7, 7), (8, 7), (8, 8)), OutsideFrame),
        (shapely.Polygon(), InvalidShape),
        (shapely.Point(at(1, 1)), InvalidShape),
        (area((0, 0), (1e7, 0), (1e7, 1e7)), InvalidShape),
        (area((1, 1), (1.000_01, 1), (1, 1.000_01)), TilingError),
    ],
    ids=["bow-tie", "outside", "empty", "point", "enormous", "thinner than the lattice"],
)
def test_polygons_that_cannot_be_carved_are_refused(shape: BaseGeometry, error: type[TilingError]) -> None:
    with pytest.raises(error):
        carve(TOWN, shape, code="D")
    with pytest.raises(error):
        give(TOWN, shape, to="A")


def test_a_bow_tie_is_refused_at_its_knot() -> None:
    with pytest.raises(InvalidShape) as refused:
        carve(TOWN, area((1, 0), (2, 1), (2, 0), (1, 1)), code="D")
    assert refused.value.where == shapely.Point(at(1.5, 0.5))


def test_a_sub_grid_covered_by_a_new_grid_goes_but_a_grid_does_not() -> None:
    newer = after(NESTED, carve(NESTED, area((-1, 0.5), (2.5, 0.5), (2.5, 2), (-1, 2)), code="N", parent="x"))
    assert "c" not in newer
    assert newer.children("A") == ("a",)
    with pytest.raises(WouldVanish):
        carve(NESTED, area((-1, 0.5), (2.5, 0.5), (2.5, 3), (-1, 3)), code="N", parent="x")


def test_a_new_grid_over_two_communities_is_refused() -> None:
    rings = {"x": shapely.box(*at(0, 0), *at(1, 1)), "y": shapely.box(*at(1, 0), *at(2, 1))}
    town = draw("AB", parents={"A": "x", "B": "y"}, areas=rings)
    with pytest.raises(NotNested):
        carve(town, area((0.5, 0.2), (1.5, 0.2), (1.5, 0.8)), code="D")
    with pytest.raises(NotNested):
        carve(town, area((0.2, 0.2), (0.8, 0.2), (0.8, 0.8)), code="D", parent="y")
    after(town, carve(town, area((0.2, 0.2), (0.8, 0.2), (0.8, 0.8)), code="D", parent="x"))


# --- give, add, fill ---


def test_ground_is_given_to_the_grid_beside_it() -> None:
    change = give(TOWN, area((1, 0.5), (2.5, 0.5), (2.5, 2.2), (1, 2.2)), to="C")
    assert areas(after(TOWN, change)) == {"A": 280.0, "B": 140.0, "C": 480.0}


def test_ground_that_does_not_border_on_the_receiver_is_refused() -> None:
    town = draw("ABC")
    with pytest.raises(NotNeighbours):
        give(town, area((2.2, 0.2), (2.8, 0.2), (2.8, 0.8)), to="A")


def test_giving_away_a_whole_grid_or_nothing_is_refused() -> None:
    with pytest.raises(WouldVanish):
        give(TOWN, area((2, 1), (3, 1), (3, 3), (2, 3)), to="A")
    with pytest.raises(OutsideFrame):
        give(TOWN, area((0.2, 1.5), (0.8, 1.5), (0.8, 1.8)), to="A")


def test_given_ground_goes_to_the_sub_grid_beside_it() -> None:
    newer = after(NESTED, give(NESTED, area((1.0, 1), (2.5, 1), (2.5, 1.9), (1.0, 1.9)), to="A"))
    assert areas(newer)["c"] == 245.0
    assert areas(newer)["a"] == 200.0


def test_empty_ground_becomes_a_new_grid_or_goes_to_a_neighbour() -> None:
    holed = draw("AAB / A.B / CCC")
    newer = after(holed, add(holed, area((0, 0), (3, 0), (3, 3), (0, 3)), code="D"))
    assert areas(newer)["D"] == 100.0
    filled = after(holed, fill_gap(holed, shapely.Point(at(1.5, 1.5)), into="B"))
    assert areas(filled)["B"] == 300.0


def test_a_gap_at_the_frame_is_filled() -> None:
    holed = draw("AB / A.")
    assert areas(after(holed, fill_gap(holed, shapely.Point(at(1.5, 0.5)), into="A")))["A"] == 300.0


def test_where_there_is_no_gap_nothing_is_filled_or_added() -> None:
    with pytest.raises(OutsideFrame):
        fill_gap(TOWN, shapely.Point(at(1, 1)), into="A")
    with pytest.raises(OutsideFrame):
        add(TOWN, area((0, 0), (3, 0), (3, 3), (0, 3)), code="D")
    with pytest.raises(NotNeighbours):
        fill_gap(draw("AAA. / AAAB / CCCB"), shapely.Point(at(3.5, 2.5)), into="C")


def test_a_sliver_left_by_drawing_is_filled() -> None:
    thin = draw("AB / CC")
    pulled = shapely.get_coordinates(thin.polygon("B"))
    pulled[(pulled == at(1, 1)).all(axis=1)] = at(1.02, 1.01)
    draft = thin.replace(Change(changed={"B": shapely.Polygon(pulled)}))
    gap = next(d for d in check(draft).defects if d.kind == "gap")
    assert gap.class_ == "sliver"
    assert gap.where is not None
    filled = draft.replace(fill_gap(draft, shapely.point_on_surface(gap.where), into="A"))
    assert [d.key for d in check(filled).defects if d.kind == "gap"] == []
