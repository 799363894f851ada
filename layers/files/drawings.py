"""A CAD drawing (DXF) as polygons with the texts that stand in them; runs in the child process only.

A drawing knows no features: closed lines and hatches are polygons, a text belongs to the smallest polygon that it
stands in. A text like `001` or `A-12` is taken as the code, the first other one as the name; all are kept in `text`.
The drawing's own layers are the tables to choose from. Open lines and everything else are left out and counted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely import STRtree

_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9_.-]*")
_CODE_PAGE = re.compile(rb"\$DWGCODEPAGE\s+3\s+(\S+)")
_HEADER_BYTES = 65_536


@dataclass(frozen=True)
class Drawing:
    """The polygons of a drawing by its layers, and what was left out, as remarks."""

    rows: Any
    notes: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def layers(self) -> list[str]:
        """The layers of the drawing that hold polygons, by name."""
        return sorted(set(self.rows["layer"]))

    def of_layer(self, layer: str) -> Any:
        """The rows of one layer."""
        return self.rows[self.rows["layer"] == layer].reset_index(drop=True)


def read_drawing(path: Path) -> Drawing:
    """The polygons of a DXF file with `layer`, `handle`, `code`, `name` and `text`; it never states a CRS."""
    chinese = _is_chinese(path)
    # GDAL as it is packaged knows no GB18030: it hands the bytes on as they are, and they are decoded here.
    encoding = "ISO-8859-1" if chinese else _declared(path)
    pyogrio.set_gdal_config_options({"DXF_CLOSED_LINE_AS_POLYGON": True, "DXF_ENCODING": encoding})
    frame = pyogrio.read_dataframe(str(path))
    if chinese:
        frame = frame.assign(**{name: _as_chinese(frame[name]) for name in ("Layer", "Text")})
    if "geometry" not in frame.columns or not len(frame):
        return Drawing(geopandas.GeoDataFrame({"layer": []}, geometry=[]), ())
    shapes = np.asarray([_closed(shape) for shape in frame.geometry.values], dtype=object)
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
    first = _first_of_twins(shapes, np.flatnonzero(polygonal))
    rows = _rows(frame, shapes, first)
    open_lines = int(np.isin(shapely.get_type_id(shapes), (1, 5)).sum())
    counts = {"open_lines_left_out": open_lines, "twins_left_out": int(polygonal.sum()) - len(first)}
    return Drawing(rows, tuple((code, {"count": count}) for code, count in counts.items() if count))


def _declared(path: Path) -> str | None:
    """UTF-8 where no code page is named in the header, else None: GDAL knows that one."""
    with path.open("rb") as file:
        return None if _CODE_PAGE.search(file.read(_HEADER_BYTES)) else "UTF-8"


def _is_chinese(path: Path) -> bool:
    """Whether the texts are neither UTF-8 nor in a code page that the header names: then they are taken as GB18030."""
    content = path.read_bytes()
    page = _CODE_PAGE.search(content[:_HEADER_BYTES])
    if page and page[1].upper() not in (b"ANSI_936", b"GB2312", b"GBK", b"GB18030"):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _as_chinese(texts: Any) -> list[Any]:
    """Texts whose bytes were read one by one, decoded."""
    return [
        text.encode("latin-1", "replace").decode("gb18030", "replace") if isinstance(text, str) else text
        for text in texts
    ]


def _closed(shape: Any) -> Any:
    """A line that ends where it begins as the polygon that it draws."""
    if shape is None or shape.geom_type != "LineString" or not shape.is_closed or len(shape.coords) < 4:
        return shape
    return shapely.Polygon(shape.coords)


def _first_of_twins(shapes: NDArray[np.object_], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows without those that draw the same ground again: a hatch lies in its outline."""
    flat = shapely.force_2d(shapes[rows])
    keys = shapely.to_wkb(shapely.normalize(shapely.remove_repeated_points(flat)))
    _, first = np.unique(keys, return_index=True)
    return rows[np.sort(first)]


def _rows(frame: Any, shapes: NDArray[np.object_], rows: NDArray[np.intp]) -> Any:
    texts = _texts_in(frame, shapes, rows)
    columns: dict[str, list[Any]] = {
        "layer": [str(name) for name in frame["Layer"].to_numpy()[rows]],
        "handle": list(frame["EntityHandle"].to_numpy()[rows]),
        "code": [next((text for text in texts[row] if _CODE.fullmatch(text)), None) for row in rows],
        "name": [next((text for text in texts[row] if not _CODE.fullmatch(text)), None) for row in rows],
        "text": [" / ".join(texts[row]) or None for row in rows],
    }
    return geopandas.GeoDataFrame(columns, geometry=list(shapes[rows]))


def _texts_in(frame: Any, shapes: NDArray[np.object_], rows: NDArray[np.intp]) -> dict[int, list[str]]:
    """The texts in each polygon, from the top down; one in several polygons belongs to the smallest."""
    written = np.array([isinstance(text, str) and bool(text.strip()) for text in frame["Text"]], dtype=bool)
    points = np.flatnonzero(written & (shapely.get_type_id(shapes) == 0))
    told: dict[int, list[str]] = defaultdict(list)
    if not len(points) or not len(rows):
        return told
    polygons = shapely.force_2d(shapes[rows])
    at, inside = STRtree(polygons).query(shapely.force_2d(shapes[points]), predicate="within")
    areas = shapely.area(polygons)
    home: dict[int, int] = {}
    for number, polygon in zip(at.tolist(), inside.tolist(), strict=True):
        if number not in home or areas[polygon] < areas[home[number]]:
            home[number] = polygon
    x, y = shapely.get_x(shapes[points]), shapely.get_y(shapes[points])
    for number in sorted(home, key=lambda one: (-y[one], x[one])):
        told[int(rows[home[number]])].append(str(frame["Text"].iloc[points[number]]).strip())
    return told
