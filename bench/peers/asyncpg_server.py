"""The usual way to build it: FastAPI, asyncpg, and PostGIS asked for every point. Runs in the bench's own venv."""

import os
from contextlib import asynccontextmanager

import asyncpg
import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response

ONE = """
    SELECT g.code, g.name, g.level, g.parent_code FROM grids g
    WHERE ST_Covers(g.geom, ST_SetSRID(ST_Point($1, $2), 4326)) ORDER BY g.level DESC, g.code
"""
MANY = """
    SELECT g.code FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS p (lon, lat, n)
    LEFT JOIN LATERAL (
        SELECT code FROM grids WHERE ST_Covers(geom, ST_SetSRID(ST_Point(p.lon, p.lat), 4326))
        ORDER BY level DESC, code LIMIT 1
    ) g ON true ORDER BY p.n
"""


@asynccontextmanager
async def lifespan(app: FastAPI):
    """A pool of connections for as long as the server runs."""
    async with asyncpg.create_pool(os.environ["BENCH_DSN"], min_size=8, max_size=8) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/api/v1/locate")
async def locate(lon: float, lat: float):
    """The sub-grid and the grid that hold a point; neither the areas above them nor who is responsible."""
    return [dict(row) for row in await app.state.pool.fetch(ONE, lon, lat)]


@app.post("/api/v1/locate")
async def locate_many(request: Request):
    """The same for two arrays."""
    sent = await request.json()
    rows = await app.state.pool.fetch(MANY, sent["lon"], sent["lat"])
    return Response(orjson.dumps([row["code"] for row in rows]), media_type="application/json")
