"""What each operation of the planner does, from how it is sent to what it changes: the cases that the page is tried on.

tests/js/operations.test.js runs the same fixture against what the page knows before the service has answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy.orm import Session

from gis_api.routes.plans.operations import MODELS
from gis_api.texts import catalogue
from layers.planning.edits.apply_operation import draw
from layers.planning.edits.operations import OPERATIONS
from layers.planning.state.board import Board
from layers.planning.state.loading import load_board
from tests.city import City
from tests.drafts import add_draft
from tiling.plane import Plane

HERE = Path(__file__).parents[1]
FIXTURE = json.loads((HERE / "fixtures" / "operations.json").read_text(encoding="utf-8"))
COMMUNITY = "130273001001"
CODES = {letter: f"{COMMUNITY}{number:03}" for number, letter in enumerate("ABCDE", start=1)}
LETTERS = {code: letter for letter, code in CODES.items()}
PLANE = Plane(4548)
X, Y = 602_000.0, 4_390_000.0
CELL_M = 10.0
Place = tuple[float, float]
Case = Mapping[str, Any]


def metres(place: Place) -> Place:
    return X + place[0] * CELL_M, Y + place[1] * CELL_M


def degrees(place: Place) -> list[float]:
    point = PLANE.to_degrees(shapely.Point(metres(place)))
    return [float(point.x), float(point.y)]


def small_district() -> City:
    """The four grids of the fixture as one community."""
    polygons = {
        CODES[letter]: shapely.Polygon(map(metres, grid["rings"][0])) for letter, grid in FIXTURE["grids"].items()
    }
    parents = dict.fromkeys(polygons, COMMUNITY) | {COMMUNITY: COMMUNITY[:9], COMMUNITY[:9]: COMMUNITY[:6]}
    frame = shapely.coverage_union_all(list(polygons.values()))
    codes = tuple(sorted(polygons))
    return City("130273", 4548, codes, codes, parents, [polygons[code] for code in codes], frame)  # type: ignore[arg-type]


@pytest.fixture
def board(session: Session) -> Board:
    return load_board(session, add_draft(session, small_district()))


def sent(op: Mapping[str, Any]) -> dict[str, Any]:
    """The operation as the page sends it, in degrees and full codes."""
    body = dict(op)
    for name in ("from", "at", "to"):
        if isinstance(body.get(name), list):
            body[name] = degrees(body[name])
    for name in ("left", "right", "code", "to", "into"):
        if isinstance(body.get(name), str):
            body[name] = CODES[body[name]]
    if "codes" in body:
        body["codes"] = [CODES[letter] for letter in body["codes"]]
    if "line" in body:
        body["line"] = {"type": "LineString", "coordinates": [degrees(place) for place in body["line"]]}
    if "geometry" in body:
        ring = [degrees(place) for place in [*body["geometry"], body["geometry"][0]]]
        body["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    return body


DONE = [case for case in FIXTURE["cases"] if "impossible" not in case]


@pytest.mark.parametrize("case", DONE, ids=lambda case: json.dumps(case["op"]))
def test_an_operation_changes_what_the_page_expects(session: Session, board: Board, case: Case) -> None:
    models = {kind.op: model for kind, model in zip(OPERATIONS, MODELS, strict=True)}
    asked = models[case["op"]["op"]].model_validate(sent(case["op"]))
    change = draw(session, board, asked.operation("wgs84")).change
    assert sorted(LETTERS[code] for code in change.changed) == case["changed"]
    assert sorted(LETTERS[code] for code in change.removed) == case.get("gone", [])
    for letter, ring in case.get("rings", {}).items():
        expected = shapely.Polygon(map(metres, ring))
        assert shapely.equals_exact(change.changed[CODES[letter]], expected, tolerance=2e-3, normalize=True)


def test_every_operation_is_tried_sent_and_has_its_words() -> None:
    tried = {case["op"]["op"] for case in FIXTURE["cases"]}
    # Overlays and new ground need more than four grids without a gap: tests/gis_api/test_plan_edits.py has them.
    assert {kind.op for kind in OPERATIONS} - tried == {"add", "reshape"}
    assert [model.__name__ for model in MODELS] == [kind.__name__ for kind in OPERATIONS]
    for language in ("zh-CN", "en"):
        assert [kind.op for kind in OPERATIONS if f"together.op_{kind.op}" not in catalogue(language)] == []
    registry = (HERE.parent / "gis_api/static/js/planner/operations/registry.js").read_text(encoding="utf-8")
    assert [kind.op for kind in OPERATIONS if f"/{kind.__module__.rsplit('.', 1)[1]}.js" not in registry] == []
