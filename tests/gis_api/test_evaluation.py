"""The evaluation over HTTP: every number equals plain SQL of another make, and every list has as many rows ([E1])."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, select
from starlette.testclient import TestClient

from layers.access import User
from layers.db import transaction
from layers.evaluation import FIGURES, LEADING, list_rated
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.gis_api.judged_cases import DISTRICT, NOW, URL, ask, counts, expected, judge, row_of, truth_of
from tests.small_city import SmallCity


@pytest.fixture
def city(app: FastAPI, engine: Engine, small_city: SmallCity) -> SmallCity:
    app.state.clock = lambda: NOW
    judge(engine, small_city)
    return small_city


@pytest.mark.parametrize("by", ["area", "unit", "post", "worker"])
def test_every_number_is_that_of_plain_sql_and_of_its_list(
    city: SmallCity, engine: Engine, client_as: ClientAs, by: str
) -> None:
    leader, truth = client_as("leader"), truth_of(engine)
    told = ask(leader, by=by, period="2026-10", against="year")
    children = [row["code"] for row in told["rows"]]
    month = [case for case in truth if case["day"].startswith("2026-10")]
    year_ago = [case for case in truth if case["day"].startswith("2025-10")]
    assert counts(told["total"]["figures"]) == expected(month)
    assert counts(told["total"]["before"]) == expected(year_ago)
    assert min(expected(month).values()) > 0, "a figure that is 0 everywhere is not tried"
    assert {row_of(case, by, children) for case in month} <= set(children)
    lists = 0
    for row in (told["total"], *told["rows"]):
        mine = [case for case in month if row["code"] in ("", row_of(case, by, children))]
        assert counts(row["figures"]) == expected(mine), row["code"]
        for name, figure in FIGURES.items():
            ids = sorted(str(case["id"]) for case in mine if name in case["figures"])
            assert sorted(walk(leader, name, by=by, period="2026-10", code=row["code"] or None)) == ids
            value = row["figures"][name]
            assert value["of"] == (None if figure.of is None else row["figures"][figure.of]["n"])
            assert value["rate"] == (round(value["n"] / value["of"], 4) if value["of"] else None)
            lists += 1
    assert lists >= len(FIGURES) * 3


def walk(client: TestClient, figure: str, **asked: Any) -> list[str]:
    """The ids of a whole list, page by page; it is as long as it says."""
    params = {name: value for name, value in asked.items() if value is not None}
    answer = client.get(f"{URL}/{figure}/incidents", params={**params, "limit": 100})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    found = [case["id"] for case in told["incidents"]]
    for shares in ("late_steps", "categories"):
        assert sum(one["n"] for one in told[shares]) == told["n"]
    n = told["n"]
    while told["next"]:
        told = client.get(told["next"]).json()
        found += [case["id"] for case in told["incidents"]]
    assert len(found) == n
    return found


def test_a_list_goes_on_page_by_page(city: SmallCity, client_as: ClientAs) -> None:
    leader = client_as("leader")
    params = {"period": "2026", "limit": "7"}
    told = leader.get(f"{URL}/collected/incidents", params=params).json()
    ids = []
    while True:
        ids += [case["id"] for case in told["incidents"]]
        if not told["next"]:
            break
        told = leader.get(told["next"]).json()
    assert len(ids) == len(set(ids)) == told["n"]
    assert ids == walk(leader, "collected", period="2026")


def test_areas_at_every_level_and_periods_of_every_kind_add_up(
    city: SmallCity, engine: Engine, client_as: ClientAs
) -> None:
    leader, truth = client_as("leader"), truth_of(engine)
    levels = [DISTRICT, city.codes[0][:9], city.codes[0][:12], city.codes[0][:15]]
    periods = {"2026-10-05": ["2026-10-05"], "2026-10": ["2026-10"], "2026": ["2026"]}
    periods["2026-W41"] = [f"2026-10-{day:02d}" for day in range(5, 12)]
    for area in levels:
        for period, days in periods.items():
            told = ask(leader, area=area, period=period)
            meant = [c for c in truth if c["code"].startswith(area) and any(c["day"].startswith(day) for day in days)]
            assert counts(told["total"]["figures"]) == expected(meant)
            for figure in FIGURES:
                assert sum(row["figures"][figure]["n"] for row in told["rows"]) in (
                    [expected(meant)[figure]] if told["rows"] else [0]
                )
                assert sum(part["figures"][figure]["n"] for part in told["trend"]) == expected(meant)[figure]
    assert len(ask(leader, period="2026")["trend"]) == 12
    assert len(ask(leader, period="2026-10")["trend"]) == 31


def test_what_changes_is_in_the_next_answer(app: FastAPI, city: SmallCity, engine: Engine, client_as: ClientAs) -> None:
    desk, leader = client_as("dispatcher"), client_as("leader")
    asked = {"period": "2026-10"}
    before = counts(ask(leader, **asked)["total"]["figures"])
    case = report(desk, city.inside(city.codes[0])).json()["id"]
    after = counts(ask(leader, **asked)["total"]["figures"])
    assert (after["collected"], after["open"]) == (before["collected"] + 1, before["open"] + 1)
    for step, state in (("cancel", -1), ("reopen", 0), ("cancel", -1), ("reopen", 0)):
        told = desk.post(f"/api/v1/incidents/{case}/steps", json={"step": step, "note": "because"})
        assert told.status_code == 200, told.text
        found = counts(ask(leader, **asked)["total"]["figures"])
        assert (found["valid"], found["open"]) == (after["valid"] + state, after["open"] + state)
        truth = [one for one in truth_of(engine) if one["day"].startswith("2026-10")]
        assert found == expected(truth)
        assert counts(ask(leader, by="unit", area=city.codes[0][:12], **asked)["total"]["figures"]) == expected(
            [one for one in truth if one["code"].startswith(city.codes[0][:12])]
        )


def test_a_missed_limit_stays_a_fact_and_an_exemption_leaves_it_out(
    app: FastAPI, city: SmallCity, engine: Engine, client_as: ClientAs
) -> None:
    admin, desk, leader = client_as("admin"), client_as("dispatcher"), client_as("leader")
    limit = {"amount": 1, "kind": "urgent_hours"}
    assert admin.put("/api/v1/categories/sanitation/clocks/grid/dispatch", json=limit).status_code == 200
    before = ask(leader, period="2026-10")["total"]["figures"]
    case = report(desk, city.inside(city.codes[0])).json()["id"]

    def step(client: TestClient, name: str) -> None:
        told = client.post(f"/api/v1/incidents/{case}/steps", json={"step": name, "note": "because"})
        assert told.status_code == 200, told.text

    def late() -> tuple[int, int, int]:
        found = counts(ask(leader, period="2026-10")["total"]["figures"])
        return tuple(found[name] - before[name]["n"] for name in ("due", "on_time", "late"))  # type: ignore[return-value]

    assert late() == (1, 1, 0)
    app.state.clock = lambda: NOW + timedelta(minutes=61)
    ids = walk(leader, "late", period="2026-10")
    assert case in ids
    step(desk, "force_close")
    told = leader.get(f"{URL}/late/incidents", params={"period": "2026-10", "limit": 1000}).json()
    mine = next(one for one in told["incidents"] if one["id"] == case)
    assert (mine["state"], mine["late_step"]) == ("closed", "dispatch")
    others = [client_as("dispatcher"), client_as("dispatcher")]
    step(desk, "exempt")
    for other in others:
        step(other, "agree")
    assert case not in walk(leader, "late", period="2026-10")
    assert case not in walk(leader, "due", period="2026-10")
    assert case in walk(leader, "exempted", period="2026-10")


def test_the_score_is_the_formula_and_ranks_follow_it(city: SmallCity, client_as: ClientAs) -> None:
    told = ask(client_as("leader"), by="worker", period="2026-10")
    weights = {one["figure"]: one for one in told["figures"] if one["weight"]}
    assert sum(one["weight"] for one in weights.values()) == 100
    for row in (told["total"], *told["rows"]):
        parts = [
            (one["weight"], value["n"] / value["of"] if one["better"] == "high" else 1 - value["n"] / value["of"])
            for name, one in weights.items()
            if (value := row["figures"][name])["of"]
        ]
        assert row["score"] == round(100 * sum(w * r for w, r in parts) / sum(w for w, _ in parts), 2)
    ranked = [row for row in told["rows"] if row["code"] != "-"]
    scores = [row["score"] for row in ranked]
    assert scores == sorted(scores, reverse=True)
    assert [row["rank"] for row in ranked] == [1 + sum(other > score for other in scores) for score in scores]
    assert next(row for row in told["rows"] if row["code"] == "-")["rank"] is None


def test_who_may_see_whose_figures(city: SmallCity, engine: Engine, client_as: ClientAs, signed_in: ClientAs) -> None:
    for role in ("leader", "admin", "dispatcher", "auditor"):
        client = client_as(role)
        assert client.get(URL, params={"by": "worker"}).status_code == (200 if role in LEADING else 403)
        assert client.get(f"{URL}/late/incidents", params={"by": "worker"}).status_code == (
            200 if role in LEADING else 403
        )
        assert client.get(f"{URL}.xlsx", params={"by": "worker"}).status_code == (200 if role in LEADING else 403)
    assert client_as("planner").get(URL).status_code == 403
    street = city.codes[0][:12]
    narrow = client_as("leader", area=street)
    for path in (URL, f"{URL}.xlsx", f"{URL}/late/incidents"):
        assert narrow.get(path, params={"area": DISTRICT}).status_code == 404
        assert narrow.get(path, params={"area": "999999"}).status_code == 404
    inside = {
        case["code"][:12]
        for case in narrow.get(f"{URL}/collected/incidents", params={"period": "2026"}).json()["incidents"]
    }
    assert inside == {street}
    with transaction(engine) as session:
        worker = session.scalars(select(Worker).order_by(Worker.id)).first()
        assert worker is not None
        session.get_one(User, "worker").worker_id = worker.id
        number, worker_id = worker.number, worker.id
        session.get_one(User, "unit").unit_code = "water"
    own = ask(signed_in("worker"), period="2026-10")
    assert (own["by"], [row["code"] for row in own["rows"]]) == ("worker", [number])
    mine = [one for one in truth_of(engine) if one["worker"] == number and one["day"].startswith("2026-10")]
    assert counts(own["rows"][0]["figures"]) == expected(mine)
    others = {"by": "worker", "period": "2026-10", "code": "-"}
    assert signed_in("worker").get(f"{URL}/collected/incidents", params=others).json()["n"] == 0
    for by in ("area", "unit", "post"):
        assert signed_in("worker").get(URL, params={"by": by}).status_code == 403
    unit = ask(signed_in("unit"), period="2026-10")
    assert (unit["by"], [row["code"] for row in unit["rows"]]) == ("unit", ["water"])
    assert signed_in("unit").get(URL, params={"by": "area"}).status_code == 403
    assert ask(client_as("worker"))["rows"] == []
    assert worker_id


def test_nothing_of_a_home_or_a_reporter_is_in_a_list(city: SmallCity, client_as: ClientAs) -> None:
    case = client_as("leader").get(f"{URL}/collected/incidents", params={"period": "2026-10"}).json()["incidents"][0]
    assert not {"lon", "lat", "description", "reporter", "location", "phone"} & set(case)


def test_what_is_no_question_is_refused_in_words(city: SmallCity, client_as: ClientAs) -> None:
    leader = client_as("leader")
    for period in ("2026-13", "2026-W54", "2026-02-30", "26", "20261001", "1900", "2026-1", "9999"):
        refused = leader.get(URL, params={"period": period})
        assert refused.status_code == 422, period
        assert refused.json()["errors"][0]["loc"] == ["period"]
    assert leader.get(f"{URL}/nothing/incidents").status_code == 422
    assert leader.get(f"{URL}/late/incidents", params={"after": "x"}).status_code == 422
    assert leader.get(URL, params={"by": "colour"}).status_code == 422


def test_the_number_of_statements_depends_on_nothing(app: FastAPI, city: SmallCity, client_as: ClientAs) -> None:
    leader, seen = client_as("leader"), []
    ask(leader)
    engine = app.state.reading
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    counted = []
    for asked in ({}, {"area": city.codes[0][:12]}, {"by": "worker"}, {"by": "unit", "period": "2026"}):
        seen.clear()
        ask(leader, **asked)
        counted.append(len(seen))
    assert max(counted) <= 4, seen


def test_the_workbook_holds_the_same_numbers(city: SmallCity, client_as: ClientAs) -> None:
    leader = client_as("leader")
    told = ask(leader, period="2026-10")
    answer = leader.get(f"{URL}.xlsx", params={"period": "2026-10", "lang": "en"})
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert [rows[0].index(name) for name in ("Collected", "Late")] == [5, 5 + 3 * list(FIGURES).index("late")]
    assert [row[0] for row in rows[1:]] == ["Total", *(row["code"].strip("-") or None for row in told["rows"])]
    for row, shown in zip((told["total"], *told["rows"]), rows[1:], strict=True):
        assert [shown[5 + 3 * at] for at in range(len(FIGURES))] == list(counts(row["figures"]).values())


def test_weights_are_given_to_figures_that_can_be_rated() -> None:
    from typing import get_args

    from gis_api.settings import Rated

    assert sorted(get_args(Rated)) == sorted(list_rated())


@pytest.mark.parametrize("period", ["9999-12-31", "9999-W52", "9999-12", "9999"])
def test_a_period_at_the_end_of_the_calendar_is_refused(client_as: ClientAs, period: str) -> None:
    assert client_as("leader").get("/api/v1/evaluation", params={"period": period}).status_code == 422
