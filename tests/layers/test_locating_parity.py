"""The answer from memory is the answer of SQL: relation and codes, for every kind of point ([L4])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers.db import make_engine, transaction
from layers.grids import Grid
from layers.locating import Atlas, load_atlas
from tests.small_city import SmallCity, load_small_city

pytestmark = pytest.mark.slow
NOW = datetime(2026, 6, 1, tzinfo=UTC)
COUNT = 100_000

# Finest tiles that cover each point, and the districts whose frame does.
# The plain predicates round points near an edge, see layers.db.covers_exactly.
HELD = text("""
    WITH finest AS (
        SELECT g.code, g.geom FROM grids g WHERE g.exclusive AND NOT EXISTS (
            SELECT 1 FROM grids s WHERE s.plan_id = g.plan_id AND s.level = 'sub_grid' AND s.parent_code = g.code)
    ), points AS MATERIALIZED (
        SELECT n, ST_SetSRID(ST_Point(lon, lat), 4326) AS at
        FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) WITH ORDINALITY AS p (lon, lat, n)
    )
    SELECT n, (SELECT array_agg(f.code ORDER BY f.code) FROM finest f
               WHERE ST_Covers(f.geom, at) AND (ST_Contains(f.geom, at) OR NOT ST_Relate(f.geom, at, 'FF*FF****'))),
           EXISTS (SELECT 1 FROM plans WHERE ST_Covers(frame, at))
    FROM points ORDER BY n
""")
NEAREST = text("""
    SELECT g.code,
           round(CAST(ST_Distance(ST_Transform(g.geom, 4548), ST_Transform(p.at, 4548)) AS numeric), 3) AS away_m
    FROM grids g, (SELECT ST_SetSRID(ST_Point(:lon, :lat), 4326) AS at) p
    WHERE g.exclusive AND NOT EXISTS (
        SELECT 1 FROM grids s WHERE s.plan_id = g.plan_id AND s.level = 'sub_grid' AND s.parent_code = g.code)
      AND ST_DWithin(ST_Transform(g.geom, 4548), ST_Transform(p.at, 4548), :within_m)
    ORDER BY away_m, g.code
""")


@dataclass(frozen=True)
class Scene:
    """Two districts that overlap a little, one of them with holes, and points of every kind."""

    engine: Engine
    atlas: Atlas
    lon: np.ndarray
    lat: np.ndarray


@pytest.fixture
def scene(database_url: str) -> Any:
    engine = make_engine(database_url, statement_timeout_ms=0)
    with transaction(engine) as session:
        cities = [load_small_city(session, 120), load_small_city(session, 60, district="130274", lon=118.187)]
        make_holes(session, cities[0])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    with transaction(engine) as session:
        atlas = load_atlas(session, at=NOW)
    yield Scene(engine, atlas, *points_of(cities))
    engine.dispose()


def make_holes(session: Session, city: SmallCity) -> None:
    """Take three grids away, so that there are gaps."""
    gone = [code for code in city.codes if len(code) == 15][::7][:3]
    assert session.query(Grid).where(Grid.code.in_(gone)).delete() == 3


def points_of(cities: Sequence[SmallCity]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices, middles of edges, corners of the frames, points next to them, and points anywhere."""
    rng = np.random.default_rng(7)
    polygons = np.concatenate([city.shapes.polygons for city in cities])
    xy = shapely.get_coordinates(polygons)
    middles = (xy[1:] + xy[:-1]) / 2.0
    corners = shapely.get_coordinates([city.shapes.frame for city in cities])
    beside = xy[rng.integers(0, len(xy), 20_000)] + rng.choice([-1e-9, 0.0, 1e-9], (20_000, 2))
    special = np.concatenate([xy, middles, corners, beside])
    special = special[rng.permutation(len(special))][: COUNT // 2]
    west, south, east, north = shapely.total_bounds(polygons)
    anywhere = rng.uniform([west - 0.002, south - 0.002], [east + 0.002, north + 0.002], (COUNT - len(special), 2))
    points = np.concatenate([special, anywhere])
    return points[:, 0].copy(), points[:, 1].copy()


def test_memory_and_sql_agree_on_a_hundred_thousand_points(scene: Scene) -> None:
    found = scene.atlas.page(NOW).locator.locate_many(scene.lon, scene.lat)
    codes = np.append(found.tile_codes, None)[found.tile]
    with scene.engine.connect() as connection:
        rows = connection.execute(HELD, {"lon": scene.lon.tolist(), "lat": scene.lat.tolist()}).all()
    assert len(rows) == len(scene.lon) == COUNT
    expected = [relation_and_code(held, in_frame) for _, held, in_frame in rows]
    told = list(zip(found.relations.tolist(), codes.tolist(), strict=True))
    wrong = [(at, one, other) for at, (one, other) in enumerate(zip(told, expected, strict=True)) if one != other]
    assert wrong == []
    kinds = {relation: sum(one[0] == relation for one in told) for relation in ("inside", "border", "gap", "outside")}
    assert min(kinds.values()) > 500, f"every kind of point was tried: {kinds}"


def relation_and_code(held: list[str] | None, in_frame: bool) -> tuple[str, str | None]:
    if not held:
        return ("gap" if in_frame else "outside"), None
    return ("inside" if len(held) == 1 else "border"), held[0]


def test_one_point_at_a_time_says_the_same_as_many_at_once(scene: Scene) -> None:
    page = scene.atlas.page(NOW)
    found = page.locator.locate_many(scene.lon[:3_000], scene.lat[:3_000], gap_fallback_m=50.0)
    for at, (lon, lat) in enumerate(zip(scene.lon[:3_000].tolist(), scene.lat[:3_000].tolist(), strict=True)):
        told = scene.atlas.locate(lon, lat, at=NOW)
        assert told.relation == found.relations[at]
        assert (told.grid.code if told.grid else None) == found.grid_codes[at]
        assert (told.sub_grid.code if told.sub_grid else None) == found.sub_grid_codes[at]


def test_the_nearest_grid_of_a_gap_and_the_grids_around_a_point_are_those_of_sql(scene: Scene) -> None:
    page = scene.atlas.page(NOW)
    found = page.locator.locate_many(scene.lon, scene.lat)
    in_gaps = np.flatnonzero(found.relations == "gap")[:60]
    anywhere = np.flatnonzero(found.relations == "inside")[-40:]
    with scene.engine.connect() as connection:
        for at in in_gaps:
            lon, lat = float(scene.lon[at]), float(scene.lat[at])
            rows = connection.execute(NEAREST, {"lon": lon, "lat": lat, "within_m": 50.0}).all()
            told = scene.atlas.locate(lon, lat, at=NOW)
            code = (told.sub_grid or told.grid).code if told.grid else None  # type: ignore[union-attr]
            assert code == (rows[0].code if rows else None)
        for at in anywhere:
            lon, lat = float(scene.lon[at]), float(scene.lat[at])
            rows = connection.execute(NEAREST, {"lon": lon, "lat": lat, "within_m": 80.0}).all()
            located = page.locator.explain(lon, lat, accuracy_m=80.0)
            told_m = {near.code: near.distance_m for near in located.candidates}
            assert set(told_m) == {row.code for row in rows}
            assert all(abs(told_m[row.code] - float(row.away_m)) <= 0.001 for row in rows)
