"""Shared borders: move, insert and delete a vertex, redraw a line; all owners follow.

Every edit is a pure function of a partition and arguments; it returns a Change with the changed polygons only, after
`verdict.judge_change` has looked at them. Nodes that an edit puts on an edge reach every ring that shares the edge.
"""

from tiling.borders.idle import drop_idle_nodes
from tiling.borders.redraw import redraw_border
from tiling.borders.vertices import delete_vertex, insert_vertex, move_vertex

__all__ = ["delete_vertex", "drop_idle_nodes", "insert_vertex", "move_vertex", "redraw_border"]
