"""PostgreSQL goes away and comes back: lookups go on, writes wait, nothing is made up ([L7])."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from starlette.testclient import TestClient

from gis_api.app import create_app
from gis_api.replicas.cold_start import find_cold_roster, write_cold_roster
from gis_api.replicas.keeping import RosterKeeper
from gis_api.settings import Settings
from layers.access import add_key, add_user, open_sign_in
from layers.candidates import pack_chart
from layers.db import make_engine, transaction
from layers.plans import Plan, Publication
from migrations import cluster as clusters
from migrations import run
from migrations.cluster import Cluster
from tests.databases import passing_cluster
from tests.gis_api.conftest import WEAK
from tests.gis_api.duty import put_on_duty
from tests.rosters import DISTRICT, Member, is_same, roster_of
from tests.small_city import SmallCity, load_small_city
from tests.waiting import until

pytestmark = pytest.mark.slow
PATH = "/api/v1/locate"
UNTOUCHED = "untouched"
Patience = Callable[[Callable[[], bool]], None]


class Town:
    """A cluster that may be stopped, with a small city of one test, a key and a person's session."""

    def __init__(self, cluster: Cluster, city: SmallCity, var: Path) -> None:
        self.cluster, self.city = cluster, city
        url = clusters.add_database(cluster, "town", template=UNTOUCHED)
        self.settings = Settings(database_url=url, var=var, stale_after_s=1.0, poll_s=0.05)
        engine = make_engine(url)
        with transaction(engine) as session:
            self._retire(session)
            key = add_key(session, "machine", role="admin", area="130273", datum="wgs84")
            add_user(session, "leader", role="leader", area="130273", password_hash=WEAK.hash("pass word"))
            self.cookie = {"cookie": f"wangge_session={open_sign_in(session, 'leader')}"}
        put_on_duty(engine)
        engine.dispose()
        self.key = {"authorization": f"Bearer {key}"}
        lon, lat = self.city.inside(self.city.codes[0])
        self.address = f"{PATH}?lon={lon!r}&lat={lat!r}"
        self.point = {"lon": [lon], "lat": [lat]}
        self.nearby = f"/api/v1/workers/nearest?lon={lon!r}&lat={lat!r}"

    def _retire(self, session: object) -> None:
        """The stored plan ends yesterday; a second one of the same shapes has been in force since."""
        self.yesterday = datetime.now(UTC) - timedelta(days=1)
        plan = session.get_one(Plan, self.city.plan_id)  # type: ignore[attr-defined]
        plan.in_force = Range(plan.in_force.lower, self.yesterday)
        session.flush()  # type: ignore[attr-defined]
        new = Plan(district=plan.district, state="published", plan_version=2, frame=plan.frame, created_by="x")
        new.in_force = Range(self.yesterday, None)
        session.add(new)  # type: ignore[attr-defined]
        session.flush()  # type: ignore[attr-defined]
        columns = "level, parent_code, name, kind, exclusive, households, buildings, area_m2, geom"
        session.execute(  # type: ignore[attr-defined]
            text(f"INSERT INTO grids (plan_id, code, {columns}) SELECT :new, code, {columns} FROM grids"),
            {"new": new.id},
        )
        session.add(  # type: ignore[attr-defined]
            Publication(district=plan.district, plan_id=new.id, plan_version=2, effective_at=self.yesterday)
        )

    def client(self) -> TestClient:
        """A service on this town; used as a context it runs."""
        return TestClient(create_app(self.settings), raise_server_exceptions=False)


@dataclass(frozen=True)
class Place:
    """Where a town is made anew for each test: a cluster of this file's own, and what its untouched town holds."""

    cluster: Cluster
    city: SmallCity


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with passing_cluster() as started:
        engine = make_engine(clusters.add_database(started, UNTOUCHED))
        run.upgrade(engine)
        with transaction(engine) as session:
            city = load_small_city(session)
        engine.dispose()
        yield Place(started, city)


