"""Nobody learns anything of a foreign area: lists are filtered, single things are not found ([A1])."""

from __future__ import annotations

import pytest

from tests.gis_api.conftest import AREA, ClientAs
from tests.gis_api.reading.test_access_matrix import ENDLESS, EXPECTED
from tests.small_city import SmallCity

ELSEWHERE = "130999"
# The roles that most doors let in, so that it is the area that refuses.
ROLES = ("admin", "dispatcher")
LISTS = [
    name.partition(" ")[2]
    for name, roles in EXPECTED.items()
    if name.startswith("GET /api") and "{" not in name and roles != "public" and name not in ENDLESS
]


def single_things(city: SmallCity) -> list[str]:
    return [
        f"/api/v1/plans/{city.plan_id}",
        f"/api/v1/plans/{city.plan_id}/grids",
        f"/api/v1/plans/{city.plan_id}/coverage",
        f"/api/v1/workers/{city.worker_of[city.codes[0]]}",
    ]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_tells_nothing_of_a_foreign_area(client_as: ClientAs, small_city: SmallCity, path: str) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    for role in ROLES:
        client = client_as(role, area=ELSEWHERE)
        for query in ({}, {"area": AREA}, {"lon": lon, "lat": lat}):
            answer = client.get(path, params=query)
            assert answer.status_code in (200, 400, 403, 404, 422), answer.text
            if answer.status_code == 200:
                assert small_city.codes[0][:9] not in answer.text
                assert "网格员W" not in answer.text


def test_a_single_thing_of_a_foreign_area_is_not_found(client_as: ClientAs, small_city: SmallCity) -> None:
    at_home, elsewhere = client_as("admin"), client_as("admin", area=ELSEWHERE)
    for address in single_things(small_city):
        assert at_home.get(address).status_code == 200, address
        assert elsewhere.get(address).status_code == 404, address


def test_a_person_of_one_street_is_told_of_that_street_only(client_as: ClientAs, small_city: SmallCity) -> None:
    communities = sorted({code[:12] for code in small_city.codes})
    mine, other = communities[0], communities[-1]
    assert mine != other
    told = client_as("dispatcher", area=mine).get("/api/v1/grids", params={"limit": 1000}).json()
    codes = {one["properties"]["code"] for one in told["features"]}
    assert codes and all(code.startswith(mine) for code in codes)
