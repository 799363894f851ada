"""Who goes: a pure, deterministic ranking in which every candidate and every rejected worker has a reason ([D3]).

    ranking = rank(standings, Wish(policy=Policy.own_grid_first, urgency="normal"))
    ranking.candidates[0].number, ranking.candidates[0].reason
    ranking.rejected[0].number, ranking.rejected[0].reason

The order is: own ground first (where the policy says so), distance in whole millimetres, fewest open tasks, longest
without a new task, staff number. A worker is turned down for the first of these that applies: role, declined,
off_duty, no_position, no_way, too_far, at_capacity.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from layers.standings import LEVELS, NO_DISTANCE_MM, NO_WAY_MM, Flags, Ints, Measure, Standings

# A level is worth more than any distance on Earth in millimetres (2 * 10^10 < 2^40).
_LEVEL_STEP = 2**40
# A person reads the first few; the others are counted by reason. An answer with 2,000 names helps nobody.
MOST_REJECTED = 50


class Policy(enum.StrEnum):
    """What decides first: whose ground it is, or who is nearest."""

    own_grid_first = "own_grid_first"
    nearest = "nearest"


class Rejection(enum.StrEnum):
    """Why a worker does not go, in the order in which the reasons are looked at."""

    role = "role"
    declined = "declined"
    off_duty = "off_duty"
    no_position = "no_position"
    no_way = "no_way"
    too_far = "too_far"
    at_capacity = "at_capacity"


REJECTIONS = tuple(Rejection)
# Why a candidate stands where it stands; under the policy `nearest` it is always by_distance.
REASONS = {
    "sub_grid": "own_sub_grid",
    "grid": "own_grid",
    "sister_grid": "sister_grid",
    "community": "same_community",
    "subdistrict": "same_subdistrict",
    "district": "same_district",
}
# Patrol teams work for their department on overlay grids: they go only where their role is asked for by name.
ON_REQUEST = ("patrol_team",)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one worker carries and how far one is sent ([D6])."""

    open_tasks: int = 3
    critical_tasks: int = 1
    reach_m: float = 3_000.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; `without` names workers who have declined. Of those turned down so many are told one by one as
    `most_rejected` says, None for everybody: a decision that is kept leaves nobody out. `also` are roles that go here
    although they are not asked for by name."""

    policy: Policy = Policy.own_grid_first
    urgency: str = "normal"
    role: str | None = None
    limit: int = 5
    without: frozenset[str] = frozenset()
    most_rejected: int | None = MOST_REJECTED
    measure: Measure = Measure.straight
    also: tuple[str, ...] = ()


class Candidate(NamedTuple):
    """A worker who may go; `distance_m` in metres by `measure`, `position_age_s` None without a fix."""

    worker_id: int
    number: str
    name: str
    role: str
    grid: str
    level: str
    distance_m: float
    position_age_s: int | None
    freshness: str
    at_home: bool
    open_tasks: int
    reason: str
    measure: str = Measure.straight.value


class Rejected(NamedTuple):
    """A worker who stood before the last candidate and does not go; `distance_m` is None where nothing is known."""

    number: str
    name: str
    level: str
    distance_m: float | None
    reason: Rejection


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates best first, those turned down that were asked for, and how many there are for which reason."""

    candidates: tuple[Candidate, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    level: str | None = None


def rank(standings: Standings, wish: Wish, *, limits: Limits = LIMITS) -> Ranking:
    """The best `wish.limit` workers and everybody who stood before the last of them but may not go.

    Where fewer are found, everybody else of the district is among the rejected. O(n) in the district's workers and
    a sort of those who stand before the last candidate.
    """
    verdicts = judge(standings, wish, limits=limits)
    first_key = _build_first_key(standings, wish.policy)
    eligible = verdicts < 0
    chosen = _order(standings, first_key, _select_best(first_key, eligible, wish.limit))[: wish.limit]
    rejected = _select_turned_down(
        standings, first_key, eligible, None if len(chosen) < wish.limit else int(chosen[-1])
    )
    candidates = tuple(_candidate(standings, int(row), wish.policy) for row in chosen)
    return Ranking(
        candidates=candidates,
        rejected=tuple(
            _build_rejected(standings, int(row), int(verdicts[row])) for row in rejected[: wish.most_rejected]
        ),
        rejected_by_reason=dict(Counter(str(REJECTIONS[verdict]) for verdict in verdicts[rejected])),
        level=candidates[0].level if candidates else None,
    )


def judge(standings: Standings, wish: Wish, *, limits: Limits = LIMITS) -> Ints:
    """Per worker the index in REJECTIONS of the first reason that applies, -1 for those who may go."""
    full = standings.open_tasks >= limits.open_tasks
    if wish.urgency == "critical":
        full |= standings.critical_tasks >= limits.critical_tasks
    applies: dict[Rejection, Flags] = {
        Rejection.role: _mark_wrong_role(standings, wish),
        Rejection.off_duty: ~standings.on_duty,
        Rejection.no_position: standings.distance_mm >= NO_DISTANCE_MM,
        Rejection.no_way: standings.distance_mm == NO_WAY_MM,
        Rejection.too_far: standings.distance_mm > round(limits.reach_m * 1000),
        Rejection.at_capacity: full,
    }
    if wish.without:
        applies[Rejection.declined] = np.isin(standings.numbers, list(wish.without))
    verdicts = np.full(len(standings), -1, dtype=np.int64)
    for code in reversed(range(len(REJECTIONS))):
        if REJECTIONS[code] in applies:
            verdicts[applies[REJECTIONS[code]]] = code
    return verdicts


def _mark_wrong_role(standings: Standings, wish: Wish) -> Flags:
    if wish.role is not None:
        return np.asarray(standings.roles != wish.role)
    return np.isin(standings.roles, [role for role in ON_REQUEST if role not in wish.also])


def _build_first_key(standings: Standings, policy: Policy) -> Ints:
    if policy is Policy.nearest:
        return standings.distance_mm
    return standings.level * _LEVEL_STEP + standings.distance_mm


def _select_best(first_key: Ints, eligible: Flags, limit: int) -> Ints:
    """The rows that can be among the first `limit`; ties at the edge are all in."""
    rows = np.flatnonzero(eligible)
    if len(rows) <= limit:
        return rows
    edge = np.partition(first_key[rows], limit - 1)[limit - 1]
    return np.asarray(rows[first_key[rows] <= edge])


def _select_turned_down(standings: Standings, first_key: Ints, eligible: Flags, last: int | None) -> Ints:
    """The rows that may not go, in order; only those before the row `last` where there is one."""
    if last is None:
        return _order(standings, first_key, np.flatnonzero(~eligible))
    near = ~eligible & (first_key <= first_key[last])
    near[last] = True
    line = _order(standings, first_key, np.flatnonzero(near))
    return line[: int(np.flatnonzero(line == last)[0])]


def _order(standings: Standings, first_key: Ints, rows: Ints) -> Ints:
    keys = (rows, standings.last_assigned[rows], standings.open_tasks[rows], first_key[rows])
    return np.asarray(rows[np.lexsort(keys)])


def _candidate(standings: Standings, row: int, policy: Policy) -> Candidate:
    level = LEVELS[standings.level[row]]
    return describe(standings, row, reason="by_distance" if policy is Policy.nearest else REASONS[level])


def describe(standings: Standings, row: int, *, reason: str) -> Candidate:
    """One worker of the standings as a candidate, for this reason."""
    level, age_s = LEVELS[standings.level[row]], int(standings.age_s[row])
    return Candidate(
        worker_id=int(standings.ids[row]),
        number=standings.numbers[row],
        name=standings.names[row],
        role=str(standings.roles[row]),
        grid=standings.grids[row],
        level=level,
        distance_m=float(standings.distance_mm[row]) / 1000,
        position_age_s=age_s if age_s >= 0 else None,
        freshness=standings.freshness(row),
        at_home=bool(standings.at_home[row]),
        open_tasks=int(standings.open_tasks[row]),
        reason=reason,
        measure=str(Measure.walking if standings.on_foot[row] else Measure.straight),
    )


def _build_rejected(standings: Standings, row: int, verdict: int) -> Rejected:
    distance_mm = int(standings.distance_mm[row])
    return Rejected(
        number=standings.numbers[row],
        name=standings.names[row],
        level=LEVELS[standings.level[row]],
        distance_m=distance_mm / 1000 if distance_mm < NO_WAY_MM else None,
        reason=REJECTIONS[verdict],
    )
