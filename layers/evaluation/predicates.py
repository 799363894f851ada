"""Each figure is one named predicate, by which its number is counted and its list is read ([E1]).

A figure counts the cases that were reported in a period. Parts of a case are one with it, and categories that derive
from residents are never counted here ([A3]). `of` names the figure that a rate is taken of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import BindParameter, ColumnElement, Integer, and_, cast, func, literal_column, not_, or_, true

from layers.categories import Category
from layers.incidents import Incident, bits_of, is_living, is_whole

Moment = BindParameter[datetime] | datetime
# What turned out to be no case of its own.
NOT_VALID = ("duplicate", "cancelled", "void")
SOLVED = ("verified", "fed_back", "closed")
TOLD_BACK = ("fed_back", "closed")
# Whoever was sent first was not who handled it.
SENT_ON = ("reassign", "decline", "timeout", "pass_on")
# Whose ground a case is on; the desk's where it lies in no grid.
# A constant of the statement: what is grouped by must be the same everywhere in it.
NOTHING: ColumnElement[str] = literal_column("''")
CODE = func.coalesce(Incident.current_code, Incident.desk_area, NOTHING)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: which cases it counts at a moment, what its rate is of, and whether more of it is better."""

    name: str
    of: str | None
    better: Literal["high", "low", ""]
    where: Callable[[Moment], ColumnElement[bool]]


def is_counted() -> ColumnElement[bool]:
    """What is counted at all; the statement must join the category."""
    return and_(is_whole(), Category.resident_derived.is_(False))


def _has_taken(*steps: str) -> ColumnElement[bool]:
    return Incident.steps_taken.bitwise_and(bits_of(steps)) > 0


def _is_valid(_: Moment) -> ColumnElement[bool]:
    return Incident.state.not_in(NOT_VALID)


def _has_grace(name: str) -> ColumnElement[bool]:
    return func.coalesce(Incident.grace[name].astext == "true", False)


def _is_due(now: Moment) -> ColumnElement[bool]:
    """A limit ran, and nobody agreed to leave it out: an exemption for good, a pause as long as it lasts ([K2])."""
    paused = and_(is_living(), func.coalesce(Incident.paused_until > now, False))
    return and_(_is_valid(now), Incident.timed, not_(_has_grace("exempted")), not_(paused))


def _has_missed(now: Moment) -> ColumnElement[bool]:
    return or_(Incident.late_at.is_not(None), func.coalesce(Incident.due_at < now, False))


def _is_dispatched(now: Moment) -> ColumnElement[bool]:
    return and_(_is_valid(now), _has_taken("dispatch"))


FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("collected", None, "", lambda _: true()),
        Figure("valid", "collected", "", _is_valid),
        Figure("solved", "valid", "high", lambda _: Incident.state.in_(SOLVED)),
        Figure("fed_back", "valid", "high", lambda _: and_(Incident.state.in_(TOLD_BACK), _has_taken("feed_back"))),
        Figure("open", "valid", "low", lambda _: is_living()),
        Figure("due", "valid", "", _is_due),
        Figure("on_time", "due", "high", lambda now: and_(_is_due(now), not_(_has_missed(now)))),
        Figure("late", "due", "low", lambda now: and_(_is_due(now), _has_missed(now))),
        Figure("dispatched", "valid", "", _is_dispatched),
        Figure("right_first", "dispatched", "high", lambda now: and_(_is_dispatched(now), not_(_has_taken(*SENT_ON)))),
        Figure("reworked", "valid", "low", lambda now: and_(_is_valid(now), _has_taken("reopen"))),
        Figure("returned", "valid", "low", lambda now: and_(_is_valid(now), _has_taken("send_back"))),
        Figure("settled", "valid", "", lambda now: and_(_is_valid(now), _has_taken("settle"))),
        Figure(
            "extended",
            "valid",
            "",
            lambda now: and_(
                _is_valid(now), func.coalesce(cast(Incident.grace["extended"].astext, Integer) > 0, False)
            ),
        ),
        Figure("paused", "valid", "", lambda now: and_(_is_valid(now), _has_grace("paused"))),
        Figure("exempted", "valid", "", lambda now: and_(_is_valid(now), _has_grace("exempted"))),
        Figure("repeated", "collected", "", lambda _: Incident.state == "duplicate"),
    )
}
# Of what [E1] and the places that this is made for ask, and nothing is stored yet: left out, and said.
LEFT_OUT = ("visits", "household_coverage", "area_coverage", "missed_by_patrols", "resident_derived")
