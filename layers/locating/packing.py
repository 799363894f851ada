"""An atlas as bytes and back, so that a process can start while the database is away ([L7]).

The same checksummed block of arrays as a single index (tiling.locate.snapshot): names as JSON, shapes as WKB, each
district's index as it is. Trust is that of the folder: the file is written for its owner only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.locating.atlas import Atlas, Rules, Term
from layers.locating.charges import ChargeIndex, HeldCharge
from layers.locating.edition import AreaFacts, Edition, GridFacts, OverlayFacts
from layers.locating.location import Dedicated, GridName, SubGridName
from tiling.locate import DistrictIndex
from tiling.locate.snapshot import pack, unpack

Blocks = dict[str, NDArray[Any]]


def pack_atlas(atlas: Atlas, *, more: Mapping[str, Any]) -> bytes:
    """The atlas as bytes with a checksum; `more` is kept with it and must be made of what JSON knows."""
    blocks: Blocks = {}
    about = {
        "more": dict(more),
        "index_version": atlas.index_version,
        "terms": [
            [t.plan_id, t.district, t.plan_version, _write_moment(t.since), _write_moment(t.until)] for t in atlas.terms
        ],
        "charges": [_charge_row(one) for held in atlas.charges.by_code.values() for one in held],
        "editions": [_edition_facts(edition, blocks) for edition in atlas.editions.values()],
    }
    return pack(about, blocks)


def unpack_atlas(buffer: Any, *, rules: Rules) -> tuple[Atlas, dict[str, Any]]:
    """The atlas and what was kept with it; raises SnapshotDamaged for bytes that are cut short or changed."""
    about, blocks = unpack(buffer)
    editions = [_edition(facts, blocks) for facts in about["editions"]]
    atlas = Atlas(
        index_version=about["index_version"],
        terms=tuple(_term(row) for row in about["terms"]),
        editions={edition.plan_id: edition for edition in editions},
        charges=ChargeIndex.of(_charge(row) for row in about["charges"]),
        rules=rules,
    )
    return atlas, about["more"]


def pack_edition(edition: Edition) -> bytes:
    """One edition as bytes with a checksum, for the shelf of older plans."""
    blocks: Blocks = {}
    facts = _edition_facts(edition, blocks)
    return pack(facts, blocks)


def unpack_edition(buffer: Any) -> Edition:
    """The edition that `pack_edition` wrote; raises SnapshotDamaged."""
    facts, blocks = unpack(buffer)
    return _edition(facts, blocks)


def _edition_facts(edition: Edition, blocks: Blocks) -> dict[str, Any]:
    areas, overlays = list(edition.areas.values()), edition.overlays
    name = f"{edition.plan_id}"
    blocks[f"{name}.index"] = np.frombuffer(edition.index.to_bytes(), dtype=np.uint8)
    blocks |= _shape_blocks(f"{name}.shapes", [*(a.shape for a in areas), *(one.shape for one in overlays)])
    return {
        "plan_id": edition.plan_id,
        "district": edition.district,
        "plan_version": edition.plan_version,
        "grids": [[g.name.code, g.name.name, g.name.kind, g.parent] for g in edition.grids.values()],
        "sub_grids": [[sub.code, sub.name] for sub in edition.sub_grids.values()],
        "areas": [[area.code, area.name, area.level, area.parent] for area in areas],
        "cut": sorted(edition.cut),
        "overlays": [[one.name.code, one.name.name] for one in overlays],
    }


def _edition(facts: Mapping[str, Any], blocks: Blocks) -> Edition:
    plan = f"{facts['plan_id']}"
    shapes = _shapes(f"{plan}.shapes", blocks)
    areas = [_area(row, shape) for row, shape in zip(facts["areas"], shapes, strict=False)]
    overlays = zip(facts["overlays"], shapes[len(areas) :], strict=True)
    return Edition(
        plan_id=facts["plan_id"],
        district=facts["district"],
        plan_version=facts["plan_version"],
        index=DistrictIndex.from_buffer(blocks[f"{plan}.index"]),
        grids={row[0]: GridFacts(GridName(*row[:3]), row[3]) for row in facts["grids"]},
        sub_grids={row[0]: SubGridName(*row) for row in facts["sub_grids"]},
        areas={area.code: area for area in areas},
        overlays=tuple(OverlayFacts(Dedicated(code, name, exclusive=False), shape) for (code, name), shape in overlays),
        cut=frozenset(facts["cut"]),
    )


def _shape_blocks(name: str, shapes: list[BaseGeometry | None]) -> Blocks:
    """Shapes as one run of WKB with where each ends; no bytes for one that is missing."""
    written = [b"" if shape is None else bytes(shapely.to_wkb(shape)) for shape in shapes]
    ends = np.cumsum([len(one) for one in written], dtype=np.int64)
    return {f"{name}.wkb": np.frombuffer(b"".join(written), dtype=np.uint8), f"{name}.ends": ends}


def _shapes(name: str, blocks: Blocks) -> list[Any]:
    wkb, ends = blocks[f"{name}.wkb"].tobytes(), blocks[f"{name}.ends"].tolist()
    parts = [wkb[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    return [shapely.from_wkb(part) if part else None for part in parts]


def _term(row: list[Any]) -> Term:
    plan_id, district, plan_version, since, until = row
    return Term(plan_id, district, plan_version, _moment(since), _moment(until))


def _charge(row: list[str]) -> HeldCharge:
    code, worker, name, role, since, until = row
    return HeldCharge(code, worker, name, role, _moment(since), _moment(until))


def _area(row: list[Any], shape: BaseGeometry | None) -> AreaFacts:
    code, name, level, parent = row
    return AreaFacts(code, name, level, parent, shape)


def _charge_row(charge: HeldCharge) -> list[str]:
    return [
        charge.code,
        charge.worker,
        charge.name,
        charge.role,
        _write_moment(charge.since),
        _write_moment(charge.until),
    ]


def _write_moment(moment: datetime) -> str:
    return moment.isoformat()


def _moment(told: str) -> datetime:
    return datetime.fromisoformat(told)
