"""The nearest by the way on foot, over HTTP: across a river without a bridge nobody is near ([D3], [D8])."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Engine
from starlette.testclient import TestClient

from layers.access import Actor, Role
from layers.db import transaction
from layers.ground.roads import Road
from layers.ground.water import Water
from layers.history import note
from layers.workers import announce
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import put_on_duty, report
from tests.small_city import SmallCity
from tests.waiting import until

IMPORTER = Actor(name="importer", role=Role.admin, area="")


class River:
    """A river between a place and who is nearest to it, 60 m away, with a road on either bank and a bridge or none."""

    def __init__(self, city: SmallCity) -> None:
        self.city = city
        self.code = city.codes[3]
        self.worker = city.worker_of[self.code]
        x, y = city.shapes.plane.point_xy(*city.inside(self.code))
        self.x, self.y = x, y
        lon, lat = city.shapes.plane.to_lonlat(x - 60, y)
        self.place = float(lon), float(lat)

    def at(self, *line: tuple[float, float]) -> shapely.LineString:
        return shapely.LineString([(self.x + dx, self.y + dy) for dx, dy in line])

    def flow(self, engine: Engine, *, bridge: bool) -> None:
        roads = [self.at((-70, -900), (-70, 900)), self.at((10, -900), (10, 900))]
        if bridge:
            roads.append(self.at((-70, 400), (10, 400)))
        water = self.at((-30, -3_000), (-30, 3_000)).buffer(10, cap_style="flat")
        degrees = self.city.shapes.plane.to_degrees
        with transaction(engine) as session:
            for line in roads:
                shape = from_shape(shapely.MultiLineString([degrees(line)]), 4326)
                session.add(Road(district=self.city.district, geom=shape))
            flat = from_shape(shapely.MultiPolygon([degrees(water)]), 4326)
            session.add(Water(district=self.city.district, geom=flat))
            note(session, "import.roads", subject="roads", area=self.city.district, by=IMPORTER)
            announce(session)


@pytest.fixture
def river(small_city: SmallCity) -> River:
    return River(small_city)


def nearest(client: TestClient, river: River, **asked: Any) -> dict[str, Any]:
    where = {"lon": river.place[0], "lat": river.place[1], "policy": "nearest", "limit": 3}
    answer = client.get("/api/v1/workers/nearest", params=where | asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_without_a_bridge_who_is_across_the_river_does_not_go(
    engine: Engine, client_as: ClientAs, river: River
) -> None:
    put_on_duty(engine)
    river.flow(engine, bridge=False)
    desk = client_as("dispatcher")
    until(
        lambda: any(one["reason"] == "no_way" for one in nearest(desk, river, measure="walking", limit=100)["rejected"])
    )
    straight = {one["worker"]: one for one in nearest(desk, river, limit=100)["candidates"]}[river.worker]
    assert (straight["distance_m"], straight["measure"]) == (pytest.approx(60, abs=0.01), "straight")
    told = nearest(desk, river, measure="walking", limit=100)
    assert river.worker not in [one["worker"] for one in told["candidates"]]
    turned = next(one for one in told["rejected"] if one["worker"] == river.worker)
    assert (turned["reason"], turned["distance_m"]) == ("no_way", None)


def test_over_the_bridge_it_is_as_far_as_one_walks_and_the_decision_is_made_again(
    engine: Engine, client_as: ClientAs, river: River
) -> None:
    put_on_duty(engine)
    river.flow(engine, bridge=True)
    desk = client_as("dispatcher")
    until(lambda: "walking" in {one["measure"] for one in nearest(desk, river, measure="walking")["candidates"]})
    told = {one["worker"]: one for one in nearest(desk, river, measure="walking", limit=100)["candidates"]}
    there = told[river.worker]
    # 10 m to the road, 400 m to the bridge, 80 m across, 400 m back, 10 m to where they stand.
    assert (there["distance_m"], there["measure"]) == (pytest.approx(900, abs=1), "walking")
    case = report(desk, river.place, urgency="critical").json()
    first = case["assignment"]
    assert first["worker"] == min(told.values(), key=lambda one: one["distance_m"])["worker"] != river.worker
    again = desk.post(f"/api/v1/incidents/{case['id']}/decision/replay").json()
    assert again["same"] and again["stored"]["candidates"][0]["distance_m"] == first["distance_m"]
    # What is not critical goes by whose ground it is, and by straight lines, unless the city says otherwise.
    assert report(desk, river.place).json()["assignment"]["worker"] == straight_first(desk, river)


def test_the_way_to_who_was_chosen_is_drawn_over_the_bridge_and_changes_nothing_decided(
    engine: Engine, client_as: ClientAs, river: River
) -> None:
    put_on_duty(engine)
    river.flow(engine, bridge=True)
    desk = client_as("dispatcher")
    until(lambda: "walking" in {one["measure"] for one in nearest(desk, river, measure="walking")["candidates"]})
    case = report(desk, river.place, urgency="critical").json()
    address = f"/api/v1/incidents/{case['id']}/decision"
    before, replayed = desk.get(address).json(), desk.post(f"{address}/replay").json()
    chosen = desk.get(f"{address}/way").json()
    assert (chosen["worker"], chosen["decided_m"]) == (before["chosen"], case["assignment"]["distance_m"])
    assert chosen["length_m"] == pytest.approx(chosen["decided_m"], abs=0.1)
    line = chosen["line"]["coordinates"]
    assert line[0] == pytest.approx(river.place, abs=2e-6)
    stood = next(one for one in before["candidates"] if one["worker"] == before["chosen"])["position"]
    assert line[-1] == pytest.approx((stood["lon"], stood["lat"]), abs=2e-6)
    assert chosen["measure"] == "walking" and chosen["straight_m"] <= chosen["length_m"]
    for other in before["candidates"]:
        way = desk.get(f"{address}/way", params={"worker": other["worker"]}).json()
        assert way["length_m"] == pytest.approx(other["distance_m"], abs=0.1)
    assert "roads" in {
        desk.get(f"{address}/way", params={"worker": one["worker"]}).json()["kind"] for one in before["candidates"]
    }
    assert desk.get(f"{address}/way", params={"worker": "nobody"}).status_code == 404
    # A road that comes later changes the way, and nothing of what was decided.
    river.flow(engine, bridge=False)
    assert desk.get(address).json() == before
    assert desk.post(f"{address}/replay").json() == replayed
    assert client_as("worker").get(f"{address}/way").status_code == 403
    assert client_as("dispatcher", area="110101").get(f"{address}/way").status_code == 404


def test_without_roads_the_way_is_a_straight_line_that_says_so(desk: TestClient, river: River) -> None:
    case = report(desk, river.place, urgency="critical").json()
    way = desk.get(f"/api/v1/incidents/{case['id']}/decision/way").json()
    assert (way["kind"], way["offsets_m"], len(way["line"]["coordinates"])) == ("no_roads", None, 2)
    assert way["length_m"] == way["straight_m"] == pytest.approx(way["decided_m"], abs=0.1)


def straight_first(desk: TestClient, river: River) -> str:
    return str(nearest(desk, river, policy="own_grid_first")["candidates"][0]["worker"])


def test_roads_that_come_in_are_known_without_a_new_start(engine: Engine, client_as: ClientAs, river: River) -> None:
    put_on_duty(engine)
    desk = client_as("dispatcher")
    until(lambda: nearest(desk, river, measure="walking")["candidates"])
    assert {one["measure"] for one in nearest(desk, river, measure="walking")["candidates"]} == {"straight"}
    river.flow(engine, bridge=False)
    until(
        lambda: any(one["reason"] == "no_way" for one in nearest(desk, river, measure="walking", limit=100)["rejected"])
    )


@pytest.mark.parametrize("measure", ["flying", ""])
def test_an_unknown_measure_is_refused(desk: TestClient, river: River, measure: str) -> None:
    where = {"lon": river.place[0], "lat": river.place[1], "measure": measure}
    assert desk.get("/api/v1/workers/nearest", params=where).status_code == 422
