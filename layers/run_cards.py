"""Run cards: how many of which role are called to a case, level by level, by category, urgency and time of day.

    card = choose_card(cards, category="fire", urgency="critical", at=now, zone=zone)
    card.levels[0]  # {"grid_worker": 2, "patrol_team": 1}, with whoever has the case counted in

The most particular card that fits counts: one of the category before one of all, then of the urgency, then of some
hours of the day. Every version of the list is kept; a case keeps what was wanted of it when it was called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.categories import get_category
from layers.db import Base, now_column
from layers.errors import Outdated, Unacceptable
from layers.history import note
from layers.moments import read_time_of_day


class RunCards(Base):
    """One version of the whole list."""

    __tablename__ = "run_cards"
    __table_args__ = (CheckConstraint("version > 0", name="versions_begin_with_one"),)

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cards: Mapped[list[Any]]
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


@dataclass(frozen=True, slots=True)
class RunCard:
    """How many of which role each level calls, by role."""

    levels: tuple[Mapping[str, int], ...]


@dataclass(frozen=True, slots=True)
class EnteredCards:
    """The list in force; version 0 where nobody has entered any."""

    version: int = 0
    cards: tuple[Mapping[str, Any], ...] = ()
    by: str | None = None
    at: datetime | None = None


def select_cards() -> Any:
    """The list in force as a column of a statement that has something else to ask for too."""
    return select(RunCards.cards).order_by(RunCards.version.desc()).limit(1).scalar_subquery()


def get_run_cards(session: Session) -> EnteredCards:
    """The last version that was entered, else an empty list."""
    row = session.scalars(select(RunCards).order_by(RunCards.version.desc()).limit(1)).one_or_none()
    return EnteredCards() if row is None else EnteredCards(row.version, tuple(row.cards), row.by, row.at)


def choose_card(
    cards: Sequence[Mapping[str, Any]] | None, *, category: str, urgency: str, at: datetime, zone: ZoneInfo
) -> RunCard | None:
    """The card that counts for a case at a moment, None for none."""
    clock = at.astimezone(zone).time()
    fitting = [
        card
        for card in cards or ()
        if card.get("category") in (None, category)
        and card.get("urgency") in (None, urgency)
        and _holds(card.get("since"), card.get("until"), clock)
    ]
    if not fitting:
        return None
    card = max(fitting, key=lambda one: tuple(one.get(name) is not None for name in ("category", "urgency", "since")))
    return RunCard(tuple({one["role"]: one["people"] for one in level} for level in card["levels"]))


def _holds(since: str | None, until: str | None, clock: time) -> bool:
    """Whether a time of day lies in [since, until), which may cross midnight."""
    if since is None or until is None:
        return True
    begin, end = read_time_of_day(since), read_time_of_day(until)
    return begin <= clock < end if begin < end else clock >= begin or clock < end


def put_run_cards(session: Session, cards: Sequence[Mapping[str, Any]], *, seen: int | None, by: Actor) -> EnteredCards:
    """The stored new version of the whole list; with `seen`, the last version must still be that one.

    Raises Unacceptable for an unknown category, hours of which one end is missing or that are none, a role twice in a
    level, and two cards about the same; Outdated when somebody was faster.
    """
    _require_sound(session, cards)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("run_cards"))))
    last = session.scalar(select(func.max(RunCards.version))) or 0
    if seen is not None and seen != last:
        raise Outdated("settings_outdated", version=last)
    session.add(RunCards(version=last + 1, cards=[dict(card) for card in cards], by=by.name))
    note(session, "settings.run_cards", subject="run_cards", area=by.area, by=by, version=last + 1, cards=len(cards))
    session.flush()
    return get_run_cards(session)


def _require_sound(session: Session, cards: Sequence[Mapping[str, Any]]) -> None:
    told: set[tuple[Any, ...]] = set()
    for at, card in enumerate(cards):
        about = tuple(card.get(name) for name in ("category", "urgency", "since", "until"))
        category, _, since, until = about
        if category is not None:
            get_category(session, category)
        if (since is None) != (until is None) or (since is not None and since == until):
            raise Unacceptable("hours_of_no_length", errors=[(["cards", at, "until"], "hours_of_no_length")])
        if about in told:
            raise Unacceptable("rule_told_twice", errors=[(["cards", at], "rule_told_twice")])
        told.add(about)
        for number, level in enumerate(card["levels"]):
            roles = [one["role"] for one in level]
            if len(set(roles)) < len(roles):
                where: list[str | int] = ["cards", at, "levels", number]
                raise Unacceptable("role_told_twice", errors=[(where, "role_told_twice")])
