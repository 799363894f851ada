"""An import outlives the death of its process and of its database: stored once and whole, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from layers import jobs
from layers.access import Actor
from layers.buildings import Building
from layers.db import make_engine, transaction
from layers.jobs import Job
from migrations import cluster as clusters
from migrations import run
from migrations.cluster import Cluster
from tests.databases import passing_cluster
from tests.small_city import load_small_city
from tests.waiting import until

pytestmark = pytest.mark.slow
HOUSES = 20_000
BY = Actor(name="planner", role="planner", area="130273")
UPLOAD = "houses"
SHORTLY = timedelta(seconds=1)
# A process starts, a file of houses is read and stored, a silent job is noticed.
PATIENCE_S = 60.0


@dataclass
class Yard:
    """A cluster of its own with a file of houses to import, and the processes that were set to work."""

    cluster: Cluster
    engine: Engine
    var: Path
    working: list[subprocess.Popen[bytes]]

    def work(self) -> subprocess.Popen[bytes]:
        told = {"WANGGE_DATABASE_URL": self.cluster.url("yard"), "WANGGE_VAR": str(self.var)}
        command = [sys.executable, "-m", "gis_api.job_runner"]
        self.working.append(subprocess.Popen(command, env=os.environ | told, stdout=subprocess.DEVNULL))
        return self.working[-1]

    def ask(self) -> str:
        task = {"layer": "buildings", "district": "130273", "datum": "wgs84", "upload": UPLOAD, "file": "houses.gpkg"}
        with transaction(self.engine) as session:
            return jobs.add_job(session, "import", task=task, area="130273", by=BY).id

    def job(self, job_id: str) -> Job:
        with transaction(self.engine) as session:
            job = jobs.get_job(session, job_id, by=BY)
            session.expunge(job)
            return job

    def houses(self) -> int:
        with transaction(self.engine) as session:
            return session.scalars(select(func.count()).select_from(Building)).one()

    def take_up(self) -> bool:
        with transaction(self.engine) as session:
            return jobs.take_up_silent(session, silent_after=SHORTLY) == 1


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with passing_cluster() as cluster:
        yield from _yard(cluster, tmp_path)


def _yard(cluster: Cluster, var: Path) -> Iterator[Yard]:
    engine = make_engine(clusters.add_database(cluster, "yard"))
    run.upgrade(engine)
    with transaction(engine) as session:
        frame = load_small_city(session).shapes.frame
    (var / "uploads").mkdir()
    _houses_in(shapely.bounds(frame)).to_file(var / "uploads" / f"{UPLOAD}.gpkg")
    (var / "uploads" / f"{UPLOAD}.gpkg").rename(var / "uploads" / UPLOAD)
    made = Yard(cluster, engine, var, [])
    yield made
    for process in made.working:
        process.kill()
        process.wait(20)
    engine.dispose()


def _houses_in(bounds: np.ndarray) -> geopandas.GeoDataFrame:
    west, south, east, north = bounds.tolist()
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(west, east, HOUSES), rng.uniform(south, north, HOUSES)
    shapes = shapely.box(lon, lat, lon + 1e-5, lat + 1e-5)
    return geopandas.GeoDataFrame({"name": [f"{n}号楼" for n in range(HOUSES)]}, geometry=shapes, crs=4326)


def is_storing(yard: Yard, job_id: str) -> bool:
    job = yard.job(job_id)
    assert job.state in ("queued", "running"), job.problem
    return job.message == "storing"


def test_a_working_process_that_is_killed_while_it_stores_leaves_nothing_and_the_next_one_all(yard: Yard) -> None:
    process, job_id = yard.work(), yard.ask()
    until(lambda: is_storing(yard, job_id), most_s=PATIENCE_S)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert yard.houses() == 0
    yard.work()
    until(yard.take_up, most_s=PATIENCE_S)
    until(lambda: yard.job(job_id).state not in ("queued", "running"), most_s=PATIENCE_S)
    job = yard.job(job_id)
    assert (job.state, job.attempt, yard.houses()) == ("done", 2, HOUSES)


def test_a_database_that_crashes_under_an_import_is_waited_for_and_the_import_made_once(yard: Yard) -> None:
    process, job_id = yard.work(), yard.ask()
    until(lambda: is_storing(yard, job_id), most_s=PATIENCE_S)
    server = int((yard.cluster.data / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGQUIT)
    until(lambda: not yard.cluster.running, most_s=PATIENCE_S)
    with pytest.raises(DBAPIError):
        yard.houses()
    assert process.poll() is None, "it waits"
    until(lambda: not Path(f"/proc/{server}").exists(), most_s=PATIENCE_S)
    clusters.start(yard.cluster.folder)
    assert yard.houses() == 0
    until(yard.take_up, most_s=PATIENCE_S)
    until(lambda: yard.job(job_id).state not in ("queued", "running"), most_s=PATIENCE_S)
    job = yard.job(job_id)
    assert (job.state, job.attempt, yard.houses()) == ("done", 2, HOUSES)
    assert process.poll() is None, "the same process made it"
