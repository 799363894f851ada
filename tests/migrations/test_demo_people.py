"""The demo's workers: one for each grid and sub-grid, somebody on duty in each community at every minute."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

from layers.shifts import CITY_ZONE, merge_spans
from migrations.demo.happenings import make_hazards, make_hot_spots, make_incidents
from migrations.demo.model import Town
from migrations.demo.people import DemoPeople, DemoWorker, make_roster, make_workers, members_by_community
from migrations.demo.progressed import make_progress
from migrations.demo.whereabouts import Tiles, make_fixes
from tests.city import demo_town

WEDNESDAY_NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)  # noon in Tangshan


@pytest.fixture(scope="module")
def town() -> Town:
    return demo_town()


@pytest.fixture(scope="module")
def workers(town: Town) -> list[DemoWorker]:
    return make_workers(town, np.random.default_rng(5))


@pytest.fixture(scope="module")
def roster(workers: list[DemoWorker]) -> DemoPeople:
    return make_roster(workers, WEDNESDAY_NOON, rng=np.random.default_rng(6))


def test_there_is_one_worker_for_each_grid_and_sub_grid_and_31_spare(town: Town, workers: list[DemoWorker]) -> None:
    charges = Counter(worker.charge for worker in workers)
    exclusive = {grid.code for grid in town.grids if grid.exclusive}
    assert len(workers) == 2_386
    assert all(charges[code] == 1 for code in exclusive)
    assert sum(worker.charge not in exclusive for worker in workers) == 31


def test_twelve_of_the_spare_are_patrol_teams_on_overlay_grids(town: Town, workers: list[DemoWorker]) -> None:
    overlays = {grid.code for grid in town.grids if not grid.exclusive}
    assert {worker.charge for worker in workers if worker.role == "patrol_team"} == overlays
    assert len(overlays) == 12


def test_people_are_invented(workers: list[DemoWorker]) -> None:
    assert len({worker.name for worker in workers}) == len(workers)
    # Mobile numbers in China start with 13 to 19.
    assert all(worker.phone.startswith("109") and len(worker.phone) == 11 for worker in workers)


def test_each_community_is_staffed_at_every_minute(workers: list[DemoWorker], roster: DemoPeople) -> None:
    since, until = WEDNESDAY_NOON - timedelta(days=60), WEDNESDAY_NOON + timedelta(days=30)
    community = np.full(len(workers), -1)
    for number, members in enumerate(members_by_community(workers).values()):
        community[members] = number
    assert community.max() == 73
    for number in range(74):
        mine = community[roster.worker] == number
        spans = [
            (datetime.fromtimestamp(int(a), UTC), datetime.fromtimestamp(int(b), UTC))
            for a, b in zip(roster.start[mine], roster.end[mine], strict=True)
        ]
        whole = merge_spans(spans)
        assert any(start <= since and until <= end for start, end in whole)


@pytest.mark.parametrize(("hour", "least", "most"), [(2, 0.93, 1.0), (10, 0.02, 0.5)])
def test_some_grids_have_nobody(
    town: Town, workers: list[DemoWorker], roster: DemoPeople, hour: int, least: float, most: float
) -> None:
    at = WEDNESDAY_NOON.astimezone(CITY_ZONE).replace(hour=hour)
    served = {workers[int(place)].charge for place in roster.on_duty(at)}
    grids = [grid.code for grid in town.grids if grid.level == "grid" and grid.exclusive]
    empty = sum(code not in served for code in grids) / len(grids)
    assert least <= empty < most


def test_night_shifts_cross_midnight_and_nobody_works_two_days_through(roster: DemoPeople) -> None:
    first = (roster.start + 8 * 3600) // 86_400
    last = (roster.end + 8 * 3600 - 1) // 86_400
    assert 0.03 < (last > first).mean() < 0.2
    assert (roster.end - roster.start).max() <= 12 * 3600
    assert len(roster.worker) <= 300_000


def test_no_worker_has_two_shifts_at_once(roster: DemoPeople) -> None:
    order = np.lexsort((roster.start, roster.worker))
    worker, start, end = roster.worker[order], roster.start[order], roster.end[order]
    same = worker[1:] == worker[:-1]
    assert (start[1:][same] >= end[:-1][same]).all()


def test_positions_are_fresh_ageing_and_stale(town: Town, workers: list[DemoWorker], roster: DemoPeople) -> None:
    fixes = make_fixes(
        town, Tiles.of(town), workers=workers, roster=roster, now=WEDNESDAY_NOON, rng=np.random.default_rng(7)
    )
    kinds = Counter(np.digitize(fixes.age_s, [300, 1_800]).tolist())
    assert min(kinds[0], kinds[1], kinds[2]) > 100
    assert (fixes.age_s > 0).all()
    assert len(set(fixes.worker.tolist())) == len(fixes.worker)


def test_hazards_and_incidents_lie_in_their_tiles_within_the_last_year(town: Town) -> None:
    rng, tiles = np.random.default_rng(8), Tiles.of(town)
    spots = make_hot_spots(town, rng)
    polygons = [tile.polygon for tile in town.tiles]
    for happened in (
        make_hazards(town, tiles, spots=spots, now=WEDNESDAY_NOON, rng=rng),
        make_incidents(town, tiles, spots=spots, now=WEDNESDAY_NOON, rng=rng),
    ):
        owners = np.array(polygons, dtype=object)[happened.tile]
        assert shapely.contains_xy(owners, happened.xy[:, 0], happened.xy[:, 1]).all()
        assert happened.at.max() < WEDNESDAY_NOON.timestamp()
        assert happened.at.min() > (WEDNESDAY_NOON - timedelta(days=373)).timestamp()


def test_incidents_have_a_rhythm_of_days_and_hours_and_hot_spots(town: Town) -> None:
    rng, tiles = np.random.default_rng(9), Tiles.of(town)
    happened = make_incidents(town, tiles, spots=make_hot_spots(town, rng), now=WEDNESDAY_NOON, rng=rng)
    hours = np.bincount((happened.at // 3600 + 8) % 24, minlength=24)
    assert hours[9] > 4 * hours[3]
    per_tile = np.sort(np.bincount(happened.tile, minlength=len(town.tiles)))[::-1]
    assert per_tile[: len(per_tile) // 20].sum() > 0.25 * per_tile.sum()


def test_most_incidents_are_closed_and_open_ones_are_with_workers_who_have_a_hand_free(
    town: Town, workers: list[DemoWorker], roster: DemoPeople
) -> None:
    rng, tiles = np.random.default_rng(10), Tiles.of(town)
    happened = make_incidents(town, tiles, spots=make_hot_spots(town, rng), now=WEDNESDAY_NOON, rng=rng)
    progress = make_progress(happened, tiles, workers=workers, roster=roster, now=WEDNESDAY_NOON, rng=rng)
    states = Counter(states[-1] for states in progress.states)
    assert states["closed"] > 0.9 * len(happened)
    assert 8 <= progress.open().sum() <= 80
    with_someone = progress.open() & (progress.worker >= 0)
    assert max(Counter(progress.worker[with_someone].tolist()).values()) <= 3
    on_duty = set(roster.on_duty(WEDNESDAY_NOON).tolist())
    assert np.mean([int(place) in on_duty for place in progress.worker[with_someone]]) > 0.9
    for moments, chain in zip(progress.at, progress.states, strict=True):
        assert len(moments) == len(chain)
        assert (np.diff(moments) >= 0).all()
        assert moments[-1] <= WEDNESDAY_NOON.timestamp()


def test_the_same_seed_and_moment_give_the_same_people(
    town: Town, workers: list[DemoWorker], roster: DemoPeople
) -> None:
    again = make_workers(town, np.random.default_rng(5))
    assert again == workers
    shifts = make_roster(again, WEDNESDAY_NOON, rng=np.random.default_rng(6))
    assert np.array_equal(shifts.start, roster.start)
    assert np.array_equal(shifts.worker, roster.worker)
