"""The evaluation over HTTP: every number equals plain SQL of another make, and every list has as many rows ([E1])."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, select, text
from starlette.testclient import TestClient

from layers import categories
from layers.access import User, service_actor
from layers.db import transaction
from layers.evaluation import FIGURES, LEADING, list_rated
from layers.incidents import ENDS, STATES, Incident, Step, add_incident, add_steps
from layers.units import Unit
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.small_city import SmallCity

URL = "/api/v1/evaluation"
NOW = datetime(2026, 10, 20, 4, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
STEPS = ("dispatch", "reassign", "decline", "send_back", "reopen", "settle", "feed_back", "timeout", "accept", "arrive")
DISTRICT = "130273"
# Each figure once more, by another route: from the timelines and the plain columns, in plain SQL.
ORACLE = """
WITH cases AS (
  SELECT i.id, coalesce(i.current_code, i.desk_area, '') AS code, i.unit_code AS unit,
    w.number AS worker, w.role AS post,
    i.reported_at AT TIME ZONE 'Asia/Shanghai' AS reported, i.state,
    i.state NOT IN ('closed', 'duplicate', 'cancelled', 'void') AS living,
    i.due_at, i.late_at, i.timed, i.paused_until, coalesce(i.grace, '{}'::jsonb) AS grace,
    ARRAY(SELECT s.step FROM incident_steps s WHERE s.incident_id = i.id) AS steps
  FROM incidents i LEFT JOIN workers w ON w.id = i.worker_id
  WHERE i.part_of IS NULL
    AND i.category IN (SELECT code FROM categories WHERE resident_derived = false)
), judged AS (
  SELECT *, state IN ('duplicate', 'cancelled', 'void') IS FALSE AS valid,
    CASE WHEN NOT timed OR grace @> '{"exempted": true}' OR (living AND paused_until > :now) THEN NULL
         WHEN late_at IS NOT NULL OR due_at < :now THEN 'late' ELSE 'on_time' END AS judgement
  FROM cases
)
SELECT id, code, unit, worker, post, to_char(reported, 'YYYY-MM-DD') AS day, array_remove(ARRAY[
  'collected',
  CASE WHEN valid THEN 'valid' END,
  CASE WHEN state IN ('verified', 'fed_back', 'closed') THEN 'solved' END,
  CASE WHEN state IN ('fed_back', 'closed') AND 'feed_back' = ANY(steps) THEN 'fed_back' END,
  CASE WHEN living THEN 'open' END,
  CASE WHEN valid AND judgement IS NOT NULL THEN 'due' END,
  CASE WHEN valid AND judgement = 'on_time' THEN 'on_time' END,
  CASE WHEN valid AND judgement = 'late' THEN 'late' END,
  CASE WHEN valid AND 'dispatch' = ANY(steps) THEN 'dispatched' END,
  CASE WHEN valid AND 'dispatch' = ANY(steps)
    AND NOT steps && ARRAY['reassign', 'decline', 'timeout', 'pass_on']::varchar[] THEN 'right_first' END,
  CASE WHEN valid AND 'reopen' = ANY(steps) THEN 'reworked' END,
  CASE WHEN valid AND 'send_back' = ANY(steps) THEN 'returned' END,
  CASE WHEN valid AND 'settle' = ANY(steps) THEN 'settled' END,
  CASE WHEN valid AND (grace ->> 'extended')::int > 0 THEN 'extended' END,
  CASE WHEN valid AND grace @> '{"paused": true}' THEN 'paused' END,
  CASE WHEN valid AND grace @> '{"exempted": true}' THEN 'exempted' END,
  CASE WHEN state = 'duplicate' THEN 'repeated' END], NULL) AS figures
FROM judged WHERE code LIKE '130273%'
"""
Truth = list[dict[str, Any]]


@pytest.fixture
def city(app: FastAPI, engine: Engine, small_city: SmallCity) -> Iterator[SmallCity]:
    """Cases of every state and kind over the months around October, on every ground, in everybody's hands."""
    app.state.clock = lambda: NOW
    rng = np.random.default_rng(12)
    with transaction(engine) as session:
        categories.ensure_defaults(session)
        for code in ("water", "gas"):
            session.merge(Unit(code=code, name=f"部门 {code}"))
        session.flush()
        workers = list(session.scalars(select(Worker.id).order_by(Worker.id)))
        session.get_one(Worker, workers[0]).role = "grid_leader"
        for n in range(260):
            _add_case(session, small_city, rng, n, workers)
    yield small_city


def _add_case(session: Any, city: SmallCity, rng: np.random.Generator, n: int, workers: list[int]) -> None:
    state = STATES[n % len(STATES)]
    lon, lat = city.inside(city.codes[n % len(city.codes)])
    reported = datetime(2026, 9, 25, tzinfo=ZONE) + timedelta(hours=float(rng.integers(0, 24 * 31)))
    if n % 40 == 0:
        reported = datetime(2025, 10, 5, tzinfo=ZONE)
    odd = (
        {"current_code": None, "desk_area": DISTRICT}
        if n % 17 == 0
        else {"current_code": city.codes[n % len(city.codes)]}
    )
    case = add_incident(
        session,
        lon=lon,
        lat=lat,
        reporter=None,
        state=state,
        waiting_reason="gap" if state == "waiting" else None,
        category="elder_care" if n % 13 == 0 else "sanitation",
        occurred_at=reported,
        reported_at=reported,
        closed_at=reported + timedelta(hours=9) if state in ENDS else None,
        worker_id=None if n % 5 == 0 else workers[n % 4],
        unit_code=(None, "water", "gas")[n % 3],
        raw_lon=lon,
        raw_lat=lat,
        **odd,
    )
    case.timed = n % 4 != 3
    case.due_at = reported + timedelta(days=float(rng.integers(0, 40))) if case.timed and state not in ENDS else None
    case.late_at = reported + timedelta(hours=2) if case.timed and n % 6 == 0 else None
    case.late_step = "accept" if case.late_at else None
    case.paused_until = NOW + timedelta(days=1) if n % 11 == 0 else None
    case.grace = (None, {"exempted": True}, {"extended": 1}, {"paused": True, "extended": 0})[n % 4 if n % 7 else 0]
    if n % 50 == 7:
        case.part_of = session.scalar(select(Incident.id).order_by(Incident.id).limit(1))
    took = [step for step in STEPS if rng.random() < 0.3]
    lines = [Step(step, state) for step in ("report", *took)]
    session.flush()
    add_steps(session, case.id, lines, at=reported, by=service_actor("test"))


def truth_of(engine: Engine) -> Truth:
    with transaction(engine) as session:
        return [dict(row) for row in session.execute(text(ORACLE), {"now": NOW}).mappings()]


def row_of(case: dict[str, Any], by: str, children: list[str]) -> str:
    if by == "area":
        return next((child for child in children if case["code"].startswith(child)), "-")
    return case[by] or "-"


def ask(client: TestClient, **asked: str) -> dict[str, Any]:
    answer = client.get(URL, params=asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def counts(figures: dict[str, Any]) -> dict[str, int]:
    return {name: value["n"] for name, value in figures.items()}


def expected(cases: Truth) -> dict[str, int]:
    return {name: sum(name in case["figures"] for case in cases) for name in FIGURES}


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
