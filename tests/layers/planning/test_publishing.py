"""A publication is certified, what lies on the ground follows it, and codes keep their lineage."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers import planning
from layers.buildings import Building
from layers.categories import Category
from layers.errors import Conflict, Forbidden, Unacceptable
from layers.grids import Grid
from layers.hazards import Hazard
from layers.households import Household
from layers.planning.edits import operations
from layers.planning.state import codes
from layers.plans import Lineage, Plan
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, REVIEWER, WARNINGS, add_areas, add_buildings, add_published, rows_of

CITY = synthetic_city(12, sub_grids=(1,), seed=4)
NOW = datetime.now(UTC)


@pytest.fixture
def published(session: Session) -> Plan:
    return add_published(session, CITY)


def neighbours() -> tuple[str, str]:
    """Two grids of one community that share a border, the smaller code first."""
    partition = CITY.partition()
    for code in partition.codes:
        for other in partition.neighbours(code):
            if code < other and code[:12] == other[:12]:
                return code, other
    raise AssertionError


def inside(code: str) -> str:
    point = CITY.polygons[CITY.codes.index(code)].representative_point()
    return f"SRID=4326;{point.wkt}"


def add_hazard(session: Session, code: str) -> Hazard:
    category = session.scalars(select(Category.code)).first()
    if category is None:
        session.add(Category(code="facility", name="公共设施"))
        session.flush()
        category = "facility"
    hazard = Hazard(
        category=category, found_at=NOW, geom=inside(code), raw_lon=0.0, raw_lat=0.0, grid_code=code, current_code=code
    )
    session.add(hazard)
    session.flush()
    return hazard


def draft_with_merge(session: Session) -> tuple[Plan, str, str]:
    small, large = neighbours()
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    operation = operations.Merge(codes=(large, small))
    planning.edit(session, DRAFTS, plan.id, operation, version=plan.version, by=DRAWER)
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    return plan, small, large


def test_a_hazard_on_merged_ground_gets_the_new_code_and_keeps_that_of_its_ingest(
    session: Session, published: Plan
) -> None:
    small, large = neighbours()
    hazard = add_hazard(session, large)
    plan, small, large = draft_with_merge(session)
    planning.publish(session, plan.id, version=plan.version, by=REVIEWER)
    session.refresh(hazard)
    assert (hazard.grid_code, hazard.current_code) == (large, small)


def test_a_scheduled_plan_is_followed_when_its_time_has_come(session: Session, published: Plan) -> None:
    hazard = add_hazard(session, neighbours()[1])
    plan, small, large = draft_with_merge(session)
    at = datetime.now(UTC) + timedelta(days=2)
    planning.publish(session, plan.id, version=plan.version, effective_at=at, by=REVIEWER)
    assert planning.settle(session, now=at - timedelta(minutes=1)) == []
    session.refresh(hazard)
    assert hazard.current_code == large
    assert planning.settle(session, now=at + timedelta(minutes=1)) == [plan.id]
    session.refresh(hazard)
    session.refresh(published)
    assert hazard.current_code == small and published.state == "archived"
    assert planning.settle(session, now=at + timedelta(minutes=2)) == []


def test_a_plan_may_not_come_into_force_before_one_that_is_scheduled(session: Session, published: Plan) -> None:
    plan, *_ = draft_with_merge(session)
    at = datetime.now(UTC) + timedelta(days=2)
    planning.publish(session, plan.id, version=plan.version, effective_at=at, by=REVIEWER)
    later = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    planning.submit(session, DRAFTS, later.id, version=later.version, acknowledged=WARNINGS, by=DRAWER)
    with pytest.raises(Unacceptable):
        planning.publish(session, later.id, version=later.version, by=REVIEWER)


def test_the_certificate_can_be_recomputed_from_its_own_content(published: Plan) -> None:
    certificate = dict(published.certificate or {})
    told = certificate.pop("sha256")
    canonical = json.dumps(certificate, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert told == hashlib.sha256(canonical.encode()).hexdigest()
    assert certificate["counts"]["grids"] == 12 and certificate["published_by"] == "reviewer"


def test_nobody_publishes_what_they_edited(session: Session, published: Plan) -> None:
    plan, *_ = draft_with_merge(session)
    with pytest.raises(Forbidden):
        planning.publish(session, plan.id, version=plan.version, by=DRAWER)


def test_warnings_are_acknowledged_at_submission(session: Session) -> None:
    add_areas(session, CITY, household_target=30)
    plan = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    with pytest.raises(Unacceptable) as refused:
        planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=[], by=DRAWER)
    assert [message for _, message in refused.value.errors] == ["households_out_of_range"]
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    assert plan.acknowledged == ["households_out_of_range"]


def test_a_merge_writes_down_whose_ground_went_on(session: Session, published: Plan) -> None:
    _, small, large = draft_with_merge(session)
    line = session.get_one(Lineage, (CITY.district, small))
    assert line.ancestors == [large]


def test_an_archived_plan_is_restored_as_a_draft_with_its_old_codes(session: Session, published: Plan) -> None:
    plan, _, large = draft_with_merge(session)
    planning.publish(session, plan.id, version=plan.version, by=REVIEWER)
    restored = planning.create(session, CITY.district, based_on=published.id, by=DRAWER)
    kept = session.scalars(select(Grid.code).where(Grid.plan_id == restored.id)).all()
    assert large in kept and restored.based_on == plan.id
    planning.submit(session, DRAFTS, restored.id, version=restored.version, acknowledged=WARNINGS, by=DRAWER)
    assert planning.publish(session, restored.id, version=restored.version, by=REVIEWER).plan_version == 3


def test_a_building_counts_where_it_was_put_by_hand_and_its_households_where_they_live(session: Session) -> None:
    add_areas(session, CITY)
    total = add_buildings(session, CITY, number=80, side_m=2.0)
    small, large = neighbours()
    building = session.scalars(select(Building).where(func.ST_Covers(_shape(small), Building.inner_point))).first()
    assert building is not None
    building.grid_override = large
    other = session.scalars(
        select(Building).where(func.ST_Covers(_shape(small), Building.inner_point), Building.id != building.id)
    ).first()
    assert other is not None
    session.add_all(Household(building_id=other.id, sub_grid_override=large) for _ in range(3))
    session.flush()
    plan = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    counted = dict(session.execute(select(Grid.code, Grid.households).where(Grid.plan_id == plan.id)).all())
    in_large = session.scalar(
        select(func.sum(Building.households)).where(func.ST_Covers(_shape(large), Building.inner_point))
    )
    assert counted[large] == (in_large or 0) + building.households + 3
    assert sum(counted.values()) == total


def _shape(code: str) -> object:
    polygon = CITY.polygons[CITY.codes.index(code)]
    return func.ST_GeomFromText(polygon.wkt, 4326)


@pytest.mark.parametrize(
    ("parent", "level", "taken", "expected"),
    [
        ("130273001001", "grid", {"130273001001001", "130273001001007"}, "130273001001008"),
        ("130273001001", "grid", set(), "130273001001001"),
        ("130273001001008", "sub_grid", {"13027300100100802"}, "13027300100100803"),
        ("36061", "grid", {"36061-22", "36061-4", "36061-riverside"}, "36061-23"),
        ("36061-22", "sub_grid", {"36061-22-01"}, "36061-22-02"),
    ],
)
def test_a_new_code_is_the_next_free_number(parent: str, level: str, taken: set[str], expected: str) -> None:
    assert codes.scheme_of(parent[:6].split("-")[0], parent, level=level).choose_code(parent, taken=taken) == expected


def test_a_community_has_999_codes_and_no_more() -> None:
    with pytest.raises(Conflict):
        codes.Numbered().choose_code("130273001001", taken={"130273001001999"})


def test_the_difference_counts_the_buildings_that_change_hands(session: Session) -> None:
    add_areas(session, CITY)
    add_buildings(session, CITY, number=400, side_m=2.0)
    first = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    planning.submit(session, DRAFTS, first.id, version=first.version, acknowledged=WARNINGS, by=DRAWER)
    planning.publish(session, first.id, version=first.version, by=REVIEWER)
    plan, small, large = draft_with_merge(session)
    told = planning.difference_of(session, DRAFTS, plan.id, against="published", by=DRAWER)
    held = session.execute(
        select(Grid.buildings, Grid.households).where(Grid.plan_id == first.id, Grid.code == large)
    ).one()
    assert told["removed"] == [large] and told["reshaped"] == [small] and told["added"] == []
    assert held.buildings > 0 and (told["buildings"], told["households"]) == tuple(held)
    assert [(move["from"], move["to"]) for move in told["moves"]] == [(large, small)]
