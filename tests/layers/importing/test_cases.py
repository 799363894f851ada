"""Hazards and incidents: times, words, and the grid they lie in when they come in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.errors import Unacceptable
from layers.hazards import Hazard
from layers.incidents import Incident, IncidentStep
from tests.importing import csv_file, imported
from tests.small_city import SmallCity, load_small_city
from tiling import datums


@pytest.fixture
def city(session: Session) -> SmallCity:
    return load_small_city(session)


def points_file(folder: Path, places: list[tuple[float, float]], **columns: list[object]) -> Path:
    told = {"incident_id": list(range(len(places))), "created_at": ["2026-02-27T08:00:00+08:00"] * len(places)}
    lon, lat = zip(*places, strict=True)
    return csv_file(folder, **{**told, "longitude": list(lon), "latitude": list(lat), **columns})


def test_a_hazard_gets_the_finest_tile_and_the_plan_in_force(session: Session, city: SmallCity, tmp_path: Path) -> None:
    codes = city.codes[:3]
    imported(session, "hazards", points_file(tmp_path, [city.inside(code) for code in codes]), datum="wgs84")
    stored = session.scalars(select(Hazard).order_by(Hazard.external_id)).all()
    assert [hazard.current_code for hazard in stored] == list(codes)
    assert {hazard.plan_version for hazard in stored} == {city.plan_version}
    for hazard in stored:
        assert hazard.district == city.district
        assert hazard.grid_code == (hazard.sub_grid_code or hazard.current_code)[:15]


def test_every_relation_is_told_apart(session: Session, city: SmallCity, tmp_path: Path) -> None:
    corner = shapely.get_coordinates(city.shapes.polygons[0])
    tiles = list(city.shapes.polygons)
    shared = next(tuple(p) for p in corner if sum(tile.touches(shapely.Point(p)) for tile in tiles) > 1)
    owners = [code for code, tile in zip(city.codes, tiles, strict=True) if tile.covers(shapely.Point(shared))]
    file = points_file(tmp_path, [city.inside(city.codes[0]), shared, city.outside])
    report = imported(session, "incidents", file, datum="wgs84")
    stored = session.scalars(select(Incident).order_by(Incident.external_id)).all()
    assert [incident.relation for incident in stored] == ["inside", "border", "outside"]
    assert stored[1].current_code == min(owners)
    assert stored[2].current_code is None
    assert [note.values for note in report.notes if note.code == "in_no_grid"] == [{"count": 1}]


def test_the_raw_position_is_kept_beside_the_one_in_wgs84(session: Session, city: SmallCity, tmp_path: Path) -> None:
    lon, lat = city.inside(city.codes[0])
    raw = tuple(round(value, 9) for value in datums.from_wgs84(lon, lat, "gcj02"))
    imported(session, "hazards", points_file(tmp_path, [raw]), datum="gcj02")
    hazard = session.scalars(select(Hazard)).one()
    assert (hazard.datum, hazard.raw_lon, hazard.raw_lat) == ("gcj02", raw[0], raw[1])
    assert hazard.current_code == city.codes[0]


def test_times_without_an_offset_need_a_zone(session: Session, city: SmallCity, tmp_path: Path) -> None:
    place = [city.inside(city.codes[0])]
    file = points_file(tmp_path, place, created_at=["2026-02-27T08:00:00"], closed_at=["2026-02-27T09:00:00"])
    with pytest.raises(Unacceptable, match="times_need_a_zone"):
        imported(session, "hazards", file, datum="wgs84")
    imported(session, "hazards", file, datum="wgs84", tz="America/New_York")
    hazard = session.scalars(select(Hazard)).one()
    assert hazard.found_at == datetime(2026, 2, 27, 13, tzinfo=UTC)
    assert (hazard.state, hazard.rectified_at) == ("rectified", datetime(2026, 2, 27, 14, tzinfo=UTC))


def test_what_ends_before_it_begins_is_refused(session: Session, city: SmallCity, tmp_path: Path) -> None:
    file = points_file(tmp_path, [city.inside(city.codes[0])], closed_at=["2026-02-26T09:00:00+08:00"])
    for layer in ("hazards", "incidents"):
        assert imported(session, layer, file, datum="wgs84").count_by_reason() == {"closed_before_opened": 1}


def test_foreign_categories_are_translated_and_their_words_kept(
    session: Session, city: SmallCity, tmp_path: Path
) -> None:
    words = ["Illegal Parking", "WATER LEAK", "跑水漏水", "fire", "Cannabis Retailer"]
    file = points_file(
        tmp_path, [city.inside(city.codes[0])] * 5, category=words, descriptor=["a", "b", "c", "d", None]
    )
    report = imported(session, "incidents", file, datum="wgs84")
    stored = session.execute(select(Incident.category, Incident.description).order_by(Incident.external_id)).all()
    assert [tuple(row) for row in stored] == [
        ("parking", "Illegal Parking: a"),
        ("water_leak", "b"),
        ("water_leak", "c"),
        ("fire", "d"),
        ("other", "Cannabis Retailer"),
    ]
    assert [note.values["words"] for note in report.notes if note.code == "categories_other"] == ["Cannabis Retailer"]


def test_a_second_import_leaves_alone_what_was_done_here(session: Session, city: SmallCity, tmp_path: Path) -> None:
    place = [city.inside(city.codes[0])]
    imported(session, "incidents", points_file(tmp_path, place, status=["Open"]), datum="wgs84")
    incident = session.scalars(select(Incident)).one()
    incident.state, incident.grid_code = "accepted", "130273001001777"
    session.flush()
    report = imported(session, "incidents", points_file(tmp_path, place, status=["Assigned"]), datum="wgs84")
    session.refresh(incident)
    assert (report.stored, report.changed) == (1, 1)
    assert (incident.state, incident.grid_code) == ("accepted", "130273001001777")
    assert session.scalar(select(func.count(IncidentStep.id))) == 1


def test_a_waiting_incident_is_closed_by_a_file_that_says_so(session: Session, city: SmallCity, tmp_path: Path) -> None:
    place = [city.inside(city.codes[0])]
    imported(session, "incidents", points_file(tmp_path, place), datum="wgs84")
    incident = session.scalars(select(Incident)).one()
    incident.state, incident.waiting_reason = "waiting", "nobody_on_duty"
    session.flush()
    closed = points_file(tmp_path, place, status=["Closed"], closed_at=["2026-02-27T09:00:00+08:00"])
    imported(session, "incidents", closed, datum="wgs84")
    session.refresh(incident)
    assert (incident.state, incident.waiting_reason) == ("closed", None)
    assert incident.closed_at == datetime(2026, 2, 27, 1, tzinfo=UTC)
