"""The pictures that the other tests rely on."""

import shapely

from tests.drawing import at, draw, line


def test_a_picture_in_one_line_equals_the_picture_in_rows() -> None:
    rows = draw(
        """
        AAB
        CCB
        """
    )
    assert [p.wkb for p in rows.polygons] == [p.wkb for p in draw("AAB / CCB").polygons]


def test_blanks_and_dots_are_gaps_inside_the_frame() -> None:
    holed = draw("AAA / A.A / AAA")
    assert holed.frame is not None
    assert holed.polygons[0].area == 800.0
    assert holed.frame.area == 900.0
    assert draw("A B", frame="union").frame == draw("A B", frame=None).polygons[0].union(draw("A B").polygons[1])


def test_neighbours_in_a_picture_match_vertex_for_vertex() -> None:
    assert shapely.coverage_is_valid(draw("AAB / CDB / CDD").polygons)


def test_places_count_from_the_south_west() -> None:
    assert shapely.Point(at(2, 1)).within(shapely.boundary(draw("AAB / CCB").polygon("B")))
    assert line((0, 1), (3, 1)).length == 30.0
