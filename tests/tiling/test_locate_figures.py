"""Figures that an index must keep: how much memory it takes, how much sooner a snapshot is there than a new index."""

import statistics
import time

import pytest

from bench.locate import district
from tiling.locate import DistrictIndex

MB = 1_000_000


@pytest.mark.parametrize(
    ("grids", "most_mb", "stands_for"), [(3_000, 16.0, 3_000), (6_000, 300.0, 100_000), (6_000, 2_600.0, 1_000_000)]
)
def test_an_index_takes_no_more_memory_than_it_may(grids: int, most_mb: float, stands_for: int) -> None:
    index = DistrictIndex.build(district(grids))
    assert index.nbytes / grids * stands_for <= most_mb * MB
    assert len(index.to_bytes()) < 1.3 * index.nbytes


@pytest.mark.alone
def test_a_snapshot_is_loaded_at_least_ten_times_faster_than_the_index_is_built() -> None:
    tiles = district(3_000)
    saved = DistrictIndex.build(tiles).to_bytes()
    build_s, load_s = [], []
    for _ in range(5):
        began_s = time.perf_counter()
        DistrictIndex.build(tiles)
        build_s.append(time.perf_counter() - began_s)
        began_s = time.perf_counter()
        DistrictIndex.from_buffer(saved)
        load_s.append(time.perf_counter() - began_s)
    ratio = statistics.median(build_s) / statistics.median(load_s)
    print(f"a snapshot is loaded {ratio:.0f} times faster than its index is built")
    assert ratio >= 10
