"""The city's time zone is one setting: days, months, shifts and working hours are told by it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from gis_api.settings import Settings
from layers.moments import set_clock
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


def test_every_part_of_the_service_goes_by_the_clock_that_is_set(client_as: ClientAs) -> None:
    leader = client_as("leader")
    with set_clock(lambda: datetime(2027, 3, 1, 4, tzinfo=UTC)):
        figures = leader.get("/api/v1/figures").json()
        assert (figures["since"], figures["until"]) == ("2027-01-31T00:00:00+08:00", "2027-03-02T00:00:00+08:00")
    assert leader.get("/api/v1/figures").json()["until"] != figures["until"]


def test_a_zone_that_is_none_is_refused() -> None:
    assert Settings(time_zone="Asia/Urumqi").zone.key == "Asia/Urumqi"
    with pytest.raises(ValidationError, match="no time zone"):
        Settings(time_zone="Mars/Olympus")
