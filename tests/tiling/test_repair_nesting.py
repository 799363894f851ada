"""Repairs and the rings of areas: ground stays in its community, and what strayed is brought home or asked about."""

import random
from collections.abc import Iterable

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from tests.city import synthetic_city
from tests.drawing import draw
from tests.messes import messed
from tiling.coverage import check
from tiling.partition import Change, Partition
from tiling.plane import put_on_lattice, to_lattice
from tiling.repair import Repair, change_of, homes_of, propose

TOWN = draw("AAB / CCB")
CITY = synthetic_city(40, vertices=16, sub_grids=(1,)).partition()
CITY_WITH_RINGS = Partition.of(
    CITY.codes,
    CITY.polygons,
    parents=CITY.parents,
    frame=CITY.frame,
    areas={code[:12]: CITY.polygon(code[:12]) for code in CITY.codes},
)


def shifted(code: str, dx_m: float, dy_m: float = 0.0) -> dict[str, BaseGeometry]:
    shapes = dict(zip(TOWN.codes, TOWN.polygons, strict=True))
    return {**shapes, code: put_on_lattice(affinity.translate(shapes[code], dx_m, dy_m))}


def test_ground_stays_in_the_ring_of_its_community() -> None:
    # B belongs to another community than A and C, whose ground it was drawn over.
    parents = {"A": "x", "B": "y", "C": "x"}
    rings = {"x": shapely.coverage_union_all([TOWN.polygons[0], TOWN.polygons[2]]), "y": TOWN.polygons[1]}
    shapes = shifted("B", -0.3)
    options = {"sliver": "mend"}
    repair = propose(
        list(shapes), list(shapes.values()), frame=TOWN.frame, areas=rings, home_of=parents, options=options
    )
    assert repair.report.ok
    assert all(repair.polygons[code].equals(TOWN.polygon(code)) for code in "ABC")
    asked = propose("ABC", list(shapes.values()), frame=TOWN.frame, areas=rings, home_of=parents)
    assert [d.options for d in asked.undecided] == [
        ("give:B", "longest_border", "new"),
        ("give:A", "longest_border"),
        ("give:C", "longest_border"),
    ]
    assert [d.area for d in asked.undecided] == ["y", "x", "x"]


def across(reach_m: float, **options: str) -> Repair:
    """Two grids that meet beside the border of their communities at x = 10 m, without gap or overlap."""
    polygons = [shapely.box(0, 0, 10 + reach_m, 10), shapely.box(10 + reach_m, 0, 20, 10)]
    rings = {"x": shapely.box(0, 0, 10, 10), "y": shapely.box(10, 0, 20, 10)}
    chosen = {key.replace("__", "/").replace("_and_", "+"): value for key, value in options.items()}
    frame, homes = shapely.box(0, 0, 20, 10), {"A": "x", "B": "y"}
    return propose("AB", polygons, frame=frame, areas=rings, home_of=homes, options=chosen)


def test_a_common_border_beside_that_of_the_communities_is_put_on_it() -> None:
    noise = across(0.004)
    assert (noise.decisions, noise.mended) == ((), {})  # vertices this near are made one with the ring's
    assert noise.polygons["A"].equals(shapely.box(0, 0, 10, 10))
    sliver = across(-0.06)
    assert sliver.mended == {"sliver nesting": 1}
    assert [sliver.polygons[code].area for code in "AB"] == [100.0, 100.0]


def test_ground_in_another_community_is_asked_about_where_it_is_more_than_a_doorstep() -> None:
    asked = across(3.0)
    assert [(d.id, d.codes, d.class_, d.area, d.options) for d in asked.decisions] == [
        ("nesting/A/1", ("A",), "real", "y", ("give:B", "longest_border"))
    ]
    assert [asked.polygons[code].area for code in "AB"] == [130.0, 70.0]
    given = across(3.0, nesting="longest_border")
    assert [given.polygons[code].area for code in "AB"] == [100.0, 100.0]
    assert across(3.0, nesting__A__1="give:B").polygons["B"].equals(given.polygons["B"])


def test_a_grid_that_stands_wholly_in_another_community_is_left_there() -> None:
    rings = {"x": shapely.box(0, 0, 10, 10), "y": shapely.box(10, 0, 20, 10)}
    polygons, homes = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)], {"A": "x", "B": "x"}
    repair = propose("AB", polygons, areas=rings, home_of=homes, options={"nesting": "longest_border"})
    assert (repair.differences, repair.decisions) == ((), ())


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), reach_m=st.sampled_from([0.02, 0.2]))
def test_grids_follow_communities_whose_borders_were_surveyed_anew(seed: int, reach_m: float) -> None:
    city = CITY_WITH_RINGS
    rng = random.Random(seed)
    inner = shapely.get_coordinates(shapely.boundary(city.frame)).tolist()
    fixed = {tuple(xy) for xy in inner}
    moved = {xy: moved_by(rng, xy, reach_m) for xy in corners(city.areas.values()) - fixed}
    rings = {code: replaced(ring, moved) for code, ring in city.areas.items()}
    choices = {"noise": "mend", "sliver": "mend", "nesting": "longest_border"}
    plan = Partition.of(city.codes, city.polygons, parents=city.parents, frame=city.frame, areas=rings)
    for _ in range(2):  # noding may leave a needle a millimetre wide, which the next repair finds as noise
        repair = propose(
            plan.codes, plan.polygons, frame=plan.frame, areas=plan.areas, home_of=homes_of(plan), options=choices
        )
        plan = plan.replace(change_of(plan, repair))
    assert check(plan).ok, check(plan).lines()[:3]


def corners(shapes: Iterable[BaseGeometry]) -> set[tuple[float, float]]:
    return {(x, y) for x, y in shapely.get_coordinates(list(shapes)).tolist()}


def moved_by(rng: random.Random, xy: tuple[float, float], reach_m: float) -> tuple[float, float]:
    x, y = to_lattice([value + rng.uniform(-reach_m, reach_m) for value in xy]).tolist()
    return x, y


def replaced(ring: BaseGeometry, moved: dict[tuple[float, float], tuple[float, float]]) -> BaseGeometry:
    return shapely.transform(ring, lambda xy: np.array([moved.get((x, y), (x, y)) for x, y in xy.tolist()]))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), reach_m=st.sampled_from([0.004, 0.2, 1.0]))
def test_a_repair_adds_no_nesting_defect(seed: int, reach_m: float) -> None:
    city = CITY_WITH_RINGS
    mess = city.replace(Change(changed=dict(zip(city.codes, messed(city, seed, reach_m), strict=True))))
    options = {"overlap": "longest_border", "gap": "longest_border", "overshoot": "trim", "noise": "mend"}
    repair = propose(
        mess.codes, mess.polygons, frame=mess.frame, areas=mess.areas, home_of=homes_of(mess), options=options
    )
    after = mess.replace(change_of(mess, repair))
    before, now = strayed_m2(mess), strayed_m2(after)
    for codes, area_m2 in now.items():
        assert area_m2 <= before.get(codes, 0.0) + 0.001 * city.areas[codes[0]].length


def strayed_m2(partition: Partition) -> dict[tuple[str, ...], float]:
    """The ground of each grid outside its area ring, noise and slivers and all."""
    found: dict[tuple[str, ...], float] = {}
    for defect in check(partition).defects:
        if defect.kind == "nesting":
            found[defect.codes] = found.get(defect.codes, 0.0) + defect.area_m2
    return found
