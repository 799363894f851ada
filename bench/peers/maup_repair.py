"""Hex WKB of polygons, one a line, from standard input; those that maup.smart_repair makes of them, to standard output.

Runs in an environment of its own that holds maup (see bench/repair_peers.py).
"""

from __future__ import annotations

import contextlib
import sys
import warnings

import geopandas
import maup
import shapely


def main() -> None:
    """Repairs what is read, with what maup does by itself; the plane is any metric one."""
    warnings.simplefilter("ignore")
    maup.progress.enabled = False
    shapes = shapely.from_wkb([line.strip() for line in sys.stdin if line.strip()])
    with contextlib.redirect_stdout(sys.stderr):  # it talks
        made = maup.smart_repair(geopandas.GeoDataFrame(geometry=shapes, crs=4548))
    for line in shapely.to_wkb(made.geometry.values, hex=True):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
