"""The laws of reshaping: refused with a reason, or a perfect tiling with everything else untouched."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tests.city import synthetic_city
from tiling.borders import delete_vertex, drop_idle_nodes, insert_vertex, move_vertex, redraw_border
from tiling.coverage import check
from tiling.errors import NotNested, TilingError
from tiling.partition import Change, Partition, have_same_bytes
from tiling.plane import to_lattice
from tiling.reshape import add, carve, fill_gap, give, merge, remove, split

CITY = synthetic_city(40, vertices=16, sub_grids=(1, 2)).partition()

TOWN = Partition.of(
    CITY.codes,
    CITY.polygons,
    parents=CITY.parents,
    frame=CITY.frame,
    areas={code[:12]: CITY.polygon(code[:12]) for code in CITY.codes},
)
"""The same with area rings: communities with a boundary of their own."""

Edit = Callable[[Partition, random.Random], Change]


def some_polygon(partition: Partition, rng: random.Random) -> BaseGeometry:
    xy = shapely.get_coordinates(partition.polygon(rng.choice(partition.codes)))
    x, y = xy[rng.randrange(len(xy))] + [rng.uniform(-9, 9), rng.uniform(-9, 9)]
    turns = sorted(rng.uniform(0, 2 * np.pi) for _ in range(rng.randint(3, 9)))
    reach = rng.choice([3.0, 15.0, 50.0])
    return shapely.Polygon([(x + reach * np.cos(t), y + reach * np.sin(t)) for t in turns])


def some_line(shape: BaseGeometry, rng: random.Random) -> shapely.LineString:
    west, south, east, north = shape.bounds
    ys = [rng.uniform(south, north) for _ in range(3)]
    return shapely.LineString([(west - 5, ys[0]), (rng.uniform(west, east), ys[1]), (east + 5, ys[2])])


def do_split(partition: Partition, rng: random.Random) -> Change:
    code = rng.choice(partition.codes)
    shape = partition.polygon(code)
    assert shape is not None
    return split(partition, code, some_line(shape, rng), new_code=["n1", "n2", "n3"])


def do_carve(partition: Partition, rng: random.Random) -> Change:
    return carve(partition, some_polygon(partition, rng), code="n1", pieces_to=rng.choice([None, "n1"]))


def do_give(partition: Partition, rng: random.Random) -> Change:
    polygon = some_polygon(partition, rng)
    return give(partition, polygon, to=rng.choice(partition.find_touching(polygon) or partition.codes))


def do_merge(partition: Partition, rng: random.Random) -> Change:
    code = rng.choice(partition.codes)
    return merge(partition, [code, rng.choice(partition.neighbours(code))])


def do_remove(partition: Partition, rng: random.Random) -> Change:
    code = rng.choice(partition.codes)
    return remove(partition, code, into=rng.choice(partition.neighbours(code)))


def some_vertex(partition: Partition, rng: random.Random) -> tuple[float, float]:
    x, y = rng.choice(shapely.get_coordinates(partition.polygon(rng.choice(partition.codes))).tolist())
    return x, y


def beside(place: tuple[float, float], rng: random.Random) -> tuple[float, float]:
    reach = rng.choice([0.002, 1.0, 10.0])
    return place[0] + rng.uniform(-reach, reach), place[1] + rng.uniform(-reach, reach)


def do_move(partition: Partition, rng: random.Random) -> Change:
    at = some_vertex(partition, rng)
    return move_vertex(partition, at, to=beside(at, rng))


def do_insert(partition: Partition, rng: random.Random) -> Change:
    xy = shapely.get_coordinates(partition.polygon(rng.choice(partition.codes)))
    k = rng.randrange(len(xy) - 1)
    x, y = xy[k] + (xy[k + 1] - xy[k]) * rng.random()
    return insert_vertex(partition, (x, y), to=rng.choice([(x, y), beside((x, y), rng)]))


def do_delete(partition: Partition, rng: random.Random) -> Change:
    return delete_vertex(partition, some_vertex(partition, rng))


def do_redraw(partition: Partition, rng: random.Random) -> Change:
    left = rng.choice(partition.codes)
    right = rng.choice(partition.neighbours(left))
    outlines = [shapely.boundary(partition.polygon(code)) for code in (left, right)]
    one, other = sorted(rng.sample(shapely.get_coordinates(shapely.intersection(*outlines)).tolist(), 2))
    middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
    return redraw_border(partition, left, right, shapely.LineString([one, beside(middle, rng), other]))


EDITS = {
    "split": do_split,
    "carve": do_carve,
    "give": do_give,
    "merge": do_merge,
    "remove": do_remove,
    "move a vertex": do_move,
    "insert a vertex": do_insert,
    "delete a vertex": do_delete,
    "redraw a border": do_redraw,
}


@pytest.mark.parametrize("name", EDITS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_random_edit_is_refused_with_a_reason_or_leaves_a_perfect_tiling(name: str, seed: int) -> None:
    rng = random.Random(seed)
    try:
        change = EDITS[name](TOWN, rng)
    except TilingError as refusal:
        assert refusal.code != "tiling_error"
        return
    newer = TOWN.replace(change)
    report = check(newer)
    assert report.ok, report.lines()
    assert all(newer.polygon(c) is TOWN.polygon(c) for c in newer.codes if c in TOWN and c not in change.touched)
    assert not any(have_same_bytes(shape, TOWN.polygon(c)) for c, shape in change.changed.items())
    for code in change.touched:
        xy = shapely.get_coordinates(newer.polygon(code))
        assert (xy == to_lattice(xy)).all()
    union = [shapely.coverage_union_all(p.polygons) for p in (TOWN, newer)]
    touched_m = sum(shapely.length(newer.polygon(code)) for code in change.touched)
    assert shapely.symmetric_difference(*union).area <= 0.001 * touched_m
    undone = newer.replace(TOWN.find_changes_since(newer))
    assert all(map(have_same_bytes, undone.polygons, TOWN.polygons))
    assert nodes_missing(newer) == set()


@pytest.mark.parametrize("name", EDITS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_an_edit_is_a_pure_function_of_the_tiling_and_its_arguments(name: str, seed: int) -> None:
    before = [shapely.to_wkb(shape) for shape in (*TOWN.polygons, TOWN.frame, *TOWN.areas.values())]
    fresh = Partition.of(TOWN.codes, TOWN.polygons, parents=TOWN.parents, frame=TOWN.frame, areas=TOWN.areas)
    assert told(name, TOWN, seed) == told(name, TOWN, seed) == told(name, fresh, seed)
    assert [shapely.to_wkb(shape) for shape in (*TOWN.polygons, TOWN.frame, *TOWN.areas.values())] == before


def told(name: str, town: Partition, seed: int) -> object:
    """Everything that an edit hands out, or why and where it is refused."""
    try:
        change = EDITS[name](town, random.Random(seed))
    except TilingError as refusal:
        return refusal.code, str(refusal), shapely.to_wkb(refusal.where)
    shapes = {**change.changed, **change.added, **change.areas, "the frame": change.frame}
    return {code: shapely.to_wkb(shape) for code, shape in shapes.items()}, change.removed, dict(change.parents)


def nodes_missing(town: Partition) -> set[tuple[float, float]]:
    """The nodes of grids that lie on the frame or on an area's ring, by less than a lattice step, and not in it."""
    nodes = {(x, y) for x, y in shapely.get_coordinates(town.polygons).tolist()}
    missing = set()
    for ring in (town.frame, *town.areas.values()):
        assert ring is not None
        own = {(x, y) for x, y in shapely.get_coordinates(ring).tolist()}
        rest = sorted(nodes - own)
        near = shapely.dwithin(shapely.points(rest), shapely.boundary(ring), 0.001)
        missing |= {node for node, is_near in zip(rest, near.tolist(), strict=True) if is_near}
    return missing


