"""Who goes, found among the few who are at hand instead of among all of a district.

`find_at_hand` gives what `rank(find_standings(…))` gives, bit for bit, or None where too few are at hand, so that
everybody has to be looked at. Most reports are settled close by: then some twenty workers are looked at instead of
two thousand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from layers.candidates import DistrictRoster, Ground, Key, Picture, Roster, moment, picture_of
from layers.dispatch_rules import (
    ON_REQUEST,
    REASONS,
    Candidate,
    Limits,
    Policy,
    Ranking,
    Rejected,
    Rejection,
    Wish,
)
from layers.standings import LEVELS, NO_DISTANCE_MM, Measure, Place, freshness_of

# Sub-grid, grid, sister grids and community: beyond, ranking everybody at once is cheaper.
_LEVELS_AT_HAND = 4
# How many rings of squares of ground to look at, one after the other.
_RINGS = (1, 2, 4)
_SECOND = 1_000_000


def find_at_hand(
    roster: Roster, place: Place, *, lon: float, lat: float, at: datetime, wish: Wish, limits: Limits
) -> Ranking | None:
    """The ranking of those at hand where they are enough, else None; 15-35 µs, most of it for the words."""
    line = find_line(roster, place, lon=lon, lat=lat, at=at, wish=wish, limits=limits)
    return None if line is None else _build_ranking(line, Ground.build(roster, place), wish)


def find_line(
    roster: Roster, place: Place, *, lon: float, lat: float, at: datetime, wish: Wish, limits: Limits
) -> Line | None:
    """Who goes and who stood before them, as keys only; None where too few are at hand. 8-15 µs."""
    district = roster.districts.get(place.district or "")
    # Of ways on foot nobody knows who is near before all have been looked at.
    if district is None or wish.measure is not Measure.straight:
        return None
    now = moment(at)
    scene = _Scene(district, picture_of(district, now), *district.plane.point_xy(lon, lat), now)
    nearest = wish.policy is Policy.nearest
    line = Line(scene, [], [])
    for key in scene.walk_by_distance(wish.limit) if nearest else scene.walk_by_level(Ground.build(roster, place)):
        reason = _verdict(scene, key, wish, limits)
        if reason is not None:
            line.rejected.append((key, reason))
            continue
        line.chosen.append(key)
        if len(line.chosen) == wish.limit:
            return line
    return None


class _Scene(NamedTuple):
    """A district at a moment, seen from a place in metres."""

    district: DistrictRoster
    picture: Picture
    x: float
    y: float
    at: int

    def sort_rows(self, rows: Iterable[int]) -> list[Key]:
        picture, x, y = self.picture, self.x, self.y
        away, tasks, last = picture.millimetres, picture.open_tasks, picture.last_assigned
        return sorted([(away(row, x, y), tasks[row], last[row], row) for row in rows])

    def walk_by_level(self, ground: Ground) -> Iterator[Key]:
        """From one's own ground outwards, each worker at the innermost level."""
        seen: set[int] = set()
        for rows in islice(ground.walk_outwards(self.picture), _LEVELS_AT_HAND):
            # Who serves two neighbours of the grid meets the place twice at one level.
            fresh = [row for row in dict.fromkeys(rows.tolist()) if row not in seen]
            seen.update(fresh)
            yield from self.sort_rows(fresh)

    def walk_by_distance(self, wanted: int) -> Iterator[Key]:
        """From the place outwards, as far as nobody can have been overlooked."""
        told, squares = 0, self.picture.squares
        for rings in _RINGS:
            found, sure_mm = squares.list_around(self.x, self.y, rings=rings)
            if len(found) < wanted:
                continue
            # Two of equal distance in whole millimetres are put in order by other things: both have to be there.
            for key in found[told:]:
                if key[0] >= sure_mm:
                    break
                told += 1
                yield key


class Line(NamedTuple):
    """Those who go and those who stood before the last of them, in order."""

    scene: _Scene
    chosen: list[Key]
    rejected: list[tuple[Key, Rejection]]

    @property
    def numbers(self) -> list[str]:
        """The staff numbers of those who go."""
        return [self.scene.district.numbers[key[3]] for key in self.chosen]


def _verdict(scene: _Scene, key: Key, wish: Wish, limits: Limits) -> Rejection | None:
    """The first reason that applies, in the order of `Rejection`; None for those who may go."""
    row, picture = key[3], scene.picture
    role = picture.roles[row]
    if role in ON_REQUEST and role not in wish.also if wish.role is None else role != wish.role:
        return Rejection.role
    if wish.without and scene.district.numbers[row] in wish.without:
        return Rejection.declined
    if not picture.duties[row]:
        return Rejection.off_duty
    if key[0] >= NO_DISTANCE_MM:
        return Rejection.no_position
    if key[0] > round(limits.reach_m * 1000):
        return Rejection.too_far
    critical = wish.urgency == "critical" and picture.critical_tasks[row] >= limits.critical_tasks
    return Rejection.at_capacity if critical or key[1] >= limits.open_tasks else None


def _build_ranking(line: Line, ground: Ground, wish: Wish) -> Ranking:
    scene, chosen, rejected = line
    listed = rejected[: wish.most_rejected]
    level_of = _levels(scene, ground, [key[3] for key in chosen] + [key[3] for key, _ in listed])
    candidates = tuple([_candidate(scene, key, level_of[key[3]], wish.policy) for key in chosen])
    return Ranking(
        candidates=candidates,
        rejected=tuple([_build_rejected(scene, key, level_of[key[3]], reason) for key, reason in listed]),
        rejected_by_reason=dict(Counter(str(reason) for _, reason in rejected)) if rejected else {},
        level=candidates[0].level,
    )


def _levels(scene: _Scene, ground: Ground, rows: list[int]) -> dict[int, str]:
    """The innermost level at which each of these workers meets the place."""
    levels = dict.fromkeys(rows, LEVELS[-1])
    left = set(rows)
    for level, members in zip(LEVELS, ground.walk_outwards(scene.picture), strict=False):
        if not left:
            break
        met = left.intersection(members.tolist())
        levels.update(dict.fromkeys(met, level))
        left -= met
    return levels


def _candidate(scene: _Scene, key: Key, level: str, policy: Policy) -> Candidate:
    distance_mm, open_tasks, _, row = key
    district, picture = scene.district, scene.picture
    fixed_at = picture.fixed_at[row]
    age_s = max(scene.at - fixed_at, 0) // _SECOND if fixed_at > 0 else -1
    return Candidate(
        worker_id=int(district.ids[row]),
        number=district.numbers[row],
        name=district.names[row],
        role=picture.roles[row],
        grid=district.grids[row],
        level=level,
        distance_m=distance_mm / 1000,
        position_age_s=age_s if age_s >= 0 else None,
        freshness=freshness_of(age_s),
        at_home=picture.homes[row],
        open_tasks=open_tasks,
        reason="by_distance" if policy is Policy.nearest else REASONS[level],
    )


def _build_rejected(scene: _Scene, key: Key, level: str, reason: Rejection) -> Rejected:
    return Rejected(
        number=scene.district.numbers[key[3]],
        name=scene.district.names[key[3]],
        level=level,
        distance_m=key[0] / 1000 if key[0] < NO_DISTANCE_MM else None,
        reason=reason,
    )
