"""A proposal as JSON: grids as features in WGS84 degrees, figures and remarks under stable names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tiling.divide import Figures, Proposal, ProposedGrid, Remark
from tiling.plane import Plane

_NOTHING: Mapping[str, Sequence[Any]] = MappingProxyType({})


def proposal_as_json(
    proposal: Proposal, plane: Plane, columns: Mapping[str, Sequence[Any]] = _NOTHING
) -> dict[str, Any]:
    """The whole proposal: `figures`, `remarks`, `complete`, and `grids` and `sub_grids` as feature collections.

    `columns` are further properties of the grids, one value each.
    """
    return {
        "complete": proposal.complete,
        "figures": figures_as_json(proposal.figures),
        "remarks": remarks_as_json(proposal.remarks, plane),
        "grids": _collection(grids_as_features(proposal.grids, plane, columns)),
        "sub_grids": _collection(grids_as_features(proposal.sub_grids, plane)),
    }


def figures_as_json(figures: Figures) -> dict[str, Any]:
    """The figures with four digits after the point; null for what cannot be measured."""
    return {name: _make_plain(value) for name, value in asdict(figures).items()}


def remarks_as_json(remarks: Sequence[Remark], plane: Plane) -> list[dict[str, Any]]:
    """The remarks with a point where each applies, null for those about the whole."""
    return [
        {
            "code": remark.code,
            "where": None if remark.where is None else _write_geojson(plane, shapely.point_on_surface(remark.where)),
            "ways": list(remark.ways),
            **remark.details,
        }
        for remark in remarks
    ]


def grids_as_features(
    grids: Sequence[ProposedGrid], plane: Plane, columns: Mapping[str, Sequence[Any]] = _NOTHING
) -> list[dict[str, Any]]:
    """One feature a grid: `code`, `area`, `parent`, `role`, `weight`, `households`, `buildings`, and the `columns`.

    The weight counts as households where no column says how many there are.
    """
    shapes: NDArray[np.object_] = np.empty(len(grids), dtype=object)
    shapes[:] = [grid.shape for grid in grids]
    drawn: list[str] = shapely.to_geojson(np.asarray(plane.to_degrees(shapes), dtype=object)).tolist()
    return [
        {
            "type": "Feature",
            "id": grid.code,
            "geometry": json.loads(geometry),
            "properties": {
                "code": grid.code,
                "area": grid.area,
                "parent": grid.parent,
                "role": str(grid.role),
                "weight": _make_plain(grid.weight),
                "households": _make_plain(grid.weight),
                "buildings": grid.buildings,
                "area_m2": round(float(grid.shape.area), 1),
                **{name: _make_plain(values[row]) for name, values in columns.items()},
            },
        }
        for row, (grid, geometry) in enumerate(zip(grids, drawn, strict=True))
    ]


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _write_geojson(plane: Plane, shape: Any) -> Any:
    return json.loads(shapely.to_geojson(plane.to_degrees(shape)))


def _make_plain(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else round(value, 4)
