"""Repair, option by option in pictures; whatever is decided, no grid is lost and nothing lands outside the frame."""

import random

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.city import synthetic_city
from tests.drawing import draw
from tests.messes import messed
from tiling.errors import NotRepairable
from tiling.partition import Partition
from tiling.repair import Decision, Repair, propose

CITY = synthetic_city(40, vertices=16, sub_grids=(1,)).partition()
AS_DRAWN = {"A": 200.0, "B": 200.0, "C": 200.0, "D": 200.0}
# Two grids that both claim the square in the middle: 10 m wide, 10 m high.
OVERLAPPING = {"A": shapely.box(0, 0, 20, 10), "B": shapely.box(10, 0, 30, 10)}
FRAME = shapely.box(0, 0, 30, 10)
# A square hole in the middle of four equal grids around it.
AROUND = draw("AAB / D.B / DCC")


def proposed(shapes: dict[str, shapely.Geometry], frame: shapely.Geometry | None, **options: str) -> Repair:
    chosen = {key.replace("__", "/").replace("_and_", "+"): value for key, value in options.items()}
    return propose(list(shapes), list(shapes.values()), frame=frame, options=chosen)


def sizes(repair: Repair) -> dict[str, float]:
    return {code: round(shape.area, 3) for code, shape in repair.polygons.items()}


def the_decision(repair: Repair) -> Decision:
    (decision,) = repair.decisions
    return decision


def test_a_real_overlap_may_go_to_either_grid_or_be_split() -> None:
    decision = the_decision(proposed(OVERLAPPING, FRAME))
    assert (decision.id, decision.area_m2) == ("overlap/A+B/1", 100.0)
    assert decision.options == ("give:A", "give:B", "longest_border", "split")


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ("give:A", {"A": 200.0, "B": 100.0}),
        ("give:B", {"A": 100.0, "B": 200.0}),
        ("longest_border", {"A": 200.0, "B": 100.0}),
        ("split", {"A": 150.0, "B": 150.0}),
    ],
)
def test_an_overlap_is_settled_as_it_was_decided(choice: str, left: dict[str, float]) -> None:
    repair = proposed(OVERLAPPING, FRAME, overlap__A_and_B__1=choice)
    assert (sizes(repair), repair.report.ok, repair.undecided) == (left, True, ())


def test_ground_that_is_split_is_parted_along_its_middle() -> None:
    border = shapely.intersection(*proposed(OVERLAPPING, FRAME, overlap="split").polygons.values())
    assert shapely.hausdorff_distance(border, shapely.LineString([(15, 0), (15, 10)])) < 0.6


def test_a_grid_in_another_is_cut_out_of_it() -> None:
    shapes = {"A": shapely.box(0, 0, 30, 30), "B": shapely.box(10, 10, 20, 20)}
    frame = shapes["A"]
    assert the_decision(proposed(shapes, frame)).options == ("cut_out",)
    repair = proposed(shapes, frame, overlap="cut_out")
    assert (sizes(repair), repair.report.ok) == ({"A": 800.0, "B": 100.0}, True)
    assert shapely.get_num_interior_rings(repair.polygons["A"]) == 1


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ("give:C", {**AS_DRAWN, "C": 300.0}),
        ("longest_border", {**AS_DRAWN, "A": 300.0}),
        ("split", dict.fromkeys("ABCD", 225.0)),
        ("new:Z", {**AS_DRAWN, "Z": 100.0}),
    ],
)
def test_a_gap_goes_to_one_is_split_among_all_or_becomes_a_grid(choice: str, left: dict[str, float]) -> None:
    shapes = dict(zip(AROUND.codes, AROUND.polygons, strict=True))
    decision = the_decision(proposed(shapes, AROUND.frame))
    assert decision.options == ("give:A", "give:B", "give:C", "give:D", "longest_border", "split", "new")
    repair = proposed(shapes, AROUND.frame, **{decision.id: choice})
    assert sizes(repair) == pytest.approx(left, abs=2.0 if choice == "split" else 0.0)
    assert repair.report.ok and sum(sizes(repair).values()) == pytest.approx(900.0, abs=1e-6)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), reach_m=st.sampled_from([0.3, 2.0, 8.0]))
def test_whatever_is_decided_no_grid_is_lost_and_nothing_lands_outside_the_frame(seed: int, reach_m: float) -> None:
    rng, mess = random.Random(seed), messed(CITY, seed, reach_m)
    asked = propose(CITY.codes, mess, frame=CITY.frame)
    chosen = {decision.id: rng.choice(decision.options) for decision in asked.decisions if decision.options}
    try:
        # Choices move nodes, so that grids may be asked about that were not asked about before.
        repair = propose(CITY.codes, mess, frame=CITY.frame, options={**chosen, "unmatched_vertex": "mend"})
    except NotRepairable as refusal:
        assert refusal.where is not None and refusal.details["grid"] in CITY.codes
        return
    new = {decision.id for decision in repair.decisions if decision.chosen.startswith("new:")}
    assert set(repair.polygons) == {*CITY.codes, *new}
    assert all(shape.is_valid and shape.area > 0 for shape in repair.polygons.values())
    assert_tiles(repair, CITY)


def assert_tiles(repair: Repair, truth: Partition) -> None:
    assert repair.undecided == ()
    assert {defect.kind for defect in repair.report.defects} <= {"multipart"}, repair.report.lines()
    union = shapely.union_all(list(repair.polygons.values()))
    assert union.area == pytest.approx(sum(shape.area for shape in repair.polygons.values()), abs=1e-6)
    assert union.difference(repair.frame).area < 1e-6
    assert union.difference(truth.frame).area <= 0.001 * truth.frame.length  # nodes on slanted edges
