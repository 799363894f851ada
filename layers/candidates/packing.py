"""A roster as bytes and back, so that a process that starts while the database is away knows who may be sent ([L7]).

The same checksummed block of arrays as the atlas of lookups (`layers.locating.packing`). The chart changes only with a
publication, so its bytes are made once for it and handed in; the rest is written as it stands in memory, some
milliseconds for 2,400 workers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.candidates.chart import Chart, Desk
from layers.candidates.roster import Charges, DistrictRoster, Roster, chain_numbers
from layers.standings import Place
from tiling.locate.snapshot import pack, unpack
from tiling.plane import Plane

Blocks = dict[str, NDArray[Any]]
_LEVELS = 5
_WORDS = ("numbers", "names", "grids", "areas")
_COLUMNS = (
    *("ids", "roles", "home_xy", "fix_xy", "fixed_at", "open_tasks", "critical_tasks", "last_assigned"),
    *("shift_worker", "shift_since", "shift_until"),
)
_CHARGES = tuple(field.name for field in fields(Charges))


def pack_chart(chart: Chart) -> bytes:
    """The chart as bytes with a checksum, but for its mark: whoever reads it goes on without the chart's database."""
    codes = sorted(chart.places)
    numbers = {code: at for at, code in enumerate(codes)}
    pairs = [(numbers[one], numbers[other]) for one, others in chart.sisters.items() for other in others]
    blocks: Blocks = {
        "chains": _table([chain_numbers(chart.places[code], numbers) for code in codes], _LEVELS),
        "sisters": _table(pairs, 2),
    }
    return pack({"codes": codes, "epsg": dict(chart.epsg), "desks": [_desk_row(desk) for desk in chart.desks]}, blocks)


def unpack_chart(buffer: Any) -> Chart:
    """The chart that `pack_chart` wrote; raises SnapshotDamaged."""
    about, blocks = unpack(buffer)
    codes = about["codes"]
    sisters: dict[str, set[str]] = {}
    for one, other in blocks["sisters"].tolist():
        sisters.setdefault(codes[one], set()).add(codes[other])
    return Chart(
        mark=(),
        places={code: _place(chain, codes) for code, chain in zip(codes, blocks["chains"].tolist(), strict=True)},
        sisters={code: frozenset(others) for code, others in sisters.items()},
        epsg=about["epsg"],
        desks=tuple(_desk(row) for row in about["desks"]),
    )


def pack_roster(roster: Roster, *, chart: bytes, more: Mapping[str, Any]) -> bytes:
    """The roster as bytes with a checksum, `chart` being those of its chart; `more` must be made of what JSON knows."""
    blocks: Blocks = {"chart": np.frombuffer(chart, dtype=np.uint8)}
    districts = [_district_facts(district, blocks) for district in roster.districts.values()]
    return pack({"more": dict(more), "at": roster.at.isoformat(), "districts": districts}, blocks)


def unpack_roster(buffer: Any) -> tuple[Roster, dict[str, Any]]:
    """The roster and what was kept with it; raises SnapshotDamaged for bytes that are cut short or changed."""
    about, blocks = unpack(buffer)
    chart = unpack_chart(blocks["chart"])
    districts = {facts["district"]: _district(facts, blocks, chart) for facts in about["districts"]}
    numbers = {code: at for at, code in enumerate(sorted(chart.places))}
    return Roster(datetime.fromisoformat(about["at"]), chart, districts, numbers), about["more"]


def _district_facts(district: DistrictRoster, blocks: Blocks) -> dict[str, Any]:
    name = district.district
    blocks |= {f"{name}.{column}": getattr(district, column) for column in _COLUMNS}
    blocks |= {f"{name}.charges.{column}": getattr(district.charges, column) for column in _CHARGES}
    return {"district": name} | {word: getattr(district, word) for word in _WORDS}


def _district(facts: Mapping[str, Any], blocks: Blocks, chart: Chart) -> DistrictRoster:
    name = facts["district"]
    words: dict[str, Any] = {word: tuple(facts[word]) for word in _WORDS}
    columns: dict[str, Any] = {column: blocks[f"{name}.{column}"] for column in _COLUMNS}
    charges = Charges(**{column: blocks[f"{name}.charges.{column}"] for column in _CHARGES})
    return DistrictRoster(district=name, plane=Plane(chart.epsg[name]), charges=charges, **words, **columns)


def _table(rows: Sequence[tuple[int, ...]], width: int) -> NDArray[np.int64]:
    return np.asarray(rows, dtype=np.int64).reshape(-1, width)


def _place(chain: list[int], codes: list[str]) -> Place:
    sub_grid, grid, community, subdistrict, district = (codes[number] if number >= 0 else None for number in chain)
    return Place(district, subdistrict, community, grid, sub_grid)


def _desk_row(desk: Desk) -> list[Any]:
    shape = None if desk.shape_m is None else shapely.to_wkb(desk.shape_m, hex=True)
    return [desk.area, desk.level, desk.name, desk.phone, desk.epsg, shape]


def _desk(row: list[Any]) -> Desk:
    area, level, name, phone, epsg, shape = row
    return Desk(area, level, name, phone, epsg, None if shape is None else shapely.from_wkb(shape))
