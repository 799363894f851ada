"""The peers of the hot route that others wrote: tipg and MapIt, each in an environment of its own under var/.

Both get the same polygons in the same PostGIS. tipg serves the product's own table; MapIt wants its own tables, which
are filled from it: every sub-grid, grid, community, subdistrict and district as an area with its code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from ctypes.util import find_library
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import make_url, text

from gis_api.settings import Settings
from layers.db import make_engine

ROOT = Path(__file__).parent.parent
TIPG = ("tipg", "uvicorn", "uvloop", "httptools")
# MapIt 3.0 is of 2020: it imports what Django 4 has taken away.
MAPIT = ("django-mapit", "Django<4", "gunicorn")
_FILLED = """
INSERT INTO mapit_generation (active, created, description) VALUES (true, now(), 'bench');
INSERT INTO mapit_codetype (code, description) VALUES ('wangge', 'code');
CREATE TEMPORARY TABLE bench_shapes AS
    SELECT code, name, level, geom FROM grids UNION ALL SELECT code, name, level, geom FROM areas;
INSERT INTO mapit_type (code, description) SELECT DISTINCT level, level FROM bench_shapes;
INSERT INTO mapit_area (name, type_id, generation_low_id, generation_high_id)
    SELECT s.code, t.id, g.id, g.id FROM bench_shapes s JOIN mapit_type t ON t.code = s.level, mapit_generation g;
INSERT INTO mapit_code (area_id, type_id, code) SELECT a.id, t.id, a.name FROM mapit_area a, mapit_codetype t;
INSERT INTO mapit_geometry (area_id, polygon)
    SELECT a.id, (ST_Dump(s.geom)).geom FROM bench_shapes s JOIN mapit_area a ON a.name = s.code;
UPDATE mapit_area a SET name = s.name FROM bench_shapes s, mapit_code c WHERE c.area_id = a.id AND c.code = s.code;
"""


def peer_python(name: str, packages: Sequence[str], *, probes: Sequence[str]) -> Path:
    """The Python of a peer's environment, made and filled first where a module is missing."""
    folder = Settings().var.resolve() / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    probe = [str(python), "-c", f"import {', '.join(probes)}"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
    return python


def tipg_python() -> Path:
    """The Python of tipg."""
    return peer_python("bench-tipg", TIPG, probes=("tipg.main", "uvloop", "httptools"))


def tipg_environment(url: str) -> dict[str, str]:
    """tipg's settings. A list of tables by environment gives 404s, so it finds all tables of the schema by itself."""
    return {"DATABASE_URL": _plain(url), "TIPG_DB_SCHEMAS": '["public"]', "DB_MIN_CONN_SIZE": "8"}


def mapit_python() -> Path:
    """The Python of MapIt."""
    return peer_python("bench-mapit", MAPIT, probes=("django.conf.urls", "mapit.iterables", "gunicorn"))


def mapit_environment(url: str) -> dict[str, str]:
    """Where MapIt finds its settings, its database, GDAL and GEOS; raises RuntimeError where these are missing."""
    known = make_url(url)
    libraries = {"BENCH_GDAL": find_library("gdal"), "BENCH_GEOS": find_library("geos_c")}
    libraries |= {name: found or _versioned(name) for name, found in libraries.items()}
    told = {
        "DJANGO_SETTINGS_MODULE": "bench.peers.mapit_site",
        "PGDATABASE": known.database,
        "PGHOST": known.query.get("host") or known.host,
        "PGPORT": known.query.get("port") or (str(known.port) if known.port else None),
        "PGUSER": known.username,
        "PGPASSWORD": known.password,
        **libraries,
    }
    return {name: str(value) for name, value in told.items() if value}


def fill_mapit(url: str, environment: Mapping[str, str]) -> None:
    """Make MapIt's tables and fill them with the polygons of the product's."""
    engine = make_engine(url, statement_timeout_ms=0)
    migrate = [str(mapit_python()), "-m", "django", "migrate", "-v", "0"]
    subprocess.run(migrate, cwd=ROOT, env=os.environ | dict(environment), check=True)
    with engine.begin() as connection:
        for statement in _FILLED.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def words_of(document: object) -> set[str]:
    """All texts in an answer, whatever its form: the code that was looked for must be among them."""
    return set(_strings(document))


def _strings(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    for inner in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _strings(inner)


def _plain(url: str) -> str:
    """The address with the folder of the socket in the place of the host, where tipg's settings want one."""
    known = make_url(url)
    socket, port = known.query.get("host"), known.query.get("port")
    if socket is None:
        return known.set(drivername="postgresql").render_as_string(hide_password=False)
    return f"postgresql://{known.username}@{quote(str(socket), safe='')}:{port or 5432}/{known.database}"


def _versioned(name: str) -> str | None:
    """A library without the link that only its headers' package brings, as a small machine has it."""
    stem = {"BENCH_GDAL": "libgdal.so", "BENCH_GEOS": "libgeos_c.so"}[name]
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    return next((line.split(" => ")[1] for line in known.splitlines() if stem in line), None)
