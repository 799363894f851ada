"""Merging grids, and removing one into a neighbour."""

from __future__ import annotations

from collections.abc import Collection

import shapely
from shapely.geometry.base import BaseGeometry

from tiling.borders.handover import choose_neighbour, refuse_other_area, unite
from tiling.borders.verdict import judge_change
from tiling.errors import CodeTaken, InvalidShape, NotNeighbours
from tiling.partition import Change, Partition
from tiling.reshape.splitting import SubCode, choose_sub_code


def merge(
    partition: Partition, codes: Collection[str], *, into: str | None = None, sub_code: SubCode = choose_sub_code
) -> Change:
    """The change that makes one grid of several neighbours; `into` (default: the smallest code) survives.

    Where any of them has sub-grids, so has the result: those keep their codes under the survivor, and a grid without
    becomes a sub-grid with a code from `sub_code`. Vertices on the outline stay. Raises NotNeighbours where the
    grids do not hang together by borders, NotNested across areas, NoSuchGrid, CodeTaken where `into` is another grid.
    """
    names = sorted(set(codes))
    if len(names) < 2:
        raise NotNeighbours("Name at least two grids.", grids=names)
    survivor = into or names[0]
    if survivor not in names and survivor in partition:
        raise CodeTaken(f"The code {survivor} is in use.", grid=survivor)
    tiles = [tile for name in names for tile in partition.list_finest(name)]
    _refuse_apart(partition, names, tiles)
    if tiles == names:
        return judge_change(partition, _join_into_polygon(partition, names, survivor))
    return _join_with_sub_grids(partition, names, survivor, sub_code)


def _refuse_apart(partition: Partition, names: list[str], tiles: list[str]) -> None:
    shapes = partition.polygons[partition.rows(tiles)]
    if not shapely.is_valid(shapes).all() or shapely.is_empty(shapes).any():
        raise InvalidShape("A grid without a valid shape cannot be merged.", grids=names)
    for tile in tiles[1:]:
        refuse_other_area(partition, tiles[0], tile, shapes[tiles.index(tile)])
    whole = unite(shapes)
    parts = shapely.get_parts(whole)
    if len(parts) > max(shapely.get_num_geometries(partition.polygon(name)) for name in names):
        raise NotNeighbours("The grids do not hang together.", where=whole, grids=names)


def _join_into_polygon(partition: Partition, names: list[str], survivor: str) -> Change:
    shape = unite(partition.polygons[partition.rows(names)])
    gone = tuple(name for name in names if name != survivor)
    if survivor in partition.row_of:
        return Change(changed={survivor: shape}, removed=gone)
    parent = partition.parents.get(names[0])
    return Change(added={survivor: shape}, removed=gone, parents={survivor: parent} if parent else {})


def _join_with_sub_grids(partition: Partition, names: list[str], survivor: str, sub_code: SubCode) -> Change:
    taken, added, parents = set(partition.codes), {}, {}
    above = next((partition.parents[name] for name in (survivor, *names) if name in partition.parents), None)
    if above is not None:
        parents[survivor] = above
    removed = [name for name in names if name != survivor]
    for name in names:
        if name in partition.row_of:
            code = sub_code(survivor, taken)
            taken.add(code)
            added[code], parents[code] = partition.polygon(name), survivor
            removed += [name] if name == survivor else []
        else:
            parents |= {child: survivor for child in partition.children(name) if name != survivor}
    return Change(added=added, removed=tuple(sorted(removed)), parents=parents)


def remove(partition: Partition, code: str, *, into: str) -> Change:
    """The change that gives all ground of a grid to a neighbour, which keeps its own sub-grids.

    Each finest grid removed goes to the one of the neighbour's that shares the longest border with it. Raises
    NotNeighbours, NotNested across areas, NoSuchGrid.
    """
    if code == into:
        raise NotNeighbours("A grid cannot be removed into itself.", grids=[code])
    rest = list(partition.list_finest(code))
    targets = partition.list_finest(into)
    for tile in rest:
        refuse_other_area(partition, tile, targets[0], partition.polygons[partition.row_of[tile]])
    grown = {target: [partition.polygons[partition.row_of[target]]] for target in targets}
    while rest:
        tile, target = _choose_next_pair(partition, rest, grown)
        grown[target].append(partition.polygons[partition.row_of[tile]])
        rest.remove(tile)
    changed = {target: unite(parts) for target, parts in grown.items() if len(parts) > 1}
    gone = {code, *partition.list_finest(code), *_list_between(partition, code)}
    return judge_change(partition, Change(changed=changed, removed=tuple(sorted(gone))))


def _choose_next_pair(partition: Partition, rest: list[str], grown: dict[str, list[BaseGeometry]]) -> tuple[str, str]:
    reached = partition.replace(Change(changed={target: unite(parts) for target, parts in grown.items()}))
    for tile in rest:
        shape = partition.polygon(tile)
        if shape is None or shape.is_empty:
            return tile, min(grown)
        try:
            return tile, choose_neighbour(reached, shape, grown)
        except NotNeighbours as apart:
            refused = apart
    raise refused


def _list_between(partition: Partition, code: str) -> set[str]:
    """The codes between a grid and its finest ones."""
    return {
        c for tile in partition.list_finest(code) for c in partition.ancestors(tile) if code in partition.ancestors(c)
    }
