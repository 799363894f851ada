"""The city's time zone is one setting: days, months, shifts and working hours are told by it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from gis_api.settings import Settings
from tests.gis_api.conftest import ClientAs


def test_days_and_months_are_those_of_the_zone_that_is_set(
    app: FastAPI, client_as: ClientAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = app.state.settings.model_copy(update={"time_zone": "America/New_York"})
    monkeypatch.setattr(app.state, "settings", there)
    leader = client_as("leader")
    assert leader.get("/api/v1/calendar/2027").json()["time_zone"] == "America/New_York"
    heat = leader.get("/api/v1/heat", params={"month": "2025-11"}).json()
    assert (heat["since"], heat["until"]) == ("2025-11-01T00:00:00-04:00", "2025-12-01T00:00:00-05:00")


def test_a_zone_that_is_none_is_refused() -> None:
    assert Settings(time_zone="Asia/Urumqi").zone.key == "Asia/Urumqi"
    with pytest.raises(ValidationError, match="no time zone"):
        Settings(time_zone="Mars/Olympus")
