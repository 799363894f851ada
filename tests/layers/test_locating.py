"""The atlas: one answer about a point, with its chain, at any moment, from memory and from bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Engine, func, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.db import transaction
from layers.errors import NotFound, Unavailable
from layers.grids import Grid
from layers.locating import Atlas, Rules, build_index, load_atlas, load_edition, pack_atlas, unpack_atlas, versions
from layers.plans import Plan, Publication
from layers.workers import Worker
from tests.small_city import IN_FORCE_SINCE, SmallCity, load_small_city, stored
from tiling.locate import DistrictIndex, PointLocator, SnapshotDamaged

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def city(session: Session) -> SmallCity:
    return load_small_city(session)


@pytest.fixture
def atlas(session: Session, city: SmallCity) -> Atlas:
    return load_atlas(session, at=NOW)


def add_plan(session: Session, city: SmallCity, *, since: datetime, version: int) -> int:
    """Another published plan of the same shapes, in force from a moment on."""
    old = session.get_one(Plan, city.plan_id)
    old.in_force = Range(old.in_force.lower if old.in_force else None, since)
    session.flush()
    plan = Plan(district=city.district, state="published", plan_version=version, created_by="x", frame=old.frame)
    plan.in_force = Range(since, None)
    session.add(plan)
    session.flush()
    for grid in session.query(Grid).where(Grid.plan_id == city.plan_id).all():
        values = {column.name: getattr(grid, column.name) for column in Grid.__table__.columns}
        session.add(Grid(**values | {"plan_id": plan.id, "name": f"new {grid.code}"}))
    session.add(Publication(district=city.district, plan_id=plan.id, plan_version=version, effective_at=since))
    session.flush()
    return plan.id


def test_a_point_in_a_sub_grid_comes_back_with_its_whole_chain(atlas: Atlas, city: SmallCity) -> None:
    code = next(code for code in city.codes if len(code) == 17)
    told = atlas.locate(*city.inside(code), at=NOW)
    assert told.relation == "inside"
    assert told.sub_grid is not None and told.sub_grid.code == code
    assert told.grid is not None and (told.grid.code, told.grid.kind) == (code[:15], "base")
    assert [(step.level, step.code) for step in told.path] == [
        ("district", code[:6]),
        ("subdistrict", code[:9]),
        ("community", code[:12]),
    ]
    assert [(one.worker, one.level) for one in told.responsible] == [
        (city.worker_of[code], "sub_grid"),
        (city.worker_of[code[:15]], "grid"),
    ]
    assert told.plan_version == 1


def test_a_grid_without_sub_grids_has_none_in_its_answer(atlas: Atlas, city: SmallCity) -> None:
    code = next(code for code in city.codes if len(code) == 15)
    told = atlas.locate(*city.inside(code), at=NOW)
    assert told.grid is not None and told.grid.code == code and told.sub_grid is None


def test_the_answer_for_a_tile_is_the_answer_for_any_point_in_it(atlas: Atlas, city: SmallCity) -> None:
    page = atlas.page(NOW)
    for code in city.codes:
        lon, lat = city.inside(code)
        assert page.location_of(page.locator.one(lon, lat), at=NOW) == atlas.locate(lon, lat, at=NOW)


def test_on_a_border_the_smallest_code_answers_and_the_other_grids_are_candidates(
    atlas: Atlas, city: SmallCity
) -> None:
    shapes = dict(zip(city.codes, city.shapes.polygons, strict=True))
    one, other = next(
        (a, b) for a in city.codes for b in city.codes if a[:15] < b[:15] and shapes[a].intersection(shapes[b]).length
    )
    x, y = shapely.get_coordinates(shapes[one].boundary.intersection(shapes[other].boundary))[0]
    told = atlas.locate(x, y, at=NOW)
    touching = sorted(code for code, shape in shapes.items() if shape.intersects(shapely.Point(x, y)))
    assert told.relation == "border"
    assert told.grid is not None and told.grid.code == touching[0][:15]
    others = sorted({code[:15] for code in touching} - {touching[0][:15]})
    assert [candidate.code for candidate in told.candidates] == others


def test_on_a_border_inside_one_grid_its_other_sub_grid_is_the_candidate(atlas: Atlas, city: SmallCity) -> None:
    shapes = dict(zip(city.codes, city.shapes.polygons, strict=True))
    one, other = next(
        (a, b) for a in city.codes for b in city.codes if a < b and a[:15] == b[:15] and shapes[a].touches(shapes[b])
    )
    seam = shapely.get_parts(shapes[one].boundary.intersection(shapes[other].boundary))[0]
    others = [shape for code, shape in shapes.items() if code not in (one, other)]
    inner = [xy for xy in shapely.get_coordinates(seam) if not shapely.intersects(others, shapely.Point(xy)).any()]
    assert inner, "the seam of two sub-grids has a vertex that no other grid touches"
    told = atlas.locate(*inner[0], at=NOW)
    assert told.sub_grid is not None
    assert (told.relation, told.sub_grid.code) == ("border", one)
    assert [candidate.code for candidate in told.candidates] == [other]


def test_far_outside_there_is_no_grid_and_no_path(atlas: Atlas, city: SmallCity) -> None:
    told = atlas.locate(*city.outside, at=NOW)
    assert (told.relation, told.grid, told.path, told.plan_version) == ("outside", None, (), None)


def test_before_the_first_plan_every_point_is_outside(atlas: Atlas, city: SmallCity) -> None:
    told = atlas.locate(*city.inside(city.codes[0]), at=IN_FORCE_SINCE - timedelta(seconds=1))
    assert told.relation == "outside"


def test_a_gap_names_the_nearest_grid_and_the_smallest_area_that_holds_the_point(
    session: Session, city: SmallCity
) -> None:
    gone = next(code for code in city.codes if len(code) == 15)
    lon, lat = city.inside(gone)
    session.query(Grid).where(Grid.code == gone).delete()
    near = load_atlas(session, at=NOW, rules=Rules(gap_fallback_m=500.0)).locate(lon, lat, at=NOW)
    far = load_atlas(session, at=NOW, rules=Rules(gap_fallback_m=1.0)).locate(lon, lat, at=NOW)
    assert near.relation == far.relation == "gap"
    assert near.grid is not None and near.grid.code != gone and far.grid is None
    assert [step.code for step in near.path] == [gone[:6], gone[:9], gone[:12]]
    assert near.plan_version == 1


def test_with_an_accuracy_every_grid_within_it_is_listed_nearest_first(atlas: Atlas, city: SmallCity) -> None:
    lon, lat = city.inside(city.codes[0])
    told = atlas.locate(lon, lat, accuracy_m=200.0, at=NOW)
    distances = [candidate.distance_m for candidate in told.candidates]
    assert told.candidates[0].code == city.codes[0][:15] and distances[0] == 0.0
    assert distances == sorted(distances) and len(distances) > 3
    assert told.distance_to_border_m is not None and 0.0 < told.distance_to_border_m < 60.0


def test_overlays_are_listed_and_do_not_take_part_in_the_tiling(session: Session, city: SmallCity) -> None:
    lon, lat = city.inside(city.codes[0])
    overlay = stored(shapely.box(lon - 0.0001, lat - 0.0001, lon + 0.0001, lat + 0.0001))
    values = {"level": "grid", "kind": "dedicated", "exclusive": False, "geom": overlay}
    session.add(Grid(plan_id=city.plan_id, code="130273-P1", name="巡查一队", **values))
    session.flush()
    atlas = load_atlas(session, at=NOW)
    told = atlas.locate(lon, lat, at=NOW)
    assert [(one.code, one.exclusive) for one in told.dedicated] == [("130273-P1", False)]
    assert told.grid is not None and told.grid.code == city.codes[0][:15]
    assert atlas.locate(*city.inside(city.codes[-1]), at=NOW).dedicated == ()


def test_the_past_and_the_future_are_answered_by_the_plan_in_force_then(session: Session, city: SmallCity) -> None:
    add_plan(session, city, since=NOW + timedelta(days=1), version=2)
    atlas = load_atlas(session, at=NOW)
    lon, lat = city.inside(city.codes[0])
    today = atlas.locate(lon, lat, at=NOW + timedelta(days=1) - timedelta(microseconds=1))
    tomorrow = atlas.locate(lon, lat, at=NOW + timedelta(days=1))
    assert (today.plan_version, tomorrow.plan_version) == (1, 2)
    assert tomorrow.grid is not None and tomorrow.grid.name.startswith("new ")
    assert atlas.find_next_change(NOW) == NOW + timedelta(days=1)


def test_an_older_plan_is_not_loaded_and_says_so_until_it_is_given(session: Session, city: SmallCity) -> None:
    add_plan(session, city, since=NOW - timedelta(days=1), version=2)
    atlas = load_atlas(session, at=NOW)
    then = NOW - timedelta(days=30)
    assert atlas.list_missing(then) == (city.plan_id,) and atlas.list_missing(NOW) == ()
    with pytest.raises(Unavailable):
        atlas.locate(*city.inside(city.codes[0]), at=then)
    page = atlas.page_with(then, {city.plan_id: load_edition(session, city.plan_id)})
    assert page.locate(*city.inside(city.codes[0]), at=then).plan_version == 1


def test_an_atlas_keeps_the_editions_that_did_not_change(session: Session, city: SmallCity) -> None:
    first = load_atlas(session, at=NOW)
    add_plan(session, city, since=NOW + timedelta(days=1), version=2)
    second = load_atlas(session, previous=first, at=NOW)
    assert second.editions[city.plan_id] is first.editions[city.plan_id]
    assert second.charges is first.charges
    assert second.index_version > first.index_version


def test_a_new_name_of_an_area_or_a_worker_is_seen(engine: Engine) -> None:
    with transaction(engine) as session:
        city = load_small_city(session)
    with transaction(engine) as session:
        first, before = load_atlas(session, at=NOW), versions(session)
        session.execute(update(Area).where(Area.code == city.district).values(name="renamed"))
        session.execute(update(Worker).values(name="somebody"))
    with transaction(engine) as session:
        assert versions(session) != before
        told = load_atlas(session, previous=first, at=NOW).locate(*city.inside(city.codes[0]), at=NOW)
    assert told.path[0].name == "renamed" and told.responsible[0].name == "somebody"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"name": "somebody"}, True),
        ({"number": "9" * 12}, True),
        ({"active": False}, True),
        # Each report writes the first of them; an atlas tells nothing of them, and is not made anew.
        ({"last_assigned_at": NOW}, False),
        ({"phone": "13800000000"}, False),
    ],
)
def test_an_atlas_is_made_anew_for_what_it_tells_of_a_worker_alone(
    session: Session, city: SmallCity, change: dict[str, Any], seen: bool
) -> None:
    before = versions(session)
    one = session.scalar(select(func.min(Worker.id)))
    session.execute(update(Worker).where(Worker.id == one).values(**change))
    assert (versions(session) != before) is seen


def test_a_stored_snapshot_is_used_and_a_damaged_one_built_anew(session: Session, city: SmallCity) -> None:
    good = build_index(session, city.plan_id).to_bytes()
    session.execute(update(Publication).values(snapshot=good))
    session.query(Grid).where(Grid.code == city.codes[0]).delete()
    lon, lat = city.inside(city.codes[0])
    stored_one = load_edition(session, city.plan_id).index
    assert city.codes[0] in stored_one.tile_codes, "the snapshot still has the tile that the table lost"
    session.execute(update(Publication).values(snapshot=good[:-1] + b"x"))
    assert city.codes[0] not in load_edition(session, city.plan_id).index.tile_codes
    assert PointLocator([DistrictIndex.from_buffer(good)]).one(lon, lat) >= 0


def test_an_unknown_plan_has_no_index(session: Session) -> None:
    with pytest.raises(NotFound):
        build_index(session, 10**9)


def test_an_atlas_packed_and_unpacked_gives_the_same_answers(session: Session, city: SmallCity) -> None:
    overlay = from_shape(shapely.MultiPolygon([city.shapes.polygons[0]]), srid=4326)
    values = {"level": "grid", "kind": "dedicated", "exclusive": False, "geom": overlay}
    session.add(Grid(plan_id=city.plan_id, code="130273-P1", name="巡查一队", **values))
    session.flush()
    atlas = load_atlas(session, at=NOW)
    again, more = unpack_atlas(pack_atlas(atlas, more={"keys": ["a"]}), rules=atlas.rules)
    assert more == {"keys": ["a"]}
    assert again.terms == atlas.terms and again.charges == atlas.charges and again.bounds == atlas.bounds
    for code in city.codes:
        assert again.locate(*city.inside(code), at=NOW) == atlas.locate(*city.inside(code), at=NOW)


def test_a_packed_atlas_that_was_changed_or_cut_is_refused(atlas: Atlas) -> None:
    packed = pack_atlas(atlas, more={})
    for damaged in (packed[:-100], packed[:1000] + b"?" + packed[1001:], b""):
        with pytest.raises(SnapshotDamaged):
            unpack_atlas(damaged, rules=atlas.rules)
