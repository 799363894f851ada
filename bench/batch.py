"""What it costs to read a CSV as `wangge batch` and imports do, against a bare `csv.reader` in the same run.

    python -m bench.batch [--rows 300000] [--rounds 5]

Kinds: plain cells; a third of the rows with a quoted comma; one row in ten thousand with a quote that nobody closes,
around which the reader goes with care. `reader` is the open table alone (its encoding is decided too), `batch` all that
the command does before it locates: texts as Arrow, two columns as numbers. Processor time, the least of the rounds.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gis_api.commands.batch import _batches
from layers.files.cells import numbers_of
from layers.files.delimited import open_delimited

KINDS = ("plain", "quoted", "faulty")
LON, LAT = "经度", "纬度"


def main(argv: list[str]) -> int:
    """Prints the figures; 1 when the reader of plain or quoted cells takes more than four times a bare one."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=300_000)
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args(argv)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            path = write_table(Path(folder) / f"{kind}.csv", kind, asked.rows)
            ways = {"bare csv.reader": read_barely, "reader": read_blocks, "batch": read_batches}
            least = {
                name: min(seconds(way, path) for _ in range(asked.rounds)) / asked.rows for name, way in ways.items()
            }
            bare = least.pop("bare csv.reader")
            print(f"{kind}, bare csv.reader: {bare * 1e6:.2f} µs/row")
            for name, one in least.items():
                print(f"{kind}, {name}: {one * 1e6:.2f} µs/row (ratio to csv.reader: {one / bare:.2f})")
            worst = worst if kind == "faulty" else max(worst, least["batch"] / bare)
    return int(worst > 4.0)


def write_table(path: Path, kind: str, rows: int) -> Path:
    """A table of points of this kind."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["编号", LON, LAT, "备注"])
        for number in range(rows):
            note = "甲,乙" if kind == "quoted" and number % 3 == 0 else "学院路"
            writer.writerow([f"{number:07d}", f"{118 + number / rows:.6f}", f"{39 + number / rows:.6f}", note])
            if kind == "faulty" and number % 10_000 == 5_000:
                file.write(f'{number}x,118.1,39.6,"学院路\n')
    return path


def seconds(way: Callable[[Path], None], path: Path) -> float:
    """The processor time that a way of reading takes."""
    begun = time.process_time()
    way(path)
    return time.process_time() - begun


def read_barely(path: Path) -> None:
    """What Python's own reader does at least."""
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass


def read_blocks(path: Path) -> None:
    """The table as it is opened for imports."""
    with open_delimited(path) as table:
        for _ in table.blocks():
            pass


def read_batches(path: Path) -> None:
    """What `wangge batch locate` reads before it locates."""
    for table, _ in _batches(path, needed=(LON, LAT), encoding=None):
        numbers_of(table.column(LON))
        numbers_of(table.column(LAT))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
