"""Whether somebody is on the spot ([D5], [D9]): by the fix of the device that takes the step, or the worker's last one.

A desk is never on the spot: what it sends is a statement and no proof. A step that it takes for a worker is proven by
that worker's own last fix, which came from their account or a gateway of their devices: what anybody else sent of them
is good enough to find them and proves nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from layers.dispatch_settings import Spot
from layers.dispatching.taking import Taking, require_position
from layers.errors import Unacceptable
from layers.incidents import DESKS, WORKFLOW, IncidentCard, IncidentStep, Proof
from layers.moments import CLOCK_ERROR
from layers.positions import Position
from layers.standings import FRESH_S
from tiling.plane import Plane, city_epsg

FRESH = timedelta(seconds=FRESH_S)
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
    return _proof_of_worker(taking) if taking.by.role in DESKS else _own_proof(taking)


def _own_proof(taking: Taking) -> dict[str, Any] | None:
    asked = taking.asked
    if asked.lon is None and taking.rule.proof == Proof.welcome:
        return None
    lon, lat = require_position(asked)
    fixed_at = asked.fixed_at or taking.now
    _require_timely(taking, fixed_at)
    away_m = _require_near(taking, lon, lat, asked.accuracy_m)
    return _told("device", taking.by.name, fixed_at, asked.accuracy_m, away_m)


def _proof_of_worker(taking: Taking) -> dict[str, Any] | None:
    if taking.asked.lon is not None and taking.asked.lat is not None:
        _require_near(taking, taking.asked.lon, taking.asked.lat, None)
    fix = taking.session.get(Position, taking.incident.worker_id) if taking.incident.worker_id is not None else None
    if fix is not None and fix.first_hand and taking.now - fix.fixed_at <= FRESH:
        away_m = metres_between(taking.card, fix.lon, fix.lat)
        if away_m <= _reach_m(taking.choosing.spot, fix.accuracy_m):
            return _told("last_fix", taking.card.worker or "", fix.fixed_at, fix.accuracy_m, away_m)
    if taking.rule.proof == Proof.demanded:
        errors = [(["proof"], "worker_not_on_the_spot")]
        raise Unacceptable("worker_not_on_the_spot", errors=errors, worker=taking.card.worker or "")
    return None


def _require_timely(taking: Taking, fixed_at: datetime) -> None:
    """Of now, or, kept by a phone without signal, of a moment since what it proves could be seen."""
    if fixed_at > taking.now + CLOCK_ERROR:
        raise Unacceptable("proof_in_the_future", errors=[(["proof", "fixed_at"], "proof_in_the_future")])
    if taking.now - fixed_at <= FRESH:
        return
    if taking.now - fixed_at > OLDEST or fixed_at + CLOCK_ERROR < _since(taking):
        raise Unacceptable("proof_too_old", errors=[(["proof", "fixed_at"], "proof_too_old")])


def _since(taking: Taking) -> datetime:
    """When the incident came into its state."""
    moved = IncidentStep.step.not_in(_SILENT) & (IncidentStep.incident_id == taking.incident.id)
    return taking.session.scalar(select(func.max(IncidentStep.at)).where(moved)) or taking.incident.reported_at


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
    x, y = Plane(city_epsg(card.lon, card.lat)).xy_of([card.lon, lon], [card.lat, lat])
    return float(((x[0] - x[1]) ** 2 + (y[0] - y[1]) ** 2) ** 0.5)


def _told(how: str, whose: str, fixed_at: datetime, accuracy_m: float | None, away_m: float) -> dict[str, Any]:
    told = {"how": how, "whose": whose, "fixed_at": fixed_at.isoformat()}
    return {**told, "accuracy_m": accuracy_m, "distance_m": round(away_m, 1)}
