"""Index and PostGIS give the same relation and code for 100,000 points, most of them where rounding hurts ([L4])."""

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from tests.tiling.test_locate_laws import hard_points, in_order, voronoi
from tiling.locate import RELATIONS, DistrictIndex, PointLocator

pytestmark = pytest.mark.slow
POINTS = 100_000
# For points PostGIS takes a short way without exact arithmetic, which calls some points next to an edge "on the edge".
# So ST_Covers says yes to some that lie just off, and ST_Contains no to some that lie just inside; where the first says
# yes and the second no, GEOS decides, which is exact (the pattern is "disjoint").
EXACT = "ST_Covers(g.geom, p.geom) AND (ST_Contains(g.geom, p.geom) OR NOT ST_Relate(g.geom, p.geom, 'FF*FF****'))"
# Middles of edges in Beijing, as rounding leaves them: just off the edge.
NEXT_TO = {
    (117.20674045140134, 40.50585720487149): [
        (117.2066493055681, 40.50590277778822),
        (117.2068315972346, 40.50581163195475),
    ],
    (115.49010850732265, 39.68447699680475): [
        (115.49006944482252, 39.684457465554665),
        (115.49014756982275, 39.68449652805482),
    ],
    (115.49378038233644, 39.916004774600054): [
        (115.49387152816995, 39.9159592016835),
        (115.49368923650295, 39.9160503475166),
    ],
}
ANSWERS = f"""
    SELECT p.id, count(g.code) AS held, min(g.code) AS code, bool_or(ST_Covers(f.geom, p.geom)) AS framed
    FROM places p CROSS JOIN frame f LEFT JOIN tiles g ON {EXACT}
    GROUP BY p.id ORDER BY p.id
"""


@pytest.fixture
def stored(session):
    """Two tables and a frame, in the memory of one session."""
    for statement in (
        'CREATE TEMP TABLE tiles (code text COLLATE "C", geom geometry(MultiPolygon, 4326))',
        "CREATE TEMP TABLE places (id int, geom geometry(Point, 4326))",
        "CREATE TEMP TABLE frame (geom geometry(Polygon, 4326))",
    ):
        session.execute(text(statement))
    return session


def copy(session, table, columns, rows):
    cursor = session.connection().connection.cursor()
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as out:
        for row in rows:
            out.write_row(row)


def hexed(shapes):
    return shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True).tolist()


def test_index_and_postgis_agree_on_100_000_points(stored):
    polygons, frame = voronoi(17, 150)
    polygons = polygons[np.arange(len(polygons)) % 10 > 0]  # with gaps
    tiles = in_order(polygons, frame)
    points = np.concatenate([hard_points(polygons, frame, seed) for seed in range(60)])
    points = points[np.random.default_rng(1).choice(len(points), POINTS, replace=False)]
    multi = np.array([shapely.MultiPolygon([p]) if p.geom_type == "Polygon" else p for p in polygons], dtype=object)
    copy(stored, "tiles", "code, geom", zip(tiles.codes, hexed(multi), strict=True))
    copy(stored, "places", "id, geom", enumerate(hexed(shapely.points(points))))
    copy(stored, "frame", "geom", [(hexed(np.array([frame], dtype=object))[0],)])
    stored.execute(text("CREATE INDEX ON tiles USING gist (geom)"))
    stored.execute(text("SET LOCAL statement_timeout = '120s'"))
    theirs = stored.execute(text(ANSWERS)).all()
    found = PointLocator([DistrictIndex.build(tiles)]).locate_many(points[:, 0], points[:, 1])
    relation = [
        "border" if row.held > 1 else "inside" if row.held else "gap" if row.framed else "outside" for row in theirs
    ]
    assert np.count_nonzero(found.relations != np.array(relation, dtype=object)) == 0
    assert np.count_nonzero(found.grid_codes != np.array([row.code for row in theirs], dtype=object)) == 0
    assert set(relation) == set(RELATIONS)


@pytest.mark.parametrize("place", NEXT_TO)
@pytest.mark.parametrize("apex", [(0.001, 0.001), (-0.001, 0.001), (0.001, -0.001), (-0.001, -0.001)])
def test_index_and_postgis_agree_on_a_point_next_to_an_edge(session, place, apex):
    triangle = shapely.Polygon([*NEXT_TO[place], tuple(np.add(place, apex))])
    tiles = in_order(np.array([triangle], dtype=object), None)
    shapes = hexed(np.array([triangle, shapely.Point(place)], dtype=object))
    asked = f"SELECT {EXACT} FROM (SELECT CAST(:g AS geometry) AS geom) g, (SELECT CAST(:p AS geometry) AS geom) p"
    theirs = session.scalar(text(asked), {"g": shapes[0], "p": shapes[1]})
    ours = PointLocator([DistrictIndex.build(tiles)]).explain(*place).relation
    assert ours == ("inside" if theirs else "outside")
