"""Large JSON bodies: read as json.loads reads them, while others are answered."""

from __future__ import annotations

import gc
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gis_api import gc_tuning
from gis_api.large_bodies import LARGE_BYTES, parse_in_steps
from tests.gis_api.conftest import ClientAs
from tests.small_city import SmallCity

numbers = st.integers(-(10**20), 10**20) | st.floats() | st.sampled_from([0, -0.0, 118.123456789, 1e-7])
positions = st.lists(numbers, max_size=3)
documents = st.recursive(
    st.none() | st.booleans() | numbers | st.text() | positions | st.lists(positions, max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(parse: Any, body: bytes) -> Any:
    """The document as text (not-a-number is not itself), or what is wrong with it and where."""
    try:
        return repr(parse(body))
    except json.JSONDecodeError as wrong:
        return wrong.msg, wrong.pos
    except (ValueError, RecursionError) as wrong:
        return type(wrong)


def patiently(body: bytes) -> Any:
    """The document, read as a request does that is then answered."""
    document = parse_in_steps(body)
    gc_tuning.show()
    return document


@PATIENT
@given(documents, st.sampled_from([None, 1]), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_a_document_read_in_steps_is_the_same_document(document: Any, indent: int | None, encoding: str) -> None:
    body = json.dumps(document, indent=indent, ensure_ascii=False).encode(encoding, "surrogatepass")
    assert outcome(patiently, body) == outcome(json.loads, body)


@PATIENT
@given(documents, st.integers(0, 400), st.sampled_from(["", ",", "]", "[", "}", "x", '"', "1", "\x00", "-", " 1"]))
@example([[1, 2], [3, 4]], 7, "]")
@example([1, 2, 3], 4, ",")
def test_what_is_wrong_with_a_document_is_told_at_the_same_place(document: Any, at: int, put: str) -> None:
    text = json.dumps(document)
    at %= len(text) + 1
    for broken in (text[:at] + put + text[at:], text[:at] + put, text[:at] + put + text[at + 1 :]):
        assert outcome(patiently, broken.encode()) == outcome(json.loads, broken.encode())


def test_nesting_without_end_and_numbers_without_end_are_refused_alike() -> None:
    for body in (b"[" * 100_000, b'{"a":' * 50_000, b"[" + b"9" * 5_000 + b"]", b"[1," * 3_000):
        assert isinstance(outcome(patiently, body), type | tuple)
    assert gc.isenabled()


def large(**members: Any) -> bytes:
    """A coverage of some 55 MB."""
    ring = [[118.0 + n / 1e6, 39.0 + n / 1e6] for n in range(20_000)]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    feature = {"type": "Feature", "properties": {"code": "A"}, "geometry": shape}
    body = json.dumps({"grids": {"type": "FeatureCollection", "features": [feature] * 100}, **members}).encode()
    assert len(body) > 10 * LARGE_BYTES
    return body


@pytest.mark.alone
def test_others_are_answered_while_a_large_body_is_read(client_as: ClientAs, small_city: SmallCity) -> None:
    planner, dispatcher = client_as("planner", datum=None), client_as("dispatcher")
    lon, lat = small_city.inside(small_city.codes[0])
    # Refused for its datum as soon as it has been read: nearly all the time is reading.
    body, headers = large(datum="mars"), {"content-type": "application/json"}
    waits: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        began = time.perf_counter()
        sending = pool.submit(planner.post, "/api/v1/coverage", content=body, headers=headers)
        while not sending.done():
            asked = time.perf_counter()
            assert dispatcher.get(f"/api/v1/locate?lon={lon!r}&lat={lat!r}").status_code == 200
            waits.append(time.perf_counter() - asked)
        whole = time.perf_counter() - began
    told = sending.result()
    assert (told.status_code, told.json()["type"]) == (422, "urn:wangge:problem:unknown_datum")
    assert len(waits) > 10
    assert max(waits) < whole / 3, f"one waited {max(waits):.2f} s of {whole:.2f} s"


@pytest.mark.parametrize(("tail", "problem"), [(b"]", "malformed_json"), (b', "extra": 1}', "not_acceptable")])
def test_a_large_body_is_refused_like_a_small_one(client_as: ClientAs, tail: bytes, problem: str) -> None:
    body = large()[:-1] + tail
    answer = client_as("planner").post("/api/v1/coverage", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["type"].endswith(problem)
    assert gc.isenabled() and not gc_tuning.is_hiding()
