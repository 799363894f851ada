"""Why somebody goes: kept with all that it depended on, and made again from that, byte for byte ([D3]).

    choice = Considered(question, ranking, full=frozenset({"W17"}))
    keep_decision(session, incident_id, memory, choice, location=location, now=now)
    replay(find_decision(session, incident_id)).same

What is told of a decision follows from its `Considered` alone (`describe_decision`), when it is made and when it is
made again: then the ranking is computed anew from the columns of those who stood in line. A ranking depends on nobody
behind its last candidate, so they are not kept; where too few are found, everybody of the district stands in line.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from layers import incidents
from layers.candidates import find_standings, moment, picture_of
from layers.dispatch_rules import Candidate, Limits, Policy, Ranking, Rejected, Rejection, Wish, rank
from layers.dispatching.memory import Memory
from layers.errors import Conflict
from layers.incidents import Decision
from layers.locating import Location
from layers.standings import Measure, Place, Standings

# The columns of a standing, in the order in which they are kept.
_NUMBERS = ("ids", "level", "distance_mm", "age_s", "open_tasks", "critical_tasks", "last_assigned")
_FLAGS = ("at_home", "on_duty", "on_foot")
_WORDS = ("numbers", "names", "roles", "grids")
# So many candidates are told of a decision, whoever goes.
KEPT_CANDIDATES = 5
# A centimetre: where somebody stood, for a map.
_PLACE_DECIMALS = 7


@dataclass(frozen=True, slots=True)
class Question:
    """Who could go to a place (degrees WGS84) at a moment, by this wish, within these limits."""

    place: Place
    lon: float
    lat: float
    at: datetime
    wish: Wish
    limits: Limits


@dataclass(frozen=True, slots=True)
class Considered:
    """A ranking and what became of it: `full` had no free hand after all, `waits` is why nobody goes whoever could.

    `by_hand` is what is told of whom a person named, worker or department, instead of the best one.
    """

    question: Question
    ranking: Ranking
    full: frozenset[str] = frozenset()
    waits: str | None = None
    by_hand: Mapping[str, Any] | None = field(default=None)

    @property
    def answer(self) -> Ranking:
        """The ranking without those whose hands were full."""
        return turn_down_full(self.ranking, self.full)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision made again: whether it is the same, and both as they are told, with their SHA-256."""

    same: bool
    stored: dict[str, Any]
    again: dict[str, Any]
    stored_sha256: str
    again_sha256: str


def turn_down_full(ranking: Ranking, full: frozenset[str]) -> Ranking:
    """The ranking with these candidates turned down as at_capacity, before everybody else who was."""
    if not full:
        return ranking
    turned = tuple(
        Rejected(one.number, one.name, one.level, one.distance_m, Rejection.at_capacity)
        for one in ranking.candidates
        if one.number in full
    )
    left = tuple(one for one in ranking.candidates if one.number not in full)
    counts = Counter(ranking.rejected_by_reason) + Counter({str(Rejection.at_capacity): len(turned)})
    return Ranking(left, turned + ranking.rejected, dict(counts), left[0].level if left else None)


def describe_decision(choice: Considered) -> dict[str, Any]:
    """The decision as plain JSON: its policy, who goes (a staff number), every candidate and everybody turned down."""
    answer, hand = choice.answer, choice.by_hand
    candidates = [candidate_json(one) for one in answer.candidates]
    rejected = [describe_rejected(one) for one in answer.rejected]
    if hand is None:
        goes = answer.candidates[0].number if answer.candidates and choice.waits is None else None
        policy = str(choice.question.wish.policy)
        return {"policy": policy, "chosen": goes, "candidates": candidates, "rejected": rejected}
    named = hand.get("worker")
    others = [one for one in candidates if one["worker"] != named]
    turned = [one for one in rejected if one["worker"] != named]
    return {"policy": BY_HAND, "chosen": named, "candidates": [dict(hand), *others], "rejected": turned}


# How a decision is called, and why somebody stands first in it, that a person made.
BY_HAND = "by_hand"


def keep_decision(
    session: Session,
    incident_id: int,
    memory: Memory,
    choice: Considered,
    *,
    location: Location,
    chosen: int | None,
    now: datetime,
) -> None:
    """Keep who was considered, with every reason, under which plan, and what it depended on."""
    asked = choice.question
    standings = find_standings(
        memory.roster, asked.place, lon=asked.lon, lat=asked.lat, at=asked.at, measure=asked.wish.measure
    )
    if standings is not None:
        choice = shorten(choice, standings)
    told = describe_decision(choice)
    incidents.add_decision(
        session,
        incident_id,
        at=now,
        policy=told["policy"],
        plan_version=location.plan_version,
        index_version=location.index_version,
        chosen=chosen,
        candidates=told["candidates"],
        rejected=told["rejected"],
        basis=_basis(memory, choice, standings, told["chosen"]),
    )


def shorten(choice: Considered, standings: Standings) -> Considered:
    """The same with fewer candidates: as far as whoever goes, and `KEPT_CANDIDATES` at least.

    At night hundreds who are off duty stand before the twentieth candidate, who is only there in case the hands of
    nineteen others have just got full.
    """
    candidates, answer = choice.ranking.candidates, choice.answer.candidates
    goes = candidates.index(answer[0]) if answer else len(candidates) - 1
    most = max(KEPT_CANDIDATES, goes + 1)
    if most >= len(candidates):
        return choice
    wish = replace(choice.question.wish, limit=most)
    ranking = rank(standings, wish, limits=choice.question.limits)
    return replace(choice, question=replace(choice.question, wish=wish), ranking=ranking)


