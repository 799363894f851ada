"""The evaluation tells areas, grids and units by their names, in the reader's language."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text

from layers.db import transaction
from tests.gis_api.conftest import ClientAs
from tests.gis_api.judged_cases import DISTRICT, NOW, URL, ask, judge
from tests.small_city import SmallCity


@pytest.fixture
def city(app: FastAPI, engine: Engine, small_city: SmallCity) -> SmallCity:
    app.state.clock = lambda: NOW
    judge(engine, small_city)
    return small_city


def test_areas_grids_and_units_are_told_by_their_names(city: SmallCity, engine: Engine, client_as: ClientAs) -> None:
    leader, code = client_as("leader"), city.codes[0]
    with transaction(engine) as session:
        areas = {row[0]: row[1] for row in session.execute(text("SELECT code, name FROM areas"))}
        named = text("UPDATE grids SET name = '网格 <b>' || right(code, 3) RETURNING code, name")
        grids = {row[0]: row[1] for row in session.execute(named)}
    places = areas | grids
    for area in (DISTRICT, code[:9], code[:12], code[:15]):
        path = ask(leader, area=area)["path"]
        assert [(one["code"], one["name"]) for one in path] == [
            (one, places[one]) for one in (area[:n] for n in (6, 9, 12, 15) if n <= len(area))
        ]
    for lang, name in (("zh", "部门 water"), ("en", "The water department")):
        rows = ask(leader, by="unit", period="2026-10", lang=lang)["rows"]
        assert {row["name"] for row in rows if row["code"] == "water"} == {name}
        asked = {"by": "unit", "period": "2026-10", "code": "water", "lang": lang}
        cases = leader.get(f"{URL}/collected/incidents", params=asked).json()["incidents"]
        assert {case["unit_name"] for case in cases} == {name}
        assert all(case["place"] == places[case["code"]] for case in cases)
