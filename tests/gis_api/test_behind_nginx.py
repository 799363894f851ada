"""The service behind a real nginx with `deploy/nginx.conf`: large files pass, and no tile is an old one."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import shapely
from fastapi import FastAPI
from sqlalchemy import Engine

from gis_api.auth import COOKIE
from layers.access import open_sign_in
from layers.db import transaction
from layers.moments import set_clock
from tests.gis_api.raw_server import HOST, port_of, serving
from tests.gis_api.test_fresh_tiles import NEW, address, renamed
from tests.importing import geo_file, imported
from tests.ports import free_port
from tests.small_city import SmallCity
from tests.waiting import until

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed here")
SignedIn = Callable[[str], httpx2.Client]


def configuration(folder: Path, *, port: int, service: int) -> str:
    """The configuration as deployed, but for addresses and certificate, with a cache of tiles as a site may add one."""
    conf = CONF.read_text().replace("127.0.0.1:8000", f"{HOST}:{service}")
    conf = conf.replace("listen 443 ssl;", f"listen {HOST}:{port};")
    conf = re.sub(r"\n +ssl_certificate.*", "", conf)
    keeping = "proxy_cache kept; proxy_cache_key $request_uri$http_cookie; proxy_cache_valid 200 10m;"
    keeping += " proxy_ignore_headers Cache-Control Vary;"
    tiles = f"    location ~ [.]mvt$ {{ {keeping} proxy_pass http://wangge; }}\n"
    conf = conf.replace("    location / {", tiles + "    location / {", 1)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    http = f"{paths}access_log off;\nproxy_cache_path {folder}/kept keys_zone=kept:1m;\n{conf}"
    owner = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""
    head = f"daemon off;\npid {folder}/pid;\nerror_log {folder}/errors;\n{owner}"
    return f"{head}events {{}}\nhttp {{\n{http}\n}}\n"


@pytest.fixture
def signed_in_there(app: FastAPI, engine: Engine, tmp_path: Path) -> Iterator[SignedIn]:
    """Makes clients with a person's cookie that ask nginx, which asks the service."""
    assert NGINX is not None
    folder, port = tmp_path / "nginx", free_port()
    folder.mkdir()
    folder.chmod(0o777)
    clients: list[httpx2.Client] = []

    def client(person: str) -> httpx2.Client:
        with transaction(engine) as session:
            token = open_sign_in(session, person)
        clients.append(httpx2.Client(base_url=f"http://{HOST}:{port}", cookies={COOKIE: token}, timeout=60.0))
        return clients[-1]

    with serving(app) as server:
        (folder / "nginx.conf").write_text(configuration(folder, port=port, service=port_of(server)))
        running = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")])
        try:
            until(lambda: answers(port), lambda: (folder / "errors").read_text()[-2_000:])
            yield client
        finally:
            for one in clients:
                one.close()
            running.terminate()
            running.wait(timeout=10)


def answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://{HOST}:{port}/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def tile_of_page(client: httpx2.Client, city: SmallCity, layer: str) -> bytes:
    """The tile at the address that the page takes from the layer's document."""
    document = client.get(f"/tiles/{layer}.json")
    assert document.status_code == 200, document.text
    version = document.json()["tiles"][0].partition("?")[2]
    answer = client.get(f"{address(city, layer)}?{version}")
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_publication_an_import_and_a_date_are_each_followed_by_a_new_tile(
    signed_in_there: SignedIn, small_city: SmallCity, engine: Engine, tmp_path: Path
) -> None:
    planner, reviewer = signed_in_there("planner"), signed_in_there("reviewer")

    def tile(layer: str) -> bytes:
        return tile_of_page(planner, small_city, layer)

    assert tile("roads") == b"" and NEW.encode() not in tile("grids")
    lon, lat = small_city.inside(min(small_city.codes))
    road = shapely.LineString([(lon - 0.01, lat), (lon + 0.01, lat)])
    with transaction(engine) as session:
        imported(session, "roads", geo_file(tmp_path, [road], osm_id=[1], highway=["primary"]))
    assert tile("roads") != b""
    begin = datetime.now(UTC) + timedelta(minutes=1)
    renamed(planner, reviewer, small_city, effective_at=begin.isoformat())  # type: ignore[arg-type]
    assert NEW.encode() not in tile("grids")
    with set_clock(lambda: begin + timedelta(seconds=1)):
        assert NEW.encode() in tile("grids")


def test_a_file_larger_than_other_bodies_may_be_passes(signed_in_there: SignedIn) -> None:
    planner = signed_in_there("planner")
    rows = b"number,name,lon,lat\n" + b"1,abcdefghijklmnopqrstuvwxyz,118.1,39.6\n" * 600_000
    assert len(rows) > 20_000_000
    answer = planner.post("/api/v1/uploads", files={"file": ("people.csv", rows, "text/csv")})
    assert answer.status_code in (200, 201, 202), answer.text
    refused = planner.post("/api/v1/plans", content=b" " * 3_000_000, headers={"content-type": "application/json"})
    assert refused.status_code == 413


@pytest.mark.parametrize("path", ["/api/v1/incidents/1/photos", "/api/v1/standards"])
def test_photos_and_sheets_reach_the_service_too(signed_in_there: SignedIn, path: str) -> None:
    """Three megabytes: more than the proxy lets through elsewhere. What they are is for the service to judge."""
    admin = signed_in_there("admin")
    answer = admin.post(path, files={"file": ("whatever", b"\0" * 3_000_000, "application/octet-stream")})
    assert answer.status_code not in (413, 502), answer.text
    assert answer.headers["content-type"] == "application/problem+json", "it is the service that answers"


def test_a_publication_is_seen_by_the_next_request(signed_in_there: SignedIn, small_city: SmallCity) -> None:
    planner = signed_in_there("planner")
    assert NEW.encode() not in tile_of_page(planner, small_city, "grids")
    renamed(planner, signed_in_there("reviewer"), small_city)  # type: ignore[arg-type]
    assert NEW.encode() in tile_of_page(planner, small_city, "grids")
