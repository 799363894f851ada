"""An incident in words: what the doors tell of it, phones masked, reasons in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gis_api import texts
from gis_api.replicas import Replicas
from layers import incidents, photos
from layers.access import Actor, Role
from layers.candidates import Desk
from layers.clocks import find_light
from layers.dispatch_rules import MOST_REJECTED
from layers.dispatching import Decided, Reported, candidate_json, describe_rejected
from layers.incidents import (
    FIELD_TASKS,
    OPEN_TASK_STATES,
    RECALL_ANSWERS,
    STAGES,
    CaseCalls,
    IncidentCard,
    IncidentStep,
    Joined,
    Likely,
    Reporter,
    Rule,
    Target,
    list_rules,
    parts_in,
    steps_after,
)
from layers.photos import PhotoCard
from layers.standards import find_condition
from layers.workers import mask_phone

# How many candidates an answer shows; the decision that is stored holds more.
SHOWN = 5
SEE_PHONES = (Role.dispatcher, Role.admin)
MOMENTS = ("occurred_at", "reported_at", "closed_at", "changed_at", "due_at")
TOLD = (
    *("state", "waiting_reason", "category", "urgency", "description", "channel", "level", "relation", "unit_code"),
    *("district", "grid_code", "sub_grid_code", "current_code", "plan_version", "accuracy_m", "external_id"),
    *MOMENTS,
)


def answer_to_report(decided: Decided, done: Reported | None, *, replicas: Replicas, lang: str) -> dict[str, Any]:
    """The answer to a report as plain JSON, which is also what is stored; without `done` that of a dry run."""
    reason = decided.waiting_reason
    waiting = reason is not None
    return {
        "id": str(done.incident_id) if done is not None else None,
        "state": "waiting" if waiting else "reported" if decided.confirming else "dispatched",
        "waiting_reason": reason,
        "waiting_text": texts.text(f"dispatch.{reason}", lang) if waiting else None,
        "location": _location(decided, replicas),
        "assignment": None if waiting or decided.confirming else _assignment(decided, done, lang),
        "field_task": _describe_verification(decided, done) if decided.confirming else None,
        "rejected": [describe_rejected(one) for one in decided.ranking.rejected[:MOST_REJECTED]] if waiting else [],
        "rejected_by_reason": decided.ranking.rejected_by_reason,
        "duty_desk": _desk(decided.desk),
        "plan_version": decided.location.plan_version,
        "replayed": False,
        "dry_run": done is None,
    }


def _location(decided: Decided, replicas: Replicas) -> dict[str, Any]:
    updated_at = replicas.updated_at
    return {
        **decided.location.as_json(),
        "position": {"lon": decided.lon, "lat": decided.lat, "datum": "wgs84"},
        "updated_at": updated_at.isoformat() if updated_at is not None else None,
        "stale": replicas.stale,
    }


def _assignment(decided: Decided, done: Reported | None, lang: str) -> dict[str, Any]:
    first = decided.ranking.candidates[0]
    return {
        "worker": first.number,
        "name": first.name,
        "phone_masked": mask_phone(done.phone) if done is not None else None,
        "distance_m": first.distance_m,
        "reason": first.reason,
        "reason_text": texts.text(f"dispatch.{first.reason}", lang),
        "level": decided.ranking.level,
        "candidates": [candidate_json(one) for one in decided.ranking.candidates[:SHOWN]],
        "rejected": [describe_rejected(one) for one in decided.ranking.rejected[:MOST_REJECTED]],
    }


def _describe_verification(decided: Decided, done: Reported | None) -> dict[str, Any]:
    """Who is to look whether it exists, before anybody is sent to settle it."""
    first = decided.ranking.candidates[0]
    masked = mask_phone(done.phone) if done is not None else None
    return {"task": "confirm", "worker": first.number, "name": first.name, "phone_masked": masked}


def _desk(desk: Desk | None) -> dict[str, Any] | None:
    return None if desk is None else {"area": desk.area, "name": desk.name, "phone": desk.phone}


def case_of(card: IncidentCard, *, now: datetime, by: Actor, lang: str) -> dict[str, Any]:
    """One incident of a list."""
    reason = card.fields["waiting_reason"]
    due_at = card.fields["due_at"]
    return {
        "id": str(card.id),
        **{name: _make_plain(card.fields[name]) for name in TOLD},
        "waiting_text": texts.text(f"dispatch.{reason}", lang) if reason is not None else None,
        "area": card.fields["current_code"] or card.fields["desk_area"],
        "overdue": due_at is not None and due_at < now,
        "position": {"lon": card.lon, "lat": card.lat, "datum": "wgs84"},
        "assignment": _describe_holder(card, by),
        "field_task": _describe_verifier(card, by),
        "clock": _clock(card, now),
        "check_in": _check_in(card, now),
        "condition": _condition(card),
        "stage": STAGES[card.fields["state"]],
        "joined_to": _id_of(card.fields["joined_to"]),
        "part_of": _id_of(card.fields["part_of"]),
        "lead": card.fields["leads"],
        "may": [may_of(rule) for rule in list_rules(card.fields["state"], parts_in(card, by))],
        "reader_is": sorted(parts_in(card, by)),
    }


def _check_in(card: IncidentCard, now: datetime) -> dict[str, Any] | None:
    """How often its worker says that they are well, None where nobody asks for it or nobody has it in hand."""
    minutes, due_at = card.fields["check_in_minutes"], card.fields["check_in_by"]
    if minutes is None or card.fields["state"] not in OPEN_TASK_STATES:
        return None
    missed_at = _make_plain(card.fields["check_in_missed_at"])
    overdue = due_at is not None and due_at <= now
    return {"minutes": minutes, "deadline": _make_plain(due_at), "overdue": overdue, "missed_at": missed_at}


def _condition(card: IncidentCard) -> dict[str, Any] | None:
    """Which condition of which version of the standard sheet it has, None for none."""
    code = card.fields["condition"]
    return None if code is None else {"code": code, "standard": card.fields["standard_version"]}


def _describe_whole_condition(session: Session, card: IncidentCard) -> dict[str, Any] | None:
    """The same in the sheet's words, with what closes the case."""
    told = _condition(card)
    if told is None:
        return None
    entry = find_condition(session, told["code"], version=told["standard"])
    sub_class, condition = entry.sub_class, entry.condition
    limit = {"amount": condition.limit.amount, "kind": str(condition.limit.kind)}
    words = {"class": sub_class.class_name, "sub_class": sub_class.code, "name": sub_class.name}
    return told | words | {"case": condition.case, "closes": condition.closes, "limit": limit}


