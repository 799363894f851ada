"""A town of three kilometres with a river and a hill, at night: what journeys of the dispatch desk happen in.

    town = build_town(session, at)      24 grids, streets along their borders, one bridge, a winding road uphill

Six workers have the night from 22:00 to 06:00, `town.night` by name, each seen where `PLACES` says; all others sleep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import shapely
import shapely.ops
from shapely.geometry.base import BaseGeometry
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from layers import categories
from layers.access import service_actor
from layers.buildings import Building
from layers.ground.roads import Road
from layers.ground.water import Water
from layers.history import note
from layers.positions import Position
from layers.shifts import NewShift, add_shifts
from layers.workers import Worker, announce
from tests.small_city import SmallCity, load_small_city, stored

CITY = ZoneInfo("Asia/Shanghai")
GRID_M = 600.0
Spot = tuple[float, float]

# Metres east and north of the town's corner.
RIVER = ((1_560, 900), (1_540, 1_700), (1_600, 2_400), (1_560, 3_300))
RIVER_WIDTH_M = 70.0
BRIDGE = ((1_350, 1_180), (1_750, 1_180))
HILL = shapely.box(850, 1_750, 1_500, 3_050)
HILL_ROAD = (
    *((900, 1_750), (900, 1_950), (1_300, 2_000), (1_310, 2_120), (960, 2_180), (970, 2_320), (1_300, 2_380)),
    *((1_310, 2_520), (1_050, 2_600), (1_070, 2_720), (1_380, 2_780)),
)
PIPE: Spot = (1_375, 2_770)
LEAK: Spot = (2_330, 560)
HOME: Spot = (700, 700)
# Who is where at night: the first two near the leak, one at the foot of the hill, one across the river from its top.
PLACES: dict[str, Spot] = {
    "near": (2_200, 640),
    "next": (2_620, 380),
    "foot": (905, 1_740),
    "across": (1_700, 2_700),
    "south": (640, 620),
    "east": (2_750, 1_900),
}


@dataclass(frozen=True)
class HillTown:
    """The stored town, the staff number of each night worker by name, and the moment at which the night's story is."""

    city: SmallCity
    night: dict[str, str]
    corner: Spot

    def lonlat(self, spot: Spot) -> Spot:
        """Degrees of metres from the corner."""
        lon, lat = self.city.shapes.plane.to_lonlat(self.corner[0] + spot[0], self.corner[1] + spot[1])
        return float(lon), float(lat)

    def shape(self, drawn: BaseGeometry) -> BaseGeometry:
        """A shape in metres from the corner as one in degrees."""
        moved = shapely.transform(drawn, lambda xy: xy + np.asarray(self.corner))
        return self.city.shapes.plane.to_degrees(moved)


def night_at(hour: int, minute: int) -> datetime:
    """That time of the night next to now, by the clock of the city: half a day away at most."""
    now = datetime.now(CITY)
    at = datetime.combine(now.date(), time(hour, minute), CITY)
    return min((at + timedelta(days=days) for days in (-1, 0, 1)), key=lambda moment: abs(moment - now))


def build_town(session: Session, at: datetime) -> HillTown:
    """The town, whose night workers were seen half a minute before `at`."""
    city = load_small_city(session, 24, grid_m=GRID_M)
    west, south, _, _ = city.shapes.frame.bounds
    corner = city.shapes.plane.point_xy(west, south)
    numbers = sorted(city.worker_of.values())
    town = HillTown(city, dict(zip(PLACES, numbers, strict=False)), corner)
    categories.ensure_defaults(session)
    lay_ground(session, town)
    staff_night(session, town, at)
    announce(session)
    session.flush()
    return town


def lay_ground(session: Session, town: HillTown) -> None:
    """River, streets, the road uphill and houses beside the streets."""
    corner = np.asarray(town.corner)
    tiles = [shapely.transform(one, lambda xy: xy - corner) for one in town.city.shapes.polygons_m]
    river = shapely.LineString(RIVER).buffer(RIVER_WIDTH_M / 2, cap_style="flat")
    streets = shapely.union_all([one.boundary for one in tiles]).difference(shapely.union(river, HILL))
    district = town.city.district
    foot, _ = shapely.ops.nearest_points(streets, shapely.Point(HILL_ROAD[0]))
    uphill, bridge = shapely.LineString([(foot.x, foot.y), *HILL_ROAD]), shapely.LineString(BRIDGE)
    for drawn in (streets, bridge, uphill):
        lines = shapely.MultiLineString([one for one in shapely.get_parts(drawn) if one.geom_type == "LineString"])
        session.add(Road(district=district, geom=f"SRID=4326;{town.shape(lines).wkt}"))
    session.add(Water(district=district, name="唐河", geom=stored(town.shape(river))))
    keep_out = shapely.union_all([streets.buffer(12), river.buffer(20), HILL])
    east, north = np.meshgrid(np.arange(40, 2_960, 62), np.arange(40, 3_000, 34))
    houses = shapely.box(east.ravel(), north.ravel(), east.ravel() + 44, north.ravel() + 13)
    for house in houses[~shapely.intersects(houses, keep_out)]:
        drawn = town.shape(house)
        session.add(
            Building(
                district=district,
                households=12,
                geom=stored(drawn),
                inner_point=f"SRID=4326;{drawn.centroid.wkt}",
            )
        )
    note(session, "import.roads", subject="roads", area=district, by=service_actor("test"))


def staff_night(session: Session, town: HillTown, at: datetime) -> None:
    """The night shift of all of `PLACES`, and where each was seen half a minute ago."""
    start = datetime.combine(at.astimezone(CITY).date() - timedelta(days=1), time(22), CITY)
    shifts = [NewShift(number, start, start + timedelta(hours=8)) for number in town.night.values()]
    add_shifts(session, shifts, now=at, by=service_actor("test"))
    names = {"near": "周夜明", "next": "李星河", "foot": "王山脚", "across": "赵对岸", "south": "钱晓", "east": "孙东"}
    for name, number in town.night.items():
        session.execute(update(Worker).where(Worker.number == number).values(name=names[name]))
        lon, lat = town.lonlat(PLACES[name])
        worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
        seen = {"worker_id": worker_id, "lon": lon, "lat": lat, "raw_lon": lon, "raw_lat": lat}
        session.execute(insert(Position).values(**seen, fixed_at=at.astimezone(UTC) - timedelta(seconds=30)))
