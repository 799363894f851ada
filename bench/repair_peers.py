"""Other tools that clean a messy coverage, installed into a folder of the benchmark's own, never into the product's.

A tool whose registry is out of reach is left out with a line that says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

Shapes = NDArray[np.object_]
Cleaner = Callable[[Shapes], Shapes]
INSTALL_S, CLEAN_S = 900, 300
SCRIPT = Path(__file__).parent / "peers" / "maup_repair.py"


def peers() -> Mapping[str, Cleaner]:
    """The tools that could be installed, by name; each gives the polygons in the order they came, empty where lost."""
    folder = (Path(os.environ.get("WANGGE_VAR", "var")) / "bench-peers").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Cleaner] = {}
    for name, ready in (("mapshaper -clean", _mapshaper), ("maup smart_repair", _maup)):
        cleaner = ready(folder)
        if cleaner is None:
            print(f"{name} left out, it cannot be installed here")
        else:
            found[name] = cleaner
    return found


def _mapshaper(folder: Path) -> Cleaner | None:
    program, npm = folder / "node_modules" / ".bin" / "mapshaper", shutil.which("npm")
    if not program.exists() and npm is not None:
        # Without the prefix npm would look for a package.json further up, and find the product's.
        own = ["--prefix", str(folder), "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
        _done([npm, "install", *own, "mapshaper"], folder)
    return (lambda shapes: _by_mapshaper(program, shapes)) if program.exists() else None


def _maup(folder: Path) -> Cleaner | None:
    python = folder / "venv" / "bin" / "python"
    if not python.exists() and not _done([sys.executable, "-m", "venv", str(folder / "venv")], folder):
        return None
    if not _done([str(python), "-c", "import maup"], folder):
        install = [str(python), "-m", "pip", "install", "--quiet", "maup"]
        if not _done(install, folder) or not _done([str(python), "-c", "import maup"], folder):
            return None
    return lambda shapes: _by_maup(python, shapes)


def _done(command: list[str], folder: Path) -> bool:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, timeout=INSTALL_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _by_mapshaper(program: Path, shapes: Shapes) -> Shapes:
    rows = [
        {"type": "Feature", "properties": {"row": row}, "geometry": json.loads(shapely.to_geojson(shape))}
        for row, shape in enumerate(shapes)
    ]
    with tempfile.TemporaryDirectory() as place:
        given, made = Path(place) / "given.json", Path(place) / "made.json"
        given.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
        subprocess.run(
            [str(program), str(given), "-clean", "-o", str(made)], capture_output=True, timeout=CLEAN_S, check=True
        )
        features = json.loads(made.read_text())["features"]
    out = np.full(len(shapes), shapely.Polygon(), dtype=object)
    for feature in features:
        if feature["geometry"] is not None:
            out[feature["properties"]["row"]] = shapely.from_geojson(json.dumps(feature["geometry"]))
    return out


def _by_maup(python: Path, shapes: Shapes) -> Shapes:
    given = "\n".join(shapely.to_wkb(shapes, hex=True).tolist())
    ran = subprocess.run(
        [str(python), str(SCRIPT)], input=given, capture_output=True, text=True, timeout=CLEAN_S, check=True
    )
    return np.asarray(shapely.from_wkb(ran.stdout.split()), dtype=object)
