"""What can go wrong with a shape, as a tree of errors that know the place.

TilingError
├── InvalidShape        the drawn shape itself cannot be used
├── LineDoesNotCross    a line that must run from border to border does not
├── OutsideFrame        the shape has nothing to do with this tiling
├── FrameVertex         a node of a frame or community border, which editing never moves
├── JunctionVertex      a node where three or more grids meet cannot be deleted
├── NoSuchVertex        no stored vertex (or border) at that position
├── NoSuchGrid          no grid of that code
├── CodeTaken           a new grid would get a code that is in use
├── NotNeighbours       the grids share no border
├── WouldVanish         the edit would leave a grid without ground
├── SplitsGrid          the edit would leave a grid in several parts (`.pieces` says which)
├── WouldBreak          the edit would make grids cross, overlap or leave a gap
│   └── CrossesAlready  a grid to be changed crossed itself before
├── NotNested           the edit would leave a child grid outside its parent
├── TooManyVertices     the shape is larger than the limit
├── NotRepairable       a repair would lose a grid
├── CannotDivide        an area cannot be divided as asked, and there is no best proposal either
└── Stopped             the caller's should_stop() said so
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from shapely.geometry.base import BaseGeometry


class TilingError(Exception):
    """A shape or an edit was refused; `code` is a stable key for texts, `where` the place in the CRS of the call.

    `details` holds the values that the message needs; `hint` says in English what to do.
    """

    code: ClassVar[str] = "tiling_error"
    hint: ClassVar[str] = ""

    def __init__(self, message: str = "", *, where: BaseGeometry | None = None, **details: object) -> None:
        text = message or self.hint
        super().__init__(text)
        self.where = where
        self.details: dict[str, object] = details


class InvalidShape(TilingError):
    """The drawn shape is empty, crosses itself, is no polygon or line, or is larger than any city."""

    code = "invalid_shape"
    hint = "Draw the shape again without crossing itself."


class LineDoesNotCross(TilingError):
    """A line that must run from border to border starts or ends inside, or misses the grid; `where` is that end."""

    code = "line_does_not_cross"
    hint = "Start and end the line outside the grid or on its border."


class OutsideFrame(TilingError):
    """The shape lies wholly outside the frame, or would put a grid outside it."""

    code = "outside_frame"
    hint = "Stay inside the frame of the plan."


class FrameVertex(TilingError):
    """The node belongs to the border of the frame or of an area, which is changed by import only ([S3])."""

    code = "frame_vertex"
    hint = "Borders of communities and of the district do not move here; an administrator imports them."


class JunctionVertex(TilingError):
    """Three or more grids meet at this node, so deleting it would leave a gap or an overlap."""

    code = "junction_vertex"
    hint = "Move the node instead, or merge grids."


class NoSuchVertex(TilingError):
    """There is no stored vertex within 1 mm (or, for an insertion, no border near) the position."""

    code = "no_such_vertex"
    hint = "Name the vertex by its stored position."


class NoSuchGrid(TilingError):
    """No grid has this code."""

    code = "no_such_grid"
    hint = "Reload the plan; the grid may have been merged."


class CodeTaken(TilingError):
    """The code for a new grid is already in use."""

    code = "code_taken"
    hint = "Choose the next free code."


class NotNeighbours(TilingError):
    """The grids share no border of positive length."""

    code = "not_neighbours"
    hint = "Choose grids that share a border."


class WouldVanish(TilingError):
    """The edit would leave a grid without ground; `where` is the grid's shape before."""

    code = "would_vanish"
    hint = "Merge the grid into its neighbour if it is no longer wanted."


class SplitsGrid(TilingError):
    """The edit would leave a grid in several parts; `pieces` are all parts but the largest, `where` their union."""

    code = "splits_grid"
    hint = "Say which grid gets the piece that is cut off."

    def __init__(
        self,
        message: str = "",
        *,
        where: BaseGeometry | None = None,
        pieces: Sequence[BaseGeometry] = (),
        **details: object,
    ) -> None:
        super().__init__(message, where=where, **details)
        self.pieces = tuple(pieces)


SplitsNeighbour = SplitsGrid
"""The same refusal under the name of its commonest case: a carve that cuts a neighbour in two ([S10])."""


class WouldBreak(TilingError):
    """After the edit borders would cross or no longer match; `where` is the stretch of border concerned."""

    code = "would_break"
    hint = "Keep the border clear of other borders."


class CrossesAlready(WouldBreak):
    """A grid that the edit has to change crosses itself, and did so before; `where` is the place."""

    code = "crosses_already"
    hint = "Mend that grid first."


class NotNested(TilingError):
    """A child grid would no longer lie in its parent, or a grid would lie in two communities."""

    code = "not_nested"
    hint = "Stay inside the community."


class TooManyVertices(TilingError):
    """The shape has more vertices than the limit in `details`."""

    code = "too_many_vertices"
    hint = "Simplify the shape."


class NotRepairable(TilingError):
    """A repair would lose a grid, or the input holds one that nothing can be made of; `where` is its place."""

    code = "not_repairable"
    hint = "Draw this grid again or leave it out of the file."


class CannotDivide(TilingError):
    """An area cannot be divided as asked; `details["why"]` is a stable word, `where` the place that makes it so.

    `no_ground`: no area, or one without ground left. `bad_area`: an area that is invalid or overlaps another.
    `locked_overlap`: locked grids that overlap each other. `nothing_to_count`: neither weights nor buildings, and no
    number of grids was asked for.
    """

    code = "cannot_divide"
    hint = "Change what is given, or ask for a number of grids."


class Stopped(TilingError):
    """The work was given up because the caller's should_stop() returned true; nothing was changed."""

    code = "stopped"
    hint = "Try again, or with fewer grids at a time."
