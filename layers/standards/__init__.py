"""The city's standard sheet (立案结案标准): class → sub-class → conditions, in versions that are never changed ([K5]).

    reading = read_rows(rows_of_workbook)        a StandardSheet, or every row that cannot be read with its reason
    stored = put_sheet(session, reading.sheet, by=admin)
    find_limit(session, stored.version, "B0101-2")

`limits` reads what a person writes for a limit, `sheet` is the thing itself, `reading` makes it of rows, `workbook`
takes rows from a workbook and writes one that reads as the same sheet again, `table`, `storing` and `reads` keep it.
"""

from layers.standards.limits import read_limit, write_limit
from layers.standards.reading import Reading, RowRefusal, SheetRows, read_rows
from layers.standards.reads import (
    StandardEntry,
    find_condition,
    find_limit,
    find_unit,
    get_last_version,
    get_sheet,
    list_standards,
    unit_codes,
)
from layers.standards.sheet import Condition, SheetChanges, StandardSheet, SubClass, compare_sheets
from layers.standards.storing import put_sheet
from layers.standards.table import Standard, StandardCondition, StandardSubClass

__all__ = [
    "Condition",
    "Reading",
    "RowRefusal",
    "SheetChanges",
    "SheetRows",
    "Standard",
    "StandardCondition",
    "StandardEntry",
    "StandardSheet",
    "StandardSubClass",
    "SubClass",
    "compare_sheets",
    "find_condition",
    "find_limit",
    "find_unit",
    "get_last_version",
    "get_sheet",
    "list_standards",
    "put_sheet",
    "read_limit",
    "read_rows",
    "unit_codes",
    "write_limit",
]
