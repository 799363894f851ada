"""What a running service answers after keys, plans and people have changed."""

from __future__ import annotations

import shapely
from fastapi import FastAPI
from sqlalchemy import Engine

from gis_api.fast_locate import Service
from layers.db import transaction
from layers.grids import Grid
from tests.gis_api.conftest import ClientAs
from tests.small_city import SmallCity, stored

PATH = "/api/v1/locate"


def test_a_revoked_key_is_refused_by_the_short_way_too(
    app: Service, client_as: ClientAs, engine: Engine, small_city: SmallCity
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    client = client_as("dispatcher")
    asked = f"lon={lon!r}&lat={lat!r}".encode(), {b"authorization": client.headers["authorization"].encode()}
    assert client.get(f"{PATH}?lon={lon!r}&lat={lat!r}").status_code == 200
    assert app.short_way.find_body(*asked) is not None
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE keys SET revoked_at = now()")
    app.state.replicas.refresh()
    assert app.short_way.find_body(*asked) is None
    assert client.get(f"{PATH}?lon={lon!r}&lat={lat!r}").status_code == 401


def test_an_overlay_is_listed_only_where_it_covers_the_point(
    app: FastAPI, client_as: ClientAs, engine: Engine, small_city: SmallCity
) -> None:
    code = small_city.codes[0]
    lon, lat = small_city.inside(code)
    overlay = stored(shapely.box(lon - 0.00002, lat - 0.00002, lon + 0.00002, lat + 0.00002))
    with transaction(engine) as session:
        values = {"level": "grid", "kind": "dedicated", "exclusive": False, "geom": overlay}
        session.add(Grid(plan_id=small_city.plan_id, code="130273-P1", name="巡查一队", **values))
    client = client_as("dispatcher")
    app.state.replicas.state = type(app.state.replicas.state)()
    app.state.replicas.refresh()
    within = client.get(f"{PATH}?lon={lon!r}&lat={lat!r}").json()
    beside = client.get(f"{PATH}?lon={lon + 0.00003!r}&lat={lat!r}").json()
    assert within["dedicated"] == [{"code": "130273-P1", "name": "巡查一队", "exclusive": False}]
    assert beside["grid"] == within["grid"] and beside["dedicated"] == []
