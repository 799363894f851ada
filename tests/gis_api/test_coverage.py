"""POST /api/v1/coverage: the report of any set of polygons, and what is refused with its place in the document."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from starlette.testclient import TestClient

from tests.drawing import draw
from tests.gis_api.conftest import ClientAs
from tiling import datums
from tiling.plane import Plane

PLANE = Plane(4548)


def in_degrees(shape: Any) -> Any:
    return PLANE.to_degrees(shape)


def collection(picture: str, **properties: Any) -> dict[str, Any]:
    town = draw(picture)
    shapes = {code: in_degrees(polygon) for code, polygon in zip(town.codes, town.polygons, strict=True)}
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, **properties},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for code, shape in shapes.items()
    ]
    return {"type": "FeatureCollection", "features": features}


def report(client: TestClient, grids: Any, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/coverage", json={"grids": grids, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def refusal(client: TestClient, body: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/coverage", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def planner(client_as: ClientAs) -> TestClient:
    return client_as("planner")


def test_a_tiling_is_ok_and_counted(planner: TestClient) -> None:
    told = report(planner, collection("AAB\nCCB"))
    assert told["ok"] is True
    assert told["defects"] == []
    assert told["summary"]["grids"] == 3
    assert told["summary"]["area_m2"] == pytest.approx(6 * 10 * 10, rel=1e-4)


def test_an_overlap_is_told_with_its_place_and_measures(planner: TestClient) -> None:
    grids = collection("AAB\nAAB")
    ring = grids["features"][0]["geometry"]
    wider = shapely.box(*shapely.from_geojson(json.dumps(ring)).bounds).buffer(0.00002, join_style="mitre")
    grids["features"][0]["geometry"] = json.loads(shapely.to_geojson(wider))
    told = report(planner, grids)
    overlap = next(defect for defect in told["defects"] if defect["kind"] == "overlap")
    assert (told["ok"], overlap["severity"], overlap["class"], overlap["codes"]) == (False, "error", "real", ["A", "B"])
    assert 30 < overlap["area_m2"] < 60
    assert overlap["where"]["type"] in ("Polygon", "MultiPolygon")
    assert shapely.from_geojson(json.dumps(overlap["where"])).within(wider.buffer(1e-6))


def test_a_frame_shows_what_is_not_covered(planner: TestClient) -> None:
    whole = collection("AAB\nCCB")
    frame = shapely.union_all([shapely.from_geojson(json.dumps(f["geometry"])) for f in whole["features"]])
    told = report(
        planner,
        {**whole, "features": whole["features"][:2]},
        frame=json.loads(shapely.to_geojson(frame)),
    )
    assert told["summary"]["by_kind"] == {"gap": 1}


def test_an_invalid_polygon_is_a_defect_with_the_point_and_not_a_refusal(planner: TestClient) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[118, 39], [118.01, 39.01], [118.01, 39], [118, 39.01], [118, 39]]]}
    grids = collection("AB")
    grids["features"][0]["geometry"] = bow_tie
    told = report(planner, grids)
    invalid = [defect for defect in told["defects"] if defect["kind"] == "invalid"]
    assert [defect["codes"] for defect in invalid] == [["A"]]
    assert invalid[0]["where"]["type"] == "Point"


@pytest.mark.parametrize("geometry", [None, {"type": "Polygon", "coordinates": []}])
def test_a_grid_without_ground_is_an_empty_one(planner: TestClient, geometry: Any) -> None:
    grids = collection("AB")
    grids["features"][0]["geometry"] = geometry
    assert report(planner, grids)["summary"]["by_kind"] == {"empty": 1}


def test_no_grids_at_all_are_no_error(planner: TestClient) -> None:
    assert report(planner, {"type": "FeatureCollection", "features": []})["summary"]["grids"] == 0
    nothing = {"type": "Feature", "properties": {"code": "A"}, "geometry": None}
    told = report(planner, {"type": "FeatureCollection", "features": [nothing]})
    assert told["summary"]["by_kind"] == {"empty": 1}


def test_several_parts_are_a_defect_unless_they_are_meant(planner: TestClient) -> None:
    assert report(planner, collection("AB\nBA"))["summary"]["by_kind"]["multipart"] == 2
    told = report(planner, collection("AB\nBA", parts_allowed=True))
    assert "multipart" not in told["summary"]["by_kind"]


def test_shapes_in_gcj02_are_judged_where_they_are(client_as: ClientAs) -> None:
    town = draw("AB")
    shapes = [
        shapely.transform(in_degrees(p), lambda xy: np.column_stack(datums.from_wgs84(xy[:, 0], xy[:, 1], "gcj02")))
        for p in town.polygons
    ]
    features = [
        {"type": "Feature", "properties": {"code": code}, "geometry": json.loads(shapely.to_geojson(shape))}
        for code, shape in zip(town.codes, shapes, strict=True)
    ]
    planner = client_as("planner", datum="gcj02")
    told = report(planner, {"type": "FeatureCollection", "features": features}, datum="gcj02")
    assert told["summary"]["area_m2"] == pytest.approx(2 * 10 * 10, rel=1e-4)


def test_a_large_set_is_checked_in_a_child_process_with_the_same_report(
    planner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    grids = collection("AAB\nC.B")
    here = report(planner, grids)
    monkeypatch.setattr("layers.checking.FEW_VERTICES", 0)
    there = report(planner, grids)
    assert {**here, "took_ms": 0} == {**there, "took_ms": 0}


def test_tolerances_are_taken(planner: TestClient) -> None:
    told = report(planner, collection("AB"), tolerance={"snap_m": 0.02, "sliver_m": 1.0, "contained_share": 0.9})
    assert told["ok"] is True
    body = {"grids": collection("AB"), "tolerance": {"snap_m": 1.0, "sliver_m": 0.5}}
    assert refusal(planner, body)["errors"][0]["loc"] == ["tolerance", "snap_m"]


@pytest.mark.parametrize(
    ("geometry", "loc"),
    [
        ({"type": "Point", "coordinates": [118, 39]}, ["type"]),
        ({"type": "GeometryCollection", "geometries": []}, ["type"]),
        ({"type": "Polygon", "coordinates": [[[118, 39], [119, 39], [119, 40], [118, 40]]]}, ["coordinates", 0]),
        ({"type": "Polygon", "coordinates": [[[118, 39], ["x", 39], [119, 40], [118, 39]]]}, ["coordinates", 0, 1]),
        ({"type": "Polygon", "coordinates": [[[118, 39], [500, 39], [119, 40], [118, 39]]]}, ["coordinates", 0, 1]),
        ({"type": "Polygon", "coordinates": [[[[[[118]]]]]]}, ["coordinates", 0]),
        ("POLYGON EMPTY", ["type"]),
    ],
)
def test_what_is_no_polygon_is_refused_with_its_place_in_the_document(
    planner: TestClient, geometry: Any, loc: list[Any]
) -> None:
    grids = collection("AB")
    grids["features"][1]["geometry"] = geometry
    assert refusal(planner, {"grids": grids})["errors"][0]["loc"][:4] == ["grids", "features", 1, "geometry"]
    assert refusal(planner, {"grids": grids})["errors"][0]["loc"][4:][: len(loc)] == loc


@pytest.mark.parametrize(
    "grids",
    [
        {},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": [17]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": None}]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": [], "geometry": None}]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"code": "x" * 101}}]},
    ],
)
def test_what_is_no_collection_of_grids_is_refused(planner: TestClient, grids: Any) -> None:
    assert refusal(planner, {"grids": grids})["errors"]


def test_an_invalid_frame_is_refused_with_the_place(planner: TestClient) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[118, 39], [119, 40], [119, 39], [118, 40], [118, 39]]]}
    told = refusal(planner, {"grids": collection("AB"), "frame": bow_tie})
    assert told["where"]["type"]


def test_more_vertices_than_the_limit_are_refused(planner: TestClient) -> None:
    ring = [[118 + 0.001 * np.cos(t), 39 + 0.001 * np.sin(t)] for t in np.linspace(0, 2 * np.pi, 1_000)]
    ring[-1] = ring[0]
    feature = {"type": "Feature", "properties": {"code": "A"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    planner.app.state.settings = planner.app.state.settings.model_copy(update={"most_vertices": 1_500})  # type: ignore[attr-defined]
    told = refusal(planner, {"grids": {"type": "FeatureCollection", "features": [feature, feature]}})
    assert told["errors"][0]["loc"][:3] == ["grids", "features", 1]


def test_deep_nesting_is_refused_and_the_service_lives_on(planner: TestClient) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    answer = planner.post(
        "/api/v1/coverage",
        content='{"grids": {"type": "FeatureCollection", "features": [' + deep + "]}}",
        headers={"content-type": "application/json"},
    )
    assert 400 <= answer.status_code < 500
    assert report(planner, collection("AB"))["ok"] is True


def test_only_planners_check(client_as: ClientAs) -> None:
    assert client_as("leader").post("/api/v1/coverage", json={"grids": {}}).status_code == 403


def test_a_multipolygon_without_parts_is_an_empty_grid_and_no_frame(planner: TestClient) -> None:
    nothing = {"type": "MultiPolygon", "coordinates": []}
    grids = collection("AAB\nCCB")
    grids["features"][0]["geometry"] = nothing
    told = report(planner, grids)
    assert "empty" in told["summary"]["by_kind"] and not told["ok"]
    told = refusal(planner, {"grids": collection("AB"), "frame": nothing})
    assert told["type"].endswith("empty_geometry") and told["errors"][0]["loc"] == ["frame"]


def two_levels(*rows: tuple[str, str | None, str]) -> dict[str, Any]:
    """Features with a code and what they name above them, each the union of these cells of a town."""
    town = draw("ABC")
    cells = {code: in_degrees(shape) for code, shape in zip(town.codes, town.polygons, strict=True)}
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "parent_code": above},
            "geometry": json.loads(shapely.to_geojson(shapely.union_all([cells[cell] for cell in ground]))),
        }
        for code, above, ground in rows
    ]
    return {"type": "FeatureCollection", "features": features}


def test_grids_of_two_levels_are_held_against_each_other(planner: TestClient) -> None:
    right = two_levels(("N", None, "AB"), ("S", None, "C"), ("n1", "N", "A"), ("n2", "N", "B"), ("s1", "S", "C"))
    assert report(planner, right)["ok"] is True
    wrong = two_levels(("N", None, "AB"), ("S", None, "C"), ("n1", "N", "A"), ("n2", "S", "B"), ("s1", "S", "C"))
    told = report(planner, wrong)
    found = [(one["kind"], one["codes"], one["detail"]) for one in told["defects"]]
    assert found == [("nesting", ["N", "n1"], "not covered"), ("nesting", ["S", "n2"], "outside")]
    assert told["ok"] is False and told["lost"] == {}


def test_codes_given_twice_and_grids_that_are_not_there_are_told_once(planner: TestClient) -> None:
    told = report(planner, two_levels(("N", None, "A"), ("n1", "N", "A"), ("x", None, "B"), ("x", None, "C")))
    assert (told["ok"], told["repeated"], told["lost"]) == (False, {"x": [2, 3]}, {})
    grid, known, lost = "130273001001001", "13027300100100101", "13027300100100201"
    told = report(planner, two_levels((grid, None, "AB"), (known, None, "AB"), (lost, None, "C")))
    assert (told["ok"], told["repeated"], told["lost"]) == (False, {}, {lost: lost[:15]})
