"""Heat and figures over HTTP: exact counts for everybody where no resident is meant, nothing small where one is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from geoalchemy2 import WKTElement
from sqlalchemy import Engine, event
from starlette.testclient import TestClient

from layers.areas import Area
from layers.categories import Category
from layers.db import transaction
from layers.hazards import Hazard
from layers.heat.ground import Ladder
from layers.history import HistoryEntry
from layers.incidents import Incident
from tests.small_city import SmallCity

ClientAs = Callable[..., TestClient]
# A Monday, midnight in Shanghai.
MONDAY = datetime(2026, 11, 1, 16, tzinfo=UTC)
WEEK = {"since": MONDAY.isoformat(), "until": (MONDAY + timedelta(days=7)).isoformat()}


@pytest.fixture
def hazards(engine: Engine, small_city: SmallCity) -> dict[str, int]:
    """Hazards in that week by finest code: 1 in the first tile, 2 in the second …; and personal ones in the first."""
    counts = {code: at for at, code in enumerate(sorted(small_city.codes), start=1)}
    with transaction(engine) as session:
        for code, personal in (("test_street", False), ("test_elder", True)):
            session.add(Category(code=code, name=code, resident_derived=personal))
        session.flush()
        for code, count in counts.items():
            session.add_all(hazard(small_city, code, minute=minute) for minute in range(count))
        first = min(counts)
        session.add_all(hazard(small_city, first, minute=m, category="test_elder") for m in range(3))
    return counts


def hazard(city: SmallCity, code: str, *, minute: int, category: str = "test_street") -> Hazard:
    lon, lat = city.inside(code)
    return Hazard(
        category=category,
        found_at=MONDAY + timedelta(minutes=minute),
        district=city.district,
        current_code=code,
        raw_lon=lon,
        raw_lat=lat,
        geom=WKTElement(f"POINT({lon} {lat})", srid=4326),
    )


def cells(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {cell["cell"]: cell for cell in answer.json()["cells"]}


def ask(client: TestClient, **question: str) -> Any:
    return client.get("/api/v1/heat", params={"format": "json", **WEEK, **question})


def test_every_finest_cell_has_its_exact_count(client_as: ClientAs, hazards: dict[str, int]) -> None:
    found = cells(ask(client_as("leader"), cell="sub_grid"))
    assert {code: cell["n"] for code, cell in found.items()} == hazards


@pytest.mark.parametrize("level", ["grid", "community", "subdistrict", "500m", "250m"])
def test_sums_are_the_same_at_every_level(client_as: ClientAs, hazards: dict[str, int], level: str) -> None:
    assert sum(cell["n"] for cell in cells(ask(client_as("leader"), cell=level)).values()) == sum(hazards.values())


def test_cells_have_shapes_and_names_as_geojson(client_as: ClientAs, hazards: dict[str, int]) -> None:
    answer = client_as("leader").get("/api/v1/heat", params=WEEK).json()
    assert answer["type"] == "FeatureCollection"
    assert {feature["geometry"]["type"] for feature in answer["features"]} <= {"Polygon", "MultiPolygon"}
    assert all(feature["properties"]["name"] for feature in answer["features"])


def test_no_answer_holds_a_point(client_as: ClientAs, hazards: dict[str, int]) -> None:
    assert "Point" not in client_as("leader").get("/api/v1/heat", params=WEEK).text


def test_other_days_do_not_count(client_as: ClientAs, hazards: dict[str, int]) -> None:
    later = {"since": "2026-11-10T00:00:00+08:00", "until": "2026-11-11T00:00:00+08:00"}
    assert sum(cell["n"] for cell in cells(ask(client_as("leader"), **later)).values()) == 0


def test_change_compares_with_the_period_before(client_as: ClientAs, hazards: dict[str, int]) -> None:
    half = MONDAY + timedelta(minutes=2)
    period = {"since": half.isoformat(), "until": (half + timedelta(minutes=2)).isoformat()}
    last = max(hazards)
    assert cells(ask(client_as("leader"), cell="sub_grid", per="change", **period))[last]["rate"] == 0.0


def test_per_thousand_households_divides_by_households(client_as: ClientAs, hazards: dict[str, int]) -> None:
    for cell in cells(ask(client_as("leader"), cell="grid", per="households")).values():
        expected = 1000 * cell["n"] / cell["households"]
        assert cell["rate"] == pytest.approx(expected, abs=1e-3)


def test_resident_categories_are_left_out_of_the_total(client_as: ClientAs, hazards: dict[str, int]) -> None:
    total = sum(cell["n"] for cell in cells(ask(client_as("leader"), cell="sub_grid")).values())
    assert total == sum(hazards.values())


def test_residents_are_counted_by_no_period_of_the_readers_choice(client_as: ClientAs, hazards: dict[str, int]) -> None:
    """Weeks against months, and nested weeks, gave hidden counts away by subtraction."""
    assert ask(client_as("admin"), cell="community", category="test_elder").status_code == 422


@pytest.mark.parametrize("cell", ["grid", "sub_grid", "250m"])
def test_resident_categories_have_no_fine_cells(client_as: ClientAs, hazards: dict[str, int], cell: str) -> None:
    assert ask(client_as("admin"), cell=cell, category="test_elder").status_code == 422


def test_resident_categories_have_no_odd_periods(client_as: ClientAs, hazards: dict[str, int]) -> None:
    odd = {"since": "2026-11-02T00:00:00+08:00", "until": "2026-11-04T00:00:00+08:00"}
    assert ask(client_as("leader"), cell="community", category="test_elder", **odd).status_code == 422


@pytest.mark.parametrize(
    "question",
    [
        {"since": "2026-11-02"},
        {"since": "2026-11-09T00:00:00Z", "until": "2026-11-02T00:00:00Z"},
        {"cell": "house"},
        {"layer": "households"},
        {"category": "nonsense"},
        {"since": "1900-01-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"},
    ],
)
def test_a_wrong_question_is_refused_with_a_problem(client_as: ClientAs, question: dict[str, str]) -> None:
    answer = ask(client_as("leader"), **question)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_foreign_area_is_not_found(client_as: ClientAs, small_city: SmallCity) -> None:
    foreign = client_as("leader", area="999999")
    assert ask(foreign, area=small_city.district).status_code == 404
    assert cells(ask(foreign)) == {}


def test_figures_of_the_children_add_up(client_as: ClientAs, hazards: dict[str, int], small_city: SmallCity) -> None:
    answer = client_as("leader").get("/api/v1/figures", params={"area": small_city.district, **WEEK}).json()
    assert answer["total"]["hazards"] == sum(hazards.values()) == sum(a["hazards"] for a in answer["areas"])
    assert answer["total"]["households"] == sum(area["households"] for area in answer["areas"])
    assert sum(answer["daily"]["hazards"].values()) == sum(hazards.values())
    assert answer["by_category"]["hazards"] == {"test_street": sum(hazards.values())}


def test_the_panel_beside_the_cells_says_what_figures_say(client_as: ClientAs, hazards: dict[str, int]) -> None:
    leader = client_as("leader")
    figures = leader.get("/api/v1/figures", params=WEEK).json()
    panel = ask(leader, cell="250m", beside="panel").json()["panel"]
    assert panel["total"] == figures["total"]
    assert panel["by_category"] == figures["by_category"]["hazards"]
    communities = cells(ask(leader, cell="community"))
    assert {one["cell"]: one["n"] for one in panel["communities"]} == {c: one["n"] for c, one in communities.items()}
    assert {one["before"] for one in panel["communities"]} == {0}
    later = {name: (datetime.fromisoformat(day) + timedelta(days=7)).isoformat() for name, day in WEEK.items()}
    after = ask(leader, **later, beside="panel").json()["panel"]["communities"]
    assert {one["cell"]: one["before"] for one in after} == {c: one["n"] for c, one in communities.items()}


@pytest.fixture
def counted(app: FastAPI) -> Iterator[list[str]]:
    """The statements that the service sends for requests."""
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if threading.current_thread().name != "replicas":
            sent.append(statement)

    event.listen(app.state.engine, "before_cursor_execute", note)
    yield sent
    event.remove(app.state.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["/api/v1/figures", "/api/v1/heat"])
def test_figures_take_as_many_statements_whatever_the_number_of_areas(
    client_as: ClientAs, hazards: dict[str, int], small_city: SmallCity, engine: Engine, counted: list[str], path: str
) -> None:
    leader = client_as("leader")

    def statements() -> int:
        counted.clear()
        answer = leader.get(path, params={"area": small_city.district, **WEEK})
        assert answer.status_code == 200
        return len(counted)

    first, second = statements(), statements()
    with transaction(engine) as session:
        for at in range(30):
            code = f"{small_city.district}9{at:02}"
            session.add(Area(code=code, name=code, level="subdistrict", parent_code=small_city.district))
        session.add(HistoryEntry(actor="test", role="admin", action="import.areas", subject="", details={}))
    third, fourth = statements(), statements()
    assert (third, fourth) == (first, second)
    assert fourth <= 5, "what is kept is asked for by one small statement each"


def test_counts_alone_make_no_shapes(
    client_as: ClientAs, hazards: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = client_as("leader")
    made: list[object] = []
    monkeypatch.setattr(Ladder, "read_shapes", lambda self: made.append(self) or [None] * len(self.cells))
    assert ask(leader, cell="community", beside="panel").status_code == 200
    assert made == []
    assert ask(leader, cell="community", format="geojson").status_code == 200
    assert len(made) == 1


def test_what_was_written_is_counted_by_the_next_request(
    client_as: ClientAs, hazards: dict[str, int], small_city: SmallCity, engine: Engine
) -> None:
    leader, code = client_as("leader"), max(hazards)
    assert cells(ask(leader, cell="sub_grid"))[code]["n"] == hazards[code]
    with transaction(engine) as session:
        session.add(hazard(small_city, code, minute=90))
    assert cells(ask(leader, cell="sub_grid"))[code]["n"] == hazards[code] + 1


def test_an_incident_is_counted_once_reported_and_again_as_its_state_changes(
    client_as: ClientAs, hazards: dict[str, int], small_city: SmallCity, engine: Engine
) -> None:
    leader, dispatcher = client_as("leader"), client_as("dispatcher")
    assert leader.get("/api/v1/figures").json()["total"]["incidents"] == 0
    lon, lat = small_city.inside(max(small_city.codes))
    body = {
        "category": "test_street",
        "lon": lon,
        "lat": lat,
        "datum": "wgs84",
        "description": "x",
        "channel": "patrol",
    }
    ids = []
    for at in range(3):
        told = dispatcher.post("/api/v1/incidents", json=body, headers={"Idempotency-Key": f"heat-{at}-0123456789"})
        assert told.status_code == 201, told.text
        ids.append(told.json()["id"])
        assert leader.get("/api/v1/figures").json()["total"]["incidents"] == at + 1
    with transaction(engine) as session:
        stored = session.get(Incident, int(ids[1]))
        assert stored is not None
        stored.state, stored.waiting_reason, stored.changed_at = "closed", None, datetime.now(UTC)
    total = leader.get("/api/v1/figures").json()["total"]
    assert (total["incidents"], total["incidents_closed"], total["incidents_open"]) == (3, 1, 2)
    heat = cells(
        ask(
            leader,
            layer="incidents",
            since=(datetime.now(UTC) - timedelta(days=1)).isoformat(),
            until=(datetime.now(UTC) + timedelta(days=1)).isoformat(),
        )
    )
    assert heat[max(small_city.codes)[:15]]["n"] == 3


def test_nothing_is_counted_where_nothing_is_stored(client_as: ClientAs, engine: Engine) -> None:
    with transaction(engine) as session:
        session.add(Category(code="test_street", name="x", resident_derived=False))
    leader = client_as("leader")
    for cell in ("sub_grid", "grid", "community", "subdistrict", "250m", "500m"):
        for layer in ("hazards", "incidents"):
            for more in ({}, {"category": "test_street"}, {"per": "change"}, {"format": "geojson"}):
                answer = ask(leader, layer=layer, cell=cell, beside="panel", **more)
                assert answer.status_code == 200, answer.text
                assert answer.json()["panel"]["total"]["incidents"] == 0
    assert leader.get("/api/v1/figures", params={"category": "test_street"}).json()["total"]["hazards"] == 0


@pytest.mark.parametrize("layer", ["hazards", "incidents"])
def test_a_category_without_a_case_of_one_layer_is_nothing_there(
    client_as: ClientAs, hazards: dict[str, int], layer: str
) -> None:
    found = ask(client_as("leader"), layer=layer, category="test_street", beside="panel").json()["panel"]["total"]
    assert (found["hazards"], found["incidents"]) == (sum(hazards.values()), 0)
