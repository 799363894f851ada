"""Shared borders follow for all owners, in pictures and as laws."""

import random

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.city import synthetic_city
from tests.drawing import at, draw, line
from tiling.borders import delete_vertex, drop_idle_nodes, insert_vertex, move_vertex, redraw_border
from tiling.coverage import check
from tiling.errors import (
    CrossesAlready,
    FrameVertex,
    InvalidShape,
    JunctionVertex,
    LineDoesNotCross,
    NoSuchGrid,
    NoSuchVertex,
    NotNeighbours,
    SplitsGrid,
    TilingError,
    WouldBreak,
    WouldVanish,
)
from tiling.partition import Change, Partition, have_same_bytes
from tiling.plane import to_lattice

TOWN = draw(
    """
    AAB
    AAB
    CCC
    """
)
CITY = synthetic_city(40, vertices=16, sub_grids=(1, 2)).partition()


def area_of(partition: Partition, code: str) -> float:
    return float(shapely.area(partition.polygon(code)))


def after(partition: Partition, change: Change) -> Partition:
    newer = partition.replace(change)
    assert check(newer).ok
    return newer


def test_a_junction_moves_in_all_three_grids() -> None:
    change = move_vertex(TOWN, at(2, 1), to=at(2.3, 1.2))
    assert set(change.changed) == {"A", "B", "C"}
    assert area_of(after(TOWN, change), "B") == pytest.approx(175.0)


def test_a_vertex_is_named_within_a_millimetre() -> None:
    x, y = at(2, 1)
    assert move_vertex(TOWN, (x + 0.000_9, y), to=at(2.3, 1.2))
    with pytest.raises(NoSuchVertex) as refused:
        move_vertex(TOWN, (x + 0.001_5, y), to=at(2.3, 1.2))
    assert refused.value.where == shapely.Point(x + 0.001_5, y)


def test_the_new_position_is_put_on_the_lattice() -> None:
    x, y = at(2.3, 1.2)
    moved = move_vertex(TOWN, at(2, 1), to=(x + 0.000_4, y - 0.000_3))
    assert [x, y] in shapely.get_coordinates(moved.changed["A"]).tolist()


def test_a_vertex_moved_onto_its_neighbour_becomes_one_with_it() -> None:
    newer = after(TOWN, move_vertex(TOWN, at(2, 2), to=at(2, 1)))
    assert shapely.get_num_coordinates(newer.polygon("B")) == shapely.get_num_coordinates(TOWN.polygon("B")) - 1


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (3, 1), (2, 3), (3, 3)])
def test_nodes_of_the_frame_do_not_move(corner: tuple[float, float]) -> None:
    with pytest.raises(FrameVertex) as refused:
        move_vertex(TOWN, at(*corner), to=at(1.5, 1.5))
    assert refused.value.where == shapely.Point(at(*corner))
    with pytest.raises(FrameVertex):
        delete_vertex(TOWN, at(*corner))


def test_nodes_of_a_community_border_do_not_move() -> None:
    parents = {"A": "x", "B": "x", "C": "y"}
    both = draw("AAB / AAB / CCC", parents=parents, areas={"x": TOWN.polygon("A").union(TOWN.polygon("B"))})
    with pytest.raises(FrameVertex):
        move_vertex(both, at(2, 1), to=at(2.2, 1.2))
    assert move_vertex(both, at(2, 2), to=at(2.2, 2.2))


@pytest.mark.parametrize("to", [(0.5, 0.5), (2.9, 0.2), (-4, 2), (2, 0.5), (900, 900)])
def test_a_drag_across_other_borders_is_refused_with_the_place(to: tuple[float, float]) -> None:
    with pytest.raises((WouldBreak, WouldVanish)) as refused:
        move_vertex(TOWN, at(2, 2), to=at(*to))
    assert refused.value.where is not None


def test_a_drag_onto_another_border_is_refused() -> None:
    with pytest.raises(WouldBreak):
        move_vertex(TOWN, at(2, 2), to=at(1.5, 1))


@pytest.mark.parametrize("to", [(float("nan"), 0.0), (float("inf"), 0.0), (1e300, 0.0)])
def test_a_position_that_is_no_number_is_refused(to: tuple[float, float]) -> None:
    with pytest.raises(InvalidShape):
        move_vertex(TOWN, at(2, 1), to=to)


def test_an_inserted_node_reaches_both_grids() -> None:
    change = insert_vertex(TOWN, at(2, 1.5), to=at(2.3, 1.4))
    assert set(change.changed) == {"A", "B"}
    after(TOWN, change)


def test_a_node_on_the_frame_reaches_the_frame_and_stays_on_its_edge() -> None:
    frameless = draw("AAB / AAB / CCC", frame=None)
    change = insert_vertex(TOWN, at(0, 1.5), to=at(0, 1.4))
    assert change.frame is not None
    assert set(change.changed) == {"A"}
    after(TOWN, change)
    with pytest.raises(FrameVertex):
        insert_vertex(TOWN, at(0, 1.5), to=at(0.1, 1.4))
    with pytest.raises(WouldBreak):
        insert_vertex(frameless, at(0, 1.5), to=at(0.1, 1.4))


