"""Workers, shifts, households and devices from tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.assignments import Assignment
from layers.buildings import Building
from layers.devices import Device
from layers.errors import Forbidden, Unacceptable
from layers.households import Household
from layers.shifts import Shift
from layers.workers import Worker
from tests.importing import boxes, csv_file, geo_file, imported
from tests.small_city import SmallCity, load_small_city


@pytest.fixture
def city(session: Session) -> SmallCity:
    return load_small_city(session)


def test_workers_come_in_with_their_charge_once(session: Session, city: SmallCity, tmp_path: Path) -> None:
    file = csv_file(
        tmp_path,
        工号=["W1", "W2", "W3", "W1"],
        姓名=["张三", "李四", None, "张三"],
        岗位=["网格员", "grid_leader", "网格员", "网格员"],
        手机=["13800000000", None, None, None],
        网格编码=[city.codes[0], "130273009009009", None, None],
    )
    for _ in range(2):
        report = imported(session, "workers", file, district="130273")
        assert report.count_by_reason() == {"no_such_grid": 1, "field_missing": 1, "duplicate_id": 1}
        assert report.stored == 1
    worker = session.scalars(select(Worker).where(Worker.number == "W1")).one()
    assert (worker.name, worker.role, worker.area, worker.phone) == ("张三", "grid_worker", "130273", "13800000000")
    assert session.scalar(select(func.count()).where(Assignment.worker_id == worker.id)) == 1


def test_shifts_are_half_open_and_not_doubled(session: Session, city: SmallCity, tmp_path: Path) -> None:
    number = session.scalars(select(Worker.number).order_by(Worker.number)).first()
    file = csv_file(
        tmp_path,
        worker=[number, "nobody", number, number],
        start=["2026-03-01 20:00", "2026-03-01 20:00", "2026-03-02 06:00", "2026-03-01 00:00"],
        end=["2026-03-02 06:00", "2026-03-02 06:00", "2026-03-02 05:00", "2026-03-09 00:00"],
    )
    with pytest.raises(Unacceptable, match="times_need_a_zone"):
        imported(session, "shifts", file)
    for changed in (0, 1):
        report = imported(session, "shifts", file, tz="Asia/Shanghai")
        assert (report.stored, report.changed) == (1, changed)
        assert report.count_by_reason() == {"shift_out_of_range": 2, "no_such_worker": 1}
    span = session.scalars(select(Shift.span).order_by(Shift.id.desc())).first()
    assert span is not None
    assert (span.lower, span.upper, span.bounds) == (
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 22, tzinfo=UTC),
        "[)",
    )


def test_households_are_counted_on_their_building(session: Session, tmp_path: Path) -> None:
    imported(session, "buildings", geo_file(tmp_path, boxes(), id=["b1", "b2"]), district="130273")
    file = csv_file(
        tmp_path,
        building=["b1", "b1", "b1", "b9", "b1"],
        unit=[1, 1, 2, 1, 1],
        room=["101", "102", "101", "101", "101"],
        classes=["独居老人;党员", "tenant", None, None, "tenant"],
        members=[1, 3, None, 2, 2],
    )
    for changed in (0, 3):
        report = imported(session, "households", file)
        assert (report.stored, report.changed) == (3, changed)
        assert report.count_by_reason() == {"no_such_building": 1, "duplicate_id": 1}
    counts = session.execute(select(Building.external_id, Building.households).order_by(Building.external_id)).all()
    assert [tuple(row) for row in counts] == [("b1", 3), ("b2", 0)]
    first = session.scalars(select(Household).order_by(Household.id)).first()
    assert first is not None
    assert first.classes == ["lone_elder", "party_member"]


def test_a_device_stands_at_its_own_place_or_at_its_building(session: Session, city: SmallCity, tmp_path: Path) -> None:
    inside = city.inside(city.codes[0])
    home = boxes(count=1, lon=inside[0], lat=inside[1], side=0.0001)
    imported(session, "buildings", geo_file(tmp_path, home, id=["b1"]), district="130273")
    file = csv_file(
        tmp_path,
        serial=["S1", "S2", "S3", "S4"],
        kind=["SOS", "红外感应", "infrared", "toaster"],
        building=[None, "b1", None, None],
        lon=[inside[0], None, None, inside[0]],
        lat=[inside[1], None, None, inside[1]],
    )
    for changed in (0, 2):
        report = imported(session, "devices", file, datum="wgs84")
        assert (report.stored, report.changed) == (2, changed)
        assert report.count_by_reason() == {"no_geometry": 1, "unknown_word": 1}
    stored = session.scalars(select(Device).order_by(Device.serial)).all()
    assert [(device.serial, device.kind) for device in stored] == [("S1", "sos_button"), ("S2", "infrared_sensor")]
    assert stored[0].grid_code == city.codes[0][:15]


def test_people_of_another_area_are_forbidden(session: Session, city: SmallCity, tmp_path: Path) -> None:
    by = Actor(name="planner", role=Role.planner, area="110101")
    file = csv_file(tmp_path, number=["W1"], name=["张三"], area=["130273"])
    with pytest.raises(Forbidden):
        imported(session, "workers", file, by=by, district="110101")
