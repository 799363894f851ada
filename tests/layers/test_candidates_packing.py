"""A roster written and read again is the same roster: who is near, who is on duty, which desk answers ([L7])."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.candidates import (
    Roster,
    find_standings,
    list_known_on_duty,
    list_whereabouts,
    pack_chart,
    pack_roster,
    unpack_roster,
)
from layers.shifts import Shift, list_on_duty
from layers.workers import Worker
from tests.rosters import DISTRICT, NOON, SUB_GRIDS, Member, is_same, place_of, roster_of
from tests.staffed_city import NOON as CITY_NOON
from tests.staffed_city import add_worker, staffed_city
from tiling.locate import SnapshotDamaged

ADMIN, STRANGER = Actor("admin", Role.admin, "130273"), Actor("stranger", Role.leader, "130274")
HOUR = timedelta(hours=1)


def written_and_read(roster: Roster) -> Roster:
    """What a process finds that starts from the file."""
    found, more = unpack_roster(pack_roster(roster, chart=pack_chart(roster.chart), more={"true_at": "now"}))
    assert more == {"true_at": "now"}
    return found


def test_a_stored_city_s_roster_is_the_same_after_it_was_written_and_read(session: Session) -> None:
    town = staffed_city(session)
    roster = Roster.load(session, CITY_NOON)
    found = written_and_read(roster)
    assert found.at == roster.at and found.code_numbers == roster.code_numbers
    for name in ("places", "sisters", "epsg", "desks"):
        assert getattr(found.chart, name) == getattr(roster.chart, name), name
    assert roster.districts and roster.districts.keys() == found.districts.keys()
    assert all(is_same(district, found.districts[code]) for code, district in roster.districts.items())
    lon, lat = town.inside(town.city.codes[0])
    desk = roster.chart.find_desk(town.place(town.city.codes[0]), lon=lon, lat=lat)
    assert desk is not None
    assert found.chart.find_desk(town.place(town.city.codes[0]), lon=lon, lat=lat) == desk


def test_whoever_has_no_fix_no_home_and_no_shift_is_kept_too() -> None:
    people = [Member(x=None), Member(charges=(SUB_GRIDS[0],), shift=None), Member(home=(5.0, 5.0), role="patrol_team")]
    roster = roster_of(people)
    found = written_and_read(roster)
    assert is_same(roster.districts[DISTRICT], found.districts[DISTRICT])
    lon, lat = 118.18, 39.65
    before, after = (find_standings(one, place_of(SUB_GRIDS[0]), lon=lon, lat=lat, at=NOON) for one in (roster, found))
    assert before is not None and after is not None
    assert before.level.tolist() == after.level.tolist() and before.distance_mm.tolist() == after.distance_mm.tolist()
    assert list_whereabouts(found, area="", at=NOON) == list_whereabouts(roster, area="", at=NOON)


@pytest.mark.parametrize("harm", ["cut", "changed"])
def test_a_damaged_roster_is_told(harm: str) -> None:
    roster = roster_of([Member()])
    content = bytearray(pack_roster(roster, chart=pack_chart(roster.chart), more={}))
    if harm == "cut":
        content = content[: len(content) // 2]
    else:
        content[len(content) // 2] ^= 1
    with pytest.raises(SnapshotDamaged):
        unpack_roster(bytes(content))


@pytest.mark.parametrize("hours", [-12, -5, -1, 0, 1, 7, 8, 20])
def test_who_is_on_duty_by_memory_is_who_is_by_the_stored_rows(session: Session, hours: int) -> None:
    town = staffed_city(session)
    # Shifts that overlap, that touch, that lie inside another, and that stand alone; all day is everybody's own one.
    for row, spans in enumerate([[(-8, 0), (0, 8)], [(5, 9)], [(-2, 2), (2, 3)], [(7, 8), (-9, -7)]]):
        more = [Range(CITY_NOON + since * HOUR, CITY_NOON + until * HOUR, bounds="[)") for since, until in spans]
        worker_id = session.scalars(select(Worker.id).order_by(Worker.number)).all()[row]
        session.add_all(Shift(worker_id=worker_id, span=span) for span in more)
    add_worker(session, "home", area=town.city.codes[0][:12], at=town.inside(town.city.codes[0]))
    roster = written_and_read(Roster.load(session, CITY_NOON))
    at = CITY_NOON + hours * HOUR
    for area, by in (("", ADMIN), (town.city.codes[0][:12], ADMIN), ("", STRANGER)):
        assert list_known_on_duty(roster, at, area=area, by=by) == list_on_duty(session, at, area=area, by=by)
