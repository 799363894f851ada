"""Layers that derive from residents over HTTP: rows of a release and nothing else, whoever asks ([A3])."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from geoalchemy2 import WKTElement
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from layers import releases
from layers.categories import Category
from layers.db import transaction
from layers.hazards import Hazard
from layers.shifts import CITY_ZONE
from tests.gis_api.conftest import ClientAs
from tests.moved_borders import move_grid
from tests.small_city import SmallCity

NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 3, tzinfo=UTC)
OCTOBER = {"month": "2026-10"}


@pytest.fixture
def counts(engine: Engine, small_city: SmallCity) -> dict[str, int]:
    """Resident-derived hazards in October by community: 30, then 4, then 25 …; and as many again in November."""
    communities = sorted({code[:12] for code in small_city.codes})
    numbers = dict(zip(communities, (30, 4, 25, 13), strict=False))
    with transaction(engine) as session:
        session.add(Category(code="test_elder", name="独居老人", resident_derived=True))
        session.flush()
        for community, n in numbers.items():
            code = min(code for code in small_city.codes if code.startswith(community))
            for day in ("2026-10-05", "2026-11-02"):
                session.add_all(hazard(small_city, code, day) for _ in range(n))
    return numbers


def hazard(city: SmallCity, code: str, day: str) -> Hazard:
    lon, lat = city.inside(code)
    return Hazard(
        category="test_elder",
        found_at=datetime.fromisoformat(f"{day}T12:00:00+08:00"),
        district=city.district,
        current_code=code,
        raw_lon=lon,
        raw_lat=lat,
        geom=WKTElement(f"POINT({lon} {lat})", srid=4326),
    )


@pytest.fixture
def made(engine: Engine, counts: dict[str, int]) -> list[releases.Made]:
    with transaction(engine) as session:
        return releases.make_due(session, now=NOW, zone=CITY_ZONE)


def ask(client: TestClient, **asked: str) -> Any:
    question = {"layer": "resident_hazards", "format": "json", **OCTOBER, **asked}
    return client.get("/api/v1/heat", params=question)


def cells(answer: Any) -> dict[str, int | None]:
    assert answer.status_code == 200, answer.text
    return {cell["cell"]: cell["n"] for cell in answer.json()["cells"]}


def test_a_month_that_is_over_is_released_once(made: list[releases.Made], engine: Engine) -> None:
    assert [(one.layer, one.month.isoformat()) for one in made] == [("hazards", "2026-10-01")]
    with transaction(engine) as session:
        assert releases.make_due(session, now=NOW, zone=CITY_ZONE) == []


def test_no_row_is_small_and_none_gives_a_hidden_one_away(
    made: list[releases.Made], counts: dict[str, int], client_as: ClientAs, small_city: SmallCity
) -> None:
    leader = client_as("leader")
    told = {level: cells(ask(leader, cell=level)) for level in releases.LEVELS}
    assert all(told.values())
    small = next(code for code, n in counts.items() if n < releases.SMALLEST)
    assert told["community"][small] is None
    assert all(n is None or n >= releases.SMALLEST for level in told.values() for n in level.values())
    for code, n in told["community"].items():
        assert n in (None, counts[code])
    # The small one is never a shown sum less its shown parts.
    for level in ("subdistrict", "district"):
        for area, total in told[level].items():
            parts = {code: n for code, n in told["community"].items() if code.startswith(area)}
            hidden = [code for code, n in parts.items() if n is None]
            assert total is None or len(hidden) != 1


def test_every_question_has_the_same_answer_and_no_other_is_answered(
    made: list[releases.Made], client_as: ClientAs, engine: Engine, small_city: SmallCity
) -> None:
    leader = client_as("leader")
    first = ask(leader, cell="community").json()
    with transaction(engine) as session:
        session.add(hazard(small_city, max(small_city.codes), "2026-10-07"))
    assert ask(leader, cell="community").json() == first
    assert first["month"] == "2026-10" and first["smallest"] == 11 and first["release"]
    week = {"since": "2026-10-05T00:00:00+08:00", "until": "2026-10-12T00:00:00+08:00"}
    for refused in ({"cell": "grid"}, {"cell": "500m"}, {"per": "households"}, {"per": "change"}, week):
        assert ask(leader, **{"cell": "community", **refused}).status_code == 422
    without = leader.get("/api/v1/heat", params={"layer": "hazards", "category": "test_elder", "cell": "community"})
    assert without.status_code == 422 and "month" in str(without.json()["errors"])


@pytest.mark.parametrize("month", ["2026-11", "2026-09", "2025-10"])
def test_a_month_that_was_not_released_is_not_found(made: list[releases.Made], client_as: ClientAs, month: str) -> None:
    assert ask(client_as("leader"), cell="community", month=month).status_code == 404


@pytest.mark.parametrize("month", ["2026-13", "2026", "202610", "2026-10-01", "1969-12", "9999-12"])
def test_what_is_no_month_is_refused(client_as: ClientAs, month: str) -> None:
    assert ask(client_as("leader"), cell="community", month=month).status_code == 422


def test_a_reader_sees_the_rows_of_the_own_area(
    made: list[releases.Made], counts: dict[str, int], client_as: ClientAs
) -> None:
    own, other = sorted(counts)[0], sorted(counts)[-1]
    reader = client_as("leader", area=own)
    assert set(cells(ask(reader, cell="community"))) == {own}
    assert cells(ask(reader, cell="district")) == {}
    assert ask(reader, cell="community", area=other).status_code == 404
    assert ask(client_as("leader", area="999999"), cell="community").status_code == 404


def test_the_list_says_what_was_released(made: list[releases.Made], client_as: ClientAs) -> None:
    told = client_as("leader").get("/api/v1/releases").json()
    assert told["smallest"] == 11
    assert [(one["layer"], one["month"]) for one in told["releases"]] == [("resident_hazards", "2026-10")]
    assert told["releases"][0]["narrowest"] is None or told["releases"][0]["narrowest"] >= 11


def test_cells_have_the_shapes_of_their_release(made: list[releases.Made], client_as: ClientAs) -> None:
    answer = client_as("leader").get(
        "/api/v1/heat", params={"layer": "resident_hazards", "cell": "community", **OCTOBER}
    )
    assert {feature["geometry"]["type"] for feature in answer.json()["features"]} == {"MultiPolygon"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE release_rows SET n = 99",
        "DELETE FROM release_rows",
        "DELETE FROM releases",
        "TRUNCATE release_rows, releases",
        "UPDATE releases SET month = '2026-01-01'",
    ],
)
def test_the_database_changes_no_release(made: list[releases.Made], engine: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), transaction(engine) as session:
        session.execute(text(statement))


@pytest.mark.parametrize(("moved", "told"), [(25, (55, 40)), (5, (None, None))])
def test_other_borders_are_audited_against_the_last_release(
    counts: dict[str, int], engine: Engine, client_as: ClientAs, small_city: SmallCity, moved: int, told: Any
) -> None:
    """A grid goes over to the neighbour: what lies in it is the difference of two cells of two releases. Many may be
    known; of five, neither community can be told, for the last release says what it held without them."""
    first, second = sorted(counts)
    tiles = sorted(code for code in small_city.codes if code.startswith(second))
    with transaction(engine) as session:
        for day in ("2026-10-05", "2026-11-02"):
            session.add_all(hazard(small_city, tiles[0], day) for _ in range(36))
        session.add_all(hazard(small_city, tiles[-1], "2026-11-02") for _ in range(moved))
    with transaction(engine) as session:
        releases.make_due(session, now=NOW, zone=CITY_ZONE)
        move_grid(session, grid=tiles[-1][:15], to=first, now=NOW)
        releases.make_due(session, now=DECEMBER, zone=CITY_ZONE)
    leader = client_as("leader")
    assert cells(ask(leader, cell="community")) == {first: 30, second: 40}
    after = cells(ask(leader, cell="community", month="2026-11"))
    assert (after[first], after[second]) == told


def test_exact_layers_may_be_asked_by_month_too(made: list[releases.Made], client_as: ClientAs) -> None:
    answer = client_as("leader").get("/api/v1/heat", params={"format": "json", "cell": "district", **OCTOBER}).json()
    assert answer["since"].startswith("2026-10-01T00:00:00") and [cell["n"] for cell in answer["cells"]] == [0]
