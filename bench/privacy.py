"""What somebody finds out who has read every released row of two years of the demo district ([A3]).

    python -m bench.privacy [--seed 1]

The demo's resident-derived cases stand once more a year earlier; months are released one after the other by the verb
of the job, and half-way one grid that holds a few such cases goes over to the neighbouring community. The attacker
knows the released rows and which code lies under which, and nothing of how cells were chosen: it pushes bounds through
all equations until nothing moves, then asks a linear programme of its own (scipy's) for each hidden cell. The old rule
(hidden answer by answer, in weeks and months) is put to the same attacker.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from bench.http_peers import peer_python
from layers import releases
from layers.db import make_engine, transaction
from layers.shifts import CITY_ZONE
from layers.smallest_count import SMALLEST
from migrations import cluster as clusters
from migrations import run
from migrations.demo.load import load_demo
from tests.moved_borders import move_grid

NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
HALF_WAY = datetime(2025, 12, 15, tzinfo=UTC)
YEAR_BEFORE = "interval '365 days'"
PLACE = "district, current_code, geom, raw_lon, raw_lat"


def main(argv: list[str]) -> int:
    """Prints the figures; 1 when a hidden cell could be narrowed to less than 11."""
    parser = argparse.ArgumentParser(prog="bench privacy")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_known_args(argv)[0]
    folder = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    folder.chmod(0o755)
    cluster = clusters.start(folder)
    try:
        engine = make_engine(clusters.add_database(cluster, "bench"), statement_timeout_ms=0)
        run.upgrade(engine)
        two_years(engine, options.seed)
        release_all(engine)
        found = attack_releases(engine)
        attack_old_rule(engine)
    finally:
        clusters.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)
    return int(found > 0)


def two_years(engine: Engine, seed: int) -> None:
    """The demo district, its resident-derived cases a second time a year before, and its plan in force all along."""
    with transaction(engine) as session:
        load_demo(session, seed=seed, now=NOW, progress=lambda words: print(words, file=sys.stderr))
    copies = {
        "hazards": f"category, state, severity, found_at, {PLACE}",
        "incidents": f"category, state, urgency, reported_at, occurred_at, {PLACE}",
    }
    with transaction(engine) as session:
        session.execute(text("UPDATE plans SET in_force = tstzrange('2024-01-01', NULL) WHERE in_force IS NOT NULL"))
        for table, columns in copies.items():
            earlier = ", ".join(f"{one} - {YEAR_BEFORE}" if one.endswith("_at") else one for one in columns.split(", "))
            resident = "category IN (SELECT code FROM categories WHERE resident_derived) AND state <> 'waiting'"
            session.execute(text(f"INSERT INTO {table} ({columns}) SELECT {earlier} FROM {table} WHERE {resident}"))


def release_all(engine: Engine) -> None:
    """Every month in its order, one change of borders half-way."""
    began, made = time.perf_counter(), []
    month = datetime(2024, 12, 2, tzinfo=UTC)
    moved = False
    while month <= NOW:
        if month > HALF_WAY and not moved:
            moved = True
            with transaction(engine) as session:
                grid, neighbour = session.execute(text(_A_GRID_AND_ITS_NEIGHBOUR)).one()
                move_grid(session, grid=grid, to=neighbour, now=HALF_WAY)
        with transaction(engine) as session:
            made += releases.make_due(session, now=month, zone=CITY_ZONE, most=50)
        month += timedelta(days=28)
    shown, hidden = sum(one.shown for one in made), sum(one.hidden for one in made)
    print(f"releases: {len(made)} releases")
    print(f"rows shown: {shown} rows")
    print(f"rows hidden: {hidden} rows")
    print(f"one release, counted, solved, audited and stored: {(time.perf_counter() - began) / len(made):.2f} s")


# A grid on a border between two communities of one street, with some resident-derived cases in it.
_A_GRID_AND_ITS_NEIGHBOUR = """
    SELECT g.code, n.parent_code FROM grids g JOIN plans p ON p.id = g.plan_id AND p.in_force @> now()
    JOIN grids n ON n.plan_id = g.plan_id AND n.level = 'grid' AND n.exclusive AND n.parent_code <> g.parent_code
        AND substr(n.code, 1, 9) = substr(g.code, 1, 9) AND ST_Relate(g.geom, n.geom, 'F***1****')
    WHERE g.level = 'grid' AND g.exclusive AND EXISTS (
        SELECT FROM incidents i JOIN categories c ON c.code = i.category AND c.resident_derived
        WHERE i.current_code LIKE g.code || '%') ORDER BY g.code LIMIT 1