def _id_of(number: int | None) -> str | None:
    return None if number is None else str(number)


def _clock(card: IncidentCard, now: datetime) -> dict[str, Any] | None:
    """The clock of the step that is awaited: its limit, its light now, when it turns, and by which calendar."""
    clock, due_at = card.fields["clock"], card.fields["due_at"]
    if clock is None or due_at is None:
        return None
    told = {name: clock[name] for name in ("step", "kind", "amount", "extensions", "calendar")}
    yellow_at, late_at = card.fields["yellow_at"], card.fields["late_thrice_at"]
    return {
        **told,
        "started_at": clock["since"],
        "deadline": due_at.isoformat(),
        "yellow_at": yellow_at.isoformat(),
        "light": str(find_light(now, yellow_at=yellow_at, due_at=due_at)),
        "late_three_times": late_at < now,
        "paused_until": _make_plain(card.fields["paused_until"]),
        "assumed": None in clock["calendar"].values(),
    }


def may_of(rule: Rule) -> dict[str, Any]:
    """A step that the reader may take now, with what it demands."""
    target = None if rule.target is None else str(rule.target)
    told = {"step": rule.step, "to_state": rule.to, "note": rule.note, "proof": str(rule.proof), "target": target}
    return told | {"otherwise": rule.otherwise, "answers": RECALL_ANSWERS if rule.target == Target.answer else None}


def _describe_holder(card: IncidentCard, by: Actor) -> dict[str, Any] | None:
    if card.worker is None:
        return None
    known = {
        "worker": card.worker,
        "name": card.worker_name,
        "phone_masked": mask_phone(card.worker_phone),
        "of_the_place": _is_of_the_place(card),
    }
    return {**known, "phone": card.worker_phone} if by.role in SEE_PHONES else known


def _describe_verifier(card: IncidentCard, by: Actor) -> dict[str, Any] | None:
    """Who is on the way to look, and for what; None for nobody."""
    if card.collector is None:
        return None
    told = {"task": FIELD_TASKS[card.fields["state"]], "worker": card.collector, "name": card.collector_name}
    told["phone_masked"] = mask_phone(card.collector_phone)
    return {**told, "phone": card.collector_phone} if by.role in SEE_PHONES else told


def _is_of_the_place(card: IncidentCard) -> bool | None:
    """Whether who has it is in charge of the place, which may have been corrected since; None where nobody is."""
    told = card.fields["location"] or {}
    in_charge = [one["worker"] for one in told.get("responsible", ())]
    return card.worker in in_charge if in_charge else None


