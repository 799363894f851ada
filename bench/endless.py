"""Files that would keep a job for ever, imported over HTTP: when each job ends, how, and in what words.

    python -m bench.endless [--only NAME]

A GeoPackage view that calls itself, a star of 20,001 points whose edges all cross, a table of 2,000 properties and
200,000 polygons that lie over each other. The status is 1 where a job did not end by itself as failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.journeys import ADMIN, DISTRICT, running
from tests.gis_api.test_bounded_jobs import crowd, loop_of, star

LONGEST_S = 1_800.0
# 447 by 447 are the first square beyond 200,000.
ACROSS = 448


def wide() -> bytes:
    """One polygon with 2,000 properties."""
    square = [[118.1, 39.6], [118.2, 39.6], [118.2, 39.7], [118.1, 39.7], [118.1, 39.6]]
    geometry = {"type": "Polygon", "coordinates": [square]}
    feature = {"type": "Feature", "properties": {f"p{n}": n for n in range(2_000)}, "geometry": geometry}
    return json.dumps({"type": "FeatureCollection", "features": [feature] * 500}).encode()


FILES: dict[str, tuple[str, Callable[[Path], bytes], dict[str, str]]] = {
    "a view that calls itself": ("loop.gpkg", loop_of, {"table": "loop"}),
    "a star of 20,001 points": ("star.geojson", lambda _: star(20_001), {}),
    "2,000 properties": ("wide.geojson", lambda _: wide(), {}),
    "200,000 polygons over each other": ("crowd.geojson", lambda _: crowd(ACROSS), {}),
}


def main(argv: list[str]) -> int:
    """Prints how each job ended."""
    parser = argparse.ArgumentParser(prog="endless")
    parser.add_argument("--only", default="")
    asked, worst = parser.parse_args(argv), 0
    for name, (file, made, told) in FILES.items():
        if asked.only not in name:
            continue
        with running() as service, tempfile.TemporaryDirectory() as folder, service.client(ADMIN) as client:
            began = time.monotonic()
            job = ended(client, file, made(Path(folder)), **told)
        took_s, problem = time.monotonic() - began, job["problem"] or {}
        print(f"{name}, the job ends: {took_s:.1f} s")
        print(f"{name}, it says: {job['state']} {problem.get('code')}, {job['message']}")
        worst = max(worst, 0 if job["state"] == "failed" and problem.get("detail") else 1)
    return worst


def ended(client: Any, file: str, content: bytes, **told: str) -> dict[str, Any]:
    """The job of an import when it is over, or after the longest time."""
    form = {"layer": "grids", "district": DISTRICT, "frame": "union", **told}
    answer = client.post("/api/v1/imports", files={"file": (file, content)}, data=form)
    assert answer.status_code == 202, answer.text
    until = time.monotonic() + LONGEST_S
    while True:
        job: dict[str, Any] = client.get(f"/api/v1/jobs/{answer.json()['id']}").json()
        if job["state"] not in ("queued", "running") or time.monotonic() > until:
            return job
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