"""


def attack_releases(engine: Engine) -> int:
    """The number of hidden cells that the attacker narrows too far."""
    with transaction(engine) as session:
        rows = session.execute(
            text(
                "SELECT layer, month, area, category, n FROM releases r JOIN release_rows w ON w.release_id = r.id "
                "ORDER BY layer, month, area, category"
            )
        ).all()
    tables: dict[tuple[str, date], list[tuple[str, str, int | None]]] = defaultdict(list)
    for layer, month, area, category, n in rows:
        tables[layer, month].append((area, category, n))
    found = attack(list(tables.values()))
    print(f"tables attacked: {len(tables)} tables")
    print(f"hidden cells narrowed below {SMALLEST}, releases: {found} cells")
    return found


def attack(tables: list[list[tuple[str, str, int | None]]]) -> int:
    """The number of hidden cells that the attacker narrows too far, in an environment with scipy."""
    python = peer_python("bench-privacy", ["scipy"], probes=("scipy.optimize",))
    done = subprocess.run(
        [str(python), "-m", "bench.privacy_attack", str(SMALLEST)],
        input=json.dumps(tables),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(json.loads(done.stdout)["all"])


def attack_old_rule(engine: Engine) -> None:
    """Prints how many hidden single-week counts come back by one subtraction under the rule before: spans of weeks that
    begin on one Monday, each answered by itself with its small cells hidden and one more per street where needed."""
    hidden, recovered = 0, 0
    for week, before, after in _nested_weeks(engine):
        told = [suppress_before(counts) for counts in (week, before, after)]
        secret = [area for area in week if area in told[0]]
        hidden += len(secret)
        recovered += sum(area not in told[1] and area not in told[2] for area in secret)
    print(f"hidden single weeks of a community, the rule before: {hidden} cells")
    print(f"of these found exactly by one subtraction, the rule before: {recovered} cells")


def _nested_weeks(engine: Engine) -> Iterator[tuple[dict[str, int], dict[str, int], dict[str, int]]]:
    """Counts by community of each week, of all weeks before it, and of both together."""
    with transaction(engine) as session:
        rows = session.execute(
            text(
                "SELECT substr(i.current_code, 1, 12), "
                "date_trunc('week', i.reported_at AT TIME ZONE 'Asia/Shanghai')::date, count(*) "
                "FROM incidents i JOIN categories c ON c.code = i.category AND c.resident_derived "
                "WHERE i.current_code IS NOT NULL GROUP BY 1, 2"
            )
        ).all()
    areas = {area for area, _, _ in rows}
    total = dict.fromkeys(areas, 0)
    for monday in sorted({week for _, week, _ in rows}):
        week = dict.fromkeys(areas, 0) | {area: n for area, at, n in rows if at == monday}
        before = dict(total)
        total = {area: total[area] + week[area] for area in areas}
        yield week, before, dict(total)


def suppress_before(counts: dict[str, int]) -> set[str]:
    """The rule before: in each street every cell under 11, and more while what is hidden holds under 11 or is one."""
    streets: dict[str, list[str]] = defaultdict(list)
    for area in sorted(counts, key=lambda area: (counts[area], area)):
        streets[area[:9]].append(area)
    hidden: set[str] = set()
    for cells in streets.values():
        taken = [area for area in cells if counts[area] < SMALLEST]
        for area in cells[len(taken) :]:
            if not taken or (len(taken) > 1 and sum(map(counts.__getitem__, taken)) >= SMALLEST):
                break
            taken.append(area)
        hidden |= set(taken)
    return hidden


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
