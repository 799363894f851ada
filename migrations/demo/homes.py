"""The demo's households by building and stairwell, with their classes, and the devices in homes of lone elders.

Invented throughout. Classes are drawn one by one with the shares below; a household may have several.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from migrations.demo.belonging import inner_tiles
from migrations.demo.model import Town, TownBuilding
from migrations.demo.rows import Writer, points
from tiling.plane import Plane

TENANT, ORGANISATION = 0.21, 0.02
PARTY_MEMBER, SPECIAL_NEEDS, LIVING_ALONE, LONE_ELDER = 0.085, 0.032, 0.045, 0.021
SOS_BUTTONS, INFRARED_SENSORS = 200, 80


@dataclass(frozen=True)
class Home:
    """One household: its building's place in the town, stairwell, room, classes, members, and its sub-grid or grid."""

    building: int
    unit: int
    room: str
    classes: tuple[str, ...]
    members: int
    tile: str
    override: str | None


def make_homes(town: Town, rng: np.random.Generator) -> list[Home]:
    """All households in the order of buildings and rooms."""
    inner = inner_tiles(town.grids, town.buildings, plane=Plane(town.epsg))
    return [home for at, building in enumerate(town.buildings) for home in _homes(at, building, inner[at], rng)]


def _homes(at: int, building: TownBuilding, inner: str, rng: np.random.Generator) -> Iterator[Home]:
    for unit, (rooms, sub_grid) in enumerate(zip(building.rooms, building.sub_grids, strict=True), start=1):
        doors = max(1, rooms // building.floors)
        for n in range(rooms):
            classes = _classes(rng)
            alone = "living_alone" in classes or "lone_elder" in classes
            members = 1 if alone else int(rng.choice([2, 3, 3, 4, 5]))
            room = f"{n // doors + 1}{n % doors + 1:02d}" if building.kind != "house" else ""
            override = sub_grid if sub_grid and sub_grid != inner else None
            yield Home(at, unit, room, classes, members, sub_grid or building.grid, override)


def _classes(rng: np.random.Generator) -> tuple[str, ...]:
    draw = rng.random(6)
    if draw[0] < ORGANISATION:
        return ("organisation",)
    classes = ["tenant" if draw[1] < TENANT else "resident"]
    if draw[2] < PARTY_MEMBER:
        classes.append("party_member")
    if draw[3] < SPECIAL_NEEDS:
        classes.append("special_needs")
    if draw[4] < LONE_ELDER:
        classes.append("lone_elder")
    elif draw[5] < LIVING_ALONE:
        classes.append("living_alone")
    return tuple(classes)


def write_homes(writer: Writer, homes: list[Home], *, first_building: int) -> int:
    """The id of the first household; the others follow in order."""
    first = writer.reserve("personal.households", len(homes))
    rows = (
        (first + n, first_building + h.building, h.unit, h.room, list(h.classes), h.members, h.override)
        for n, h in enumerate(homes)
    )
    writer.copy("personal.households", "id building_id unit room classes members sub_grid_override", rows=rows)
    return first


def write_devices(
    writer: Writer, town: Town, *, homes: list[Home], first_home: int, first_building: int, now: datetime
) -> int:
    """The number of devices: SOS buttons at homes of lone elders, infrared sensors at some of them."""
    rng = np.random.default_rng([town.seed, 77])
    elders = [n for n, home in enumerate(homes) if "lone_elder" in home.classes]
    chosen = [elders[int(i)] for i in np.sort(rng.permutation(len(elders))[:SOS_BUTTONS])]
    wanted = [("sos_button", n) for n in chosen] + [("infrared_sensor", n) for n in chosen[:INFRARED_SENSORS]]
    xy = np.array([town.buildings[homes[n].building].inner_point.coords[0] for _, n in wanted])
    state = rng.choice(["working", "low_battery", "broken"], len(wanted), p=(0.93, 0.05, 0.02))
    checked = [now - timedelta(hours=float(h)) for h in rng.uniform(0.5, 30.0, len(wanted))]
    rows = (
        (
            *(f"{kind[:3].upper()}{number:05d}", kind, str(state[number]), first_home + n),
            *(first_building + homes[n].building, homes[n].tile, checked[number], place),
        )
        for number, ((kind, n), place) in enumerate(zip(wanted, points(writer.lonlat(xy)), strict=True))
    )
    columns = "serial kind state household_id building_id grid_code checked_at geom"
    return writer.copy("personal.devices", columns, rows=rows)
