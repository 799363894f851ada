"""What the events of a city say to somebody of an area and a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gis_api.live.telling import render_event
from layers.outbox import CityNews, Moved, lies_in
from layers.outgoing import OutgoingEvent

# A metre: nobody's map shows more.
_PLACE_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told: somebody of an area (a code prefix) who hears these kinds of events."""

    area: str
    hears: frozenset[str]


def render(news: CityNews, audience: Audience, grids: Mapping[str, str]) -> bytes:
    """The events, one after the other, each with the mark from which its reader goes on; empty for none.

    `grids` tells by staff number where each worker serves, as lists of an area have them.
    """
    told = [event for event in news.events if _name_of(event) in audience.hears and lies_in(event, audience.area)]
    parts = [_event(event, replace(news.since, number=event.number or 0)) for event in told]
    moved = [_fix(fix) for fix in news.fixes if grids.get(fix.worker, fix.area).startswith(audience.area)]
    if moved and "positions" in audience.hears:
        parts.append(render_event("positions", {"workers": moved}, version=news.mark))
    if not news.whole:
        parts.append(render_event("more", {}, version=news.mark))
    return b"".join(parts)


def _name_of(event: OutgoingEvent) -> str:
    if event.kind.startswith("plan."):
        return "publication"
    return "check_in" if event.kind == "incident.check_in_missed" else "incident"


def _event(event: OutgoingEvent, mark: object) -> bytes:
    name = _name_of(event)
    whose = {"plan": event.subject, "district": event.area} if name == "publication" else {"id": event.subject}
    told = {"kind": event.kind, "at": event.at.isoformat(), "area": event.area}
    return render_event(name, {**whose, **told, **event.told}, version=mark)


def _fix(fix: Moved) -> dict[str, Any]:
    return {
        "number": fix.worker,
        "name": fix.name,
        "lon": round(fix.lon, _PLACE_DECIMALS),
        "lat": round(fix.lat, _PLACE_DECIMALS),
        "accuracy_m": fix.accuracy_m,
        "fixed_at": fix.fixed_at.isoformat(),
    }