def test_a_node_on_a_slanted_frame_edge_is_put_into_every_ring() -> None:
    a = shapely.Polygon([(0, 0), (100, 37), (100, 100), (0, 100)])
    town = Partition.of(["A"], [a], frame=a, parents={"A": "x"}, areas={"x": a})
    change = insert_vertex(town, (50.0, 18.5), to=(33.333, 12.333))
    newer = town.replace(change)
    assert check(newer).ok
    assert set(change.areas) == {"x"}
    assert newer.frame is not None
    assert abs(newer.frame.area - a.area) <= 0.001 * 200


@pytest.mark.parametrize("place", [(0.5, 1.5), (7, 7)])
def test_an_insertion_needs_a_border_near(place: tuple[float, float]) -> None:
    with pytest.raises(NoSuchVertex):
        insert_vertex(TOWN, at(*place), to=at(2, 2))


def test_a_plain_node_is_deleted_from_both_grids_and_a_junction_is_not() -> None:
    newer = after(TOWN, delete_vertex(TOWN, at(2, 2)))
    assert have_same_bytes(newer.polygon("C"), TOWN.polygon("C"))
    with pytest.raises(JunctionVertex):
        delete_vertex(TOWN, at(2, 1))


def test_a_triangle_loses_no_corner() -> None:
    corner = shapely.Polygon([(40, 40), (60, 40), (50, 60)])
    town = Partition.of(["A", "B"], [shapely.box(0, 0, 100, 100) - corner, corner], frame=shapely.box(0, 0, 100, 100))
    with pytest.raises(WouldVanish):
        delete_vertex(town, (50.0, 60.0))


def test_a_stretch_of_border_between_two_places_on_it_is_replaced() -> None:
    newer = after(TOWN, redraw_border(TOWN, "A", "B", line((2, 1.5), (1.5, 2), (2, 2.5))))
    assert area_of(newer, "B") == pytest.approx(225.0)


def test_a_whole_border_is_replaced_by_a_line_across() -> None:
    newer = after(TOWN, redraw_border(TOWN, "A", "B", line((1, 0.5), (1, 4))))
    assert area_of(newer, "A") == 200.0


def test_a_line_may_start_on_the_border_and_end_outside() -> None:
    newer = after(TOWN, redraw_border(TOWN, "A", "B", line((2, 1.5), (1.5, 4))))
    assert area_of(newer, "B") > 200.0


def test_a_border_that_ends_in_the_middle_of_a_grid_is_refused_with_that_end() -> None:
    with pytest.raises(LineDoesNotCross) as refused:
        redraw_border(TOWN, "A", "B", line((2, 1.5), (0.5, 2)))
    assert refused.value.where == shapely.Point(at(0.5, 2))


def test_a_border_redrawn_in_a_zigzag_over_the_old_one_changes_hands_on_both_sides() -> None:
    # Four crossings of the border at x = 2: what lies west of the line is A's, what lies east of it B's.
    newer = after(TOWN, redraw_border(TOWN, "A", "B", line((2.2, 0.9), (1.8, 1.4), (2.2, 1.9), (1.8, 2.4), (2.2, 3.1))))
    assert area_of(newer, "A") + area_of(newer, "B") == pytest.approx(600.0)
    for place, code in (((1.9, 1.4), "B"), ((2.1, 1.9), "A"), ((1.9, 2.4), "B")):
        assert newer.find_touching(shapely.Point(at(*place))) == (code,)


def test_a_border_that_starts_in_the_middle_of_a_grid_is_refused_with_that_start() -> None:
    with pytest.raises(LineDoesNotCross) as refused:
        redraw_border(TOWN, "A", "B", line((0.5, 2), (2.5, 2), (1.5, 4)))
    assert refused.value.where == shapely.Point(at(0.5, 2))


def test_only_neighbours_have_a_border_to_redraw() -> None:
    with pytest.raises(NotNeighbours):
        redraw_border(draw("A.B"), "A", "B", line((0, 0), (3, 1)))
    with pytest.raises(NotNeighbours):
        redraw_border(TOWN, "A", "A", line((0, 0), (3, 1)))
    with pytest.raises(NoSuchGrid):
        redraw_border(TOWN, "A", "Z", line((0, 0), (3, 1)))


