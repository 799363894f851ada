"""Grids that would be left in several parts: a person says whether they may, or whose the smaller parts are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tiling.defects.widths import widths_m
from tiling.partition import keep_polygons
from tiling.repair.choosing import Choices, Question
from tiling.repair.deciding import Decision, Owners
from tiling.repair.faces import Faces, Region, borders_m, keep_at_home
from tiling.tolerance import Tolerance

KIND = "multipart"
ALLOW = "allow"


@dataclass(frozen=True)
class _Piece:
    """One of the smaller parts of a grid: its faces, and who may have it."""

    shape: BaseGeometry
    region: Region
    heirs: dict[int, float]


def decide_parts(
    faces: Faces,
    owners: Owners,
    codes: Sequence[str],
    *,
    parts_allowed: Collection[str],
    chosen: Choices,
    tolerance: Tolerance,
) -> list[Decision]:
    """A decision for each grid in several parts that does not declare them; what was chosen is done to `owners`.

    Only parts of which the grid is the one owner can be given away: the others belong to an overlap first.
    """
    found = []
    for row, members in _members(owners):
        code = codes[row]
        if code in parts_allowed:
            continue
        pieces = _pieces(faces, owners, row, members)
        if not pieces:
            continue
        decision = _decision([code, *_heirs(pieces, codes)], pieces, chosen, tolerance)
        found.append(decision)
        if decision.chosen == "longest_border":
            _give(pieces, owners)
    return found


def _members(owners: Owners) -> Iterator[tuple[int, list[int]]]:
    members: dict[int, list[int]] = {}
    for face, owner in enumerate(owners):
        for row in owner:
            members.setdefault(row, []).append(face)
    yield from sorted(members.items())


def _pieces(faces: Faces, owners: Owners, row: int, members: list[int]) -> list[_Piece]:
    parts = shapely.get_parts(keep_polygons(shapely.coverage_union_all(faces.shapes[members])))
    smaller = sorted(parts, key=lambda part: (-part.area, part.bounds))[1:]
    return [_piece(faces, owners, row, members, part) for part in smaller]


def _piece(faces: Faces, owners: Owners, row: int, members: list[int], part: BaseGeometry) -> _Piece:
    inside = [k for k in members if part.intersects(shapely.point_on_surface(faces.shapes[k]))]
    region = Region(KIND, tuple(inside), (row,), part, 0.0, "real")
    own = all(owners[k] == (row,) for k in inside)
    beside = borders_m(faces, region, owners) if own and inside else {}
    beside.pop(row, None)
    fit = keep_at_home(faces, beside, faces.areas[inside[0]]) if beside else []
    return _Piece(part, region, {other: beside[other] for other in fit})


def _heirs(pieces: list[_Piece], codes: Sequence[str]) -> list[str]:
    """Who would get the smaller parts: they are concerned as well."""
    return sorted({codes[_heir(piece)] for piece in pieces if piece.heirs})


def _heir(piece: _Piece) -> int:
    return min(piece.heirs, key=lambda row: (-piece.heirs[row], row))


def _decision(codes: list[str], pieces: list[_Piece], chosen: Choices, tolerance: Tolerance) -> Decision:
    shapes = [piece.shape for piece in pieces]
    where = keep_polygons(shapely.geometrycollections(shapes))
    width_m = float(widths_m(np.array(shapes, dtype=object)).max())
    options = (ALLOW, "longest_border") if all(piece.heirs for piece in pieces) else (ALLOW,)
    id_, class_ = f"{KIND}/{codes[0]}/1", tolerance.class_of(width_m)
    asked = Question(id=id_, kind=KIND, class_=class_, codes=tuple(codes), area_m2=where.area, options=options)
    return Decision(
        id=id_,
        kind=KIND,
        codes=tuple(codes),
        where=where,
        area_m2=where.area,
        width_m=width_m,
        options=options,
        chosen=chosen.answer(asked),
        class_=class_,
    )


def _give(pieces: list[_Piece], owners: Owners) -> None:
    for piece in pieces:
        for face in piece.region.members:
            owners[face] = (_heir(piece),)