def describe_full_case(session: Session, card: IncidentCard, *, now: datetime, by: Actor, lang: str) -> dict[str, Any]:
    """One incident with its timeline, the latest decision, the reporter, and the steps that may follow."""
    decision, steps = incidents.find_decision(session, card.id), incidents.list_steps(session, card.id)
    parts = incidents.list_parts(session, card.id) if card.fields["part_of"] is None else []
    return {
        **case_of(card, now=now, by=by, lang=lang),
        "condition": _describe_whole_condition(session, card),
        "location": card.fields["location"],
        "timeline": [_line(step) for step in steps],
        "next_steps": steps_after(card.fields["state"]),
        "decision": decision
        and {
            "at": decision.at.isoformat(),
            "policy": decision.policy,
            "plan_version": decision.plan_version,
            "candidates": decision.candidates,
            "rejected": decision.rejected[:MOST_REJECTED],
        },
        "grace": card.fields["grace"],
        "reporter": _reporter(incidents.find_reporter(session, card.id), by),
        "photos": [photo_of(card.id, one, by) for one in photos.list_photos(session, card.id)],
        "recall": _recall(steps),
        "calls": calls_of(incidents.find_calls(session, card.id), by),
        "parts": [case_of(one, now=now, by=by, lang=lang) for one in parts],
        "joined": [_describe_joined(one, by) for one in incidents.list_joined(session, card.id)],
    }


def calls_of(found: CaseCalls | None, by: Actor) -> dict[str, Any] | None:
    """Who was called by a run card and what is short, None where none has called anybody."""
    if found is None:
        return None
    helpers = [
        {
            **{name: getattr(one, name) for name in ("worker", "name", "role", "level", "state")},
            "distance_m": one.why.get("distance_m"),
            "called_at": one.at.isoformat(),
            "answered_at": _make_plain(one.answered_at),
            "phone_masked": mask_phone(one.phone),
            **({"phone": one.phone} if by.role in SEE_PHONES else {}),
        }
        for one in found.helpers
    ]
    short = [{"role": role, "people": people} for role, people in sorted(found.short.items())]
    return {"level": found.level, "helpers": helpers, "short": short}


def _recall(steps: Sequence[IncidentStep]) -> dict[str, Any] | None:
    """What the resident said when they were last asked, None before that."""
    last = next((step for step in reversed(steps) if step.step == "recall"), None)
    return None if last is None else {"answer": last.to, "at": last.at.isoformat(), "by": last.by, "note": last.note}


def photo_of(incident_id: int, one: PhotoCard, by: Actor) -> dict[str, Any]:
    """A photo with its addresses; where and when the camera says it was, for desks."""
    url = f"/api/v1/incidents/{incident_id}/photos/{one.id}"
    told = {name: _make_plain(getattr(one, name)) for name in ("kind", "at", "by", "width", "height")}
    told |= {"id": str(one.id), "url": url, "thumbnail": f"{url}?size=thumbnail", "taken_at": None, "position": None}
    if by.role not in SEE_PHONES:
        return told
    known = one.taken_lon is not None
    place = {"lon": one.taken_lon, "lat": one.taken_lat, "datum": "wgs84"} if known else None
    return told | {"taken_at": _make_plain(one.taken_at), "position": place}


def _describe_joined(one: Joined, by: Actor) -> dict[str, Any]:
    """A report that was joined to this incident: who is to hear the answer, and whether they have."""
    return {
        "id": str(one.id),
        "reported_at": one.reported_at.isoformat(),
        "description": one.description,
        "reporter": _reporter(one.reporter, by),
        "fed_back_at": _make_plain(one.fed_back_at),
    }


def describe_likely(found: Sequence[Likely], *, now: datetime, by: Actor, lang: str) -> list[dict[str, Any]]:
    """What a report may be a duplicate of, and how far away that is."""
    return [{**case_of(one.card, now=now, by=by, lang=lang), "distance_m": round(one.distance_m, 1)} for one in found]


def _line(step: IncidentStep) -> dict[str, Any]:
    told = {"step": step.step, "state": step.state, "at": step.at.isoformat(), "by": step.by, "note": step.note}
    place = None if step.lon is None else {"lon": step.lon, "lat": step.lat, "datum": "wgs84"}
    return {**told, "to": step.to, "position": place, "proof": step.proof, "taken_at": _make_plain(step.taken_at)}


def _reporter(reporter: Reporter | None, by: Actor) -> dict[str, Any] | None:
    """Who reported: name and phone in full for those who answer back."""
    if reporter is None:
        return None
    if by.role not in SEE_PHONES:
        return {"kind": reporter.kind, "phone_masked": mask_phone(reporter.phone)}
    told = {"kind": reporter.kind, "name": reporter.name, "phone": reporter.phone}
    return {**told, "phone_masked": mask_phone(reporter.phone)}


def _make_plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
