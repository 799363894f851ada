"""The tracks of workers: one point in ten seconds, thinned so that one is told where somebody was at each moment."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import service_actor
from layers.positions import Fix, TrackPoint, add_fixes, forget_tracks, read_track, thin_tracks
from layers.positions.thinning import list_begins, list_kept
from tests.staffed_city import NOON, add_worker, staffed_city

PHONES = service_actor("phones")
DAY = (NOON - timedelta(hours=12), NOON + timedelta(hours=12))


def sent(session: Session, *fixes: tuple[float, float, float], now_s: float = 0, days: int = 30) -> None:
    """Store the fixes of W in one batch: seconds before noon, metres east and north of a corner."""
    told = [
        Fix(at, "W", 118.2 + x / 85_700, 39.65 + y / 111_320, 0, 0, "wgs84", 5.0, NOON - timedelta(seconds=ago_s))
        for at, (ago_s, x, y) in enumerate(fixes)
    ]
    told = [fix._replace(raw_lon=fix.lon, raw_lat=fix.lat) for fix in told]
    add_fixes(session, told, now=NOON + timedelta(seconds=now_s), track_days=days, by=PHONES)


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(TrackPoint)) or 0


def test_a_track_takes_one_point_in_ten_seconds_also_late_ones(session: Session) -> None:
    staffed_city(session, staff=False)
    worker = add_worker(session, "W")
    for second in range(60, 0, -1):
        sent(session, (second, 60.0 - second, 0))
    assert 6 <= count(session) <= 7
    # What a phone kept without a line comes in one batch, out of order, after newer ones.
    sent(session, *((3_600 + second, 0, second) for second in (50, 10, 30, 20, 40)))
    parts = read_track(session, worker, span=DAY)
    assert (len(parts), len(parts[0])) == (2, 5)
    assert [point.at for part in parts for point in part] == sorted(point.at for part in parts for point in part)
    sent(session, *((3_600 + second, 0, second) for second in (50, 10, 30, 20, 40)))  # sent again
    assert len(read_track(session, worker, span=DAY)[0]) == 5


def test_no_track_is_kept_where_none_is_wanted_and_old_ones_are_forgotten(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    sent(session, (20, 0, 0), days=0)
    assert count(session) == 0
    sent(session, (10, 0, 0), days=1)
    assert forget_tracks(session, now=NOON + timedelta(hours=23), days=1) == 0
    assert forget_tracks(session, now=NOON + timedelta(hours=25), days=1) == 1
    assert count(session) == 0


def test_a_round_is_thinned_to_its_corners_and_its_stops(session: Session) -> None:
    staffed_city(session, staff=False)
    worker = add_worker(session, "W")
    # A metre a second to the east, ten minutes at a door, on to the north; then a second round after an hour's silence.
    walk = [(9_000 - s, s, 0) for s in range(0, 600, 10)]
    walk += [(8_400 - s, 600, 0) for s in range(0, 600, 10)] + [(7_800 - s, 600, s) for s in range(0, 300, 10)]
    sent(session, *((float(ago), float(x), float(y)) for ago, x, y in walk), (3_700.0, 0.0, 0.0))
    before = count(session)
    gone = thin_tracks(session, now=NOON)
    parts = read_track(session, worker, span=DAY)
    assert before - gone == sum(map(len, parts)) == 5
    first = [(NOON - point.at).total_seconds() for point in parts[0]]
    assert first == [9_000, 8_400, 7_800, 7_510]
    assert thin_tracks(session, now=NOON) == 0
    # What comes later hangs on to what stays.
    sent(session, (8_105.0, 900.0, 500.0))
    assert thin_tracks(session, now=NOON) == 0
    assert len(read_track(session, worker, span=DAY)[0]) == 5


def test_what_came_within_the_hour_is_not_thinned_yet(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    sent(session, *((float(ago), 0.0, 0.0) for ago in range(1_000, 0, -10)))
    assert thin_tracks(session, now=NOON) == 0
    assert count(session) == 100


STEPS = st.lists(st.tuples(st.integers(1, 400), st.integers(-60, 60), st.integers(-60, 60)), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_at_its_moment_each_point_that_went_is_near_what_stays(steps: list[tuple[int, int, int]]) -> None:
    at, x, y = np.cumsum(np.asarray(steps, dtype=np.float64), axis=0).T
    none = np.zeros(len(at), dtype=np.bool_)
    begins = list_begins(at, thinned=none, begun=none, gap_s=300.0)
    kept = list_kept(x, y, at, fixed=none, begins=begins, within_m=10.0)
    off_m = np.hypot(np.interp(at, at[kept], x[kept]) - x, np.interp(at, at[kept], y[kept]) - y)
    assert off_m.max() <= 10.0 + 1e-9
    gaps = np.flatnonzero(np.diff(at) > 300)
    assert kept[gaps].all() and kept[gaps + 1].all() and kept[0] and kept[-1]