@pytest.mark.parametrize("way", ["fill", "add"])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_gap_goes_to_a_neighbour_or_becomes_a_grid_again_and_the_tiling_is_perfect(way: str, seed: int) -> None:
    rng = random.Random(seed)
    code = rng.choice(TOWN.codes)
    lost, near = TOWN.polygon(code), rng.choice(TOWN.neighbours(code))
    bare = TOWN.replace(Change(removed=(code,), parents={"n1": TOWN.parents[code]}))
    assert {defect.kind for defect in check(bare).defects} == {"gap"} and lost is not None
    if way == "add":
        newer = bare.replace(add(bare, lost.buffer(0.5), code="n1", parent=TOWN.parents[code]))
        assert shapely.equals(newer.polygon("n1"), lost)
    else:
        try:
            newer = bare.replace(fill_gap(bare, shapely.point_on_surface(lost), into=near))
        except NotNested as refusal:
            assert near[:12] != code[:12]
            assert shapely.equals(refusal.where, lost)
            return
        assert near[:12] == code[:12]
    assert check(newer).ok
    assert nodes_missing(newer) == set()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_split_then_merge_gives_the_outline_and_without_idle_nodes_the_vertices(seed: int) -> None:
    rng = random.Random(seed)
    code = rng.choice(CITY.codes)
    before = CITY.polygon(code)
    assert before is not None
    try:
        parted = CITY.replace(split(CITY, code, some_line(before, rng), new_code=["n1", "n2", "n3"]))
    except TilingError:
        return
    whole = parted.replace(merge(parted, [c for c in parted.codes if c == code or c not in CITY], into=code))
    outline = whole.polygon(code)
    assert outline is not None
    assert shapely.hausdorff_distance(shapely.boundary(outline), shapely.boundary(before)) <= 0.001
    old = {tuple(xy) for xy in shapely.get_coordinates(before).tolist()}
    new = [(x, y) for x, y in shapely.get_coordinates(outline).tolist() if (x, y) not in old]
    clean = whole.replace(drop_idle_nodes(whole, [code], among=new))
    assert check(clean).ok
    assert shapely.equals_exact(shapely.normalize(clean.polygon(code)), shapely.normalize(before), 0.0)
    pairs = zip(clean.polygons, CITY.polygons, strict=True)
    assert all(shapely.equals_exact(one, other, 0.0, normalize=True) for one, other in pairs)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_undo_gives_back_every_byte_of_polygons_frame_rings_and_parents(seed: int) -> None:
    rng = random.Random(seed)
    try:
        newer = TOWN.replace(rng.choice(list(EDITS.values()))(TOWN, rng))
    except TilingError:
        return
    undone = newer.replace(TOWN.find_changes_since(newer))
    assert undone.codes == TOWN.codes
    assert all(map(have_same_bytes, undone.polygons, TOWN.polygons))
    assert have_same_bytes(undone.frame, TOWN.frame)
    assert all(have_same_bytes(undone.areas[code], ring) for code, ring in TOWN.areas.items())
    assert {code: undone.parents[code] for code in TOWN.parents} == dict(TOWN.parents)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_areas_and_households_add_up_over_all_levels_after_any_edit(seed: int) -> None:
    rng = random.Random(seed)
    try:
        newer = TOWN.replace(rng.choice(list(EDITS.values()))(TOWN, rng))
    except TilingError:
        return
    assert newer.frame is not None
    assert sum(newer.areas_m2) == pytest.approx(newer.frame.area, rel=1e-9)
    houses = some_houses(newer, rng)
    uppers = {above for code in newer.codes for above in newer.ancestors(code)}
    for upper in uppers:
        parts = newer.children(upper)
        assert newer.polygon(upper).area == pytest.approx(sum(newer.polygon(part).area for part in parts), rel=1e-9)
        assert houses_in(newer, houses, upper) == sum(houses_in(newer, houses, part) for part in parts)
    tops = {(code, *newer.ancestors(code))[-1] for code in newer.codes}
    assert sum(houses_in(newer, houses, top) for top in tops) == len(houses)
    assert {d.kind for d in check(newer).defects} <= {"multipart"}