@pytest.fixture
def town(place: Place, tmp_path: Path) -> Town:
    """The town as it was stored, whatever the test before did to it and to its server."""
    clusters.start(place.cluster.folder)
    writing = "-c default_transaction_read_only=off"
    with psycopg.connect(place.cluster.url("postgres"), autocommit=True, options=writing) as connection:
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("DROP DATABASE IF EXISTS town WITH (FORCE)")
    until(lambda: _takes_writes(place.cluster))
    return Town(place.cluster, place.city, tmp_path)


def _takes_writes(cluster: Cluster) -> bool:
    with psycopg.connect(cluster.url("postgres")) as connection:
        return connection.execute("SHOW default_transaction_read_only").fetchone() == ("off",)


def test_lookups_go_on_while_postgresql_is_away_and_recover_when_it_is_back(town: Town) -> None:
    with town.client() as client:
        until(lambda: client.get(town.address, headers=town.key).json()["stale"] is False)
        before = client.get(town.address, headers=town.key).json()
        assert before["relation"] == "inside" and before["plan_version"] == 2
        assert client.get(town.address, headers=town.cookie).status_code == 200
        long_ago = f"{town.address}&at={(town.yesterday - timedelta(days=9)).isoformat().replace('+', '%2B')}"
        assert client.get(long_ago, headers=town.key).json()["plan_version"] == 1

        clusters.stop(town.cluster)
        until(lambda: client.get(town.address, headers=town.key).json()["stale"])
        away = client.get(town.address, headers=town.key).json()
        assert away | {"updated_at": "", "stale": False} == before | {"updated_at": "", "stale": False}
        assert away["updated_at"] >= before["updated_at"]
        many = client.post(PATH, json=town.point, headers=town.key).json()
        assert (many["grid"], many["stale"]) == ([before["grid"]["code"]], True)
        assert many["updated_at"] == away["updated_at"]
        assert client.get(long_ago, headers=town.key).json()["plan_version"] == 1, "from the shelf"
        assert client.get(town.address, headers=town.cookie).status_code == 200, "a person who was seen lately"
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() | {"status": "reads only", "reads": True, "writes": False, "stale": True} == ready.json()
        assert client.get("/healthz").status_code == 200

        signing_in = client.post("/api/v1/session", json={"name": "leader", "password": "pass word"})
        for refused in (signing_in, client.get("/api/v1/users", headers=town.key)):
            assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
            assert refused.headers["content-type"] == "application/problem+json"

        clusters.start(town.cluster.folder)
        until(lambda: client.get(town.address, headers=town.key).json()["stale"] is False)
        assert client.get("/api/v1/users", headers=town.key).status_code == 200
        until(lambda: client.get("/readyz").json()["status"] == "ready")

        with psycopg.connect(str(town.settings.database_url), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            connection.execute("SELECT pg_reload_conf()")
        until(lambda: client.get("/readyz").json()["writes"] is False)
        assert client.get("/readyz").json()["stale"] is False, "it answers, but stores nothing"


@contextmanager
def frozen(cluster: Cluster) -> Iterator[None]:
    """PostgreSQL as after a disk that hangs: its processes stand still, its connections stay open."""
    server = int((cluster.data / "postmaster.pid").read_text().split()[0])
    told = Path(f"/proc/{server}/task/{server}/children").read_text()
    pids = [server, *map(int, told.split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_who_is_signed_in_reads_at_once_while_postgresql_hangs(town: Town) -> None:
    with town.client() as client:
        until(lambda: client.get(town.address, headers=town.cookie).json().get("stale") is False)
        with frozen(town.cluster):
            time.sleep(2.5)  # longer than anybody is remembered without asking
            for path in (town.address, "/api/v1/session", "/"):
                began_s = time.monotonic()
                assert client.get(path, headers=town.cookie).status_code == 200
                assert time.monotonic() - began_s < 0.5, path
            stranger = client.get(town.address, headers={"cookie": "wangge_session=unknown"})
            assert stranger.status_code == 503, "nobody can say who this is"
            many = client.post(PATH, json=town.point, headers=town.cookie | {"origin": "http://testserver"}).json()
            assert many["stale"] is True
        until(lambda: client.get("/readyz").json()["writes"])
        assert client.delete("/api/v1/session", headers=town.cookie).status_code == 204
        assert client.get(town.address, headers=town.cookie).status_code == 401


def test_a_process_that_starts_while_postgresql_hangs_answers_from_its_snapshot_within_three_seconds(
    town: Town,
) -> None:
    with town.client():
        until(town.settings.snapshot_file.exists)
    with frozen(town.cluster):
        began_s = time.monotonic()
        with town.client() as client:
            answer = client.get(town.address, headers=town.key).json()
            assert time.monotonic() - began_s < 3.0
            assert (answer["relation"], answer["stale"]) == ("inside", True)


def test_nothing_of_a_snapshot_is_left_when_the_database_was_made_anew(town: Town) -> None:
    with town.client():
        until(town.settings.snapshot_file.exists)
    address = str(town.settings.database_url)
    with psycopg.connect(address.replace("/town", "/postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE town WITH (FORCE)")
    engine = make_engine(clusters.add_database(town.cluster, "town"))
    run.upgrade(engine)
    engine.dispose()
    with town.client() as client:
        until(lambda: client.get("/readyz").json()["stale"] is False)
        assert client.get("/readyz").json()["index_version"] == 0
        assert client.get(town.address, headers=town.key).status_code == 401


def test_a_process_that_starts_without_postgresql_serves_its_snapshot(town: Town) -> None:
    with town.client() as client:
        before = client.get(town.address, headers=town.key).json()
        until(town.settings.snapshot_file.exists)
    assert stat.S_IMODE(town.settings.snapshot_file.stat().st_mode) == 0o600
    clusters.stop(town.cluster)
    with town.client() as client:
        after = client.get(town.address, headers=town.key).json()
        assert after["stale"] is True and after["grid"] == before["grid"]
        assert after["responsible"] == before["responsible"] and after["path"] == before["path"]
        assert client.get(town.address, headers={"authorization": "Bearer wg_other"}).status_code == 401
        assert client.get("/readyz").status_code == 200
        clusters.start(town.cluster.folder)
        until(lambda: client.get(town.address, headers=town.key).json()["stale"] is False)


def test_a_process_that_starts_without_postgresql_knows_who_is_near_and_on_duty(town: Town) -> None:
    began = datetime.now(UTC)
    with town.client() as client:
        until(lambda: client.get(town.nearby, headers=town.key).json().get("stale") is False)
        near = client.get(town.nearby, headers=town.key).json()
        duty, there = (client.get(f"/api/v1/{path}", headers=town.key).json() for path in ("on-duty", "positions"))
        assert near["candidates"] and duty["count"] > 0 and there["workers"] and duty["stale"] is False
    assert stat.S_IMODE(town.settings.roster_file.stat().st_mode) == 0o600
    clusters.stop(town.cluster)
    began_s = time.monotonic()
    with town.client() as client:
        after = client.get(town.nearby, headers=town.key).json()
        assert time.monotonic() - began_s < 3.0
        assert after["stale"] is True and after["updated_at"] is not None
        assert [one["worker"] for one in after["candidates"]] == [one["worker"] for one in near["candidates"]]
        assert (after["level"], after["duty_desk"]) == (near["level"], near["duty_desk"])
        known = client.get("/api/v1/on-duty", headers=town.key).json()
        assert (known["stale"], known["workers"]) == (True, duty["workers"])
        assert datetime.fromisoformat(known["updated_at"]) >= began, "no older than the first process was"
        shown = client.get("/api/v1/positions", headers=town.key).json()
        assert shown["stale"] and {one["number"] for one in shown["workers"]} == {
            one["number"] for one in there["workers"]
        }
        report = {"lon": town.point["lon"][0], "lat": town.point["lat"][0], "category": "facility"}
        refused = client.post("/api/v1/incidents?dry_run=true", json=report, headers=town.key)
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
        assert refused.json()["type"].endswith("not_ready"), "nobody is sent by what was known before"
        clusters.start(town.cluster.folder)
        until(lambda: client.get(town.nearby, headers=town.key).json()["stale"] is False)
        assert client.post("/api/v1/incidents?dry_run=true", json=report, headers=town.key).status_code == 200
        assert client.get("/api/v1/on-duty", headers=town.key).json()["stale"] is False


def test_who_is_on_duty_is_told_from_memory_while_postgresql_is_away(town: Town) -> None:
    with town.client() as client:
        until(lambda: client.get(town.nearby, headers=town.key).json().get("stale") is False)
        before = client.get("/api/v1/on-duty", headers=town.key).json()
        clusters.stop(town.cluster)
        for _ in range(2):  # at once, and when it is known that PostgreSQL is away
            away = client.get("/api/v1/on-duty", headers=town.key).json()
            assert (away["stale"], away["workers"]) == (True, before["workers"])
            until(lambda: client.get("/readyz").json()["stale"])
        assert client.get("/api/v1/on-duty?area=130273999", headers=town.key).json()["count"] == 0
        long_ago = client.get("/api/v1/on-duty?at=2020-01-01T00:00:00Z", headers=town.key)
        assert long_ago.status_code == 503 and int(long_ago.headers["retry-after"]) >= 1


@pytest.mark.parametrize("harm", ["missing", "changed", "foreign"])
def test_without_a_sound_roster_lookups_are_answered_and_nobody_is_made_up(town: Town, harm: str) -> None:
    with town.client() as client:
        until(lambda: client.get(town.nearby, headers=town.key).json().get("stale") is False)
    clusters.stop(town.cluster)
    file = town.settings.roster_file
    content = bytearray(file.read_bytes())
    if harm == "missing":
        file.unlink()
    elif harm == "changed":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        roster, at = find_cold_roster(file, database=town.settings.url()) or pytest.fail("there is a roster")
        write_cold_roster(file, roster, chart=pack_chart(roster.chart), database="postgresql:///village", at=at)
    with town.client() as client:
        assert client.get(town.address, headers=town.key).json()["relation"] == "inside"
        for path in (town.nearby, "/api/v1/on-duty", "/api/v1/positions"):
            answer = client.get(path, headers=town.key)
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1, path


def test_the_roster_is_written_seldom_however_often_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "roster.wangge"
    keeper = RosterKeeper(file, database="postgresql:///town", every_s=0.5)
    keeper.start()
    seen, began_s = set(), time.monotonic()
    while (passed_s := time.monotonic() - began_s) < 1.8:
        keeper.keep(roster_of([Member(x=passed_s)]), at=datetime.now(UTC))
        if file.exists():
            seen.add((file.stat().st_ino, file.stat().st_mtime_ns))
        time.sleep(0.01)
    last = datetime.now(UTC)
    keeper.keep(roster_of([Member(x=-7.0)]), at=last)
    keeper.stop()
    assert 2 <= len(seen) <= 5, "once at the beginning, then every half second"
    found = find_cold_roster(file, database="postgresql:///town")
    assert found is not None and found[1] == last, "the last one is there after a clean end"
    assert is_same(found[0].districts[DISTRICT], roster_of([Member(x=-7.0)]).districts[DISTRICT])


@pytest.mark.parametrize("harm", ["missing", "cut", "changed", "foreign"])
def test_without_postgresql_and_without_a_sound_snapshot_nothing_is_made_up(town: Town, harm: str) -> None:
    with town.client():
        until(town.settings.snapshot_file.exists)
    clusters.stop(town.cluster)
    file = town.settings.snapshot_file
    content = bytearray(file.read_bytes())
    if harm == "missing":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        other = str(town.settings.database_url).replace("/town", "/village")
        town.settings = town.settings.model_copy(update={"database_url": other})
    with town.client() as client:
        assert client.get("/readyz").status_code == 503
        answer = client.get(town.address, headers=town.key)
        assert answer.status_code == 503, "a key that cannot be checked is not a wrong key"
        assert "grid" not in answer.json()
