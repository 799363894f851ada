"""Whether somebody is on the spot ([D5], [D9]): by the fix of the device that takes the step, or the worker's last one.

A desk is never on the spot: what it sends is a statement and no proof. A step that it takes for a worker is proven by
that worker's own last fix, which came from their account or a gateway of their devices: what anybody else sent of them
is good enough to find them and proves nothing. What a department has done is verified by any worker who is there; that
somebody stands there says nothing of the department's own coming.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import cos, radians
from typing import Any

from sqlalchemy import func, select

from layers.dispatch_settings import Spot
from layers.dispatching.taking import Taking, require_position
from layers.errors import Unacceptable
from layers.incidents import DESKS, WORKFLOW, IncidentCard, IncidentStep, Proof
from layers.moments import CLOCK_ERROR, FRESH_S, require_past
from layers.positions import Position
from layers.workers import Worker
from tiling.plane import Plane, city_epsg

FRESH = timedelta(seconds=FRESH_S)
# A degree of latitude has no fewer metres anywhere.
LEAST_DEGREE_M = 110_000.0
# A phone without a signal keeps its steps and sends them later; beyond a day it is a mistake.
OLDEST = timedelta(hours=24)
_SILENT = tuple({rule.step for rule in WORKFLOW if rule.to is None})


def prove(taking: Taking) -> dict[str, Any] | None:
    """What shows that the step is taken on the spot: whose fix, its moment, accuracy and distance; None for nothing.

    Raises Unacceptable where the step demands it and it is missing, from the future, too old or too far away. One that
    is merely welcome is refused too when it is wrong: nobody arrives ten kilometres away.
    """
    if taking.rule.proof == Proof.none:
        return None
    return _proof_of_worker(taking) if taking.by.role in DESKS else _read_own_proof(taking)


def _read_own_proof(taking: Taking) -> dict[str, Any] | None:
    asked = taking.asked
    if asked.lon is None and taking.rule.proof == Proof.welcome:
        return None
    lon, lat = require_position(asked)
    fixed_at = asked.fixed_at or taking.now
    _require_timely(taking, fixed_at)
    away_m = _require_near(taking, lon, lat, asked.accuracy_m)
    return _describe_proof("device", taking.by.name, fixed_at, asked.accuracy_m, away_m)


def _proof_of_worker(taking: Taking) -> dict[str, Any] | None:
    if taking.asked.lon is not None and taking.asked.lat is not None:
        _require_near(taking, taking.asked.lon, taking.asked.lat, None)
    if _find_prover(taking) is None and taking.rule.proof != Proof.demanded:
        return None
    for number, fix, away_m in _list_fixes(taking):
        if away_m <= _reach_m(taking.choosing.spot, fix.accuracy_m):
            return _describe_proof("last_fix", number, fix.fixed_at, fix.accuracy_m, away_m)
    if taking.rule.proof == Proof.demanded:
        code = "nobody_on_the_spot" if _find_prover(taking) is None else "worker_not_on_the_spot"
        number = taking.card.collector or taking.card.worker or ""
        raise Unacceptable(code, errors=[(["proof"], code)], worker=number)
    return None


def _find_prover(taking: Taking) -> int | None:
    """Whose fix proves it: the collector's, else that of who has it; None where it is anybody's who is there, but not
    theirs who handled what somebody else has to look at."""
    incident = taking.incident
    return incident.collector_id or (None if incident.inspect_last else incident.worker_id)


def _list_fixes(taking: Taking) -> list[tuple[str, Position, float]]:
    """The fixes that may prove it, nearest first, with staff number and metres: that of the worker who has it in hand,
    else everybody's who is near."""
    card, spot = taking.card, taking.choosing.spot
    fresh = (Position.first_hand, Position.fixed_at >= taking.now - FRESH)
    found = select(Worker.number, Position).join(Position, Position.worker_id == Worker.id).where(*fresh)
    whose = _find_prover(taking)
    if whose is not None:
        found = found.where(Position.worker_id == whose)
    else:
        if taking.incident.worker_id is not None:
            found = found.where(Position.worker_id != taking.incident.worker_id)
        north = (spot.within_m + spot.accuracy_m) / LEAST_DEGREE_M
        east = north / max(cos(radians(card.lat)), 0.01)
        found = found.where(
            Position.lon.between(card.lon - east, card.lon + east),
            Position.lat.between(card.lat - north, card.lat + north),
            Worker.active,
        )
    rows = [(number, fix, metres_between(card, fix.lon, fix.lat)) for number, fix in taking.session.execute(found)]
    return sorted(rows, key=lambda row: (row[2], row[0]))


def _require_timely(taking: Taking, fixed_at: datetime) -> None:
    """Of now, or, kept by a phone without signal, of a moment since what it proves could be seen."""
    if fixed_at > taking.now + CLOCK_ERROR:
        raise Unacceptable("proof_in_the_future", errors=[(["proof", "fixed_at"], "proof_in_the_future")])
    if taking.now - fixed_at <= FRESH:
        return
    if taking.now - fixed_at > OLDEST or fixed_at + CLOCK_ERROR < _get_since(taking):
        raise Unacceptable("proof_too_old", errors=[(["proof", "fixed_at"], "proof_too_old")])


def require_taken_in_time(taking: Taking) -> None:
    """Raise Unacceptable where a step that a phone kept names a moment at which it cannot have been taken: one that is
    still to come, more than a day ago, or before the incident came into the state that the step leads on from."""
    taken_at = taking.asked.taken_at
    if taken_at is None:
        return
    require_past(taken_at, "taken_at", now=taking.now)
    if taking.now - taken_at > OLDEST:
        raise Unacceptable("step_kept_too_long", errors=[(["taken_at"], "step_kept_too_long")])
    if taken_at + CLOCK_ERROR < _get_since(taking):
        raise Unacceptable("step_before_the_last", errors=[(["taken_at"], "step_before_the_last")])


def _get_since(taking: Taking) -> datetime:
    """When the incident came into its state: of steps that a phone kept, when they were taken."""
    moved = IncidentStep.step.not_in(_SILENT) & (IncidentStep.incident_id == taking.incident.id)
    moment = func.max(func.coalesce(IncidentStep.taken_at, IncidentStep.at))
    return taking.session.scalar(select(moment).where(moved)) or taking.incident.reported_at


def _require_near(taking: Taking, lon: float, lat: float, accuracy_m: float | None) -> float:
    away_m, within_m = metres_between(taking.card, lon, lat), _reach_m(taking.choosing.spot, accuracy_m)
    if away_m > within_m:
        raise Unacceptable(
            "not_on_the_spot",
            errors=[(["lon"], "not_on_the_spot"), (["lat"], "not_on_the_spot")],
            distance_m=round(away_m),
            within_m=round(within_m),
        )
    return away_m


def _reach_m(spot: Spot, accuracy_m: float | None) -> float:
    return spot.within_m + min(accuracy_m or 0.0, spot.accuracy_m)


def metres_between(card: IncidentCard, lon: float, lat: float) -> float:
    """Metres in the plane of the incident's zone from its place to a position."""
    x, y = Plane(city_epsg(card.lon, card.lat)).to_xy([card.lon, lon], [card.lat, lat])
    return float(((x[0] - x[1]) ** 2 + (y[0] - y[1]) ** 2) ** 0.5)


def _describe_proof(
    how: str, whose: str, fixed_at: datetime, accuracy_m: float | None, away_m: float
) -> dict[str, Any]:
    told = {"how": how, "whose": whose, "fixed_at": fixed_at.isoformat()}
    return {**told, "accuracy_m": accuracy_m, "distance_m": round(away_m, 1)}