@pytest.mark.parametrize(
    "places", [((2, 1), (2, 1)), ((2, 1), (1, 2), (1, 1), (2, 2)), ((2, 1), (1, 1.5), (2, 1))], ids=str
)
def test_lines_without_length_or_with_a_knot_are_refused(places: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(TilingError) as refused:
        redraw_border(TOWN, "A", "B", line(*places))
    assert refused.value.where is not None


def test_a_redraw_of_grids_takes_the_sub_grids_along() -> None:
    parents = {"a": "A", "c": "A", "b": "B", "d": "B"}
    town = draw("aab / ccd", parents=parents)
    newer = after(town, redraw_border(town, "A", "B", line((1.5, -1), (1.5, 3))))
    assert {code: area_of(newer, code) for code in "abcd"} == {"a": 150.0, "b": 150.0, "c": 150.0, "d": 150.0}


def test_idle_nodes_go_from_all_rings_and_junctions_stay() -> None:
    change = drop_idle_nodes(TOWN, ["A", "B", "C"])
    newer = after(TOWN, change)
    assert newer.frame is not None
    assert shapely.get_num_coordinates(newer.frame) == 8
    assert shapely.get_num_coordinates(newer.polygon("A")) == 5
    assert not drop_idle_nodes(newer, ["A", "B", "C"])


def test_only_the_named_nodes_are_dropped() -> None:
    change = drop_idle_nodes(TOWN, ["A"], among=[at(2, 2)])
    assert set(change.changed) == {"A", "B"}
    assert change.frame is None


def drift_m2(before: Partition, newer: Partition) -> float:
    one, other = (shapely.coverage_union_all(p.polygons) for p in (before, newer))
    return float(shapely.symmetric_difference(one, other).area)


def touched_m(change: Change) -> float:
    return float(sum(shapely.length(shape) for shape in (*change.changed.values(), *change.added.values())))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), reach_m=st.sampled_from([0.002, 1.0, 10.0, 100.0]))
def test_a_random_move_or_insertion_is_refused_or_leaves_a_perfect_tiling(seed: int, reach_m: float) -> None:
    rng = random.Random(seed)
    xy = shapely.get_coordinates(CITY.polygon(rng.choice(CITY.codes)))
    k = rng.randrange(len(xy) - 1)
    to = (xy[k][0] + rng.uniform(-reach_m, reach_m), xy[k][1] + rng.uniform(-reach_m, reach_m))
    middle = tuple((xy[k] + xy[k + 1]) / 2)
    try:
        change = move_vertex(CITY, tuple(xy[k]), to=to) if rng.random() < 0.6 else insert_vertex(CITY, middle, to=to)
    except TilingError as refusal:
        assert refusal.where is not None
        return
    newer = CITY.replace(change)
    assert check(newer).ok
    assert drift_m2(CITY, newer) <= 0.001 * touched_m(change)
    assert all(newer.polygon(c) is CITY.polygon(c) for c in CITY.codes if c not in change.touched)
    for shape in change.changed.values():
        coordinates = shapely.get_coordinates(shape)
        assert (coordinates == to_lattice(coordinates)).all()
    undone = newer.replace(CITY.find_changes_since(newer))
    assert all(map(have_same_bytes, undone.polygons, CITY.polygons))
    assert have_same_bytes(undone.frame, CITY.frame)


def test_a_draft_with_a_gap_can_be_mended_by_moving_vertices() -> None:
    town = draw("AB / CD")
    pulled = shapely.get_coordinates(town.polygon("D"))
    pulled[(pulled == at(1, 1)).all(axis=1)] = at(1.2, 0.8)
    draft = town.replace(Change(changed={"D": shapely.Polygon(pulled)}))
    assert not check(draft).ok
    mended = draft.replace(move_vertex(draft, at(1.2, 0.8), to=at(1, 1)))
    assert check(mended).ok


def test_positions_may_be_numpy_scalars() -> None:
    x, y = np.float64(at(2, 1)[0]), np.float64(at(2, 1)[1])
    assert move_vertex(TOWN, (x, y), to=at(2.1, 1.1))


def test_a_redraw_that_cuts_a_grid_in_two_is_refused_with_the_piece() -> None:
    town = draw("AAAA / BBBB / AAAA / AAAA", parts_allowed=frozenset())
    with pytest.raises((SplitsGrid, LineDoesNotCross, NotNeighbours)):
        redraw_border(town, "A", "B", line((1, 3), (1, 1)))


def test_a_line_that_doubles_back_on_a_short_border_is_refused() -> None:
    # The common border is 8 cm long; the line runs its length, 38 cm beyond and back, all within a millimetre.
    upper = shapely.Polygon([(3.586, 3.649), (3.503, 3.664), (0, 8), (3.537, 8)])
    lower = shapely.Polygon([(3.503, 3.664), (3.586, 3.649), (8, 2.951), (3.381, 0)])
    there_and_back = shapely.LineString([(3.503, 3.664), (3.1264035158, 3.7254385909), (3.586, 3.649)])
    with pytest.raises(LineDoesNotCross):
        redraw_border(Partition.of(["A", "B"], [lower, upper]), "A", "B", there_and_back)


def test_a_neighbour_that_crosses_itself_already_is_named_with_the_place() -> None:
    knot = shapely.Polygon([(10, 0), (20, 10), (20, 0), (10, 10)])
    town = Partition.of(["A", "K"], [shapely.box(0, 0, 10, 10), knot])
    with pytest.raises(CrossesAlready) as refused:
        insert_vertex(town, (10, 5), to=(9, 5))
    assert refused.value.details == {"grid": "K"}
    assert refused.value.where is not None and refused.value.where.equals(shapely.Point(15, 5))
