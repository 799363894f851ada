"""Edits that answer with the changes of the report alone: with them the report before becomes the report after."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.plan_desk import Draft, checked_afresh, inner_vertex, middle_line
from tests.small_city import SmallCity


@pytest.fixture
def draft(signed_in: Any, small_city: SmallCity) -> Draft:
    planner: TestClient = signed_in("planner")
    return Draft(planner, small_city.district)


def changed(report: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The report after an edit, from the one before it, as a client keeps it."""
    assert told.keys() == {"ok", "come", "gone", "summary"}
    gone = set(told["gone"])
    assert gone <= {defect["id"] for defect in report["defects"]}
    left = [defect for defect in report["defects"] if defect["id"] not in gone]
    return {"ok": told["ok"], "summary": told["summary"], "defects": [*left, *told["come"]]}


def in_order(report: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(report["defects"], key=lambda defect: defect["id"])


def test_the_changes_of_every_edit_lead_from_one_report_to_the_next(
    draft: Draft, small_city: SmallCity, engine: Engine
) -> None:
    grids = draft.grids(level="grid")
    one, other = sorted(grids)[:2]
    lon, lat = inner_vertex(small_city)
    steps: list[tuple[str, dict[str, Any] | None]] = [
        ("edits", {"op": "split", "code": one, "line": middle_line(grids[one])}),
        ("edits", {"op": "move_vertex", "from": [lon, lat], "to": [lon + 4e-6, lat + 3e-6]}),
        ("edits", {"op": "set", "code": other, "name": "别名"}),
        ("undo", None),
        ("undo", None),
        ("redo", None),
    ]
    report, seen = draft.report(), 0
    for door, body in steps:
        answer = draft.post(f"{door}?report=changes", body)
        assert answer.status_code == 200, answer.text
        told = answer.json()["report"]
        seen += len(told["come"]) + len(told["gone"])
        report, whole = changed(report, told), draft.report()
        assert in_order(report) == in_order(whole)
        assert (report["ok"], report["summary"]) == (whole["ok"], whole["summary"])
    assert seen > 0, "nothing was to be told"
    assert in_order(checked_afresh(engine, draft.id)) == in_order(report), "a full check finds the same, by id"


def test_without_being_asked_the_whole_report_is_told(draft: Draft, small_city: SmallCity) -> None:
    lon, lat = inner_vertex(small_city)
    told = draft.edit(op="move_vertex", **{"from": [lon, lat]}, to=[lon + 2e-6, lat + 2e-6]).json()["report"]
    assert told.keys() == {"ok", "defects", "summary"} and told["defects"] == draft.report()["defects"]
    assert len({defect["id"] for defect in told["defects"]}) == len(told["defects"])


def test_another_extent_is_refused(draft: Draft) -> None:
    code = sorted(draft.grids())[0]
    assert draft.post("edits?report=half", {"op": "set", "code": code, "name": "x"}).status_code == 422
