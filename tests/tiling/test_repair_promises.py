"""What a repair promises: it never fails, a full check says the same after it, proposed again it has nothing to do."""

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from tests.city import synthetic_city
from tests.drawing import draw
from tests.messes import messed
from tiling.borders.nodes import insert_nodes
from tiling.coverage import check
from tiling.errors import NotRepairable
from tiling.partition import Partition
from tiling.repair import FrameFrom, Repair, Rule, change_of, frame_around, propose

CITY = synthetic_city(40, vertices=16, sub_grids=(1,)).partition()
BY_RULE = (Rule(choose=("cut_out", "trim", "longest_border", "allow", "mend")),)
AROUND = draw("AAB / D.B / DCC")


def rough(seed: int, reach_m: float, harm: str) -> list[BaseGeometry]:
    """A messy copy of the city with something worse in it."""
    shapes = messed(CITY, seed, reach_m)
    row = seed % len(shapes)
    west, south, east, north = shapes[row].bounds
    if harm == "twin":
        shapes[row - 1] = shapes[row]
    elif harm == "bow tie":
        shapes[row] = shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])
    elif harm == "needle":
        shapes[row] = shapely.box(west, south, east, south + 0.004)
    elif harm == "parts":
        middle = (west + east) / 2
        shapes[row] = shapes[row].difference(shapely.box(middle - 3, south - 1, middle + 3, north + 1))
    return shapes


def drawn(shapes: list[BaseGeometry], frame_from: FrameFrom) -> Partition:
    sound = [shape if shape.is_valid else shapely.make_valid(shape, method="structure") for shape in shapes]
    frame = frame_around(np.array(sound, dtype=object)) if frame_from == "grids" else CITY.frame
    return Partition.of(CITY.codes, shapes, frame=frame)


def proposed(plan: Partition, frame_from: FrameFrom, rules: tuple[Rule, ...] = ()) -> Repair:
    return propose(
        plan.codes,
        plan.polygons,
        frame=plan.frame,
        frame_from=frame_from,
        rules=rules,
        parts_allowed=plan.parts_allowed,
    )


def applied(plan: Partition, repair: Repair) -> Partition:
    after = plan.replace(change_of(plan, repair))
    return Partition.of(
        after.codes, after.polygons, frame=after.frame, parts_allowed=plan.parts_allowed | repair.allowed
    )


MESSES = {
    "seed": st.integers(0, 10**6),
    "reach_m": st.sampled_from([0.0, 0.004, 0.05, 0.3, 2.0]),
    "harm": st.sampled_from(["none", "twin", "bow tie", "needle", "parts"]),
    "frame_from": st.sampled_from(["given", "grids"]),
}


@settings(max_examples=12, deadline=None)
@given(**MESSES)
@example(seed=1, reach_m=0.3, harm="twin", frame_from="grids")
@example(seed=2, reach_m=2.0, harm="bow tie", frame_from="given")
def test_what_was_decided_by_rule_is_what_a_full_check_finds(
    seed: int, reach_m: float, harm: str, frame_from: FrameFrom
) -> None:
    plan = drawn(rough(seed, reach_m, harm), frame_from)
    repair = proposed(plan, frame_from, BY_RULE)
    after = applied(plan, repair)
    report = check(after)
    assert report.summary()["by_kind"] == repair.report.summary()["by_kind"]
    if not repair.undecided:
        assert report.ok
        again = proposed(after, frame_from, BY_RULE)
        assert again.differences == () and again.decisions == ()
    # Two grids that are one and the same stay so: nobody but a person who names one may let the other vanish.
    assert not repair.undecided or harm in ("twin", "needle")


@settings(max_examples=12, deadline=None)
@given(**MESSES)
def test_an_undecided_proposal_keeps_its_promise_and_asks_before_a_square_metre(
    seed: int, reach_m: float, harm: str, frame_from: FrameFrom
) -> None:
    plan = drawn(rough(seed, reach_m, harm), frame_from)
    repair = proposed(plan, frame_from)
    after = applied(plan, repair)
    assert check(after).summary()["by_kind"] == repair.report.summary()["by_kind"]
    assert all(one.gained_m2 + one.lost_m2 <= 1.0 + 1e-6 for one in repair.differences)
    # What this one asked about, the next one does not do by itself.
    again = propose(after.codes, after.polygons, frame=after.frame, frame_from=frame_from, spent_m2=repair.quiet_m2)
    changed = {one.code: one.gained_m2 + one.lost_m2 for one in again.differences}
    assert all(repair.quiet_m2.get(code, 0.0) + area_m2 <= 1.0 + 1e-6 for code, area_m2 in changed.items())


