"""A file as rows of one layer: the part that all layers share."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import shapely
from shapely.geometry.base import BaseGeometry

from layers import files
from layers.errors import Unacceptable
from layers.importing.columns import Columns, choose_columns
from layers.importing.report import Gathering, ImportOptions, Progress
from layers.importing.values import Unreadable, code, sound, value_of, zone_of
from layers.registry import IMPORTED
from layers.sandbox import Room
from layers.specs import Code, Imported, Moment, Text

# Faults of a row as a whole, whatever layer it is for.
PARSING = ("too_many_cells", "quotes_do_not_match")
_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True)
class Sheet:
    """A file's rows with the columns of one layer chosen, what is asked, and where faults are gathered."""

    layer: Imported
    columns: Columns
    options: ImportOptions
    source: str
    gathering: Gathering
    progress: Progress

    def __len__(self) -> int:
        return len(self.columns.table)

    def rows(self) -> range:
        """The numbers of all rows, from 1."""
        return range(1, len(self) + 1)

    def text(self, field: str, row: int) -> str | None:
        """The text of a field in a row, None for nothing; raises Unreadable for a cell that a spreadsheet damaged."""
        text = self.columns.text(field, row)
        return code(text) if isinstance(self.layer.by_name[field].rule, Code) else sound(text)

    def value(self, field: str, row: int) -> Any:
        """The value of a field in a row by the rule of its spec, None for nothing; raises Unreadable."""
        one = self.layer.by_name[field]
        rule, told = one.rule, self.columns.text(field, row)
        text = code(told) if isinstance(rule, Code) else sound(told)
        if text is None:
            if isinstance(rule, Text) and rule.instead:
                text = " ".join(filter(None, (self.text(other, row) for other in rule.instead))) or None
            if text is None and one.required:
                raise Unreadable("field_missing", field)
        zone = zone_of(self.options.tz) if isinstance(rule, Moment) else None
        return value_of(text, rule, zone=zone)

    def says(self, field: str) -> bool:
        """Whether the file has a column for a field, or for one that serves it."""
        rule = self.layer.by_name[field].rule
        others = rule.instead if isinstance(rule, Text) else ()
        return any(name in self.columns for name in (field, *others))

    def shape(self, row: int) -> BaseGeometry | None:
        """The geometry of a row in WGS84, None where it has none that can be used."""
        shapes = self.columns.table.geometries
        return None if shapes is None else shapes[row - 1]


def read_sheet(
    layer: str, file: Path, options: ImportOptions, *, progress: Progress, room: Room | None = None
) -> Sheet:
    """The rows of a file for a layer; raises Unacceptable where the file or what is asked makes no sense."""
    progress("reading", 0.0)
    positions = {field: column for column, field in options.mapping.items() if field in ("lon", "lat", "geometry")}
    source = files.Source(
        path=file,
        crs=options.crs,
        datum=options.datum,
        table=options.table,
        encoding=options.encoding,
        preferred=layer,
        **positions,
    )
    table = files.read(source, room=room)
    gathering = Gathering(layer)
    for remark, values in table.notes:
        gathering.note(remark, **values)
    for fault in table.faults.values():
        if fault.code in PARSING:
            gathering.refuse(fault.row, fault.code)
    if table.taken_as is not None:
        gathering.note("taken_as", crs=table.taken_as)
    columns = choose_columns(layer, table, options.mapping)
    return Sheet(IMPORTED[layer], columns, options, options.source or file.name, gathering, progress)


def parse_rows(sheet: Sheet, parse: Callable[[int], _Parsed]) -> Iterator[tuple[int, _Parsed]]:
    """The rows that can be used and what `parse` makes of them; the others are refused with what it raised.

    Raises Unacceptable for times without an offset where no zone was given: that concerns every row.
    """
    total = max(len(sheet), 1)
    for row in sheet.rows():
        if row % 2000 == 0:
            sheet.progress("storing", row / total)
        if row in sheet.gathering.refused:
            continue
        try:
            yield row, parse(row)
        except Unreadable as fault:
            if fault.reason == "time_without_offset":
                raise Unacceptable("times_need_a_zone", row=row, time=fault.detail) from fault
            sheet.gathering.refuse(row, fault.reason, detail=fault.detail, where=sheet.shape(row))


def refuse_faulty(sheet: Sheet, *, kinds: tuple[str, ...]) -> None:
    """Refuse the rows whose geometry is missing, invalid or of another kind; raises Unacceptable where none has any."""
    table = sheet.columns.table
    if table.geometries is None:
        raise Unacceptable("file_has_no_positions", columns=", ".join(table.names))
    for fault in table.faults.values():
        sheet.gathering.refuse(fault.row, fault.code, detail=fault.reason, where=fault.where)
    for row in sheet.rows():
        shape = sheet.shape(row)
        if shape is not None and shape.geom_type not in kinds:
            sheet.gathering.refuse(row, "wrong_geometry_type", detail=shape.geom_type, where=shape.centroid)


class Identities:
    """The id of each row under which a second import finds it again: the file's own, else a digest of its content."""

    def __init__(self, sheet: Sheet, *fields: str) -> None:
        self._sheet = sheet
        self._fields = fields
        self._own = "external_id" in sheet.columns
        self._seen: Counter[str] = Counter()

    def get(self, row: int) -> str:
        """The id; raises Unreadable for a row that has none or one of an earlier row."""
        if self._own:
            told = self._sheet.text("external_id", row)
            if told is None:
                raise Unreadable("no_id", "")
            self._seen[told] += 1
            if self._seen[told] > 1:
                raise Unreadable("duplicate_id", told)
            return told
        digest = self._digest(row)
        self._seen[digest] += 1
        return f"{digest}-{self._seen[digest]}"

    def _digest(self, row: int) -> str:
        shape = self._sheet.shape(row)
        content = b"" if shape is None else shapely.to_wkb(shape)
        words = "\x1f".join(self._sheet.text(field, row) or "" for field in self._fields)
        return hashlib.sha256(content + words.encode()).hexdigest()[:24]


def as_multi(shape: BaseGeometry) -> BaseGeometry:
    """A polygon or line as the collection of its kind, which is how layers store it."""
    if isinstance(shape, shapely.Polygon):
        return shapely.MultiPolygon([shape])
    if isinstance(shape, shapely.LineString):
        return shapely.MultiLineString([shape])
    return shape
