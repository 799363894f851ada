"""Cities' own messy files from import to publication over HTTP, decided by rule.

    python -m bench.journeys [--data FOLDER] [--only NAME] [--frame union|stored]

For each set and frame: the errors that the draft begins with, how many decisions a rule answered in how many rounds,
the largest change of a grid that nobody decided about, seconds, and a full check of what is stored at the end. The
status is 1 where a plan cannot be published, a promise was not kept, or a grid changed by more than 1 m² unasked.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas
import httpx2
from sqlalchemy import Engine

from bench.served import database, served, signed_in
from gis_api import job_runner
from layers.access import add_user, open_sign_in
from layers.db import transaction
from tests.plan_desk import checked_afresh

DATA = Path(os.environ.get("WANGGE_TEST_DATA", str(Path(__file__).parents[2] / "shared" / "data")))
RULES: list[dict[str, Any]] = [
    {"kind": "gap", "class": "real", "choose": ["outside", "longest_border", "new"]},
    {"choose": ["cut_out", "trim", "longest_border", "allow", "mend"]},
]
ADMIN, PLANNER, REVIEWER = "surveyor_general", "surveyor", "chief"
DISTRICT = "130000"
MOST_ROUNDS = 6
LONGEST_S = 600.0


@dataclass(frozen=True)
class Mess:
    """A messy set: its file, the boundary of its city where there is one, the CRS that its file does not state."""

    file: str
    boundary: str | None = None
    crs: str | None = None
    within: str | None = None


SETS = {
    "providence": Mess("defects/providence_precincts.gpkg"),
    "colorado": Mess("defects/colorado_gap_region.gpkg"),
    "fire companies": Mess("nyc/fire_companies.geojson", "nyc/borough.geojson"),
    "denver": Mess("defects/denver_precincts_2020.gpkg"),
    # The file says Beijing 1954, for which no shift is known: whoever brings it must say how it is meant.
    "old beijing": Mess(
        "cn/beijing_old_subdistricts_defects.gpkg", "cn/counties_five_cities.geojson", "EPSG:4548", "1101"
    ),
    "election districts": Mess("nyc/election_districts_2013.geojson", "nyc/borough.geojson"),
    "seoul, statistics": Mess("foreign/kostat_gu.zip", crs="EPSG:5181"),
    "seoul, addresses": Mess("foreign/juso_gu.zip"),
}
# The old subdistricts cover the four counties that were the city then, and what was built about them.
OLD_BEIJING = ("110101", "110102", "110105", "110106", "110107", "110108")


@dataclass
class Journey:
    """What came of a journey, to be printed; `faults` says in words why it did not end as it should."""

    begun: dict[str, int] = field(default_factory=dict)
    grids: int = 0
    decisions: int = 0
    rounds: int = 0
    quiet_m2: float = 0.0
    took_s: float = 0.0
    published: bool = False
    left: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Service:
    """A running service, and how its people ask it."""

    address: str
    engine: Engine

    def client(self, person: str) -> httpx2.Client:
        """The interface as this person asks it."""
        with transaction(self.engine) as session:
            token = open_sign_in(session, person)
        client = signed_in(self.address, token)
        client.timeout = httpx2.Timeout(LONGEST_S)
        return client


def main(argv: list[str]) -> int:
    """Prints one journey after the other; the status is that of the worst."""
    parser = argparse.ArgumentParser(prog="journeys")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", default="")
    parser.add_argument("--frame", choices=["union", "stored"])
    asked = parser.parse_args(argv)
    worst = 0
    for name, mess in SETS.items():
        frames = ["union"] + (["stored"] if mess.boundary else [])
        for frame in frames if asked.only in name else []:
            if asked.frame in (None, frame):
                # A service of its own for each: two sets of one city would be two districts on the same ground.
                with running() as service, tempfile.TemporaryDirectory() as folder:
                    made = travel(service, prepared(asked.data, mess, Path(folder), frame), district=DISTRICT)
                worst = max(worst, show(f"{name} with {frame}", made))
    return worst


@contextmanager
def running() -> Iterator[Service]:
    """A service over a database that is thrown away, with the process that does long jobs."""
    with database("journeys") as (url, engine, folder), served(url, folder) as address:
        with transaction(engine) as session:
            for person, role in ((ADMIN, "admin"), (PLANNER, "planner"), (REVIEWER, "planner")):
                add_user(session, person, role=role, area="", password_hash="x")
        place = job_runner.Place(engine, folder / "uploads", threading.Event(), give_up=lambda: None)
        thread = threading.Thread(target=job_runner.run, args=(place,), daemon=True)
        thread.start()
        yield Service(address, engine)
        place.stop.set()
        thread.join(30)


@dataclass(frozen=True)
class Files:
    """A set ready to be sent: its grids with a code each, the frame asked for, and the boundary where that is one."""

    grids: Path
    frame: str
    boundary: Path | None


def prepared(data: Path, mess: Mess, folder: Path, frame: str) -> Files:
    """The files of a set; only a code for each row is put in, shapes stay as they came."""
    table = geopandas.read_file(data / mess.file)
    if mess.crs is not None:
        table = table.set_crs(mess.crs, allow_override=True)
    table["code"] = [f"{row:04d}" for row in range(1, len(table) + 1)]
    grids = folder / f"{Path(mess.file).stem}.gpkg"
    table[["code", "geometry"]].to_file(grids, driver="GPKG")
    if frame == "union" or mess.boundary is None:
        return Files(grids, "union", None)
    city = geopandas.read_file(data / mess.boundary)
    if mess.within is not None:
        city = city[city["code"].astype(str).isin(OLD_BEIJING)]
    outline = geopandas.GeoDataFrame({"code": [""]}, geometry=[city.to_crs(4326).geometry.union_all()], crs=4326)
    boundary = folder / f"{Path(mess.file).stem}-boundary.gpkg"
    outline.to_file(boundary, driver="GPKG")
    return Files(grids, "stored", boundary)


def travel(service: Service, files: Files, *, district: str) -> Journey:
    """A file from its import to a plan in force."""
    made, began = Journey(), time.monotonic()
    with service.client(ADMIN) as admin, service.client(PLANNER) as planner, service.client(REVIEWER) as reviewer:
        if files.boundary is not None:
            boundary = geopandas.read_file(files.boundary)
            boundary["code"] = district
            boundary.to_file(files.boundary, driver="GPKG")
            imported(admin, files.boundary, layer="areas", level="district")
        told = imported(admin, files.grids, layer="grids", district=district, frame=files.frame)
        path = f"/api/v1/plans/{told['plans'][district]}"
        made.grids, made.begun = told["stored"], errors(planner, path)
        mend(service, planner, path, made)
        publish(planner, reviewer, path, made)
    made.took_s = time.monotonic() - began
    afresh = checked_afresh(service.engine, path.rsplit("/", 1)[1])
    made.left = counted(afresh["defects"])
    if not afresh["ok"]:
        made.faults.append(f"a full check finds {made.left}")
    return made


def imported(client: httpx2.Client, file: Path, **asked: str) -> dict[str, Any]:
    """The report of an import, when its job is over."""
    with file.open("rb") as content:
        answer = client.post("/api/v1/imports", data=asked, files={"file": (file.name, content)})
    assert answer.status_code == 202, answer.text
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        job: dict[str, Any] = client.get(f"/api/v1/jobs/{answer.json()['id']}").json()
        if job["state"] not in ("queued", "running"):
            assert job["state"] == "done" and not job["result"]["refused_count"], job
            report: dict[str, Any] = job["result"]
            return report
        time.sleep(0.1)
    raise TimeoutError(file.name)


def mend(service: Service, client: httpx2.Client, path: str, made: Journey) -> None:
    """Repair after repair by rule until nothing is left to mend."""
    bare = asked_for(client, f"{path}/repair", {})
    made.quiet_m2 = max(made.quiet_m2, *map(change_m2, bare["differences"]), 0.0)
    while made.rounds < MOST_ROUNDS:
        proposal = asked_for(client, f"{path}/repair", {"rules": RULES})
        decided = {code for one in proposal["decisions"] if one["chosen"] != "leave" for code in one["codes"]}
        quiet = [change_m2(one) for one in proposal["differences"] if one["code"] not in decided]
        made.quiet_m2 = max(made.quiet_m2, *quiet, 0.0)
        headers = {"If-Match": f'"{proposal["version"]}"'}
        answer = client.post(f"{path}/repair?apply=true", json={"rules": RULES}, headers=headers)
        if answer.status_code == 409:
            break
        assert answer.status_code == 200, answer.text[:1000]
        made.rounds, made.decisions = made.rounds + 1, made.decisions + len(proposal["decisions"])
        found = counted(checked_afresh(service.engine, path.rsplit("/", 1)[1])["defects"])
        kept_up = errors(client, path)
        if not found == kept_up == proposal["left"]:
            made.faults.append(f"promised {proposal['left']}, kept up {kept_up}, found {found}")
    if made.quiet_m2 > 1.0:
        made.faults.append("a grid changed by more than 1 m² without a decision")


def asked_for(client: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question that must have one."""
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text[:1000]
    told: dict[str, Any] = answer.json()
    return told


