"""What the child process does: open, place, judge, and hand the rows over as one Arrow stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
import shapely

from layers.files import judging, opening, placing
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
    opened = opening.open_file(path, kind, table=asked["table"], preferred=asked["preferred"])
    placed = placing.place(opened.frame, opened.crs, placing.Asked(**asked["coordinates"]))
    shapes = None if placed is None else placed.geometries
    faults = {} if shapes is None else judging.faults_of(shapes)
    told = {
        "kind": kind,
        "encoding": opened.encoding,
        "taken_as": placed.taken_as if placed else None,
        "notes": [*opened.notes, *(placed.notes if placed else ())],
        "faults": faults,
    }
    return _stream(opened.frame, None if shapes is None else judging.without_unusable(shapes, faults), told)


def _stream(frame: Any, shapes: Any, told: dict[str, Any]) -> bytes:
    columns = {str(name): _texts(frame[name]) for name in frame.columns if name != "geometry"}
    if shapes is not None:
        columns[WKB] = pyarrow.array(shapely.to_wkb(shapes), type=pyarrow.large_binary())
    table = pyarrow.table(columns or {"__row": pyarrow.array(np.arange(len(frame)))})
    table = table.replace_schema_metadata({b"told": json.dumps(told).encode()})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _texts(column: Any) -> Any:
    return pyarrow.array([text_of(value) for value in column.tolist()], type=pyarrow.large_string())


def text_of(value: Any) -> str | None:
    """A cell as text, None for nothing."""
    if isinstance(value, str):
        return value.strip() or None
    if value is None or value is pandas.NaT or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        # A column of whole numbers becomes floats as soon as one is missing: 12.0 is the code 12.
        return str(int(value))
    if hasattr(value, "isoformat"):
        return None if pandas.isna(value) else str(value.isoformat())
    return str(value)
