"""How a city dispatches, by category and urgency: policy, limits, and what counts as "on the spot" ([D3], [D5], [D6]).

    choosing = find_choosing(session, category="fire", urgency="critical", code="130273001001001", now=now)
    choosing.policy, choosing.limits.reach_m, choosing.spot.within_m

A rule names a category, an urgency, both or neither, and any of the values. Where several fit, a value comes from the
most particular one that gives it: category and urgency, then the category, then the urgency, then all. Every version is
kept, so an old decision can be understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.categories import get_category
from layers.db import Base, now_column
from layers.dispatch_rules import LIMITS, ON_REQUEST, Limits, Policy
from layers.emergencies import select_rule
from layers.errors import Outdated, Unacceptable
from layers.history import note
from layers.run_cards import RunCard, choose_card, select_cards
from layers.shifts import CITY_ZONE
from layers.standings import Measure

VALUES = (
    *("policy", "measure", "reach_m", "open_tasks", "critical_tasks", "spot_m", "accuracy_m"),
    *("confirm_first", "inspect_last", "field_photos", "check_in_minutes"),
)


class DispatchSettings(Base):
    """One version of the whole list of rules."""

    __tablename__ = "dispatch_settings"
    __table_args__ = (CheckConstraint("version > 0", name="versions_begin_with_one"),)

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rules: Mapped[list[Any]]
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


@dataclass(frozen=True, slots=True)
class Spot:
    """How near is "on the spot", in metres: a phone between houses is off by some tens of metres, another house is not
    the spot. What a device says of its own accuracy is added, up to `accuracy_m`."""

    within_m: float = 100.0
    accuracy_m: float = 100.0


@dataclass(frozen=True, slots=True)
class FieldTasks:
    """Whether somebody looks before it is filed and before it is closed, and has to send photos of that ([D10])."""

    confirm_first: bool = False
    inspect_last: bool = False
    photos: bool = False


@dataclass(frozen=True, slots=True)
class Choosing:
    """By what one incident is dispatched; `check_in_minutes` is how often whoever is on it has to say that they are
    well, 0 for not at all, `card` who is called beside them."""

    policy: Policy = Policy.own_grid_first
    measure: Measure = Measure.straight
    limits: Limits = LIMITS
    spot: Spot = Spot()
    field: FieldTasks = FieldTasks()
    also: tuple[str, ...] = ()
    check_in_minutes: int = 0
    card: RunCard | None = None


# What a new city starts with: where minutes count, whose ground it is does not, and across a river is not near.
FIRST_RULES: tuple[Mapping[str, Any], ...] = ({"urgency": "critical", "policy": "nearest", "measure": "walking"},)


@dataclass(frozen=True, slots=True)
class Entered:
    """The rules in force; version 0 where nobody has entered any."""

    version: int
    rules: tuple[Mapping[str, Any], ...]
    by: str | None = None
    at: datetime | None = None


def get_settings(session: Session) -> Entered:
    """The last version that was entered, else what a new city starts with."""
    newest = select(DispatchSettings).order_by(DispatchSettings.version.desc()).limit(1)
    row = session.scalars(newest).one_or_none()
    return Entered(0, FIRST_RULES) if row is None else Entered(row.version, tuple(row.rules), row.by, row.at)


def find_choosing(
    session: Session, *, category: str, urgency: str, code: str | None, now: datetime, zone: ZoneInfo = CITY_ZONE
) -> Choosing:
    """What counts for an incident of this category and urgency at a place, whose finest code this is.

    Where an area is in emergency mode its rule goes before all others ([D7]). Everything is asked for at once.
    """
    newest = select(DispatchSettings.rules).order_by(DispatchSettings.version.desc()).limit(1)
    asked = select(newest.scalar_subquery(), select_rule(code, now=now).scalar_subquery(), select_cards())
    rules, first, cards = session.execute(asked).one()
    chosen = choose(FIRST_RULES if rules is None else rules, category=category, urgency=urgency, first=first)
    card = choose_card(cards, category=category, urgency=urgency, at=now, zone=zone)
    return chosen if card is None else replace(chosen, card=card)


def choose(
    rules: Sequence[Mapping[str, Any]], *, category: str, urgency: str, first: Mapping[str, Any] | None = None
) -> Choosing:
    """The same, of given rules; `first` is that of an emergency, in which nobody looks before somebody goes."""
    given: dict[str, Any] = {}
    for rule in sorted(rules, key=_rank_rule):
        if rule.get("category") in (None, category) and rule.get("urgency") in (None, urgency):
            given |= {name: rule[name] for name in VALUES if rule.get(name) is not None}
    if first is not None:
        given |= {"confirm_first": False, **first}
    usual = Choosing()
    return Choosing(
        policy=Policy(given.get("policy", usual.policy)),
        measure=Measure(given.get("measure", usual.measure)),
        limits=Limits(
            open_tasks=given.get("open_tasks", usual.limits.open_tasks),
            critical_tasks=given.get("critical_tasks", usual.limits.critical_tasks),
            reach_m=given.get("reach_m", usual.limits.reach_m),
        ),
        spot=Spot(given.get("spot_m", usual.spot.within_m), given.get("accuracy_m", usual.spot.accuracy_m)),
        field=FieldTasks(
            given.get("confirm_first", False), given.get("inspect_last", False), given.get("field_photos", False)
        ),
        also=ON_REQUEST if given.get("patrol_teams") else (),
        check_in_minutes=given.get("check_in_minutes", usual.check_in_minutes),
    )


def _rank_rule(rule: Mapping[str, Any]) -> tuple[bool, bool]:
    return rule.get("category") is not None, rule.get("urgency") is not None


def put_settings(session: Session, rules: Sequence[Mapping[str, Any]], *, seen: int | None, by: Actor) -> Entered:
    """The stored new version of the whole list; with `seen`, the last version must still be that one.

    Raises Unacceptable for an unknown category and for two rules about the same, Outdated when somebody was faster.
    """
    _require_sound(session, rules)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("dispatch_settings"))))
    last = session.scalar(select(func.max(DispatchSettings.version))) or 0
    if seen is not None and seen != last:
        raise Outdated("settings_outdated", version=last)
    session.add(DispatchSettings(version=last + 1, rules=[dict(rule) for rule in rules], by=by.name))
    note(session, "settings.dispatch", subject="dispatch", area=by.area, by=by, version=last + 1, rules=len(rules))
    session.flush()
    return get_settings(session)


def _require_sound(session: Session, rules: Sequence[Mapping[str, Any]]) -> None:
    told: set[tuple[Any, Any]] = set()
    for at, rule in enumerate(rules):
        about = (rule.get("category"), rule.get("urgency"))
        if about[0] is not None:
            get_category(session, about[0])
        if about in told:
            raise Unacceptable("rule_told_twice", errors=[(["rules", at], "rule_told_twice")])
        told.add(about)
