"""Sub-grids that come to another grid get a code of that grid's ([S8]): the first digits of a code say where it is.

The lineage notes the old code as a name of the same sub-grid, as it does when a planner recodes one by hand, so
whatever was put into it under the old code stays in it.
"""

from __future__ import annotations

from dataclasses import replace

from layers.grids import GridLevel
from layers.planning.edits.drawn import DrawingTable
from layers.planning.state.board import Board, GridRow
from layers.planning.state.codes import RENAMED, Numbered, scheme_of
from layers.planning.state.row_changes import Move


def follow_grids(table: DrawingTable, drawn: Move) -> Move:
    """The same drawing with sub-grids that come to another grid under codes of that grid.

    A sub-grid that bore a code there before has it back. Foreign ids that say nothing of their grid stay. Raises
    Conflict where a grid has no number left.
    """
    coming = {code: grid for code, grid in drawn.change.parents.items() if _must_follow(table.board, code, grid)}
    if not coming:
        return drawn
    names: dict[str, str] = {}
    for code, grid in sorted(coming.items()):
        names[code] = _find_borne_before(table.board, code, grid) or table.claim(
            grid, level=GridLevel.sub_grid, origin=RENAMED, ancestors=[code]
        )
    return _recode(table.board, drawn, names)


def _must_follow(board: Board, code: str, grid: str) -> bool:
    row = board.rows.get(code)
    if row is None or row.level != GridLevel.sub_grid or row.parent_code in (None, grid):
        return False
    scheme = scheme_of(board.district, grid, level=row.level)
    if scheme.fits(code, parent=grid):
        return False
    return isinstance(scheme, Numbered) or _is_of(board.district, code, str(row.parent_code))


def _is_of(district: str, code: str, grid: str) -> bool:
    """Whether a sub-grid's code is formed from its grid's."""
    return scheme_of(district, grid, level=GridLevel.sub_grid).fits(code, parent=grid)


def _find_borne_before(board: Board, code: str, grid: str) -> str | None:
    borne = board.names.get(code, frozenset()) - board.rows.keys()
    return min((name for name in borne if _is_of(board.district, name, grid)), default=None)


def _recode(board: Board, drawn: Move, names: dict[str, str]) -> Move:
    change, partition = drawn.change, board.partition
    shapes = {code: change.changed[code] if code in change.changed else partition.polygon(code) for code in names}
    moved = replace(
        change,
        changed={code: shape for code, shape in change.changed.items() if code not in names},
        added={**change.added, **{names[code]: shape for code, shape in shapes.items()}},
        removed=tuple(sorted({*change.removed, *names})),
        parents={names.get(code, code): parent for code, parent in change.parents.items()},
    )
    fresh = {names[code]: _rename_row(drawn.rows.get(code) or board.rows[code], names[code]) for code in names}
    rows = {code: row for code, row in drawn.rows.items() if code not in names}
    return replace(drawn, change=moved, fresh={**drawn.fresh, **fresh}, rows=rows)


def _rename_row(row: GridRow, code: str) -> GridRow:
    return replace(row, code=code, name=code if row.name == row.code else row.name)
