"""GET and POST /api/v1/locate: one answer, always, the same whichever way it is asked for."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pytest
import shapely
from starlette.testclient import TestClient

from gis_api.fast_locate import Service
from layers.access import Role
from tests.gis_api.conftest import ClientAs
from tests.small_city import IN_FORCE_SINCE, SmallCity
from tiling.datums import from_wgs84

PATH = "/api/v1/locate"
ARROW = "application/vnd.apache.arrow.stream"


def long_way(client: TestClient, lon: float, lat: float) -> Any:
    """The same question in another order."""
    return client.get(f"{PATH}?lat={lat!r}&lon={lon!r}")


def border_point(city: SmallCity) -> tuple[float, float]:
    """A vertex between two grids."""
    shapes = dict(zip(city.codes, city.shapes.polygons, strict=True))
    one, other = next(
        (a, b) for a in city.codes for b in city.codes if a[:15] < b[:15] and shapes[a].intersection(shapes[b]).length
    )
    x, y = shapely.get_coordinates(shapes[one].boundary.intersection(shapes[other].boundary))[0]
    return float(x), float(y)


def test_an_answer_holds_all_members_of_the_contract(client_as: ClientAs, small_city: SmallCity) -> None:
    code = next(code for code in small_city.codes if len(code) == 17)
    lon, lat = small_city.inside(code)
    told = client_as("dispatcher").get(PATH, params={"lon": lon, "lat": lat}).json()
    assert list(told) == [
        "relation",
        "grid",
        "sub_grid",
        "path",
        "dedicated",
        "candidates",
        "distance_to_border_m",
        "responsible",
        "position",
        "plan_version",
        "index_version",
        "updated_at",
        "stale",
    ]
    assert told["relation"] == "inside" and told["stale"] is False
    assert told["grid"]["code"] == code[:15] and told["grid"]["kind"] == "base"
    assert told["sub_grid"]["code"] == code
    assert [step["level"] for step in told["path"]] == ["district", "subdistrict", "community"]
    assert told["responsible"][0] == {
        "worker": small_city.worker_of[code],
        "name": f"网格员{small_city.worker_of[code]}",
        "role": "grid_worker",
        "level": "sub_grid",
    }
    assert told["position"] == {"lon": lon, "lat": lat, "datum": "wgs84"}
    assert told["plan_version"] == 1 and told["index_version"] == 1
    assert datetime.fromisoformat(told["updated_at"]).tzinfo is not None


def test_the_short_way_and_the_long_way_say_the_same_of_every_tile(
    app: Service, client_as: ClientAs, small_city: SmallCity
) -> None:
    client = client_as("dispatcher")
    key = {b"authorization": client.headers["authorization"].encode()}
    for code in small_city.codes:
        lon, lat = small_city.inside(code)
        short = app.short_way.find_body(f"lon={lon!r}&lat={lat!r}".encode(), key)
        assert short is not None
        told, also = json.loads(short), client.get(f"{PATH}?lon={lon!r}&lat={lat!r}").json()
        told.pop("updated_at"), also.pop("updated_at")
        assert told == also and list(told) == list(also)


def test_whichever_way_a_question_is_answered_it_is_counted(
    app: Service, client_as: ClientAs, small_city: SmallCity
) -> None:
    client = client_as("worker")
    lon, lat = small_city.inside(small_city.codes[0])
    before = sum(app.short_way._series.counts)
    key = {b"authorization": client.headers["authorization"].encode()}
    assert app.short_way.find_body(f"lon={lon!r}&lat={lat!r}".encode(), key) is not None
    assert client.get(f"{PATH}?lon={lon!r}&lat={lat!r}").status_code == 200
    counted = f'wangge_request_seconds_count{{method="GET",path="/api/v1/locate",status="200"}} {before + 2}'
    assert counted in client.get("/metrics").text


@pytest.mark.parametrize("form", ["{:.6f}", "{:.17f}", "0{:.6f}", "{:.30f}", "+{:.6f}", "{:.8e}", " {:.6f}"], ids=repr)
def test_however_a_number_is_written_the_answer_is_json_and_gives_the_position_back(
    client_as: ClientAs, small_city: SmallCity, form: str
) -> None:
    client = client_as("dispatcher")
    lon, lat = (float(f"{value:.6f}") for value in small_city.inside(small_city.codes[0]))
    told = client.get(f"{PATH}?lon={quote(form.format(lon))}&lat={quote(form.format(lat))}").json()
    assert told["position"] == {"lon": lon, "lat": lat, "datum": "wgs84"}
    assert told == {**long_way(client, lon, lat).json(), "updated_at": told["updated_at"]}


def test_a_whole_number_of_degrees_is_a_position_too(client_as: ClientAs) -> None:
    told = client_as("dispatcher").get(f"{PATH}?lon=118&lat=39.6").json()
    assert (told["relation"], told["position"]["lon"]) == ("outside", 118.0)


def test_a_key_of_one_community_hears_of_its_tiles_only(client_as: ClientAs, small_city: SmallCity) -> None:
    community = small_city.codes[0][:12]
    client = client_as("dispatcher", area=community)
    for code in small_city.codes:
        lon, lat = small_city.inside(code)
        expected = 200 if code.startswith(community) else 404
        assert client.get(f"{PATH}?lon={lon!r}&lat={lat!r}").status_code == expected


def test_on_a_border_the_smallest_code_is_responsible_and_the_others_are_listed(
    client_as: ClientAs, small_city: SmallCity
) -> None:
    lon, lat = border_point(small_city)
    told = client_as("dispatcher").get(f"{PATH}?lon={lon!r}&lat={lat!r}").json()
    assert told["relation"] == "border"
    assert told["candidates"] and all(one["code"] > told["grid"]["code"] for one in told["candidates"])


def test_outside_every_frame_is_an_answer_too(client_as: ClientAs, small_city: SmallCity) -> None:
    lon, lat = small_city.outside
    answer = client_as("dispatcher").get(PATH, params={"lon": lon, "lat": lat})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["relation"], told["grid"], told["sub_grid"], told["path"]) == ("outside", None, None, [])
    assert told["plan_version"] is None


def test_with_an_accuracy_all_grids_within_it_are_listed(client_as: ClientAs, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    told = client_as("dispatcher").get(PATH, params={"lon": lon, "lat": lat, "accuracy_m": 150}).json()
    assert told["candidates"][0] == {"code": small_city.codes[0][:15], "distance_m": 0.0}
    assert len(told["candidates"]) > 2 and told["distance_to_border_m"] > 0
    refused = client_as("dispatcher").get(PATH, params={"lon": lon, "lat": lat, "accuracy_m": -1})
    assert refused.status_code == 422 and refused.json()["errors"][0]["loc"] == ["accuracy_m"]


def test_the_past_before_any_plan_is_outside_and_a_time_needs_its_offset(
    client_as: ClientAs, small_city: SmallCity
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    client = client_as("dispatcher")
    before = quote((IN_FORCE_SINCE - timedelta(days=1)).isoformat())
    assert client.get(f"{PATH}?lon={lon}&lat={lat}&at={before}").json()["relation"] == "outside"
    now = quote(datetime.now(UTC).isoformat())
    assert client.get(f"{PATH}?lon={lon}&lat={lat}&at={now}").json()["relation"] == "inside"
    naive = client.get(f"{PATH}?lon={lon}&lat={lat}&at=2026-06-01T00:00:00")
    assert naive.status_code == 422 and naive.json()["errors"][0]["loc"] == ["at"]


@pytest.mark.parametrize(
    ("query", "status", "problem", "loc"),
    [
        ("lon=nan&lat=39.6", 422, "not_finite", ["lon"]),
        ("lon=118.1&lat=1e999", 422, "not_finite", ["lat"]),
        ("lon=-inf&lat=39.6", 422, "not_finite", ["lon"]),
        ("lon=0&lat=0", 422, "null_island", ["lon"]),
        ("lon=39.65&lat=118.18", 422, "swapped", ["lon"]),
        ("lon=2.35&lat=48.85", 422, "out_of_bounds", ["lon"]),
        ("lon=118.18&lat=39.65&datum=epsg4326", 422, "unknown_datum", ["datum"]),
        ("lon=118.18&lat=39.65&datum=gcj02", 422, "datum_contradicts_key", ["datum"]),
        ("lon=118.18&lon=118.19&lat=39.65", 422, "not_acceptable", ["lon"]),
        ("lon=118.18&lat=39.65&lat=39.65", 422, "not_acceptable", ["lat"]),
        ("lon=118.18", 422, "not_acceptable", ["lat"]),
        ("lon=abc&lat=39.65", 422, "not_acceptable", ["lon"]),
        ("lon=1_18.18&lat=39.65", 422, "not_acceptable", ["lon"]),
        ("lon=&lat=39.65", 422, "not_acceptable", ["lon"]),
        ("", 422, "not_acceptable", ["lon"]),
        ("lon=118.18&lat=39.65&accuracy_m=nan", 422, "wrong_accuracy", ["accuracy_m"]),
    ],
)
def test_a_position_that_cannot_be_meant_is_refused_with_a_hint(
    client_as: ClientAs, query: str, status: int, problem: str, loc: list[str]
) -> None:
    answer = client_as("dispatcher").get(f"{PATH}?{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == f"urn:wangge:problem:{problem}"
    assert told["errors"][0]["loc"] == loc and told["errors"][0]["msg"]


def test_a_key_without_a_datum_has_to_state_one_and_a_person_has_not(
    client_as: ClientAs, signed_in: ClientAs, small_city: SmallCity
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    client = client_as("dispatcher", datum=None)
    assert client.get(PATH, params={"lon": lon, "lat": lat}).json()["type"].endswith("datum_missing")
    assert client.get(f"{PATH}?lon={lon}&lat={lat}&datum=wgs84").json()["relation"] == "inside"
    assert signed_in("dispatcher").get(PATH, params={"lon": lon, "lat": lat}).json()["relation"] == "inside"


@pytest.mark.parametrize("datum", ["gcj02", "bd09", "cgcs2000"])
def test_a_position_in_another_datum_finds_the_same_grid(
    client_as: ClientAs, small_city: SmallCity, datum: str
) -> None:
    by_key, stating = client_as("dispatcher", datum=datum), client_as("dispatcher", datum=None)
    for code in small_city.codes[:5]:
        lon, lat = small_city.inside(code)
        sent_lon, sent_lat = from_wgs84(lon, lat, datum)
        for answer in (
            by_key.get(f"{PATH}?lon={sent_lon!r}&lat={sent_lat!r}"),
            by_key.get(f"{PATH}?lat={sent_lat!r}&lon={sent_lon!r}"),
            stating.get(f"{PATH}?lon={sent_lon!r}&lat={sent_lat!r}&datum={datum}"),
        ):
            told = answer.json()
            assert (told["sub_grid"] or told["grid"])["code"] == code
            assert told["position"]["datum"] == "wgs84"
            assert abs(told["position"]["lon"] - lon) < 2e-9 and abs(told["position"]["lat"] - lat) < 2e-9


def test_a_position_is_shown_in_the_datum_asked_for(client_as: ClientAs, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    told = client_as("dispatcher").get(PATH, params={"lon": lon, "lat": lat, "show_datum": "gcj02"}).json()
    assert told["position"]["datum"] == "gcj02"
    assert abs(told["position"]["lon"] - from_wgs84(lon, lat, "gcj02")[0]) < 1e-9


def test_a_place_outside_the_callers_area_is_not_found(client_as: ClientAs, small_city: SmallCity) -> None:
    code = small_city.codes[0]
    lon, lat = small_city.inside(code)
    other = client_as("dispatcher", area=f"{code[:6]}999")
    assert other.get(f"{PATH}?lon={lon!r}&lat={lat!r}").status_code == 404
    assert client_as("dispatcher", area=code[:12]).get(f"{PATH}?lon={lon!r}&lat={lat!r}").status_code == 200
    sent = {"lon": [lon], "lat": [lat]}
    assert other.post(PATH, json=sent).json()["relation"] == ["outside"]


@pytest.mark.parametrize("role", list(Role))
def test_only_the_roles_of_the_contract_may_locate(client_as: ClientAs, small_city: SmallCity, role: str) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    expected = 200 if role in ("dispatcher", "planner", "leader", "worker", "admin") else 403
    client = client_as(role)
    assert client.get(f"{PATH}?lon={lon!r}&lat={lat!r}").status_code == expected
    assert client.post(PATH, json={"lon": [lon], "lat": [lat]}).status_code == expected


def test_nobody_and_an_unknown_key_are_401(anybody: TestClient) -> None:
    assert anybody.get(f"{PATH}?lon=118.1&lat=39.6").status_code == 401
    headers = {"authorization": "Bearer wg_x"}
    assert anybody.get(f"{PATH}?lon=118.1&lat=39.6", headers=headers).status_code == 401
    assert anybody.get(f"{PATH}?lon=118.1&lat=39.6", headers={"authorization": "Bearer"}).status_code == 401


def test_the_clients_request_id_comes_back_if_it_is_harmless(client_as: ClientAs, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    client, address = client_as("dispatcher"), f"{PATH}?lon={lon!r}&lat={lat!r}"
    assert client.get(address, headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    ids = {client.get(address).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert client.get(address, headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"


# Many points


def many(city: SmallCity) -> tuple[list[float], list[float]]:
    """Points in all tiles, on borders, outside."""
    points = [*(city.inside(code) for code in city.codes), border_point(city), city.outside]
    return [lon for lon, _ in points], [lat for _, lat in points]


def test_many_points_are_answered_as_one_by_one(client_as: ClientAs, small_city: SmallCity) -> None:
    client = client_as("dispatcher")
    lon, lat = many(small_city)
    told = client.post(PATH, json={"datum": "wgs84", "lon": lon, "lat": lat}).json()
    single = [client.get(PATH, params={"lon": x, "lat": y}).json() for x, y in zip(lon, lat, strict=True)]
    assert told["relation"] == [one["relation"] for one in single]
    assert told["grid"] == [one["grid"] and one["grid"]["code"] for one in single]
    assert told["sub_grid"] == [one["sub_grid"] and one["sub_grid"]["code"] for one in single]
    assert told["plan_versions"] == {"130273": 1} and told["index_version"] == 1


def test_no_points_at_all_are_answered_with_empty_lists(client_as: ClientAs) -> None:
    told = client_as("dispatcher").post(PATH, json={"lon": [], "lat": []}).json()
    assert (told["grid"], told["sub_grid"], told["relation"]) == ([], [], [])


def test_points_as_an_arrow_stream_are_answered_as_one(client_as: ClientAs, small_city: SmallCity) -> None:
    client = client_as("dispatcher")
    lon, lat = many(small_city)
    table = pa.table({"lon": pa.array(lon), "lat": pa.array(lat)})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    answer = client.post(PATH, content=sink.getvalue(), headers={"content-type": ARROW})
    assert answer.status_code == 200 and answer.headers["content-type"] == ARROW
    columns = pa.ipc.open_stream(answer.content).read_all().to_pydict()
    told = client.post(PATH, json={"lon": lon, "lat": lat}).json()
    assert columns == {name: told[name] for name in ("grid", "sub_grid", "relation")}


@pytest.mark.parametrize(
    ("lon", "lat", "loc", "message"),
    [
        ("[118.18, NaN]", "[39.65, 39.65]", ["lon", 1], "not_finite"),
        ("[118.18, 118.18]", "[39.65, 1e999]", ["lat", 1], "not_finite"),
        ("[118.18, 0]", "[39.65, 0]", ["lon", 1], "null_island"),
        ("[118.18, 39.65]", "[39.65, 118.18]", ["lon", 1], "swapped"),
        ("[118.18, 2.3]", "[39.65, 48.8]", ["lon", 1], "out_of_bounds"),
        ('[118.18, "118"]', "[39.65, 39.65]", ["lon", 1], "not_a_number"),
        ("[118.18, null]", "[39.65, 39.65]", ["lon", 1], "not_a_number"),
        ("[118.18, true]", "[39.65, 39.65]", ["lon", 1], "not_a_number"),
        ("[118.18, [1]]", "[39.65, 39.65]", ["lon", 1], "not_a_number"),
        ("[118.18]", "[39.65, 39.65]", ["lat"], "lengths_differ"),
        ("118.18", "[39.65]", ["lon"], "missing_member"),
    ],
)
def test_a_bad_point_is_refused_with_its_place(
    client_as: ClientAs, lon: str, lat: str, loc: list[Any], message: str
) -> None:
    body = f'{{"lon": {lon}, "lat": {lat}}}'
    answer = client_as("dispatcher").post(PATH, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert errors[0]["loc"] == loc and errors[0]["msg"] != message, "the words, not their key"
    assert "{" not in errors[0]["msg"], "filled in"


def test_with_partial_a_bad_point_is_refused_alone(client_as: ClientAs, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    body = f'{{"lon": [{lon!r}, NaN, 0, 2.3], "lat": [{lat!r}, 1, 0, 48.8]}}'
    headers = {"content-type": "application/json"}
    told = client_as("dispatcher").post(f"{PATH}?partial=true", content=body, headers=headers).json()
    assert told["relation"] == ["inside", "refused", "refused", "refused"]
    assert told["grid"][1:] == [None, None, None]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"lon":' * 5_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"lon": [1], "lat": [1], "extra": 1}', 422),
        (b'{"lon": [1], "lat": [1], "datum": 7}', 422),
        (b'{"lon": [1], "lat": [1], "datum": "mars"}', 422),
        (b'{"lon": {"a": 1}, "lat": [1]}', 422),
        (b'{"lon": [' + b"9" * 5_000 + b'], "lat": [1]}', 422),
    ],
)
def test_a_malformed_body_is_a_problem_document_and_never_a_failure(
    client_as: ClientAs, body: bytes, status: int
) -> None:
    answer = client_as("dispatcher").post(PATH, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.status_code == status or body.count(b"9") > 100
    assert answer.headers["content-type"] == "application/problem+json"


def test_too_many_points_and_other_media_are_refused(client_as: ClientAs) -> None:
    client = client_as("dispatcher")
    sent = [118.18] * 100_001
    assert client.post(PATH, json={"lon": sent, "lat": sent}).json()["type"].endswith("too_many_points")
    assert client.post(PATH, content=b"a,b", headers={"content-type": "text/csv"}).status_code == 415
    assert client.post(PATH, content=b"nonsense", headers={"content-type": ARROW}).status_code == 400


def test_a_hundred_thousand_points_are_answered(client_as: ClientAs, small_city: SmallCity) -> None:
    west, south, east, north = small_city.shapes.frame.bounds
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(west, east, 100_000).tolist(), rng.uniform(south, north, 100_000).tolist()
    told = client_as("dispatcher").post(PATH, json={"lon": lon, "lat": lat}).json()
    assert len(told["grid"]) == len(told["sub_grid"]) == len(told["relation"]) == 100_000
    assert set(told["relation"]) <= {"inside", "border", "outside"} and told["relation"].count("inside") > 50_000
