"""The sign-ins of the demo district: each finds something to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from gis_api.commands import service
from layers import categories, incidents
from layers.access import User, actor_of
from layers.incidents import IncidentsAsked


def stored(session: Session, *, unit: str, state: str) -> None:
    now = datetime.now(UTC)
    about = {"state": state, "category": "other", "occurred_at": now, "reported_at": now, "unit_code": unit}
    where = {"lon": 118.2, "lat": 39.65, "raw_lon": 118.2, "raw_lat": 39.65, "current_code": "130273001001001"}
    incidents.add_incident(session, reporter=None, **where, **about)


def test_the_department_of_the_demo_has_cases_in_which_it_takes_the_next_step(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gis_api.auth.hash_password", lambda password: "-")
    categories.ensure_defaults(session)
    for unit, state in [("water", "dispatched")] * 3 + [("justice", "arrived")] * 2 + [("health", "accepted")]:
        stored(session, unit=unit, state=state)
    service.add_demo_people(session)
    person = session.get_one(User, "unit")
    seen = incidents.list_incidents(session, IncidentsAsked(), by=actor_of(person))
    assert person.unit_code == "justice"
    assert [card.fields["state"] for card in seen] == ["arrived", "arrived"]
