"""Counts and durations of requests, in memory, written in the text format that Prometheus reads.

A plain dictionary of lists: observing costs well under a microsecond, which the hot route needs.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Upper limits of the classes of duration, in seconds: lookups live below 1 ms, edits below 50 ms, imports above 1 s.
BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
Labels = tuple[str, str, int]


class Series:
    """The durations of one kind of request: how many in each class, and their sum in seconds."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one request."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


class Metrics:
    """Requests by method, path pattern and status."""

    def __init__(self) -> None:
        self._series: dict[Labels, Series] = {}
        # Faults that were made good another way, so that no answer tells of them, by name.
        self.faults: Counter[str] = Counter()

    def series(self, method: str, path: str, status: int) -> Series:
        """The series of one kind of request; unknown methods are counted together."""
        labels = (method if method in _METHODS else "other", path, status)
        found = self._series.get(labels)
        if found is None:
            found = self._series[labels] = Series()
        return found

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.series(method, path, status).observe(seconds)

    def keep(self, folder: Path) -> None:
        """Write this process's counts where the other processes of the service find them, in one step."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = {"series": self._list_series(), "faults": dict(self.faults)}
        unfinished = folder / f"{os.getpid()}.new"
        unfinished.write_text(json.dumps(kept))
        unfinished.replace(folder / f"{os.getpid()}.json")

    def with_others(self, folder: Path) -> Metrics:
        """These counts and those that the other living processes have kept; files of dead ones are removed."""
        both = Metrics()
        both._add({"series": self._list_series(), "faults": dict(self.faults)})
        for file in sorted(folder.glob("*.json")):
            if not file.stem.isdigit() or int(file.stem) == os.getpid():
                continue
            if Path(f"/proc/{file.stem}").exists():
                both._add(json.loads(file.read_text()))
            else:
                file.unlink(missing_ok=True)
        return both

    def _list_series(self) -> list[list[Any]]:
        return [[*labels, one.counts, one.sum_s] for labels, one in list(self._series.items())]

    def _add(self, kept: dict[str, Any]) -> None:
        self.faults.update(kept["faults"])
        for method, path, status, counts, sum_s in kept["series"]:
            series = self.series(method, path, status)
            series.counts = [one + other for one, other in zip(series.counts, counts, strict=True)]
            series.sum_s += sum_s

    def lines(self) -> Iterator[str]:
        """Request durations and faults in Prometheus' text format."""
        name = "wangge_request_seconds"
        yield f"# HELP {name} Duration of requests by method, path and status."
        yield f"# TYPE {name} histogram"
        for (method, path, status), series in sorted(self._series.items()):
            labels = f'method="{method}",path="{path}",status="{status}"'
            total = 0
            for limit, count in zip((*map(str, BUCKETS_S), "+Inf"), series.counts, strict=True):
                total += count
                yield f'{name}_bucket{{{labels},le="{limit}"}} {total}'
            yield f"{name}_sum{{{labels}}} {series.sum_s:.6f}"
            yield f"{name}_count{{{labels}}} {total}"
        if self.faults:
            yield "# HELP wangge_faults_total Faults that were made good another way, by name."
            yield "# TYPE wangge_faults_total counter"
        for fault, count in sorted(self.faults.items()):
            yield f'wangge_faults_total{{name="{fault}"}} {count}'
