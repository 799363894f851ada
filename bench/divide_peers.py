"""Other tools that divide ground or cut graphs, in an environment of the benchmark's own, never in the product's.

A tool that cannot be installed here is left out with a line that says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import make_url, text

from layers.db import make_engine
from migrations import cluster as clusters
from tiling.divide.annealing import SearchRegion
from tiling.divide.graph import Graph
from tiling.divide.site import Site
from tiling.plane import Plane

HERE = Path(__file__).parent / "peers"
INSTALL_S, CUT_S = 900, 300
MOST_POINTS = 3000
"""Points of the k-means: its flow grows with points times clusters."""
TOOLS = {"metis": "pymetis", "kahip": "kahip", "kmeans": "k-means-constrained", "optimum": "ortools"}


class Peers:
    """The environment and the tools that are in it."""

    def __init__(self) -> None:
        self.folder = (Path(os.environ.get("WANGGE_VAR", "var")) / "bench-peers").resolve()
        self.python = self.folder / "divide" / "bin" / "python"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.python.exists():
            _done([sys.executable, "-m", "venv", str(self.folder / "divide")])
        self.tools = [name for name, package in TOOLS.items() if self._has(package)]
        self.splitter = self._has("area-splitter")

    def _has(self, package: str) -> bool:
        module = {"k-means-constrained": "k_means_constrained", "area-splitter": "area_splitter"}.get(package, package)
        asked = [str(self.python), "-c", f"import {module}"]
        if _done(asked) or (_done([str(self.python), "-m", "pip", "install", "--quiet", package]) and _done(asked)):
            return True
        print(f"{package} left out, it cannot be installed here")
        return False

    def cut(self, method: str, graph: Graph, count: int, **more: Any) -> dict[str, Any]:
        """The answer of a tool about a graph: `parts` and `seconds`; raises subprocess.SubprocessError."""
        task = {
            "method": method,
            "count": count,
            "first": graph.first.tolist(),
            "near": graph.near.tolist(),
            "on_foot": graph.on_foot.tolist(),
            "cost": graph.cost.tolist(),
            "weight": graph.weight.tolist(),
            "most_points": MOST_POINTS,
            **more,
        }
        answer: dict[str, Any] = json.loads(self._run("partition.py", task))
        return answer

    def split(self, site: Site, target: float) -> tuple[NDArray[np.object_], float]:
        """area-splitter's tasks in metres and its seconds, in a PostGIS of its own."""
        plane = Plane(4546)
        with Splitting(self.folder / "pg") as url:
            mean = float(site.weights[site.weights > 0].mean())
            task = {**_as_osm(site, plane), "buildings": max(round(target / mean), 1), "dsn": url}
            answer = json.loads(self._run("area_splitting.py", task))
        shapes = [shapely.from_geojson(json.dumps(one["geometry"])) for one in answer["tasks"]["features"]]
        out = np.empty(len(shapes), dtype=object)
        out[:] = shapes
        return np.asarray(plane.to_metres(out), dtype=object), float(answer["seconds"])

    def _run(self, script: str, task: dict[str, Any]) -> str:
        ran = subprocess.run(
            [str(self.python), str(HERE / script)], input=json.dumps(task), capture_output=True, text=True,
            timeout=CUT_S, check=False,
        )  # fmt: skip
        if ran.returncode:
            raise subprocess.SubprocessError(" ".join(ran.stderr.split())[-300:] or "no reason given")
        return ran.stdout


class Splitting:
    """The address of a database in a throw-away PostGIS, while the block runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> str:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.cluster = clusters.start(self.folder)
        url = clusters.add_database(self.cluster, "splitting")
        with make_engine(url).begin() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        known = make_url(url)
        host = known.query.get("host") or known.host
        port = f"&port={known.query['port']}" if "port" in known.query else ""
        return f"postgresql://{known.username}@/{known.database}?host={host}{port}"

    def __exit__(self, *_: object) -> None:
        clusters.stop(self.cluster)


def solver_of(peers: Peers, method: str, spent: list[float]) -> Any:
    """A tool in the place of the search; its seconds are added to `spent`."""

    def solver(region: SearchRegion, _goal: Any, _wishes: Any, **_more: Any) -> tuple[NDArray[np.intp], float]:
        if region.count < 2:
            return np.zeros(len(region.graph), dtype=np.intp), 0.0
        answer = peers.cut(method, region.graph, region.count, places=region.places.tolist())
        spent.append(answer["seconds"])
        return np.array(answer["parts"], dtype=np.intp), 0.0

    return solver


def _as_osm(site: Site, plane: Plane) -> dict[str, Any]:
    ground = shapely.union_all(list(site.areas.values()))
    ground = max(shapely.get_parts(ground), key=shapely.area)
    features = [
        *_features(site.buildings, "building", plane, "yes"),
        *_features(site.lines, "highway", plane, "residential"),
    ]
    aoi = {"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(plane.to_degrees(ground)))}
    return {
        "aoi": {"type": "FeatureCollection", "features": [aoi]},
        "extract": {"type": "FeatureCollection", "features": features},
    }


def _features(shapes: NDArray[np.object_], key: str, plane: Plane, value: str) -> list[dict[str, Any]]:
    drawn = shapely.to_geojson(np.asarray(plane.to_degrees(shapes), dtype=object)).tolist() if len(shapes) else []
    tags = {key: value}
    return [
        {"type": "Feature", "properties": {"osm_id": n, "tags": tags, **tags}, "geometry": json.loads(geometry)}
        for n, geometry in enumerate(drawn, start=1)
    ]


def _done(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=INSTALL_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