def change_m2(difference: dict[str, Any]) -> float:
    """What a grid gains and loses together."""
    return float(difference["gained_m2"] + difference["lost_m2"])


def publish(planner: httpx2.Client, reviewer: httpx2.Client, path: str, made: Journey) -> None:
    """Submit the draft and put it into force, as two people do."""
    plan = planner.get(path)
    report = planner.get(f"{path}/coverage").json()
    warnings = sorted({one["kind"] for one in report["defects"] if one["severity"] == "warning"} | {"unserved_grid"})
    headers = {"If-Match": plan.headers["etag"]}
    sent = planner.post(f"{path}/submit", json={"acknowledged": warnings}, headers=headers)
    if sent.status_code == 200:
        sent = reviewer.post(f"{path}/publish", json={}, headers={"If-Match": sent.headers["etag"]})
    made.published = sent.status_code == 200
    if not made.published:
        made.faults.append(f"not published: {sent.status_code} {sent.text[:300]}")


def errors(client: httpx2.Client, path: str) -> dict[str, int]:
    """The number of errors of a plan by kind."""
    return counted(client.get(f"{path}/coverage").json()["defects"])


def counted(defects: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The number of errors by kind."""
    kinds = [one["kind"] for one in defects if one["severity"] == "error"]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def show(name: str, made: Journey) -> int:
    """Print a journey; 1 where it did not end as it should."""
    print(f"{name}, grids: {made.grids} grids")
    print(f"{name}, errors at the start: {sum(made.begun.values())} errors")
    print(f"{name}, decisions by rule: {made.decisions} decisions")
    print(f"{name}, rounds: {made.rounds} rounds")
    print(f"{name}, largest change without a decision: {made.quiet_m2:.3f} m2")
    print(f"{name}, time: {made.took_s:.1f} s")
    print(f"{name}, errors left: {sum(made.left.values())} errors")
    for fault in made.faults:
        print(f"{name} FAILED, {fault}")
    return 1 if made.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
