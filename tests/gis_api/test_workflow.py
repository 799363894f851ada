"""The workflow over HTTP: the cells that were written down by hand, reasons, and what the API document says ([D9])."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete, select, update
from starlette.testclient import TestClient

from layers.access import add_user
from layers.db import transaction
from layers.incidents import STATES, STEPS, Decision, Incident, IncidentStep, Reporter
from layers.workers import Worker
from tests.gis_api.conftest import AREA, WEAK, ClientAs, client_of_person
from tests.gis_api.duty import report
from tests.small_city import SmallCity
from tests.workflow_oracle import (
    IN_THE_FIELD,
    LOOKING_NEEDS_A_REASON,
    NEEDS_A_REASON,
    OF_A_RESIDENT,
    OF_A_WORKER,
    WATCHED,
    expectations,
)

FOREIGN = "110101"
# Role and area of each person; "street" and "far" are a street of the case and a grid far from it.
PEOPLE: dict[str, tuple[str, str]] = {
    "desk": ("dispatcher", AREA),
    "street": ("dispatcher", "street"),
    "holder": ("worker", "far"),
    "reporter": ("worker", "far"),
    "finder": ("worker", "far"),
    "collector": ("worker", "far"),
    "stranger": ("worker", AREA),
    "unit": ("unit", AREA),
    "in_unit": ("unit", AREA),
    "auditor": ("auditor", AREA),
}


@dataclass
class Case:
    """One incident that is put into any state, and who looks at it."""

    engine: Engine
    id: int
    other: str
    place: tuple[float, float]
    clients: dict[str, TestClient]
    workers: dict[str, int]
    base: dict[str, Any]

    def put(
        self, state: str, *, reported_by: int | None = None, holder: int | None = None, looks: int | None = None
    ) -> None:
        """The incident in this state, with these workers, and nothing else of what steps have left."""
        reason = "nobody_on_duty" if state == "waiting" else None
        now = {**self.base, "state": state, "waiting_reason": reason, "worker_id": holder, "level": "grid"}
        now |= {"collector_id": looks, "inspect_last": looks is not None and state == "handled"}
        with transaction(self.engine) as session:
            session.execute(update(Incident).where(Incident.id == self.id).values(**now))
            session.execute(delete(IncidentStep).where(IncidentStep.incident_id == self.id))
            session.execute(delete(Decision).where(Decision.incident_id == self.id))
            session.execute(delete(Reporter).where(Reporter.incident_id == self.id))
            if reported_by is not None:
                session.add(Reporter(incident_id=self.id, kind="worker", worker_id=reported_by))

    def body(self, step: str) -> dict[str, Any]:
        """A request that has everything that any step may demand."""
        told = {"step": step, "note": "因为", "lon": self.place[0], "lat": self.place[1]}
        if step == "duplicate":
            told["to"] = self.other
        return {**told, "unit": "water"} if step == "pass_on" else told

    def take(self, who: str, step: str, **changed: Any) -> Any:
        client = self.clients[who]
        body = {name: value for name, value in (self.body(step) | changed).items() if value is not None}
        headers = {"origin": str(client.base_url)}
        return client.post(f"/api/v1/incidents/{self.id}/steps", json=body, headers=headers)

    def may(self, who: str) -> dict[str, dict[str, Any]]:
        told = self.clients[who].get(f"/api/v1/incidents/{self.id}")
        assert told.status_code == 200, told.text
        return {one["step"]: one for one in told.json()["may"]}


@pytest.fixture
def case(
    staffed: None, engine: Engine, app: FastAPI, small_city: SmallCity, client_as: ClientAs, anybody: TestClient
) -> Case:
    code = small_city.codes[0]
    told = [report(client_as("dispatcher"), small_city.inside(code)).json()["id"] for _ in range(2)]
    areas = {"street": code[:9], "far": small_city.codes[-1], AREA: AREA}
    with transaction(engine) as session:
        row = session.get_one(Incident, int(told[0]))
        base = {name: getattr(row, name) for name in ("current_code", "desk_area", "unit_code", "geom", "closed_at")}
        others = session.scalars(select(Worker.id).where(Worker.id != row.worker_id).order_by(Worker.id).limit(3)).all()
        workers = {"holder": row.worker_id, "finder": row.worker_id, "stranger": others[0], "reporter": others[1]}
        workers["collector"] = others[2]
        for name, (role, area) in PEOPLE.items():
            about = {"worker_id": workers.get(name), "unit": base["unit_code"] if role == "unit" else None}
            add_user(session, f"the {name}", role=role, area=areas[area], password_hash=WEAK.hash("x"), **about)
    clients = {name: client_of_person(app, anybody, engine, person=f"the {name}") for name in PEOPLE}
    return Case(engine, int(told[0]), told[1], small_city.inside(code), clients, workers, base)


def test_the_important_cells_are_those_that_were_written_by_hand(case: Case) -> None:
    differing = []
    for who, state, steps in expectations(OF_A_RESIDENT):
        case.put(state, holder=case.workers["holder"])
        told = set(case.may(who)) & WATCHED
        differing += [] if told == steps else [(who, state, "resident", sorted(told ^ steps))]
    for who, state, steps in expectations(OF_A_WORKER):
        reporter = case.workers["finder" if who == "finder" else "reporter"]
        case.put(state, reported_by=reporter, holder=None if who == "in_unit" else case.workers["holder"])
        told = set(case.may(who)) & WATCHED
        differing += [] if told == steps else [(who, state, "worker", sorted(told ^ steps))]
    for who, state, steps in expectations(IN_THE_FIELD):
        holder = case.workers["holder"] if state == "handled" else None
        case.put(state, holder=holder, looks=case.workers["collector"])
        told = set(case.may(who)) & WATCHED
        differing += [] if told == steps else [(who, state, "field", sorted(told ^ steps))]
    assert differing == []


def test_a_step_that_undoes_somebodys_work_needs_a_reason(case: Case) -> None:
    for who, step in sorted(NEEDS_A_REASON):
        reporter = case.workers["reporter"] if who == "reporter" else None
        case.put(
            "handled" if step == "send_back" else "dispatched", holder=case.workers["holder"], reported_by=reporter
        )
        assert case.may(who)[step]["note"] is True
        for nothing in (None, "", "  "):
            answer = case.take(who, step, note=nothing)
            assert answer.status_code == 422, (who, step, answer.text)
            assert answer.json()["type"].endswith("note_missing")
            assert answer.json()["errors"][0]["loc"] == ["note"]
        assert case.take(who, step).status_code == 200


def test_whoever_looks_says_why_it_is_not_there_or_not_done(case: Case) -> None:
    for who, state, step in sorted(LOOKING_NEEDS_A_REASON):
        holder = case.workers["holder"] if state == "handled" else None
        case.put(state, holder=holder, looks=case.workers["collector"])
        assert case.may(who)[step]["note"] is True
        answer = case.take(who, step, note=" ")
        assert answer.status_code == 422 and answer.json()["type"].endswith("note_missing"), answer.text
        assert case.take(who, step).status_code == 200


def test_a_step_that_may_not_follow_says_which_may(case: Case) -> None:
    case.put("accepted", holder=case.workers["holder"])
    answer = case.take("desk", "close")
    assert answer.status_code == 409
    assert {"arrive", "reassign", "hand_up", "cancel"} <= set(answer.json()["allowed"])
    assert "close" not in answer.json()["allowed"]


def test_the_api_document_names_the_steps_and_states_of_the_table(anybody: TestClient) -> None:
    document = anybody.get("/api/v1/openapi.json").json()["components"]["schemas"]
    assert document["StepIn"]["properties"]["step"]["enum"] == list(STEPS)
    assert document["StepOffered"]["properties"]["step"]["enum"] == list(STEPS)
    assert document["Case"]["properties"]["state"]["enum"] == list(STATES)


def test_the_api_document_tells_the_unit_of_every_clock(anybody: TestClient) -> None:
    document = anybody.get("/api/v1/openapi.json").json()["components"]["schemas"]
    amounts = [
        members["amount"] for schema in document.values() if "amount" in (members := schema.get("properties", {}))
    ]
    assert len(amounts) >= 4 and all("hours or days" in amount.get("description", "") for amount in amounts)
    assert all("kind" in one["properties"] for one in document.values() if "amount" in one.get("properties", {}))
