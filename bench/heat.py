"""Heat over a million hazards: any layer, period and level on the server, from the memory of the process.

    python -m bench.heat [--hazards 1000000] [--grids 784] [--rounds 7]

A city in a PostGIS of its own, hazards and incidents of a year at random in it. The figure is one stop of the slider as
the route makes it, its one small statement and the JSON included. The peer, in turns with it, is the grouped statement
over the stored codes. Counts of both must be the same. The goal: every question at most 5 ms.
The processor's own time is told beside it, which a loaded machine does not stretch.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis_api.routes.heat import show_cell
from layers import heat
from layers.categories import Category
from layers.db import make_engine, transaction
from layers.heat import HeatMemory, HeatQuestion
from migrations import cluster as clusters
from migrations import run
from tests.small_city import load_small_city

GOAL_MS = 5.0
NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
YEAR = timedelta(days=365)
CATEGORIES = 20
PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7), "quarter": timedelta(days=91), "year": YEAR}
LEVELS = ("sub_grid", "grid", "community", "subdistrict", "250m", "500m")


def main(argv: list[str]) -> int:
    """Prints the figures; 1 where a question takes longer than the goal or counts differ."""
    parser = argparse.ArgumentParser(prog="bench heat")
    parser.add_argument("--hazards", type=int, default=1_000_000)
    parser.add_argument("--grids", type=int, default=784)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wangge-bench-")))
        folder.chmod(0o755)
        cluster = clusters.start(folder / "pg")
        stack.callback(clusters.stop, cluster)
        engine = make_engine(clusters.add_database(cluster, "heat"), statement_timeout_ms=0)
        stack.callback(engine.dispose)
        run.upgrade(engine)
        with transaction(engine) as session:
            fill(session, options.grids, options.hazards)
        with Session(engine) as session:
            return measure(session, options.rounds)


def fill(session: Session, grids: int, hazards: int) -> None:
    """The city, and as many hazards and a tenth as many incidents."""
    city = load_small_city(session, grids, sub_grids=(1, 2, 3))
    session.add_all(Category(code=f"bench_{at}", name=str(at), resident_derived=False) for at in range(CATEGORIES))
    session.flush()
    points = np.array([shape.representative_point().coords[0] for shape in city.shapes.polygons])
    places = {"codes": list(city.codes), "lons": points[:, 0].tolist(), "lats": points[:, 1].tolist()}
    numbers = {"tiles": len(city.codes), "categories": CATEGORIES, "n": hazards, "district": city.district}
    for statement in (_HAZARDS, _INCIDENTS):
        session.execute(statement, {**numbers, **places, "until": NOW})
    session.execute(text("ANALYZE"))


_DRAWN = """
    FROM (SELECT n, 1 + floor(random() * :tiles)::int AS tile,
                 'bench_' || floor(random() * :categories)::int AS category,
                 CAST(:until AS timestamptz) - random() * interval '365 days' AS moment
          FROM generate_series(1, :n{share}) n) drawn,
         (SELECT CAST(:codes AS text[]) codes, CAST(:lons AS float8[]) lons, CAST(:lats AS float8[]) lats) city"""
_PLACED = """:district, codes[tile], lons[tile], lats[tile], ST_SetSRID(ST_MakePoint(lons[tile], lats[tile]), 4326)"""
_HAZARDS = text(
    "INSERT INTO hazards (category, found_at, rectified_at, district, current_code, raw_lon, raw_lat, geom)"
    f" SELECT category, moment, CASE WHEN n % 3 = 0 THEN moment END, {_PLACED}{_DRAWN.format(share='')}"
)
_INCIDENTS = text(
    "INSERT INTO incidents (category, state, occurred_at, reported_at, district, current_code, raw_lon, raw_lat, geom)"
    f" SELECT category, 'closed', moment, moment, {_PLACED}{_DRAWN.format(share=' / 10')}"
)


def measure(session: Session, rounds: int) -> int:
    """Prints a line for each layer, level and period; 1 where one is over the goal or counts differ."""
    memory = HeatMemory()
    for layer in ("hazards", "incidents"):
        begun = time.perf_counter()
        cases = memory.read(session, layer, now=NOW).cases[layer]
        took_s = time.perf_counter() - begun
        print(f"reading {len(cases.at_us)} {layer} once: {took_s * 1000:.0f} ms")
    size = sum(getattr(cases, name).nbytes for name in ("at_us", "pair", "standing", "lon", "lat", "id"))
    print(f"memory of a case: {size / max(len(cases.at_us), 1):.0f} bytes")
    worst = 0.0
    for layer in ("hazards", "incidents"):
        for level in LEVELS:
            for period, length in PERIODS.items():
                for category in (None, "bench_3"):
                    asked = HeatQuestion(layer, "130273", NOW - length, NOW, category, level)
                    worst = max(
                        worst, tell(session, asked, memory, rounds, f"{layer} {level} {period} {category or ''}")
                    )
    print(f"slowest stop of the slider: {worst:.2f} ms")
    return int(worst > GOAL_MS)


def tell(session: Session, asked: HeatQuestion, memory: HeatMemory, rounds: int, name: str) -> float:
    """The median of one question in milliseconds, printed beside its peer's."""
    answer_question(session, asked, memory)  # what is made once: the ladder, the squares
    ours, theirs, own = [], [], []
    for _ in range(rounds):
        begun_s = time.thread_time()
        ours.append(took_ms(lambda: answer_question(session, asked, memory)))
        own.append((time.thread_time() - begun_s) * 1000.0)
        theirs.append(took_ms(lambda: count_by_statement(session, asked)))
    counted = sum(cell.n for cell in heat.count_cells(session, asked, memory=memory, now=NOW, shapes=False))
    expected = count_by_statement(session, asked)
    assert counted == expected, f"{name}: {counted} counted, {expected} stored"
    mine, peer = statistics.median(ours), statistics.median(theirs)
    print(f"{name.strip()}: {mine:.2f} ms (ratio to grouped statement: {mine / peer:.4f})", flush=True)
    print(f"{name.strip()}, own processor: {statistics.median(own):.2f} ms", flush=True)
    return mine


def answer_question(session: Session, asked: HeatQuestion, memory: HeatMemory) -> bytes:
    """The body of an answer, as the route makes it."""
    cells = heat.count_cells(session, asked, memory=memory, now=NOW, shapes=False)
    return orjson.dumps({"cells": [show_cell(cell) for cell in cells]})


def count_by_statement(session: Session, asked: HeatQuestion) -> int:
    """The number of cases by one grouped statement."""
    table, moment, _ = heat.find_columns(asked.layer)
    statement = select(table.current_code, func.count()).where(moment >= asked.since, moment < asked.until)
    statement = statement.where(func.starts_with(table.current_code, asked.area))
    if asked.category is not None:
        statement = statement.where(table.category == asked.category)
    return sum(row[1] for row in session.execute(statement.group_by(table.current_code)))


def took_ms(work: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000.0


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
