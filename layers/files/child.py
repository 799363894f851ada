"""What the child process does: open, place, judge, and hand the rows over as one Arrow stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import shapely

from layers.errors import Unacceptable
from layers.files import judging, opening, placing
from layers.files.opening import Opened, Wanted
from layers.files.sniffing import kind_of

WKB = "__wkb"
MOST_ROWS = 5_000_000


def read_bytes(task: bytes) -> bytes:
    """The rows of a file as an Arrow stream: every column as text or null, geometries as WKB in WGS84 lon/lat.

    The stream's schema carries, as JSON, what the CRS was taken as, the faults by row index and the remarks.
    """
    asked = json.loads(task)
    path = Path(asked["path"])
    kind = kind_of(path)
    opened = opening.open_file(path, kind, Wanted(**asked["wanted"]))
    if opened.count > MOST_ROWS:
        raise Unacceptable("file_has_too_many_rows", file=path.name, count=opened.count, most=MOST_ROWS)
    placed = placing.place(opened, placing.Asked(**asked["coordinates"]))
    shapes = None if placed is None else placed.geometries
    faults = faults_of(opened, shapes)
    told = {
        "kind": kind,
        "encoding": opened.encoding,
        "taken_as": placed.taken_as if placed else None,
        "notes": [*opened.notes, *(placed.notes if placed else ())],
        "faults": faults,
    }
    return _stream(opened, None if shapes is None else judging.drop_unusable(shapes, faults), told)


def faults_of(opened: Opened, shapes: Any) -> dict[int, dict[str, Any]]:
    """The fault of each row by its index: what the reader could not parse, else what is wrong with its shape."""
    parsing = {row: {"code": code, "reason": "", "lon": None, "lat": None} for row, code in opened.faults.items()}
    return parsing if shapes is None else {**judging.faults_of(shapes), **parsing}


def _stream(opened: Opened, shapes: Any, told: Mapping[str, Any]) -> bytes:
    columns = dict(opened.columns)
    if shapes is not None:
        columns[WKB] = pyarrow.array(shapely.to_wkb(shapes), type=pyarrow.large_binary())
    table = pyarrow.table(columns or {"__row": pyarrow.array(np.arange(opened.count))})
    table = table.replace_schema_metadata({b"told": json.dumps(told).encode()})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content
