"""Two planners in two processes edit one draft at the same moment, 100 times (`script/bench races`: 1,000 times)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.gis_api.listening import served
from tests.plan_desk import PLANS
from tests.racing import Racers, faults_of, free_places
from tests.small_city import SmallCity

PAIRS = 100


@pytest.mark.slow
def test_of_a_hundred_racing_pairs_one_edit_each_is_accepted_and_none_is_lost(
    database_url: str, engine: Engine, tmp_path: Path, small_city: SmallCity
) -> None:
    with (
        served(database_url, engine, tmp_path / "one") as one,
        served(database_url, engine, tmp_path / "two") as two,
    ):
        clients = [one.client("planner"), two.client("reviewer")]
        made = clients[0].post(PLANS, json={"district": small_city.district, "based_on": "published"})
        plan_id = made.json()["id"]
        codes = [code for code in small_city.codes if len(code) == 15]
        racers = Racers(clients, f"{PLANS}/{plan_id}", free_places(small_city.shapes, 20), codes)
        racers.run(PAIRS)
    assert faults_of(racers, engine, int(plan_id)) == []
    assert racers.pairs == {(200, 412): PAIRS} and racers.version == PAIRS + 1
    assert {by for _, by in racers.accepted} == {"planner", "reviewer"}, "both win now and then"