def some_houses(town: Partition, rng: random.Random) -> NDArray[np.object_]:
    """Points of the frame that lie on no border: those have an owner by their code, not by their place."""
    assert town.frame is not None
    west, south, east, north = town.frame.bounds
    places = shapely.points([(rng.uniform(west, east), rng.uniform(south, north)) for _ in range(400)])
    places = places[shapely.contains_properly(town.frame, places)]
    return places[np.unique(town.tree.query(places, predicate="within")[0])]


def houses_in(town: Partition, houses: NDArray[np.object_], code: str) -> int:
    """How many houses lie in the shape of a grid of any level: the upper ones are dissolves."""
    return int(shapely.contains_properly(town.polygon(code), houses).sum())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_every_point_of_the_frame_keeps_exactly_one_owner_through_a_chain_of_edits(seed: int) -> None:
    rng = random.Random(seed)
    town = CITY
    for _ in range(5):
        try:
            change = rng.choice([do_give, do_merge])(town, rng)
        except TilingError:
            continue
        town = town.replace(change)
    assert town.frame is not None
    west, south, east, north = town.frame.bounds
    points = shapely.points([(rng.uniform(west, east), rng.uniform(south, north)) for _ in range(300)])
    points = points[shapely.contains_properly(town.frame, points)]
    owners = np.bincount(town.tree.query(points, predicate="intersects")[0], minlength=len(points))
    assert (owners >= 1).all()
    interior = np.bincount(town.tree.query(points, predicate="within")[0], minlength=len(points))
    assert (interior <= 1).all()
    assert check(town).ok
