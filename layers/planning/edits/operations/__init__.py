"""What a planner may do to a draft: one module for each operation, with its fields and what it draws.

A new one is a module here, its name in `OPERATIONS`, its words in both languages (`op_…`), and its tool in the browser.
"""

from layers.planning.edits.operations.add import Add
from layers.planning.edits.operations.carve import Carve
from layers.planning.edits.operations.delete_vertex import DeleteVertex
from layers.planning.edits.operations.fill_gap import FillGap
from layers.planning.edits.operations.give import Give
from layers.planning.edits.operations.insert_vertex import InsertVertex
from layers.planning.edits.operations.merge import Merge
from layers.planning.edits.operations.move_vertex import MoveVertex
from layers.planning.edits.operations.operation import Operation
from layers.planning.edits.operations.redraw_border import RedrawBorder
from layers.planning.edits.operations.remove import Remove
from layers.planning.edits.operations.reshape import Reshape
from layers.planning.edits.operations.set_attributes import SetAttributes
from layers.planning.edits.operations.split import Split

OPERATIONS: tuple[type[Operation], ...] = (
    MoveVertex,
    InsertVertex,
    DeleteVertex,
    RedrawBorder,
    Split,
    Merge,
    Carve,
    Add,
    Give,
    Remove,
    FillGap,
    Reshape,
    SetAttributes,
)

__all__ = [
    "OPERATIONS",
    "Add",
    "Carve",
    "DeleteVertex",
    "FillGap",
    "Give",
    "InsertVertex",
    "Merge",
    "MoveVertex",
    "Operation",
    "RedrawBorder",
    "Remove",
    "Reshape",
    "SetAttributes",
    "Split",
]
