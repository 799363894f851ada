"""A year of hazards and incidents: where (tiles, hot spots), when (days and hours), and how far each one got."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.shifts import span_of_day
from migrations.demo.model import Town
from migrations.demo.phrases import HAZARD_WEIGHTS, HAZARDS, INCIDENT_WEIGHTS, INCIDENTS
from migrations.demo.whereabouts import Tiles

HAZARD_COUNT, INCIDENT_COUNT = 6_000, 12_000
YEAR_D, DAY_S = 365, 86_400
HOT_SPOTS = 5
# Hours of a day: hazards are found on rounds, incidents are reported by people who are awake.
_ROUND_HOURS = np.array([0, 0, 0, 0, 0, 0, 1, 3, 9, 12, 11, 6, 2, 4, 9, 11, 9, 5, 2, 2, 1, 1, 0, 0], float)
_TALK_HOURS = np.array([1, 1, 0.6, 0.5, 0.5, 1, 3, 6, 9, 10, 9, 7, 6, 6, 7, 7, 7, 8, 9, 9, 8, 6, 4, 2], float)
_ROUND_DAYS = np.array([10, 10, 10, 10, 9, 4, 3], float)
_TALK_DAYS = np.array([8, 7.5, 7, 7, 7.5, 9, 8.5], float)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class HotSpot:
    """A place with more than its share: middle in metres, reach, strength, and how many days ago it began."""

    x: float
    y: float
    reach_m: float
    strength: float
    since_d: float


@dataclass(frozen=True)
class Happenings:
    """Things that happened, oldest first: tile, place in metres, second since 1970, category and words."""

    tile: Ints
    xy: Floats
    at: Ints
    category: tuple[str, ...]
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.at)


def make_hot_spots(town: Town, rng: np.random.Generator) -> list[HotSpot]:
    """A few places in the town's dense parts; two of them are recent."""
    dense = [g for g in town.grids if g.level == "grid" and g.use in ("town", "village")]
    middles = [dense[int(i)].polygon.centroid for i in rng.choice(len(dense), HOT_SPOTS, replace=False)]
    since = (YEAR_D, YEAR_D, 150.0, 60.0, 35.0)
    return [
        HotSpot(m.x, m.y, float(rng.uniform(110.0, 200.0)), float(rng.uniform(7.0, 14.0)), days)
        for m, days in zip(middles, since, strict=True)
    ]


def make_hazards(
    town: Town, tiles: Tiles, *, spots: list[HotSpot], now: datetime, rng: np.random.Generator
) -> Happenings:
    """Hazards of the last year, found on the workers' rounds."""
    at = _times(HAZARD_COUNT, now, rng, hours=_ROUND_HOURS, days=_ROUND_DAYS)
    return _happened(town, tiles, spots, at, rng, weights=HAZARD_WEIGHTS, phrases=HAZARDS)


def make_incidents(
    town: Town, tiles: Tiles, *, spots: list[HotSpot], now: datetime, rng: np.random.Generator
) -> Happenings:
    """Incidents of the last year, reported at the hours when people are awake, more at weekends."""
    at = _times(INCIDENT_COUNT, now, rng, hours=_TALK_HOURS, days=_TALK_DAYS)
    return _happened(town, tiles, spots, at, rng, weights=INCIDENT_WEIGHTS, phrases=INCIDENTS)


def _times(count: int, now: datetime, rng: np.random.Generator, *, hours: Floats, days: Floats) -> Ints:
    """Seconds since 1970 within the year before now, with the rhythm of days and hours of the city, sorted."""
    local = now.astimezone(span_of_day(now.date())[0].tzinfo)
    midnight = int(span_of_day(local.date())[0].timestamp())
    back = np.arange(YEAR_D)
    weekday = (local.weekday() - back) % 7
    season = 1.0 + 0.18 * np.cos(2.0 * np.pi * back / YEAR_D) - 0.0004 * back
    share = days[weekday] * season
    day = rng.choice(back, count, p=share / share.sum())
    hour = rng.choice(24, count, p=hours / hours.sum())
    at = midnight - day * DAY_S + hour * 3600 + rng.integers(0, 3600, count)
    late = at > now.timestamp() - 60
    at[late] -= 7 * DAY_S
    return np.sort(at)


def _happened(
    town: Town,
    tiles: Tiles,
    spots: list[HotSpot],
    at: Ints,
    rng: np.random.Generator,
    *,
    weights: dict[str, float],
    phrases: dict[str, tuple[str, ...]],
) -> Happenings:
    codes = list(weights)
    share = np.array([weights[code] for code in codes])
    category = [codes[int(i)] for i in rng.choice(len(codes), len(at), p=share / share.sum())]
    tile = _tiles(town, spots, at, rng)
    words = tuple(phrases[code][int(rng.integers(len(phrases[code])))] for code in category)
    return Happenings(tile, tiles.places(tile, rng), at, tuple(category), words)


def _tiles(town: Town, spots: list[HotSpot], at: Ints, rng: np.random.Generator) -> Ints:
    """A tile for each moment: more where people live, far more in a hot spot while it lasts."""
    finest = town.tiles
    middles = shapely.get_coordinates(shapely.centroid([tile.polygon for tile in finest]))
    usual = np.array([tile.households + 3.0 for tile in finest])
    age_d = (at.max() - at) / DAY_S
    limits = sorted({spot.since_d for spot in spots} | {0.0, 2.0 * YEAR_D})
    tile = np.zeros(len(at), dtype=np.int64)
    for low, high in itertools.pairwise(limits):
        chosen = np.flatnonzero((age_d >= low) & (age_d < high))
        weight = usual.copy()
        for spot in (s for s in spots if s.since_d > low):
            away = np.hypot(middles[:, 0] - spot.x, middles[:, 1] - spot.y) / spot.reach_m
            weight *= 1.0 + spot.strength * np.exp(-(away**2))
        tile[chosen] = rng.choice(len(finest), len(chosen), p=weight / weight.sum())
    return tile
