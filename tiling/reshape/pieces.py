"""Who gets what a grid loses contact with when ground is taken from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.borders.cutting import Cut
from tiling.borders.handover import Owners, choose_neighbour, locate_faces, refuse_other_area, unite
from tiling.errors import NotNeighbours, SplitsGrid
from tiling.partition import Partition

_SAME_M2 = 1e-6
Piece = tuple[BaseGeometry, list[int]]


def tiles_with(partition: Partition, codes: Sequence[str], depth: int) -> tuple[str, ...]:
    """The finest grids of every grid at this depth to which any of the finest grids belongs."""
    whole = {_grid_of(partition, code, depth) for code in codes}
    return tuple(sorted(tile for grid in whole for tile in partition.list_finest(grid)))


def pieces_given(cut: Cut, owners: Owners, to: str | None, depth: int) -> Owners:
    """The owners once no grid at this depth is in pieces: those cut off belong to `to`.

    Sub-grids are carried along: what one of them loses contact with stays in its grid, with the sister that shares
    the longest border. Parts of a grid that lay apart before stay with it. Raises SplitsGrid with the pieces where
    nobody is named to get them, NotNeighbours for a piece that does not border on `to`, NotNested across areas.
    """
    out = list(owners)
    for grid, members in _losers(cut, owners, depth).items():
        off = _cut_off(cut, grid, members)
        if off and to is None:
            pieces = [piece for piece, _ in off]
            text = f"Grid {grid} would fall into {len(pieces) + 1} parts."
            raise SplitsGrid(text, where=shapely.union_all(pieces), pieces=pieces, grid=grid)
        for piece, faces in off:
            receiver = _receiver(cut, out[faces[0]] or grid, to or "", piece)
            for face in faces:
                out[face] = receiver
        gone = {face for _, faces in off for face in faces}
        _give_to_sisters(cut, out, [face for face in members if face not in gone])
    return out


def _grid_of(partition: Partition, tile: str, depth: int) -> str:
    return next((code for code in partition.ancestors(tile) if len(partition.ancestors(code)) == depth), tile)


def _losers(cut: Cut, owners: Owners, depth: int) -> dict[str, list[int]]:
    """The faces that stay with each grid that loses some, by grid."""
    stays: dict[str, list[int]] = {}
    loses: set[str] = set()
    for face, (old, new) in enumerate(zip(cut.owners, owners, strict=True)):
        if old is None:
            continue
        grid = _grid_of(cut.partition, old, depth)
        if old == new:
            stays.setdefault(grid, []).append(face)
        else:
            loses.add(grid)
    return {grid: stays[grid] for grid in sorted(loses & stays.keys())}


def _cut_off(cut: Cut, code: str, members: list[int]) -> list[Piece]:
    """The pieces of these faces but the largest, unless the code had as many parts before; old parts are no pieces."""
    partition, faces = cut.partition, cut.faces[np.array(members, dtype=np.intp)]
    parts: NDArray[np.object_] = shapely.get_parts(unite(faces))
    before = shapely.get_parts(partition.polygon(code))
    if len(parts) <= len(before) or code in partition.parts_allowed:
        return []
    largest, which = int(np.argmax(shapely.area(parts))), locate_faces(faces, parts)
    loose = [k for k, part in enumerate(parts) if k != largest and not _was_there(part, before)]
    return [(parts[k], [members[i] for i in np.flatnonzero(which == k).tolist()]) for k in loose]


def _was_there(part: BaseGeometry, before: NDArray[np.object_]) -> bool:
    point = shapely.point_on_surface(part)
    return any(abs(old.area - part.area) < _SAME_M2 and old.intersects(point) for old in before)


def _receiver(cut: Cut, loser: str, to: str, piece: BaseGeometry) -> str:
    if to not in cut.partition:
        return to
    targets = [tile for tile in cut.partition.list_finest(to) if tile != loser]
    if not targets:
        raise NotNeighbours("The piece cannot stay where it is cut off.", where=piece)
    refuse_other_area(cut.partition, loser, targets[0], piece)
    return choose_neighbour(cut.partition, piece, targets)


def _give_to_sisters(cut: Cut, out: list[str | None], members: list[int]) -> None:
    """Give what a sub-grid loses contact with to the sister beside it, as long as there is one."""
    tiles = sorted({out[face] or "" for face in members})
    if len(tiles) < 2:
        return
    loose = [(tile, *piece) for tile in tiles for piece in _cut_off(cut, tile, [k for k in members if out[k] == tile])]
    scraps = {face for _, _, faces in loose for face in faces}
    ground = {tile: [k for k in members if out[k] == tile and k not in scraps] for tile in tiles}
    for tile, piece, faces in sorted(loose, key=lambda one: -one[1].area):
        sister = _sister(cut, piece, {other: held for other, held in ground.items() if other != tile and held})
        if sister is None:
            continue
        ground[sister] += faces
        for face in faces:
            out[face] = sister


def _sister(cut: Cut, piece: BaseGeometry, ground: dict[str, list[int]]) -> str | None:
    outline = shapely.boundary(piece)
    held = {code: shapely.boundary(unite(cut.faces[np.array(faces, dtype=np.intp)])) for code, faces in ground.items()}
    shared = [(-shapely.intersection(outline, border).length, code) for code, border in held.items()]
    return min(shared)[1] if shared and min(shared)[0] < 0.0 else None
