"""area-splitter (the Field Tasking Manager's) on an area: {"aoi", "extract", "buildings", "dsn"} in, its tasks out."""

from __future__ import annotations

import contextlib
import json
import sys
import time


def main() -> None:
    """Splits what is read; whatever the tool prints goes to standard error."""
    from area_splitter.splitter import split_by_sql

    task = json.load(sys.stdin)
    start = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        made = split_by_sql(task["aoi"], task["dsn"], num_buildings=task["buildings"], osm_extract=task["extract"])
    json.dump({"tasks": made, "seconds": time.perf_counter() - start}, sys.stdout)


if __name__ == "__main__":
    main()
