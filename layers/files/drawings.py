"""A CAD drawing (DXF) as polygons with the texts that stand in them; runs in the child process only.

A drawing knows no features: closed lines and hatches are polygons, a text belongs to the smallest polygon that it
stands in. A text like `001` or `A-12` is taken as the code, the first other one as the name; all are kept in `text`.
The drawing's own layers are the tables to choose from. Open lines and everything else are left out and counted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from layers.files import encodings

_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9_.-]*")
_CODE_PAGE = re.compile(rb"\$DWGCODEPAGE\s+3\s+(\S+)")
_VERSION = re.compile(rb"\$ACADVER\s+1\s+AC(\d{4})")
_HEADER_BYTES = 65_536
# AutoCAD 2007: since then a drawing is UTF-8.
_UTF8_SINCE = 1021
COLUMNS = ("layer", "handle", "code", "name", "text")
_BY_NUMBER = re.compile(r"\\[Uu]\+([0-9A-Fa-f]{4})")
_BY_BYTES = re.compile(r"\\[Mm]\+([1-5])([0-9A-Fa-f]{4})")
_BYTE_PAGES = {"1": "cp932", "2": "big5hkscs", "3": "cp949", "4": "johab", "5": encodings.CHINESE}
_FORMATS = re.compile(r"\\[fFHhCcQqTtWwApx][^;\\{}]{0,80};|\\[LlOoKk]")
_STACKED = re.compile(r"\\S([^;^/#]{0,40})[\^/#]([^;]{0,40});")
_BRACES = re.compile(r"(?<!\\)[{}]")
_PERCENT = re.compile(r"%%([dDpPcCuUoOkK])")
_PERCENT_SIGNS = {"d": "°", "p": "±", "c": "Ø"}


@dataclass(frozen=True)
class Rows:
    """Polygons and what is known of each: `layer`, `handle`, `code`, `name` and `text`."""

    columns: Mapping[str, Sequence[str | None]]
    shapes: NDArray[np.object_]


@dataclass(frozen=True)
class Drawing:
    """The polygons of a drawing, the encoding of its texts, and what was left out, as remarks."""

    rows: Rows
    encoding: str
    notes: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def layers(self) -> list[str]:
        """The layers of the drawing that hold polygons, by name."""
        return sorted({layer for layer in self.rows.columns["layer"] if layer is not None})

    def select_layers(self, layers: Sequence[str]) -> Rows:
        """The rows of these layers."""
        kept = [row for row, layer in enumerate(self.rows.columns["layer"]) if layer in layers]
        columns = {name: [column[row] for row in kept] for name, column in self.rows.columns.items()}
        return Rows(columns, self.rows.shapes[kept])


def read_drawing(path: Path, *, asked: str | None = None) -> Drawing:
    """The polygons of a DXF file; it never states a CRS. `asked` is the encoding that a person named.

    Raises Unacceptable `encoding_unknown` as `encodings.choose` does.
    """
    content = path.read_bytes()
    choice = encodings.choose([content], file=path.name, asked=asked, stated=(_page(content),))
    # GDAL knows few code pages and hands on the bytes as they are in this one, which has a letter for each.
    pyogrio.set_gdal_config_options({"DXF_CLOSED_LINE_AS_POLYGON": True, "DXF_ENCODING": "ISO-8859-1"})
    frame = pyogrio.read_dataframe(str(path))
    if "geometry" not in frame.columns or not len(frame):
        return Drawing(Rows(dict.fromkeys(COLUMNS, ()), np.empty(0, dtype=object)), choice.codec, choice.notes)
    frame = frame.assign(**{name: _decode(frame[name], choice.codec) for name in ("Layer", "Text")})
    shapes = np.asarray([_close(shape) for shape in frame.geometry.values], dtype=object)
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
    first = _drop_twins(shapes, np.flatnonzero(polygonal))
    rows = _rows(frame, shapes, first)
    open_lines = int(np.isin(shapely.get_type_id(shapes), (1, 5)).sum())
    counts = {"open_lines_left_out": open_lines, "twins_left_out": int(polygonal.sum()) - len(first)}
    left_out = tuple((code, {"count": count}) for code, count in counts.items() if count)
    return Drawing(rows, choice.codec, (*choice.notes, *left_out))


def _page(content: bytes) -> str | None:
    """The code page that the header names; drawings of 2007 and later are UTF-8 whatever it says."""
    page = _CODE_PAGE.search(content[:_HEADER_BYTES])
    version = _VERSION.search(content[:_HEADER_BYTES])
    if version is not None and int(version[1]) >= _UTF8_SINCE:
        return None
    return page[1].decode("ascii", "replace") if page else None


def _decode(texts: Any, codec: str) -> list[Any]:
    """Texts whose bytes were read one by one, decoded, without the marks of their looks."""
    return [
        clean_text(encodings.decode(text.encode("latin-1", "replace"), codec)) if isinstance(text, str) else text
        for text in texts
    ]


def clean_text(text: str) -> str:
    """What a text of a drawing says: signs written as numbers are put in, marks of font, colour and paragraph go."""
    text = _BY_NUMBER.sub(lambda found: chr(int(found[1], 16)), text)
    text = _BY_BYTES.sub(lambda found: _sign(found[1], found[2]), text)
    text = _STACKED.sub(r"\1/\2", _PERCENT.sub(lambda found: _PERCENT_SIGNS.get(found[1].lower(), ""), text))
    text = _FORMATS.sub("", text).replace("\\P", "\n").replace("\\X", "\n").replace("\\~", " ")
    text = _BRACES.sub("", text)
    return re.sub(r"\\([\\{}])", r"\1", text).strip()


def _sign(page: str, code: str) -> str:
    """A sign that is written as the bytes of a code page: `\\M+5D1A7`, where 5 stands for GBK."""
    return encodings.decode(bytes.fromhex(code), _BYTE_PAGES.get(page, encodings.CHINESE))


def _close(shape: Any) -> Any:
    """A line that ends where it begins as the polygon that it draws."""
    if shape is None or shape.geom_type != "LineString" or not shape.is_closed or len(shape.coords) < 4:
        return shape
    return shapely.Polygon(shape.coords)


def _drop_twins(shapes: NDArray[np.object_], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows without those that draw the same ground again: a hatch lies in its outline."""
    flat = shapely.force_2d(shapes[rows])
    keys = shapely.to_wkb(shapely.normalize(shapely.remove_repeated_points(flat)))
    _, first = np.unique(keys, return_index=True)
    return rows[np.sort(first)]


def _rows(frame: Any, shapes: NDArray[np.object_], rows: NDArray[np.intp]) -> Rows:
    texts = _texts_in(frame, shapes, rows)
    columns: dict[str, list[str | None]] = {
        "layer": [str(name) for name in frame["Layer"].to_numpy()[rows]],
        "handle": list(frame["EntityHandle"].to_numpy()[rows]),
        "code": [next((text for text in texts[row] if _CODE.fullmatch(text)), None) for row in rows],
        "name": [next((text for text in texts[row] if not _CODE.fullmatch(text)), None) for row in rows],
        "text": [" / ".join(texts[row]) or None for row in rows],
    }
    return Rows(columns, shapes[rows])


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
        lines = str(frame["Text"].iloc[points[number]]).splitlines()
        told[int(rows[home[number]])] += [line.strip() for line in lines if line.strip()]
    return told
