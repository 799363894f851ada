"""Splitting a grid along a line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.borders.cutting import Cut, cut, faces_between, outline_of, prepare_line
from tiling.borders.handover import locate_faces, rebuild_grids, unite
from tiling.borders.verdict import judge_change, merge_changes
from tiling.errors import CodeTaken, InvalidShape, LineDoesNotCross, SplitsGrid
from tiling.partition import Change, Partition
from tiling.tolerance import Tolerance

SubCode = Callable[[str, Collection[str]], str]
Weigh = Callable[[BaseGeometry], float]


def choose_sub_code(parent: str, taken: Collection[str]) -> str:
    """The next sub-grid code of a grid: two digits after its own, one more than the highest taken ([S8])."""
    used = [int(code[len(parent) :]) for code in taken if code.startswith(parent) and code[len(parent) :].isdigit()]
    return f"{parent}{max(used, default=0) + 1:02d}"


def _area(shape: BaseGeometry) -> float:
    return float(shape.area)


def split(
    partition: Partition,
    code: str,
    line: BaseGeometry,
    *,
    new_code: str | Sequence[str],
    sub_code: SubCode = choose_sub_code,
    weigh: Weigh = _area,
    tolerance: Tolerance | None = None,
) -> Change:
    """The change that parts a grid along a line in metres; its heaviest piece keeps the code.

    Both ends of the line lie outside the grid or on its outline (within `snap_m`). Several crossings make several
    pieces: `new_code` then lists at least as many codes as needed, given out from west to east; parts of the grid
    that the line does not touch stay with the code. `weigh` is the measure (area; households for a service). A grid
    with sub-grids is parted with them, level by level: whole ones go to the piece they lie in and keep their codes and
    all that is below them, one that is cut stays with its larger half and the rest gets a code from
    `sub_code(parent, taken)`.

    Raises InvalidShape, LineDoesNotCross with the end inside, SplitsGrid with the pieces where codes are too few,
    CodeTaken, WouldVanish.
    """
    snap_m = (tolerance or Tolerance()).snap_m
    drawn = prepare_line(line)
    _refuse_ends_inside(_shape(partition, code), drawn, snap_m)
    cut_ = cut(partition, partition.list_finest(code), [drawn], snap_m=snap_m)
    pieces = _pieces(cut_, code, drawn)
    names = _names(partition, code, pieces, [new_code] if isinstance(new_code, str) else list(new_code), weigh)
    which = locate_faces(cut_.faces, pieces)
    grids = [names[k] for k in which.tolist()]
    if partition.list_finest(code) == (code,):
        above = {name: partition.parents[code] for name in names if name != code and code in partition.parents}
        return judge_change(partition, merge_changes(rebuild_grids(cut_, grids), Change(parents=above)))
    return judge_change(partition, _split_with_sub_grids(cut_, code, grids, sub_code))


def _shape(partition: Partition, code: str) -> BaseGeometry:
    shape = partition.polygon(code)
    if shape is None or shape.is_empty or not shape.is_valid:
        raise InvalidShape(f"Grid {code} has no valid shape to be split.", where=shape, grid=code)
    return shape


def _refuse_ends_inside(shape: BaseGeometry, line: shapely.LineString, snap_m: float) -> None:
    for end in (line.coords[0], line.coords[-1]):
        point = shapely.Point(end)
        if shape.contains(point) and point.distance(shapely.boundary(shape)) > snap_m:
            raise LineDoesNotCross(where=point)


def _pieces(cut_: Cut, code: str, line: shapely.LineString) -> NDArray[np.object_]:
    shape = _shape(cut_.partition, code)
    pieces = faces_between(outline_of(shape), cut_.seams)
    pieces = pieces[shapely.intersects(shape, shapely.point_on_surface(pieces))]
    if len(pieces) <= shapely.get_num_geometries(shape):
        raise LineDoesNotCross("The line does not part the grid.", where=line, grid=code)
    return np.asarray(pieces)


def _names(partition: Partition, code: str, pieces: NDArray[np.object_], new: list[str], weigh: Weigh) -> list[str]:
    whole, parts = shapely.get_parts(_shape(partition, code)), list(pieces)
    cut_off = [k for k, piece in enumerate(parts) if not _is_one_of(piece, whole)]
    keeper = max(cut_off, key=lambda k: (weigh(parts[k]), parts[k].area, [-b for b in parts[k].bounds]))
    others = sorted(set(cut_off) - {keeper}, key=lambda k: parts[k].centroid.coords[0])
    if len(new) < len(others):
        small = [parts[k] for k in others]
        text = f"The line makes {len(others) + 1} pieces."
        raise SplitsGrid(text, where=shapely.MultiPolygon(small), pieces=small, needed=len(others))
    names = [code] * len(pieces)
    for k, name in zip(others, new, strict=False):
        if name in partition or name in names:
            raise CodeTaken(f"The code {name} is in use.", grid=name)
        names[k] = name
    return names


def _is_one_of(piece: BaseGeometry, whole: NDArray[np.object_]) -> bool:
    # An untouched part may have gained no node, but its ring may start elsewhere.
    return bool(shapely.equals(shapely.normalize(piece), shapely.normalize(whole)).any())


def _split_with_sub_grids(cut_: Cut, code: str, grids: Sequence[str], sub_code: SubCode) -> Change:
    partition = cut_.partition
    parents = {name: partition.parents[code] for name in set(grids) - {code} if code in partition.parents}
    taken = {*partition.codes, *partition.parents, *grids}
    followed = _Followed(cut_, sub_code, taken, list(cut_.owners), parents)
    followed.hand_down(code, grids)
    return merge_changes(rebuild_grids(cut_, followed.owners), Change(parents=followed.parents))


@dataclass(frozen=True)
class _Followed:
    """Who owns each face and who belongs to whom, once all levels below a grid have followed its pieces."""

    cut: Cut
    sub_code: SubCode
    taken: set[str]
    owners: list[str | None]
    parents: dict[str, str]

    def hand_down(self, code: str, pieces: Sequence[str]) -> None:
        """Hand what lies directly below a grid, and all below that, to the pieces of it that hold each face."""
        partition = self.cut.partition
        for child in partition.children(code):
            tiles = set(partition.list_finest(child)) if child in partition else set()
            faces = [k for k, owner in enumerate(self.cut.owners) if owner in tiles]
            names = list(pieces)
            for k, (piece, members) in enumerate(_portions(self.cut, pieces, faces)):
                name = child if k == 0 else self._make_code(piece)
                if k > 0 or piece != code:
                    self.parents[name] = piece
                for face in members:
                    names[face] = name
            self._take(child, names, faces)

    def _take(self, child: str, names: Sequence[str], faces: Sequence[int]) -> None:
        if child not in self.cut.partition.row_of:
            self.hand_down(child, names)
            return
        for face in faces:
            self.owners[face] = names[face]

    def _make_code(self, piece: str) -> str:
        name = self.sub_code(piece, self.taken)
        self.taken.add(name)
        return name


def _portions(cut_: Cut, grids: Sequence[str], faces: list[int]) -> list[tuple[str, list[int]]]:
    """The connected portions of one grid below with the piece each belongs to, largest first."""
    out: list[tuple[str, list[int]]] = []
    for grid in sorted({grids[k] for k in faces}):
        members = np.array([k for k in faces if grids[k] == grid], dtype=np.intp)
        parts = shapely.get_parts(unite(cut_.faces[members]))
        which = locate_faces(cut_.faces[members], parts)
        out += [(grid, members[which == part].tolist()) for part in range(len(parts))]
    return sorted(out, key=lambda portion: -float(shapely.area(cut_.faces[portion[1]]).sum()))
