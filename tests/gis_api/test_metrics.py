"""Counts of requests: their text for Prometheus, and the sum over all processes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from gis_api.metrics import BUCKETS_S, Metrics


def counted(*durations_s: float) -> Metrics:
    metrics = Metrics()
    for duration_s in durations_s:
        metrics.observe("GET", "/x", 200, duration_s)
    return metrics


def test_durations_are_counted_in_cumulative_classes() -> None:
    lines = list(counted(0.00005, 0.0001, 0.003, 99.0).lines())
    label = 'method="GET",path="/x",status="200"'
    assert f'wangge_request_seconds_bucket{{{label},le="0.0001"}} 2' in lines
    assert f'wangge_request_seconds_bucket{{{label},le="0.005"}} 3' in lines
    assert f'wangge_request_seconds_bucket{{{label},le="10.0"}} 3' in lines
    assert f'wangge_request_seconds_bucket{{{label},le="+Inf"}} 4' in lines
    assert f"wangge_request_seconds_count{{{label}}} 4" in lines
    assert len(lines) == 2 + len(BUCKETS_S) + 1 + 2


def test_methods_that_nobody_knows_are_counted_together() -> None:
    metrics = Metrics()
    for method in ("BREW", "X" * 5_000):
        metrics.observe(method, "other", 405, 0.1)
    assert 'wangge_request_seconds_count{method="other",path="other",status="405"} 2' in metrics.lines()


def test_counts_of_living_processes_are_added_and_dead_ones_forgotten(tmp_path: Path) -> None:
    other = subprocess.Popen(["/bin/sleep", "60"])
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    for pid in (other.pid, gone.pid):
        counted(1.0, 2.0).keep(tmp_path)
        (tmp_path / f"{os.getpid()}.json").rename(tmp_path / f"{pid}.json")
    counted(3.0).keep(tmp_path)
    try:
        total = counted(3.0).with_others(tmp_path)
    finally:
        other.kill()
        other.wait()
    assert 'wangge_request_seconds_count{method="GET",path="/x",status="200"} 3' in total.lines()
    assert not (tmp_path / f"{gone.pid}.json").exists()