def replay(decision: Decision) -> Replayed:
    """The decision made again from what it depended on; raises Conflict for one that was kept without it."""
    if decision.basis is None:
        raise Conflict("decision_without_basis")
    again = describe_decision(_choice_of(decision.basis))
    stored: dict[str, Any] = {"policy": decision.policy, "chosen": _number_of(decision, decision.basis)}
    stored |= {"candidates": decision.candidates, "rejected": decision.rejected}
    one, other = _hash_decision(stored), _hash_decision(again)
    return Replayed(one == other, stored, again, one, other)


def _number_of(decision: Decision, basis: Mapping[str, Any]) -> str | None:
    """The staff number of who was chosen; of somebody whom a person named from elsewhere, as it was kept."""
    if decision.chosen is None:
        return None
    line: dict[str, list[Any]] = basis["line"] or {"ids": [], "numbers": []}
    known: dict[int, str | None] = dict(zip(line["ids"], line["numbers"], strict=True))
    return known.get(decision.chosen, basis["chosen"])


def _hash_decision(told: dict[str, Any]) -> str:
    plain = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _basis(memory: Memory, choice: Considered, standings: Standings | None, chosen: str | None) -> dict[str, Any]:
    question = choice.question
    wish = {**asdict(question.wish), "without": sorted(question.wish.without)}
    wish |= {name: str(wish[name]) for name in ("policy", "measure")}
    return {
        "at": question.at.isoformat(),
        "place": {**asdict(question.place), "lon": question.lon, "lat": question.lat},
        "wish": wish,
        "limits": asdict(question.limits),
        "line": {} if standings is None else _line(memory, choice, standings),
        "full": sorted(choice.full),
        "waits": choice.waits,
        "by_hand": None if choice.by_hand is None else dict(choice.by_hand),
        "chosen": chosen,
    }


def _line(memory: Memory, choice: Considered, standings: Standings) -> dict[str, list[Any]]:
    """The columns of those who stood in line, by staff number, and where they stood or were taken to stand."""
    question, ranking = choice.question, choice.ranking
    roster, place = memory.roster, question.place
    stood = {one.number for one in ranking.candidates} | {one.number for one in ranking.rejected}
    rows = np.flatnonzero([number in stood for number in standings.numbers])
    district = roster.districts[place.district or ""]
    picture = picture_of(district, moment(question.at))
    lon, lat = district.plane.to_lonlat(picture.x[rows], picture.y[rows])
    where = {"lon": lon, "lat": lat}
    return {
        **{name: getattr(standings, name)[rows].tolist() for name in (*_NUMBERS, *_FLAGS)},
        **{name: [str(getattr(standings, name)[row]) for row in rows] for name in _WORDS},
        **{name: [_degrees(value) for value in values.tolist()] for name, values in where.items()},
    }


def _degrees(value: float) -> float | None:
    return round(value, _PLACE_DECIMALS) if np.isfinite(value) else None


def _choice_of(basis: Mapping[str, Any]) -> Considered:
    told, place = basis["wish"], dict(basis["place"])
    measure = Measure(told.get("measure", Measure.straight))
    read = {"policy": Policy(told["policy"]), "without": frozenset(told["without"]), "measure": measure}
    read["also"] = tuple(told.get("also", ()))
    wish = Wish(**{**told, **read})
    lon, lat = place.pop("lon"), place.pop("lat")
    where = Place(**{**place, "overlays": tuple(place["overlays"])})
    question = Question(where, lon, lat, datetime.fromisoformat(basis["at"]), wish, Limits(**basis["limits"]))
    ranking = rank(_standings(basis["line"]), wish, limits=question.limits) if basis["line"] else Ranking()
    return Considered(question, ranking, frozenset(basis["full"]), basis["waits"], basis["by_hand"])


def _standings(line: Mapping[str, list[Any]]) -> Standings:
    columns: dict[str, Any] = {name: np.asarray(line[name], dtype=np.int64) for name in _NUMBERS}
    # Decisions from before there were ways on foot do not know of them.
    nobody = [False] * len(line["ids"])
    columns |= {name: np.asarray(line.get(name, nobody), dtype=np.bool_) for name in _FLAGS}
    columns |= {name: tuple(line[name]) for name in ("numbers", "names", "grids")}
    return Standings(**columns, roles=np.asarray(line["roles"], dtype=np.str_))


def places_of(decision: Decision) -> dict[str, tuple[float, float]]:
    """Where everybody in line stood, by staff number, in degrees WGS84; whoever had no known place is left out."""
    line = (decision.basis or {}).get("line") or {"numbers": [], "lon": [], "lat": []}
    stood = zip(line["numbers"], line["lon"], line["lat"], strict=True)
    return {number: (lon, lat) for number, lon, lat in stood if lon is not None}


def candidate_json(one: Candidate) -> dict[str, Any]:
    """A candidate as it is stored and told; the database's id stays inside. Whoever is a candidate is on duty."""
    told = {name: getattr(one, name) for name in Candidate._fields if name not in ("worker_id", "number")}
    return {"worker": one.number, **told, "on_duty": True}


def describe_rejected(one: Rejected) -> dict[str, Any]:
    """A rejected worker as it is stored and told."""
    return {
        "worker": one.number,
        "name": one.name,
        "level": one.level,
        "distance_m": one.distance_m,
        "reason": str(one.reason),
    }
