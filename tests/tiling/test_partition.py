"""What a partition knows: levels, neighbours, and what an edit changed."""

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from tests.drawing import draw
from tiling.errors import CodeTaken, NoSuchGrid
from tiling.partition import Change, Partition, dissolve, have_same_bytes, keep_polygons

TOWN = draw(
    """
    AABB
    CCBB
    CCDD
    """,
    parents={"A": "north", "B": "north", "C": "south", "D": "south", "north": "town", "south": "town"},
)


def moved(shape: BaseGeometry | None) -> BaseGeometry:
    assert shape is not None
    return shapely.transform(shape, lambda xy: xy + 1.0)


def test_an_upper_level_is_the_union_of_its_finest() -> None:
    north = TOWN.polygon("north")
    assert north is not None
    assert north.area == 600.0
    assert TOWN.list_finest("town") == ("A", "B", "C", "D")
    assert TOWN.children("town") == ("north", "south")
    assert TOWN.children("A") == ()
    assert TOWN.ancestors("A") == ("north", "town")


def test_neighbours_are_of_the_same_level_and_share_more_than_a_corner() -> None:
    assert TOWN.neighbours("A") == ("B", "C")
    assert TOWN.neighbours("D") == ("B", "C")
    assert TOWN.neighbours("north") == ("south",)
    assert TOWN.neighbours("town") == ()


def test_a_grid_without_sub_grids_stands_for_itself_among_sub_grids() -> None:
    mixed = draw("abC", parents={"a": "A", "b": "A", "A": "x", "C": "x"})
    assert mixed.neighbours("b") == ("C", "a")
    assert mixed.neighbours("C") == ("A",)


def test_rings_around_include_what_touches_in_a_corner() -> None:
    board = draw("ABC / DEF / GHI")
    assert board.find_around(["A"], rings=1) == set("ABDE")
    assert board.find_around(["A"], rings=2) == set("ABCDEFGHI")
    assert board.find_around(["A"], rings=0) == {"A"}


def test_codes_sort_as_bytes_sort() -> None:
    square = shapely.box(0, 0, 1, 1)
    assert Partition.of(["é", "b", "B", "10", "9"], [square] * 5).codes == ("10", "9", "B", "b", "é")


def test_a_code_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="code of its own"):
        Partition.of(["A", "A"], [shapely.box(0, 0, 1, 1)] * 2)


def test_a_grid_cannot_be_its_own_ancestor() -> None:
    with pytest.raises(ValueError, match="own ancestor"):
        Partition.of(["A"], [shapely.box(0, 0, 1, 1)], parents={"A": "B", "B": "C", "C": "B"})


def test_replacing_leaves_the_old_partition_and_all_other_polygons_alone() -> None:
    before, south = TOWN.polygon("A"), TOWN.polygon("south")
    newer = TOWN.replace(Change(changed={"A": moved(before)}))
    assert have_same_bytes(TOWN.polygon("A"), before)
    assert newer.polygon("B") is TOWN.polygon("B")
    assert not have_same_bytes(newer.polygon("north"), TOWN.polygon("north"))
    assert newer.polygon("south") is south


def test_undo_gives_the_bytes_back() -> None:
    edit = Change(
        changed={"A": moved(TOWN.polygon("A"))},
        added={"E": moved(TOWN.polygon("B"))},
        removed=("B", "D"),
        parents={"E": "east", "east": "town", "C": "east"},
        frame=moved(TOWN.frame),
    )
    newer = TOWN.replace(edit)
    assert newer.list_finest("town") == ("A", "C", "E")
    again = newer.replace(TOWN.find_changes_since(newer))
    assert again.codes == TOWN.codes
    assert dict(again.parents) == dict(TOWN.parents)
    assert all(map(have_same_bytes, again.polygons, TOWN.polygons))
    assert have_same_bytes(again.frame, TOWN.frame)


def test_no_change_is_empty() -> None:
    assert not TOWN.find_changes_since(TOWN)
    assert not Change()
    assert Change(changed={"A": moved(TOWN.polygon("A"))}).touched == {"A"}


def test_unknown_and_taken_codes_are_refused() -> None:
    with pytest.raises(NoSuchGrid):
        TOWN.polygon("Z")
    with pytest.raises(NoSuchGrid):
        TOWN.replace(Change(removed=("Z",)))
    with pytest.raises(CodeTaken):
        TOWN.replace(Change(added={"A": TOWN.polygon("A")}))


def test_a_draft_may_hold_what_is_no_grid_yet() -> None:
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    draft = Partition.of(["A", "B", "C"], [None, shapely.Polygon(), bow_tie], parents={"A": "x", "B": "x", "C": "x"})
    assert draft.polygon("A") is None
    assert draft.neighbours("A") == ()
    assert draft.polygon("x") == shapely.Polygon()
    assert draft.find_around(["A"]) == {"A"}


def test_a_dissolve_of_overlapping_polygons_is_their_union() -> None:
    shapes = np.array([shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)], dtype=object)
    assert dissolve(shapes).area == 3.0


def test_only_polygons_are_kept_of_a_mixed_result() -> None:
    mixed = shapely.GeometryCollection([shapely.Point(0, 0), shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])])
    assert keep_polygons(mixed) == shapely.box(0, 0, 1, 1)


def test_what_is_known_of_a_polygon_is_forgotten_when_it_changes() -> None:
    every = np.arange(len(TOWN))
    assert TOWN.mark_valid(every).all()
    knot = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    broken = TOWN.replace(Change(changed={"A": knot, "B": None}))
    assert broken.mark_valid(every).tolist() == [False, False, True, True]
    mended = broken.replace(Change(changed={"A": TOWN.polygon("A"), "B": TOWN.polygon("B")}))
    assert mended.mark_valid(every).all()
    assert TOWN.mark_valid(every).all()


def test_notes_on_frame_and_areas_go_with_them_only() -> None:
    ring = TOWN.polygon("north")
    assert ring is not None
    town = Partition.of(TOWN.codes, TOWN.polygons, parents=TOWN.parents, frame=TOWN.frame, areas={"north": ring})
    town.frame_notes["seen"] = town.area_notes["seen"] = town.notes["seen"] = True
    same = town.replace(Change(changed={"A": moved(TOWN.polygon("A"))}))
    assert (same.frame_notes, same.area_notes, same.notes) == ({"seen": True}, {"seen": True}, {})
    reframed = town.replace(Change(frame=moved(town.frame)))
    assert (reframed.frame_notes, reframed.area_notes) == ({}, {"seen": True})
    rearranged = town.replace(Change(areas={"north": moved(ring)}))
    assert (rearranged.frame_notes, rearranged.area_notes) == ({"seen": True}, {})
