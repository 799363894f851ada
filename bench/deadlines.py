"""Deadlines of random limits against a walk minute by minute, and how many a second the arrays make.

    python -m bench.deadlines [--limits N] [--zone Asia/Shanghai]

Kinds, amounts, pauses, extensions, days off, made-up work days, a leap day and years without a calendar are drawn at
random (seed printed). The peer is `tests/deadline_oracle.py`, written apart from the code.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from layers.clocks import Clock, Limit, LimitKind, Pause
from tests.deadline_oracle import Walker, random_calendar, random_moment

SEED = 20260228
ROUNDS = 5
MINUTE = timedelta(minutes=1)


def main(argv: list[str]) -> int:
    """Prints the figures; the exit status is 0 when no deadline differs."""
    parser = argparse.ArgumentParser(prog="bench deadlines")
    parser.add_argument("--limits", type=int, default=100_000)
    parser.add_argument("--zone", default="Asia/Shanghai")
    options = parser.parse_known_args(argv)[0]
    rng = random.Random(SEED)
    calendar = random_calendar(rng, options.zone, range(2024, 2029))
    clock = Clock(calendar)
    different = compare(rng, clock, Walker(calendar, 2024, 2029), options.limits)
    print(f"deadlines different from the walk of {options.limits} (seed {SEED}): {different} deadlines")
    speeds(clock)
    return int(different > 0)


def compare(rng: random.Random, clock: Clock, walker: Walker, count: int) -> int:
    """How many deadlines differ."""
    first, last = datetime(2024, 1, 3, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)
    ours_s = 0.0
    different = 0
    for _ in range(count):
        start, kind = random_moment(rng, first, last), rng.choice(list(LimitKind))
        in_hours = kind in (LimitKind.urgent_hours, LimitKind.work_hours)
        amount = rng.randint(1, 80 * 60) if in_hours else rng.randint(1, 20)
        pause = _draw_pause(rng, start) if rng.random() < 0.5 else None
        extensions = rng.choice((0, 0, 0, 1, 2))
        begun = time.perf_counter()
        limit = Limit(amount / 60 if in_hours else amount, kind)
        ours = clock.deadline(start, limit, pauses=[Pause(*pause)] if pause else [], extensions=extensions).at
        ours_s += time.perf_counter() - begun
        different += ours != walker.extended(start, amount, str(kind), pause, extensions)
    print(f"one deadline with its lights and pauses: {ours_s / count * 1e6:.0f} us")
    return different


def _draw_pause(rng: random.Random, start: datetime) -> tuple[datetime, datetime]:
    since = random_moment(rng, start, start + timedelta(days=20))
    return since, random_moment(rng, since, since + timedelta(days=60)) + MINUTE


def speeds(clock: Clock) -> None:
    """Prints deadlines a second of each kind, 100,000 at a time."""
    rng = np.random.default_rng(SEED)
    starts = rng.integers(int(datetime(2024, 2, 1, tzinfo=UTC).timestamp()), 1_830_000_000, 100_000)
    amounts = rng.integers(1, 20, 100_000)
    for kind in LimitKind:
        rounds = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            clock.deadlines(starts, amounts, kind)
            rounds.append(len(starts) / (time.perf_counter() - begun))
        print(f"deadlines of {kind}: {statistics.median(rounds):.0f} deadlines/s")
