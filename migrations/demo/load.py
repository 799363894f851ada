"""`load_demo`: the demo district written into the database, in the caller's transaction, by COPY."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import numpy as np
from sqlalchemy.orm import Session

from layers.access import service_actor
from layers.categories import ensure_defaults
from layers.db import wait_longer
from layers.history import note
from layers.standards import put_sheet
from migrations.demo import ground_rows, happening_rows, homes, people_rows
from migrations.demo.decisions import handled_by, send_workers, write_decisions
from migrations.demo.happenings import make_hazards, make_hot_spots, make_incidents
from migrations.demo.model import Town
from migrations.demo.people import make_roster, make_workers
from migrations.demo.places import DISTRICT_CODE
from migrations.demo.progressed import make_progress
from migrations.demo.rows import Writer
from migrations.demo.standard_sheet import make_sheet
from migrations.demo.street_furniture import write_components
from migrations.demo.town import make_town
from migrations.demo.whereabouts import Tiles, make_fixes
from tiling.plane import Plane

Progress = Callable[[str], object]


@dataclass(frozen=True)
class DemoReport:
    """What was written, in counts, and how long it took."""

    plan_id: int
    areas: int
    grids: int
    sub_grids: int
    households: int
    buildings: int
    workers: int
    shifts: int
    positions: int
    hazards: int
    incidents: int
    steps: int
    decisions: int
    devices: int
    components: int
    took_s: float


def load_demo(session: Session, *, seed: int, now: datetime, progress: Progress) -> DemoReport:
    """What was written; the same seed and `now` (aware) write the same rows, but for the ids.

    The database holds no district 130273 yet; people, shifts and happenings lie around `now`. Takes part in the
    caller's transaction; about 20 s. `progress` is told in words what is being done.
    """
    began = perf_counter()
    wait_longer(session, 0)
    ensure_defaults(session)
    put_sheet(session, make_sheet(), by=service_actor("demo"))
    progress("town")
    town = make_town(seed)
    writer = Writer(session, Plane(town.epsg))
    progress("grids")
    ground_rows.write_areas(writer, town)
    plan_id = ground_rows.write_plan(writer, town, now=now)
    first_building = ground_rows.write_buildings(writer, town)
    ground_rows.write_grounds(writer, town)
    components = write_components(writer, town, np.random.default_rng([seed, 13]))
    progress("households")
    families = homes.make_homes(town, np.random.default_rng([seed, 11]))
    first_home = homes.write_homes(writer, families, first_building=first_building)
    devices = homes.write_devices(
        writer, town, homes=families, first_home=first_home, first_building=first_building, now=now
    )
    progress("publication")
    ground_rows.publish_plan(writer, plan_id, now=now)
    counts = _write_work(writer, town, now=now, progress=progress)
    note(session, "demo", subject=f"district:{DISTRICT_CODE}", area=DISTRICT_CODE, by=service_actor("demo"), seed=seed)
    session.flush()
    ground_rows.analyse(writer)
    levels = [grid.level for grid in town.grids if grid.exclusive]
    return DemoReport(
        plan_id=plan_id,
        areas=len(town.areas),
        grids=levels.count("grid"),
        sub_grids=levels.count("sub_grid"),
        households=len(families),
        buildings=len(town.buildings),
        devices=devices,
        components=components,
        **counts,
        took_s=perf_counter() - began,
    )


def _write_work(writer: Writer, town: Town, *, now: datetime, progress: Progress) -> dict[str, int]:
    """People, their shifts and positions, and a year of hazards and incidents; the counts by name."""
    rng = np.random.default_rng([town.seed, 12])
    tiles = Tiles.of(town)
    workers = make_workers(town, rng)
    roster = make_roster(workers, now, rng=rng)
    spots = make_hot_spots(town, rng)
    hazards = make_hazards(town, tiles, spots=spots, now=now, rng=rng)
    incidents = make_incidents(town, tiles, spots=spots, now=now, rng=rng)
    done = make_progress(incidents, tiles, workers=workers, roster=roster, now=now, rng=rng)
    last = {int(worker): int(second) for worker, second in zip(done.worker, incidents.at, strict=True) if worker >= 0}
    progress("workers and shifts")
    first = people_rows.write_workers(writer, town, workers=workers, last_assigned=last, now=now)
    people_rows.write_charges(writer, workers, first=first, now=now, rng=rng)
    shifts = people_rows.write_shifts(writer, roster, first=first)
    fixes = make_fixes(town, tiles, workers=workers, roster=roster, now=now, rng=rng)
    positions = people_rows.write_fixes(writer, fixes, first=first, now=now)
    progress("hazards and incidents")
    found = happening_rows.write_hazards(writer, hazards, tiles=tiles, now=now, rng=rng)
    sent = send_workers(writer.session, done, lonlat=writer.lonlat(incidents.xy), now=now)
    done = handled_by(done, sent, workers=workers)
    first_incident, steps = happening_rows.write_incidents(
        writer, incidents, progress=done, tiles=tiles, workers=workers, first_worker=first, sent=sent, rng=rng
    )
    decisions = write_decisions(writer.session, sent, progress=done, first_incident=first_incident)
    return {
        "workers": len(workers),
        "shifts": shifts,
        "positions": positions,
        "hazards": found,
        "incidents": len(incidents),
        "steps": steps,
        "decisions": decisions,
    }
