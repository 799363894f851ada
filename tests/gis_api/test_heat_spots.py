"""Hot and cold spots over HTTP: the planted cluster is named, the score is that of plain SQL, chance is not named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from layers import categories
from layers.db import transaction
from layers.heat import spots
from layers.heat.spots import find_neighbours, is_named, judge
from tests.gis_api.conftest import ClientAs
from tests.small_city import SmallCity, load_small_city

URL = "/api/v1/heat/spots"
# Beside the city that every test has.
DISTRICT = "130274"
NOW = datetime(2026, 10, 20, 4, 0, tzinfo=UTC)
ORACLE = text("""
WITH cells AS (
  SELECT g.code, g.geom, g.households,
    (SELECT count(*) FROM hazards h WHERE starts_with(h.current_code, g.code)) * 1.0 AS n
  FROM grids g WHERE g.level = 'grid' AND starts_with(g.code, '130274')
), around AS (
  SELECT a.code, sum(b.n) AS s, count(*) AS w
  FROM cells a JOIN cells b ON ST_Intersects(a.geom, b.geom) GROUP BY a.code
)
SELECT code, (s - m * w) / (d * sqrt((k * w - w * w) * 1.0 / (k - 1))) AS z
FROM around, (SELECT avg(n) AS m, stddev_pop(n) AS d, count(*) AS k FROM cells) whole
""")
PLANT = text("""
INSERT INTO hazards (category, found_at, district, current_code, raw_lon, raw_lat, geom)
SELECT 'sanitation', CAST(:now AS timestamptz) - interval '1 day', '130274', code, 118, 39,
  ST_SetSRID(ST_MakePoint(118, 39), 4326)
FROM unnest(CAST(:codes AS text[])) code
""")


@pytest.fixture
def planted(app: FastAPI, engine: Engine) -> tuple[str, set[str]]:
    """A grid, and it with its neighbours, which have many hazards; every grid has one or two."""
    app.state.clock = lambda: NOW
    with transaction(engine) as session:
        categories.ensure_defaults(session)
        city: SmallCity = load_small_city(session, 144, district=DISTRICT, lon=118.3)
        grids = sorted({code[:15] for code in city.codes})
        shapes = dict(
            session.execute(
                text("SELECT code, ST_AsText(geom) FROM grids WHERE level = 'grid' AND code LIKE '130274%'")
            ).all()
        )
        assert set(grids) == set(shapes)
        near = text(
            "SELECT b.code FROM grids a JOIN grids b ON b.level = 'grid' AND ST_Intersects(a.geom, b.geom)"
            " WHERE a.level = 'grid' AND a.code = :code"
        )
        centre = max(grids, key=lambda code: len(session.execute(near, {"code": code}).all()))
        cluster = set(session.scalars(near, {"code": centre}))
        rng = np.random.default_rng(3)
        held = [code for code in grids for _ in range(int(rng.integers(1, 3)))]
        session.execute(PLANT, {"now": NOW, "codes": held + [code for code in cluster for _ in range(9)]})
    return centre, cluster


def read(client: TestClient, **asked: str) -> dict[str, Any]:
    answer = client.get(URL, params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_planted_cluster_is_named_with_the_score_of_plain_sql(
    planted: tuple[str, set[str]], engine: Engine, client_as: ClientAs
) -> None:
    centre, cluster = planted
    told = read(client_as("leader", area=DISTRICT))
    with transaction(engine) as session:
        scores = dict(session.execute(ORACLE).all())
    assert told["judged"] + len(told["islands"]) == len(scores)
    found = {spot["cell"]: spot for spot in told["spots"]}
    assert found[centre]["kind"] == "hot"
    assert max(found.values(), key=lambda spot: spot["z"])["cell"] in cluster
    for cell, spot in found.items():
        assert spot["z"] == pytest.approx(float(scores[cell]), abs=0.002)
        assert spot["kind"] == ("hot" if scores[cell] > 0 else "cold")
    assert read(client_as("auditor", area=DISTRICT))["spots"] == told["spots"], "the same question has the same answer"
    assert (told["seed"], told["draws"]) == (spots.SEED, spots.DRAWS)
    rates = read(client_as("leader", area=DISTRICT), per="households")
    assert rates["homeless"] + rates["judged"] + len(rates["islands"]) == len(scores)


def test_what_derives_from_residents_is_never_judged(planted: tuple[str, set[str]], client_as: ClientAs) -> None:
    leader = client_as("leader", area=DISTRICT)
    assert leader.get(URL, params={"category": "elder_care"}).status_code == 422
    assert leader.get(URL, params={"layer": "resident_hazards"}).status_code == 422
    assert leader.get(URL, params={"cell": "250m"}).status_code == 422
    assert client_as("leader", area="130202").get(URL, params={"area": DISTRICT}).status_code == 404
    assert read(leader, since="2020-01-01T00:00:00Z", until="2020-02-01T00:00:00Z")["spots"] == []


def board(side: int) -> tuple[np.ndarray, np.ndarray]:
    return find_neighbours([shapely.box(x, y, x + 1, y + 1) for y in range(side) for x in range(side)])


def test_chance_alone_is_named_in_at_most_one_look_of_twenty() -> None:
    first, second = board(18)
    looks = [np.random.default_rng(seed).poisson(4.0, 18 * 18).astype(float) for seed in range(60)]
    alarms = sum(bool(is_named(judge(values, first, second)[1]).any()) for values in looks)
    assert alarms <= 60 * 0.1, "twice what is promised, for only sixty looks"


def test_a_cold_hole_is_found_and_an_even_field_has_no_spots() -> None:
    first, second = board(18)
    values = np.random.default_rng(5).poisson(20.0, (18, 18)).astype(float)
    values[7:11, 7:11] = 2.0
    z, p = judge(values.reshape(-1), first, second)
    named = np.flatnonzero(is_named(p))
    assert {9 * 18 + 9, 8 * 18 + 8} <= set(named.tolist())
    assert all(z[at] < 0 for at in (9 * 18 + 9, 8 * 18 + 8))
    z, p = judge(np.full(18 * 18, 3.0), first, second)
    assert not z.any() and not is_named(p).any()
    assert not is_named(np.ones(0)).any()
