"""Which column of a file is which field of a layer: as the person says, else by the names in the layer's spec.

Names are compared without case. The first name that the file has wins; `--map column=field` goes before everything, and
of several columns that a person names for one field the first that is filled counts, row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layers.errors import Unacceptable
from layers.files import Table
from layers.importing.values import Unreadable, code, sound
from layers.registry import IMPORTED

# What says where a row is; files.read asks for it by these names.
POSITION_FIELDS = ("lon", "lat", "geometry")
# Programs put this column into every table that they make, KML's reader into every one that it reads; nobody meant it
# as long as no cell of it is filled.
_OF_PROGRAMS = "id"


@dataclass(frozen=True)
class Columns:
    """The fields of a table's rows; `names` says which columns each field comes from, the first that is filled."""

    table: Table
    names: Mapping[str, tuple[str, ...]]

    def text(self, field: str, row: int) -> str | None:
        """The text of a field in a row (from 1); None where the file has no such column or the cell is empty."""
        names = self.names.get(field, ())
        texts = (self.table.columns[name][row - 1] for name in names)
        return next(texts, None) if len(names) < 2 else next((text for text in texts if sound(text)), None)

    def __contains__(self, field: str) -> bool:
        return field in self.names


def fields_of(layer: str) -> list[str]:
    """The names of the fields of a layer."""
    return [field.name for field in IMPORTED[layer].fields]


def choose_columns(layer: str, table: Table, mapping: Mapping[str, str]) -> Columns:
    """The columns of a table for the fields of a layer; raises Unacceptable for a column or field that is not there."""
    asked = _read_mapping(fields_of(layer), table, mapping)
    used = [name for name in table.names if name.lower() != _OF_PROGRAMS or any(table.columns[name])]
    return Columns(table, {field: (name,) for field, name in guess_columns(layer, used).items()} | asked)


def grid_code(columns: Columns, row: int) -> str | None:
    """What a file calls the grid of a row; its name where nothing in the file gives codes, None where that is missing.

    Raises Unreadable for a damaged code, and `no_code` for an empty one: a name stands in for all rows or for none.
    """
    own = code(columns.text("code", row))
    if own is None and "code" in columns:
        raise Unreadable("no_code", "")
    return own or sound(columns.text("name", row))


def guess_columns(layer: str, names: Sequence[str]) -> dict[str, str]:
    """Field → the column that an import would take for it where nobody says anything; fields without one are absent."""
    by_lower = {name.lower(): name for name in reversed(names)}
    found = {field.name: _find_first(field.columns, by_lower) for field in IMPORTED[layer].fields}
    return {field: name for field, name in found.items() if name is not None}


def _read_mapping(fields: Sequence[str], table: Table, mapping: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    asked: dict[str, tuple[str, ...]] = {}
    for column, field in mapping.items():
        if field in POSITION_FIELDS:
            continue
        if field not in fields:
            raise Unacceptable("no_such_field", field=field, fields=", ".join([*fields, *POSITION_FIELDS]))
        if column not in table.columns:
            raise Unacceptable("file_has_no_such_column", column=column, columns=", ".join(table.names))
        asked[field] = (*asked.get(field, ()), column)
    return asked


def _find_first(names: Sequence[str], by_lower: Mapping[str, str]) -> str | None:
    return next((by_lower[name.lower()] for name in names if name.lower() in by_lower), None)