def test_what_was_asked_and_not_answered_stays_asked_however_often_it_is_proposed() -> None:
    # 0.8 m² of noise on one side, mended unasked; then 0.9 m² of sliver on the other are a question, and stay one.
    boxes = [(100.005, 0, 200, 160), (0, 0, 100, 160), (200.3, 0, 300, 3), (200, 3, 300, 160)]
    shapes: list[BaseGeometry] = [shapely.box(*box) for box in boxes]
    frame, spent_m2 = shapely.box(0, 0, 300, 160), {"A": 0.0}
    for _ in range(3):
        repair = propose("ABCD", shapes, frame=frame, spent_m2=spent_m2)
        assert [(one.kind, one.class_, one.chosen) for one in repair.decisions] == [("gap", "sliver", "leave")]
        shapes, spent_m2 = list(repair.polygons.values()), dict(repair.quiet_m2)
        assert 0.79 < spent_m2["A"] <= 1.0
    answered = propose("ABCD", shapes, frame=frame, spent_m2=spent_m2, options={"sliver": "mend"})
    assert answered.report.ok


def test_no_new_nodes_leave_a_ring_as_it_is() -> None:
    ring = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert insert_nodes(ring, {}) is ring


def test_an_enclosed_hole_of_the_grids_own_frame_is_a_gap_that_may_be_outside() -> None:
    frame = frame_around(AROUND.polygons)
    plan = Partition.of(AROUND.codes, AROUND.polygons, frame=frame)
    repair = proposed(plan, "grids")
    (decision,) = repair.decisions
    assert (decision.kind, decision.area_m2) == ("gap", 100.0)
    assert decision.options[-1] == "outside"
    beyond = proposed(plan, "grids", (Rule(kind="gap", choose=("outside",)),))
    assert beyond.report.ok and beyond.differences == ()
    assert beyond.frame is not None and beyond.frame.area == frame.area - 100
    # What is outside stays outside.
    assert not change_of(applied(plan, beyond), proposed(applied(plan, beyond), "grids"))


def test_the_frame_of_the_grids_follows_them_where_a_given_one_stays() -> None:
    # Two grids overlap at the outline, where they cross between two millimetres.
    shapes = [shapely.Polygon([(0, 0), (10, 0.003), (10.2, 10), (0, 10)]), shapely.box(9.9, 0, 20, 10)]
    frame = frame_around(np.array(shapes, dtype=object))
    options = (Rule(kind="overlap", choose=("longest_border",)),)
    repair = propose("AB", shapes, frame=frame, frame_from="grids", rules=options)
    assert repair.report.ok
    assert repair.frame is not None
    assert repair.frame.equals(shapely.union_all(list(repair.polygons.values())))


def test_rules_answer_by_kind_class_pair_and_size_in_their_order() -> None:
    shapes = {"A": shapely.box(0, 0, 20, 10), "B": shapely.box(10, 0, 30, 10), "C": shapely.box(29, 0, 40, 10)}
    frame = shapely.box(0, 0, 40, 10)

    def chosen(*rules: Rule, **options: str) -> dict[tuple[str, ...], str]:
        made = propose("ABC", list(shapes.values()), frame=frame, rules=rules, options=options)
        return {decision.codes: decision.chosen for decision in made.decisions}

    pair, small = Rule(codes=("B", "C"), choose=("give:C",)), Rule(most_m2=50.0, choose=("give:B",))
    rest = Rule(kind="overlap", class_="real", choose=("cut_out", "split"))
    assert chosen(pair, rest) == {("A", "B"): "split", ("B", "C"): "give:C"}
    assert chosen(small, pair, rest) == {("A", "B"): "split", ("B", "C"): "give:B"}
    assert chosen(rest, overlap="longest_border") == {("A", "B"): "split", ("B", "C"): "split"}
    assert chosen(pair) == {("A", "B"): "leave", ("B", "C"): "give:C"}
    assert chosen(Rule(kind="gap", choose=("new",))) == {("A", "B"): "leave", ("B", "C"): "leave"}


def test_a_grid_in_two_parts_may_keep_them_or_give_the_smaller_one_away() -> None:
    shapes = [shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(15, 0, 20, 10)]), shapely.box(10, 0, 15, 10)]
    frame = shapely.box(0, 0, 20, 10)
    asked = propose("AB", shapes, frame=frame)
    (question,) = asked.parts
    assert (question.id, question.options, question.area_m2) == ("multipart/A/1", ("allow", "longest_border"), 50.0)
    assert not asked.report.ok and asked.differences == ()
    kept = propose("AB", shapes, frame=frame, options={"multipart": "allow"})
    assert kept.report.ok and kept.differences == () and kept.allowed == {"A"}
    given_away = propose("AB", shapes, frame=frame, options={question.id: "longest_border"})
    assert given_away.report.ok and given_away.polygons["B"].equals(shapely.box(10, 0, 20, 10))


def test_only_a_choice_for_that_very_place_may_let_a_grid_vanish() -> None:
    twins = [shapely.box(0, 0, 10, 10)] * 2
    assert propose("AB", twins, options={"overlap": "longest_border"}).report.summary()["by_kind"] == {"duplicate": 1}
    (decision,) = propose("AB", twins).decisions
    with pytest.raises(NotRepairable):
        propose("AB", twins, options={decision.id: "give:A"})
