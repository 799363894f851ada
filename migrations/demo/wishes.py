"""What each community of the demo district wants: how many grids of which use, and the ground for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migrations.demo.places import DemoPlace, list_places

GRIDS, SUB_GRIDS = 784, 1_571
TOWN_GRIDS, VILLAGE_GRIDS = 550, 150
RIVER_GRIDS, PARK_GRIDS, INDUSTRY_GRIDS = 24, 26, 34
SHARED_PARK_GRIDS = 12
TOWN_M2, VILLAGE_M2, PARK_M2, INDUSTRY_M2 = 3_300.0, 17_500.0, 9_000.0, 19_000.0
BLOCK_GRIDS = 8
assert TOWN_GRIDS + VILLAGE_GRIDS + RIVER_GRIDS + PARK_GRIDS + INDUSTRY_GRIDS == GRIDS


@dataclass(frozen=True)
class DemoWish:
    """One community's blocks as (use, grids, ground in m2), in the order in which they should lie."""

    code: str
    name: str
    kind: str
    items: tuple[tuple[str, int, float], ...]
    group: str = ""

    @property
    def area_m2(self) -> float:
        """The ground for all blocks, in m2."""
        return sum(area for _, _, area in self.items)


def make_wishes(rng: np.random.Generator) -> dict[str, DemoWish]:
    """The wishes of all communities by code; the numbers of grids add up to the district's figures exactly."""
    places = list_places()
    towns = [p for p in places if p.kind == "town"]
    villages = [p for p in places if p.kind == "village"]
    grids = _shared_out(TOWN_GRIDS, len(towns), rng, spread=0.3) + _shared_out(
        VILLAGE_GRIDS, len(villages), rng, spread=0.5
    )
    counts = {place.code: count for place, count in zip(towns + villages, grids, strict=True)}
    parks = _chosen(towns, 10, rng) + _chosen(villages, PARK_GRIDS - SHARED_PARK_GRIDS - 10, rng)
    works = dict(
        zip(
            _chosen([p for p in villages if p.subdistrict != "130273001"], 8, rng),
            _shared_out(INDUSTRY_GRIDS, 8, rng, spread=0.3),
            strict=True,
        )
    )
    return {p.code: _wish(p, counts[p.code], p.code in parks, works.get(p.code, 0), rng) for p in places}


def _wish(place: DemoPlace, grids: int, park: bool, works: int, rng: np.random.Generator) -> DemoWish:
    each = TOWN_M2 if place.kind == "town" else VILLAGE_M2
    items = [
        (place.kind, n, n * each * rng.uniform(0.92, 1.08))
        for n in _chunks(grids, BLOCK_GRIDS if place.kind == "town" else 4)
    ]
    if park:
        items.insert(int(rng.integers(0, len(items) + 1)), ("park", 1, PARK_M2 * rng.uniform(0.7, 1.5)))
    items += [("industry", 1, INDUSTRY_M2 * rng.uniform(0.7, 1.4)) for _ in range(works)]
    return DemoWish(place.code, place.name, place.kind, tuple(items), group=f"industry-{place.code}" if works else "")


def _chunks(total: int, most: int) -> list[int]:
    parts = -(-total // most)
    return [total // parts + (1 if i < total % parts else 0) for i in range(parts)]


def _shared_out(total: int, among: int, rng: np.random.Generator, *, spread: float) -> list[int]:
    """Whole numbers around the mean that add up to the total, none below 2."""
    wanted = rng.uniform(1.0 - spread, 1.0 + spread, among)
    shares = np.maximum(2, np.floor(wanted / wanted.sum() * total)).astype(int)
    while shares.sum() != total:
        step = int(np.sign(total - shares.sum()))
        at = int(rng.integers(among))
        shares[at] += step if shares[at] + step >= 2 else 0
    return [int(share) for share in shares]


def _chosen(places: list[DemoPlace], count: int, rng: np.random.Generator) -> list[str]:
    return [places[int(i)].code for i in sorted(rng.choice(len(places), count, replace=False))]
