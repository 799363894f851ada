"""Cases of every state on a small city, and every figure of the evaluation over them once more in plain SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Engine, select, text
from starlette.testclient import TestClient

from layers import categories
from layers.access import service_actor
from layers.db import transaction
from layers.evaluation import FIGURES
from layers.incidents import ENDS, STATES, Incident, Step, add_incident, add_steps
from layers.units import Unit
from layers.workers import Worker
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


def judge(engine: Engine, city: SmallCity) -> None:
    """Store cases over the months around October, on every ground, in everybody's hands."""
    rng = np.random.default_rng(12)
    with transaction(engine) as session:
        categories.ensure_defaults(session)
        for code in ("water", "gas"):
            session.merge(Unit(code=code, name=f"部门 {code}", name_en=f"The {code} department"))
        session.flush()
        workers = list(session.scalars(select(Worker.id).order_by(Worker.id)))
        session.get_one(Worker, workers[0]).role = "grid_leader"
        for n in range(260):
            _add_case(session, city, rng, n, workers)


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
    """Every case with the figures that it counts in."""
    with transaction(engine) as session:
        return [dict(row) for row in session.execute(text(ORACLE), {"now": NOW}).mappings()]


def row_of(case: dict[str, Any], by: str, children: list[str]) -> str:
    """The code of the row that a case belongs to."""
    if by == "area":
        return next((child for child in children if case["code"].startswith(child)), "-")
    return case[by] or "-"


def ask(client: TestClient, **asked: str) -> dict[str, Any]:
    """The evaluation as answered."""
    answer = client.get(URL, params=asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def counts(figures: dict[str, Any]) -> dict[str, int]:
    """The numbers of an answer's row."""
    return {name: value["n"] for name, value in figures.items()}


def expected(cases: Truth) -> dict[str, int]:
    """How many cases each figure counts."""
    return {name: sum(name in case["figures"] for case in cases) for name in FIGURES}
