"""From a report to a worker on the way: the story, the waiting, and the steps that follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from layers import incidents
from layers.access import Actor, Role
from layers.candidates import Roster
from layers.categories import Category
from layers.dispatching import Memory, Report, StepAsked, report, take_step
from layers.errors import Conflict, Forbidden, NotFound, Unacceptable
from layers.history import HistoryEntry
from layers.incidents import Incident
from layers.locating import load_atlas
from layers.workers import Worker
from tests.staffed_city import NOON, Town, add_worker, staffed_city

DISPATCHER = Actor("desk", Role.dispatcher, area="130273")
MINUTE = timedelta(minutes=1)


def remembered(session: Session) -> Memory:
    return Memory(load_atlas(session), Roster.load(session, NOON))


def sent(at: tuple[float, float], **more: Any) -> Report:
    lon, lat = at
    told = {"category": "sanitation", **more}
    return Report(lon=lon, lat=lat, raw_lon=lon, raw_lat=lat, datum="wgs84", **told)


def stepper(session: Session, memory: Memory, incident_id: int, by: Actor = DISPATCHER) -> Callable[..., Any]:
    def take(step: str, **asked: Any) -> Any:
        return take_step(session, memory, incident_id, asked=StepAsked(step, **asked), now=NOON, by=by)

    return take


def test_the_worker_of_the_own_tile_goes(session: Session) -> None:
    town = staffed_city(session)
    code = town.city.codes[5]
    told = report(session, remembered(session), sent(town.inside(code)), now=NOON, by=DISPATCHER)
    assert told.state == "dispatched"
    assert told.chosen is not None
    assert told.chosen.number == f"W{code[6:]}"
    stored = session.get_one(Incident, told.incident_id)
    assert (stored.state, stored.current_code, stored.plan_version, stored.district) == (
        "dispatched",
        code,
        1,
        "130273",
    )
    assert stored.due_at == NOON + 30 * MINUTE
    lines = incidents.list_steps(session, told.incident_id)
    assert [(line.step, line.state, line.to) for line in lines] == [
        ("report", "reported", None),
        ("triage", "triaged", None),
        ("dispatch", "dispatched", told.chosen.number),
    ]


def test_the_decision_is_kept_with_every_reason_and_the_plan_version(session: Session) -> None:
    town = staffed_city(session)
    code = town.city.codes[5]
    session.execute(
        text("DELETE FROM shifts USING workers w WHERE w.id = worker_id AND number = :n"), {"n": f"W{code[6:]}"}
    )
    told = report(session, remembered(session), sent(town.inside(code)), now=NOON, by=DISPATCHER)
    decision = incidents.find_decision(session, told.incident_id)
    assert decision is not None
    assert (decision.plan_version, decision.policy) == (1, "own_grid_first")
    assert decision.chosen == session.get_one(Incident, told.incident_id).worker_id
    assert {one["reason"] for one in decision.candidates} <= {"own_grid", "sister_grid", "same_community"} | {
        "same_subdistrict",
        "same_district",
    }
    assert (decision.rejected[0]["worker"], decision.rejected[0]["reason"]) == (f"W{code[6:]}", "off_duty")


def test_a_report_leaves_one_line_of_history(session: Session) -> None:
    town = staffed_city(session)
    told = report(session, remembered(session), sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    lines = session.scalars(select(HistoryEntry).where(HistoryEntry.action == "incident.reported")).all()
    assert [(line.subject, line.actor, line.area) for line in lines] == [
        (str(told.incident_id), "desk", town.city.codes[0])
    ]


def only(session: Session, town: Town, **about: Any) -> None:
    """One worker in the whole town, near its first tile."""
    add_worker(session, "W", **{"grid": town.city.grids[0], "at": town.inside(town.city.codes[0]), **about})


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"shift": (NOON - 60 * MINUTE, NOON)}, "nobody_on_duty"),
        ({"at": (118.3, 39.65)}, "nobody_in_reach"),
        ({"at": None}, "nobody_in_reach"),
        ({"role": "patrol_team"}, "nobody_on_duty"),
    ],
)
def test_it_waits_with_a_reason_when_nobody_can_go(session: Session, about: dict[str, Any], reason: str) -> None:
    town = staffed_city(session, staff=False)
    only(session, town, **about)
    told = report(session, remembered(session), sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    assert (told.state, told.decided.waiting_reason, told.chosen) == ("waiting", reason, None)
    assert told.decided.desk is not None
    assert told.decided.desk.phone == "0315-7654321"
    stored = session.get_one(Incident, told.incident_id)
    assert (stored.state, stored.waiting_reason, stored.worker_id) == ("waiting", reason, None)


def test_a_place_outside_every_frame_waits_at_the_nearest_desk(session: Session) -> None:
    town = staffed_city(session)
    west, south, _, _ = town.city.frame.bounds
    told = report(session, remembered(session), sent((west - 0.1, south)), now=NOON, by=DISPATCHER)
    assert (told.state, told.decided.waiting_reason) == ("waiting", "outside")
    assert told.decided.desk is not None
    assert told.decided.desk.phone
    assert incidents.get_incident(session, told.incident_id, by=DISPATCHER).fields["current_code"] is None


def test_a_gap_waits_at_the_desk_of_the_area_that_holds_it(session: Session) -> None:
    town = staffed_city(session)
    grid = town.city.grids[0]
    session.execute(text("DELETE FROM grids WHERE code LIKE :grid"), {"grid": grid + "%"})
    told = report(session, remembered(session), sent(town.inside(grid)), now=NOON, by=DISPATCHER)
    assert (told.state, told.decided.waiting_reason) == ("waiting", "gap")
    assert told.decided.desk is not None
    assert told.decided.desk.area == grid[:9]


def test_a_category_that_people_triage_waits_for_them(session: Session) -> None:
    town = staffed_city(session)
    session.execute(update(Category).where(Category.code == "dispute").values(triage="manual"))
    told = report(
        session, remembered(session), sent(town.inside(town.city.codes[0]), category="dispute"), now=NOON, by=DISPATCHER
    )
    assert (told.state, told.decided.waiting_reason) == ("waiting", "manual_triage")


def test_the_fourth_task_goes_to_the_next_worker_though_memory_is_old(session: Session) -> None:
    town = staffed_city(session)
    memory = remembered(session)
    spot = town.inside(town.city.codes[0])
    chosen = []
    for _ in range(4):
        told = report(session, memory, sent(spot), now=NOON, by=DISPATCHER)
        assert told.chosen is not None
        chosen.append(told.chosen.number)
    first = f"W{town.city.codes[0][6:]}"
    assert chosen[:3] == [first] * 3
    assert chosen[3] != first
    assert (told.decided.ranking.rejected[0].number, str(told.decided.ranking.rejected[0].reason)) == (
        first,
        "at_capacity",
    )


def test_a_second_critical_task_goes_to_the_next_worker(session: Session) -> None:
    town = staffed_city(session)
    memory = remembered(session)
    spot = town.inside(town.city.codes[0])
    told = [report(session, memory, sent(spot, category="fire"), now=NOON, by=DISPATCHER) for _ in range(2)]
    assert told[0].decided.urgency == "critical"
    assert told[0].chosen is not None
    assert told[1].chosen is not None
    assert told[0].chosen.number != told[1].chosen.number


def test_a_report_from_a_foreign_area_is_forbidden_and_nothing_is_stored(session: Session) -> None:
    town = staffed_city(session)
    foreign = replace(DISPATCHER, area="110101")
    with pytest.raises(Forbidden):
        report(session, remembered(session), sent(town.inside(town.city.codes[0])), now=NOON, by=foreign)
    assert session.scalars(select(Incident)).all() == []


def test_an_external_id_is_taken_once_per_source(session: Session) -> None:
    town = staffed_city(session)
    memory, about = remembered(session), sent(town.inside(town.city.codes[0]), external_id="A-1")
    report(session, memory, about, now=NOON, by=DISPATCHER)
    with pytest.raises(Conflict, match="external_id_taken"):
        report(session, memory, about, now=NOON, by=DISPATCHER)
    report(session, memory, about, now=NOON, by=replace(DISPATCHER, name="another desk"))


def test_the_whole_road_to_closed(session: Session) -> None:
    town = staffed_city(session)
    memory, spot = remembered(session), town.inside(town.city.codes[0])
    told = report(session, memory, sent(spot), now=NOON, by=DISPATCHER)
    take = stepper(session, memory, told.incident_id)
    for step, state in (("accept", "accepted"), ("arrive", "arrived"), ("handle", "handled")):
        assert take(step).fields["state"] == state
    assert take("verify", lon=spot[0], lat=spot[1]).fields["state"] == "verified"
    assert take("feed_back", note="称谢").fields["state"] == "fed_back"
    closed = take("close")
    assert (closed.fields["state"], closed.fields["closed_at"], closed.fields["due_at"]) == ("closed", NOON, None)
    assert incidents.list_steps(session, told.incident_id)[-2].note == "称谢"


def test_a_step_that_may_not_follow_changes_nothing(session: Session) -> None:
    town = staffed_city(session)
    memory = remembered(session)
    told = report(session, memory, sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    with pytest.raises(Conflict, match="step_may_not_follow"):
        stepper(session, memory, told.incident_id)("close")
    assert len(incidents.list_steps(session, told.incident_id)) == 3


def test_verification_happens_on_the_spot(session: Session) -> None:
    town = staffed_city(session)
    memory, (lon, lat) = remembered(session), town.inside(town.city.codes[0])
    told = report(session, memory, sent((lon, lat)), now=NOON, by=DISPATCHER)
    owner = session.get_one(Incident, told.incident_id).worker_id
    take = stepper(session, memory, told.incident_id, by=Actor("o", Role.worker, area="130273", worker_id=owner))
    for step in ("accept", "arrive", "handle"):
        take(step)
    with pytest.raises(Unacceptable, match="position_missing"):
        take("verify")
    with pytest.raises(Unacceptable, match="not_on_the_spot"):
        take("verify", lon=lon, lat=lat + 0.0010)  # 111 m
    assert take("verify", lon=lon, lat=lat + 0.0008).fields["state"] == "verified"  # 89 m


def test_the_reporting_worker_verifies(session: Session) -> None:
    town = staffed_city(session)
    memory, (lon, lat) = remembered(session), town.inside(town.city.codes[0])
    reporter = add_worker(session, "R")
    told = report(
        session, memory, sent((lon, lat), reporter={"kind": "worker", "worker_id": reporter}), now=NOON, by=DISPATCHER
    )
    take = stepper(session, memory, told.incident_id)
    for step in ("accept", "arrive", "handle"):
        take(step)
    with pytest.raises(Forbidden, match="reporter_verifies"):
        take("verify", lon=lon, lat=lat)
    own = stepper(session, memory, told.incident_id, by=Actor("R", Role.worker, area="130273", worker_id=reporter))
    assert own("verify", lon=lon, lat=lat).fields["state"] == "verified"


def test_who_declines_is_followed_by_the_next_candidate(session: Session) -> None:
    town = staffed_city(session)
    memory = remembered(session)
    told = report(session, memory, sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    assert told.chosen is not None
    after = stepper(session, memory, told.incident_id)("decline")
    assert after.fields["state"] == "dispatched"
    assert after.worker == told.decided.ranking.candidates[1].number


def test_when_all_have_declined_it_waits(session: Session) -> None:
    town = staffed_city(session, staff=False)
    only(session, town)
    memory = remembered(session)
    told = report(session, memory, sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    after = stepper(session, memory, told.incident_id)("decline")
    assert (after.fields["state"], after.fields["waiting_reason"], after.worker) == ("waiting", "all_declined", None)


def test_a_task_is_reassigned_to_a_named_worker_with_a_free_hand_only(session: Session) -> None:
    town = staffed_city(session)
    memory = remembered(session)
    busy, free = (f"W{code[6:]}" for code in (town.city.codes[-1], town.city.codes[-2]))
    for _ in range(3):
        report(session, memory, sent(town.inside(town.city.codes[-1])), now=NOON, by=DISPATCHER)
    told = report(session, memory, sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    take = stepper(session, memory, told.incident_id)
    with pytest.raises(Conflict, match="at_capacity"):
        take("reassign", to=busy)
    assert take("reassign", to=free).worker == free


def test_a_case_is_handed_up_to_the_street_and_then_to_the_district(session: Session) -> None:
    town = staffed_city(session)
    memory, code = remembered(session), town.city.codes[0]
    told = report(session, memory, sent(town.inside(code)), now=NOON, by=DISPATCHER)
    take = stepper(session, memory, told.incident_id)
    up = take("hand_up", note="not ours").fields
    assert (up["state"], up["waiting_reason"], up["level"], up["desk_area"]) == (
        "waiting",
        "handed_up",
        "subdistrict",
        code[:9],
    )
    up = take("hand_up", note="not ours").fields
    assert (up["level"], up["desk_area"]) == ("district", "130273")
    with pytest.raises(Conflict, match="nobody_above"):
        take("hand_up", note="not ours")


def test_a_false_alarm_can_be_reopened_and_dispatched_again(session: Session) -> None:
    town = staffed_city(session)
    memory = remembered(session)
    told = report(session, memory, sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    take = stepper(session, memory, told.incident_id)
    assert take("cancel", note="nothing there").fields["state"] == "cancelled"
    assert take("reopen").fields["state"] == "triaged"
    assert take("dispatch").fields["state"] == "dispatched"


def test_a_corrected_place_is_located_anew(session: Session) -> None:
    town = staffed_city(session)
    memory = remembered(session)
    told = report(session, memory, sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    lon, lat = town.inside(town.city.codes[-1])
    after = stepper(session, memory, told.incident_id)("correct_place", lon=lon, lat=lat)
    assert after.fields["current_code"] == town.city.codes[-1]
    assert (after.lon, after.lat, after.fields["state"]) == (pytest.approx(lon), pytest.approx(lat), "dispatched")


def test_an_incident_joins_another_one_but_not_itself(session: Session) -> None:
    town = staffed_city(session)
    memory, spot = remembered(session), town.inside(town.city.codes[0])
    one, other = (report(session, memory, sent(spot), now=NOON, by=DISPATCHER).incident_id for _ in range(2))
    take = stepper(session, memory, one)
    for wrong in (str(one), "x", None):
        with pytest.raises(Unacceptable, match="unknown_incident"):
            take("duplicate", to=wrong)
    assert take("duplicate", to=str(other)).fields["state"] == "duplicate"


def test_a_worker_takes_steps_of_own_tasks_only(session: Session) -> None:
    town = staffed_city(session)
    memory = remembered(session)
    told = report(session, memory, sent(town.inside(town.city.codes[0])), now=NOON, by=DISPATCHER)
    owner = session.get_one(Incident, told.incident_id).worker_id
    stranger = session.scalar(select(Worker.id).where(Worker.id != owner).limit(1))
    nearby = Actor("s", Role.worker, area="130273", worker_id=stranger)
    with pytest.raises(Forbidden, match="step_not_yours"):
        stepper(session, memory, told.incident_id, by=nearby)("accept")
    far = Actor("s", Role.worker, area=town.city.codes[-1], worker_id=stranger)
    with pytest.raises(NotFound):
        stepper(session, memory, told.incident_id, by=far)("accept")
    own = Actor("o", Role.worker, area=town.city.codes[-1], worker_id=owner)
    take = stepper(session, memory, told.incident_id, by=own)
    assert take("accept").fields["state"] == "accepted"
    with pytest.raises(Forbidden, match="step_not_yours"):
        take("cancel")
