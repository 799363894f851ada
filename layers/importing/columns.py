"""Which column of a file is which field of a layer: as the person says, else by the names in the layer's spec.

Names are compared without case. The first name that the file has wins; `--map column=field` goes before everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layers.errors import Unacceptable
from layers.files import Table
from layers.registry import IMPORTED

# What says where a row is; files.read asks for it by these names.
POSITION_FIELDS = ("lon", "lat", "geometry")


@dataclass(frozen=True)
class Columns:
    """The fields of a table's rows; `names` says which column each field comes from."""

    table: Table
    names: Mapping[str, str]

    def text(self, field: str, row: int) -> str | None:
        """The text of a field in a row (from 1); None where the file has no such column or the cell is empty."""
        name = self.names.get(field)
        return None if name is None else self.table.columns[name][row - 1]

    def __contains__(self, field: str) -> bool:
        return field in self.names


def fields_of(layer: str) -> list[str]:
    """The names of the fields of a layer."""
    return [field.name for field in IMPORTED[layer].fields]


def choose_columns(layer: str, table: Table, mapping: Mapping[str, str]) -> Columns:
    """The columns of a table for the fields of a layer; raises Unacceptable for a column or field that is not there."""
    asked = _asked(fields_of(layer), table, mapping)
    return Columns(table, guess_columns(layer, table.names) | asked)


def guess_columns(layer: str, names: Sequence[str]) -> dict[str, str]:
    """Field → the column that an import would take for it where nobody says anything; fields without one are absent."""
    by_lower = {name.lower(): name for name in reversed(names)}
    found = {field.name: _first(field.columns, by_lower) for field in IMPORTED[layer].fields}
    return {field: name for field, name in found.items() if name is not None}


def _asked(fields: Sequence[str], table: Table, mapping: Mapping[str, str]) -> dict[str, str]:
    asked: dict[str, str] = {}
    for column, field in mapping.items():
        if field in POSITION_FIELDS:
            continue
        if field not in fields:
            raise Unacceptable("no_such_field", field=field, fields=", ".join([*fields, *POSITION_FIELDS]))
        if column not in table.columns:
            raise Unacceptable("file_has_no_such_column", column=column, columns=", ".join(table.names))
        asked[field] = column
    return asked


def _first(names: Sequence[str], by_lower: Mapping[str, str]) -> str | None:
    return next((by_lower[name.lower()] for name in names if name.lower() in by_lower), None)
