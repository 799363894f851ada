"""The evaluation over a million cases: any area and period, by area, unit, post and worker, from the process's memory.

    python -m bench.evaluation [--cases 1000000] [--grids 784] [--rounds 5]

A city in a PostGIS of its own, cases of a year at random in it, one in a hundred of them still living. The figure is
one answer as the door makes it, its statements and the JSON included. The peer is one statement that counts the total
by the same predicates; the sums of both must be the same. The goal: every answer at most 50 ms. Told beside it: the
processor's own time, which a loaded machine does not stretch, how long the first answer of a process takes, and memory.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from bench.heat import took_ms
from gis_api.allowances import resident_bytes
from gis_api.routes.evaluation import tell_evaluation
from gis_api.settings import Settings
from layers import evaluation
from layers.categories import Category
from layers.db import make_engine, transaction
from layers.evaluation import By, EvaluationAsked, EvaluationMemory
from layers.evaluation.predicates import FIGURES, is_counted
from layers.evaluation.questions import is_asked
from layers.incidents import Incident
from layers.units import Unit
from migrations import cluster as clusters
from migrations import run
from tests.small_city import load_small_city

GOAL_MS = 50.0
NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
CATEGORIES, UNITS = 20, 12
PERIODS = ("2026-11-03", "2026-W40", "2026-10", "2026")
BYS: tuple[By, ...] = ("area", "unit", "post", "worker")


def main(argv: list[str]) -> int:
    """Prints the figures; 1 where an answer takes longer than the goal or sums differ."""
    parser = argparse.ArgumentParser(prog="bench evaluation")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--grids", type=int, default=784)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wangge-bench-")))
        folder.chmod(0o755)
        cluster = clusters.start(folder / "pg")
        stack.callback(clusters.stop, cluster)
        engine = make_engine(clusters.add_database(cluster, "evaluation"), statement_timeout_ms=0)
        stack.callback(engine.dispose)
        run.upgrade(engine)
        with transaction(engine) as session:
            codes = fill(session, options.grids, options.cases)
        with Session(engine) as session:
            return measure(session, codes, options.rounds)


def fill(session: Session, grids: int, cases: int) -> tuple[str, ...]:
    """The finest codes of the city; its cases are stored, the indexes made after them."""
    city = load_small_city(session, grids, sub_grids=(1, 2, 3))
    session.add_all(Category(code=f"bench_{at}", name=str(at), resident_derived=False) for at in range(CATEGORIES))
    session.add_all(Unit(code=f"unit_{at}", name=str(at)) for at in range(UNITS))
    session.flush()
    points = np.array([shape.representative_point().coords[0] for shape in city.shapes.polygons])
    places = {"codes": list(city.codes), "lons": points[:, 0].tolist(), "lats": points[:, 1].tolist()}
    made = session.execute(_INDEXES).scalars().all()
    for one in made:
        session.execute(text(f"DROP INDEX {one.split(' ')[2]}"))
    numbers = {"tiles": len(city.codes), "categories": CATEGORIES, "units": UNITS, "n": cases}
    session.execute(_CASES, {**numbers, **places, "district": city.district, "until": NOW})
    for one in made:
        session.execute(text(one))
    session.execute(text("ANALYZE"))
    return city.codes


_INDEXES = text(
    "SELECT indexdef FROM pg_indexes WHERE tablename = 'incidents' AND schemaname = 'public'"
    " AND indexdef NOT LIKE 'CREATE UNIQUE%'"
)
# Most go to whoever serves the ground, as in life; some to anybody.
_CASES = text(
    "INSERT INTO incidents (category, state, occurred_at, reported_at, changed_at, district, current_code, unit_code,"
    "  worker_id, timed, late_at, late_step, due_at, steps_taken, grace, raw_lon, raw_lat, geom)"
    " SELECT category, CASE WHEN n % 100 = 0 THEN 'dispatched' WHEN n % 23 = 0 THEN 'duplicate'"
    "   WHEN n % 29 = 0 THEN 'cancelled' ELSE 'closed' END,"
    "  moment, moment, moment, :district, codes[tile], CASE WHEN n % 4 > 0 THEN 'unit_' || n % :units END,"
    "  CASE WHEN n % 10 = 0 THEN ids[1 + n % cardinality(ids)] ELSE ids[1 + tile % cardinality(ids)] END,"
    "  n % 8 > 0, CASE WHEN n % 7 = 0 THEN moment END, CASE WHEN n % 7 = 0 THEN 'accept' END,"
    "  CASE WHEN n % 100 = 0 THEN moment + interval '9 hours' END, floor(random() * 64)::int * 64,"
    "  CASE WHEN n % 200 = 1 THEN '{\"exempted\": true}'::jsonb END,"
    "  lons[tile], lats[tile], ST_SetSRID(ST_MakePoint(lons[tile], lats[tile]), 4326)"
    " FROM (SELECT n, 1 + floor(random() * :tiles)::int AS tile,"
    "         'bench_' || floor(random() * :categories)::int AS category,"
    "         CAST(:until AS timestamptz) - random() * interval '330 days' AS moment"
    "       FROM generate_series(1, :n) n) drawn,"
    "      (SELECT CAST(:codes AS text[]) codes, CAST(:lons AS float8[]) lons, CAST(:lats AS float8[]) lats) city,"
    "      (SELECT array_agg(id ORDER BY id) ids FROM workers) people"
)


def measure(session: Session, codes: tuple[str, ...], rounds: int) -> int:
    """Prints a line for each kind of row, area and period; 1 where one is over the goal or sums differ."""
    memory, before = EvaluationMemory(), resident_bytes()
    district = EvaluationAsked("area", codes[0][:6], evaluation.read_period("2026-10", ZONE))
    first_ms = took_ms(lambda: answer(session, district, memory))
    size = memory.count_bytes()
    print(f"first answer of a process: {first_ms:.0f} ms")
    print(f"kept cases: {size.cases} cases")
    print(f"kept arrays: {size.bytes / 2**20:.0f} MiB")
    worst = 0.0
    for by in BYS:
        for area in (codes[0][:6], codes[0][:9], codes[0][:12], codes[0][:15]):
            for period in PERIODS:
                asked = EvaluationAsked(by, area, evaluation.read_period(period, ZONE))
                worst = max(worst, tell(session, asked, memory, rounds))
    size = memory.count_bytes()
    print(f"kept arrays and sums, everything asked: {size.bytes / 2**20:.0f} MiB")
    print(f"memory of a case: {size.bytes / max(size.cases, 1):.0f} bytes")
    print(f"the process grew by: {(resident_bytes() - before) / 2**20:.0f} MiB")
    print(f"slowest answer: {worst:.1f} ms")
    return int(worst > GOAL_MS)


def tell(session: Session, asked: EvaluationAsked, memory: EvaluationMemory, rounds: int) -> float:
    """The median of one answer in milliseconds, printed beside its peer's."""
    name = f"by {asked.by}, {len(asked.area)} digits, {asked.period.name}"
    told = orjson.loads(answer(session, asked, memory))
    begun_s = time.thread_time()
    ours = statistics.median(took_ms(lambda: answer(session, asked, memory)) for _ in range(rounds))
    own_ms = (time.thread_time() - begun_s) * 1000.0 / rounds
    peer = took_ms(lambda: count_by_statement(session, asked))
    expected = count_by_statement(session, asked)
    counted = {figure: value["n"] for figure, value in told["total"]["figures"].items()}
    assert counted == expected, f"{name}: {counted} counted, {expected} stored"
    print(f"{name}: {ours:.1f} ms (ratio to one statement: {ours / peer:.4f})")
    print(f"{name}, own processor: {own_ms:.1f} ms", flush=True)
    return ours


def answer(session: Session, asked: EvaluationAsked, memory: EvaluationMemory) -> bytes:
    """The body of an answer, as the route makes it."""
    held, weights = asked.period.step_back("previous"), Settings.model_fields["evaluation_weights"].default
    found = evaluation.evaluate(session, asked, against=held, weights=weights, memory=memory, now=NOW, lang="zh_CN")
    return orjson.dumps(tell_evaluation(asked, held, found, weights))


def count_by_statement(session: Session, asked: EvaluationAsked) -> dict[str, int]:
    """Every figure of the total, by one statement."""
    sums = [func.sum(case((one.where(NOW), 1), else_=0)).label(name) for name, one in FIGURES.items()]
    statement = select(*sums).join(Category, Category.code == Incident.category).where(is_counted(), is_asked(asked))
    return {name: int(n or 0) for name, n in session.execute(statement).mappings().one().items()}


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
