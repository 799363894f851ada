"""Grids of a file become drafts: codes, frames, neighbours, independent plans."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers import planning
from layers.access import service_actor
from layers.areas import Area
from layers.errors import Unacceptable
from layers.grids import Grid
from layers.importing import ImportOptions, StatedAs, compare_stated
from layers.importing.drafts import code_of
from layers.plans import Plan
from tests.drafts import DRAFTS
from tests.importing import BOW_TIE, OPERATOR, boxes, csv_file, geo_file, imported


def plan_of(session: Session, number: int) -> Plan:
    return session.get_one(Plan, number)


def publish(session: Session, number: int) -> Plan:
    report = planning.report_of(session, DRAFTS, number, by=OPERATOR)
    warnings = {defect["kind"] for defect in report["defects"] if defect["severity"] == "warning"}
    version = plan_of(session, number).version
    plan = planning.submit(session, DRAFTS, number, version=version, acknowledged=warnings, by=OPERATOR)
    return planning.publish(session, number, version=plan.version, by=service_actor("reviewer"))


def codes(session: Session, number: int) -> list[str]:
    return list(session.scalars(select(Grid.code).where(Grid.plan_id == number).order_by(Grid.code)))


def test_a_file_becomes_a_draft_whose_frame_is_its_union(session: Session, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(count=3), precinct=[1, 5, 17])
    report = imported(session, "grids", file, district="NYPD", frame="union")
    plan = plan_of(session, report.plans["NYPD"])
    assert (plan.state, plan.plan_version) == ("draft", None)
    assert codes(session, plan.id) == ["NYPD-1", "NYPD-17", "NYPD-5"]
    assert planning.report_of(session, DRAFTS, plan.id, by=OPERATOR)["ok"]
    assert session.get_one(Area, "NYPD").crs_epsg == 4548
    assert publish(session, plan.id).plan_version == 1


def test_codes_that_begin_with_the_district_stay_what_they_are() -> None:
    assert code_of("110105", "110105001") == "110105001"
    assert code_of("130273", "130273001035001") == "130273001035001"
    assert code_of("MNCD", "101") == "MNCD-101"
    assert code_of("1", "101") == "1-101"
    assert code_of("MNCD", "MNCD-101") == "MNCD-101"
    assert code_of("110105", "110106001") == "110105-110106001"


def test_a_file_of_several_districts_becomes_a_draft_for_each_with_names(session: Session, tmp_path: Path) -> None:
    file = geo_file(
        tmp_path, boxes(count=3), county_code=["110105", "110105", "110106"], county=["朝阳区", "朝阳区", "丰台区"],
        township_code=["110105001", None, "110106001"], township=["建外街道", "望京开发街道", "右安门街道"],
    )  # fmt: skip
    unsaid = imported(session, "grids", file, frame="union", dry_run=True)
    assert [(refusal.row, refusal.reason) for refusal in unsaid.refused] == [(2, "no_code")]
    names_too = {"township_code": "code", "township": "code"}
    report = imported(session, "grids", file, frame="union", mapping=names_too)
    assert list(report.plans) == ["110105", "110106"]
    names = session.execute(select(Grid.code, Grid.name).where(Grid.plan_id == report.plans["110105"]))
    assert dict(map(tuple, names)) == {"110105-望京开发街道": "望京开发街道", "110105001": "建外街道"}
    assert session.get_one(Area, "110105").name == "朝阳区"
    assert [publish(session, number).plan_version for number in report.plans.values()] == [1, 1]


def test_one_code_for_two_places_is_numbered_and_told_and_a_twin_refused(session: Session, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(count=3), code=["1", "1", "1"], name=["南苑镇", "南苑街道", "南苑街道"])
    report = imported(session, "grids", file, district="110106", frame="union")
    assert codes(session, report.plans["110106"]) == ["110106-1", "110106-1-2"]
    assert [note.values["stored"] for note in report.notes if note.code == "code_shared"] == ["110106-1-2"]
    assert [(refusal.row, refusal.reason) for refusal in report.refused] == [(3, "duplicate_code")]


def test_an_invalid_polygon_stays_in_the_draft_and_keeps_it_from_publishing(session: Session, tmp_path: Path) -> None:
    file = geo_file(tmp_path, [*boxes(), BOW_TIE, None], code=["a", "b", "c", "d"])
    report = imported(session, "grids", file, district="X", frame="union")
    number = report.plans["X"]
    assert session.scalar(select(func.count()).where(Grid.plan_id == number, Grid.imperfect)) == 1
    assert [(refusal.row, refusal.reason) for refusal in report.refused] == [(4, "no_geometry")]
    assert "invalid" in planning.report_of(session, DRAFTS, number, by=OPERATOR)["summary"]["by_kind"]
    with pytest.raises(Unacceptable, match="plan_has_errors"):
        publish(session, number)


def test_several_parts_are_declared_so_that_islands_can_be_published(session: Session, tmp_path: Path) -> None:
    left, middle, right = boxes(count=3)
    file = geo_file(tmp_path, [shapely.MultiPolygon([left, right]), middle], code=["a", "b"])
    report = imported(session, "grids", file, district="X", frame="union")
    assert session.scalar(select(Grid.parts_allowed).where(Grid.code == "X-a")) is True
    assert publish(session, report.plans["X"]).plan_version == 1


def test_without_a_stored_boundary_a_frame_must_be_given(session: Session, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(), code=["a", "b"])
    with pytest.raises(Unacceptable, match="district_not_stored"):
        imported(session, "grids", file, district="X")
    with pytest.raises(Unacceptable, match="district_missing"):
        imported(session, "grids", file, frame="union")


def test_a_stored_boundary_or_a_file_is_the_frame(session: Session, tmp_path: Path) -> None:
    whole = shapely.box(118.1, 39.6, 118.106, 39.602)
    boundary = geo_file(tmp_path, [whole], file_name="x.parquet", code=["130273"], name=["高新区"])
    imported(session, "areas", boundary)
    file = geo_file(tmp_path, boxes(count=2), code=["a", "b"])
    for frame in (None, str(boundary)):
        report = imported(session, "grids", file, district="130273", frame=frame)
        told = planning.report_of(session, DRAFTS, report.plans["130273"], by=OPERATOR)
        assert told["summary"]["by_kind"]["gap"] == 1


def test_plans_over_the_same_ground_are_independent_and_remarked_on(session: Session, tmp_path: Path) -> None:
    precincts = geo_file(tmp_path, boxes(count=4), code=["1", "2", "3", "4"])
    publish(session, imported(session, "grids", precincts, district="NYPD", frame="union").plans["NYPD"])
    boards = geo_file(tmp_path, boxes(count=2, side=0.004), code=["101", "102"])
    report = imported(session, "grids", boards, district="MNCD", frame="union")
    assert [note.values["count"] for note in report.notes if note.code == "independent_plans"] == [1]
    assert publish(session, report.plans["MNCD"]).plan_version == 1


def test_a_neighbour_that_overlaps_in_part_is_refused_with_the_place(session: Session, tmp_path: Path) -> None:
    first = geo_file(tmp_path, boxes(count=2), code=["1", "2"])
    publish(session, imported(session, "grids", first, district="A", frame="union").plans["A"])
    second = geo_file(tmp_path, boxes(count=2, lon=118.1038), code=["1", "2"])
    with pytest.raises(Unacceptable, match="frame_overlaps") as caught:
        imported(session, "grids", second, district="B", frame="union")
    assert caught.value.where is not None
    assert caught.value.where.bounds == pytest.approx((118.1038, 39.6, 118.104, 39.602), abs=1e-8)
    beside = geo_file(tmp_path, boxes(count=2, lon=118.104), code=["1", "2"])
    assert imported(session, "grids", beside, district="B", frame="union").plans


def test_sub_grids_need_their_grid(session: Session, tmp_path: Path) -> None:
    rows = [shapely.union_all(boxes()), *boxes(), *boxes(count=1, lon=118.3)]
    codes_ = ["130273001001001", "13027300100100101", "13027300100100102", "13027300100100901"]
    report = imported(session, "grids", geo_file(tmp_path, rows, code=codes_), district="130273", frame="union")
    assert [(refusal.row, refusal.reason) for refusal in report.refused] == [(4, "no_such_parent")]
    levels = session.execute(select(Grid.code, Grid.level).where(Grid.plan_id == report.plans["130273"]))
    assert dict(map(tuple, levels)) == dict(zip(codes_[:3], ["grid", "sub_grid", "sub_grid"], strict=True))


def test_a_dry_run_makes_no_plan(session: Session, tmp_path: Path) -> None:
    report = imported(
        session, "grids", geo_file(tmp_path, boxes(), code=["a", "b"]), district="X", frame="union", dry_run=True
    )
    assert (report.stored, report.plans) == (2, {})
    assert session.scalar(select(func.count(Plan.id))) == 0


def test_stated_grids_are_compared_with_the_published_plan(session: Session, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(count=3), code=["1", "2", "3"])
    publish(session, imported(session, "grids", file, district="P", frame="union").plans["P"])
    points = csv_file(
        tmp_path,
        lon=[118.101, 118.101, 118.101, 118.5, 118.101, None],
        lat=[39.601] * 6,
        beat=["Beat 1", "Beat 2", "Unspecified", "Beat 3", "no idea", "Beat 1"],
    )
    result = compare_stated(
        session,
        points,
        column="beat",
        stated_as=StatedAs(district="P", pattern=r"Beat (\d+)"),
        options=ImportOptions(datum="wgs84"),
        by=OPERATOR,
    )
    assert (result.stating, result.agreeing) == (4, 1)
    assert [(miss.row, miss.stated, miss.found) for miss in result.misses] == [
        (2, "P-2", "P-1"),
        (4, "P-3", None),
        (5, "no idea", "P-1"),
    ]
    # A thousandth of a degree of longitude at 39.6 degrees north is 85.9 m.
    assert result.misses[0].distance_m == pytest.approx(85.9, abs=0.3)
