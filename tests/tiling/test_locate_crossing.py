"""The exact test of one edge against rational numbers."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from tiling.locate.crossing import IN, OFF, ON, UNSURE, meets, side

# Places of one city: nine decimals, and their neighbours one rounding step away.
city = st.builds(
    lambda base, steps: base + steps * 2.0**-46, st.integers(0, 400).map(lambda k: 117 + k / 1e9), st.integers(-2, 2)
)
anything = st.floats(-180, 180)
tiny = st.floats(-1e-6, 1e-6)
where = st.one_of(city, anything, tiny)


def turn_of(ax, ay, bx, by, x, y):
    ax, ay, bx, by, x, y = map(Fraction, (ax, ay, bx, by, x, y))
    turn = (ax - x) * (by - y) - (ay - y) * (bx - x)
    return (turn > 0) - (turn < 0)


@given(where, where, where, where, where, where)
def test_a_side_that_is_told_is_right(ax, ay, bx, by, x, y):
    told = side(ax, ay, bx, by, x, y)
    assert told in (2, turn_of(ax, ay, bx, by, x, y))


@given(city, city, city, city, city, city)
def test_within_one_city_a_side_is_always_told(ax, ay, bx, by, x, y):
    assume(not (ax == x == bx or ay == y == by))
    assume((ax, ay) != (x, y) != (bx, by))
    assert side(ax, ay, bx, by, x, y) == turn_of(ax, ay, bx, by, x, y)


def test_where_rounding_names_the_wrong_side_no_side_is_told():
    ax, ay, bx, by, x, y = edge = (
        -0.00010541416266191339,
        -0.000767685925869476,
        -0.788340655727185,
        -0.00048478091632419787,
        -0.6850274266763661,
        -0.0005218610016966341,
    )
    assert (ax - x) * (by - y) - (ay - y) * (bx - x) < 0 < turn_of(*edge)
    assert side(*edge) == 2


@given(where, where, where, where, where, st.floats(0, 1))
def test_an_edge_is_met_as_rational_numbers_say(ax, ay, bx, by, x, share):
    y = min(max(ay + (by - ay) * share, min(ay, by)), max(ay, by))
    turn = turn_of(ax, ay, bx, by, x, y)
    on = turn == 0 and min(ax, bx) <= x <= max(ax, bx)
    crossed = (ay > y) != (by > y) and (turn > 0) == (by > ay)
    assert meets(ax, ay, bx, by, x, y) in (UNSURE, ON if on else IN if crossed else OFF)
