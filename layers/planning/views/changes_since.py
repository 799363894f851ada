"""What happened to a plan since a version that somebody saw ([P3]): the lines of its chronicle, and the grids as they
are now.

Who looks on from an older version needs no history of shapes: the present rows of every grid that differs bring them
to the present version in one step, however many edits lie between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.chronicle import PlanEvent, list_lines
from layers.grids import Grid
from layers.planning.state.board import COLUMNS, GridRow
from layers.planning.state.loading import Stored, load_targets
from layers.planning.views.showing import features_of
from layers.plans import Plan, get_plan

# From here on a plan is loaded anew sooner than it is brought up to date.
MOST_LINES = 200
MOST_GRIDS = 500


@dataclass(frozen=True)
class News:
    """The way from version `since` to the present one; `changed` are pairs of a code and its GeoJSON Feature as text.

    Where `whole` is false the way is too long, or a version left no line: then the plan has to be loaded anew.
    """

    plan_id: int
    district: str
    since: int
    version: int
    state: str
    ok: bool | None
    summary: Mapping[str, Any] | None
    whole: bool = True
    lines: tuple[Mapping[str, Any], ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()

    def limit_to_area(self, area: str) -> News:
        """The same news for somebody whose area is a part of the district: of their grids, and all lines."""
        if not area or self.district.startswith(area):
            return self
        lines = tuple(_limit_line(line, area) for line in self.lines)
        changed = tuple(pair for pair in self.changed if pair[0].startswith(area))
        removed = tuple(code for code in self.removed if code.startswith(area))
        return News(
            self.plan_id,
            self.district,
            self.since,
            self.version,
            self.state,
            self.ok,
            self.summary,
            self.whole,
            lines,
            changed,
            removed,
        )


@dataclass(frozen=True)
class Standing:
    """Which version and state a plan has: all that a poll asks."""

    version: int
    state: str


def news_since(session: Session, plan_id: int, version: int, *, by: Actor) -> News:
    """What somebody who saw a version has missed, within their area; raises NotFound. Costs a few milliseconds."""
    get_plan(session, plan_id, by=by)
    return read_news(session, plan_id, version).limit_to_area(by.area)


def read_news(session: Session, plan_id: int, version: int) -> News:
    """What was missed since a version, of the whole district; meant for a transaction with one snapshot."""
    columns = (Plan.district, Plan.version, Plan.state, Plan.report["ok"], Plan.report["summary"])
    district, latest, state, ok, summary = session.execute(select(*columns).where(Plan.id == plan_id)).one()
    told = (plan_id, district, version, latest, state, ok, summary)
    found = list_lines(session, plan_id, after=version, most=MOST_LINES + 1)
    codes = sorted({code for line in found for code in line.codes})
    continuous = [line.version for line in found] == list(range(version + 1, latest + 1))
    if not continuous or len(found) > MOST_LINES or len(codes) > MOST_GRIDS:
        return News(*told, whole=False)
    stored = _rows(session, plan_id, codes)
    present = [row.code for row, _ in stored]
    targets = load_targets(session, {row.parent_code for row, _ in stored if row.parent_code is not None})
    changed = tuple(zip(present, features_of(stored, targets=targets), strict=True))
    removed = tuple(sorted(set(codes) - set(present)))
    return News(*told, lines=tuple(map(_line, found)), changed=changed, removed=removed)


def list_standings(session: Session, plan_ids: Iterable[int]) -> dict[int, Standing]:
    """The version and state of some plans by id; one statement."""
    columns = (Plan.id, Plan.version, Plan.state)
    rows = session.execute(select(*columns).where(Plan.id.in_(list(plan_ids))))
    return {plan_id: Standing(version, state) for plan_id, version, state in rows}


def _rows(session: Session, plan_id: int, codes: Sequence[str]) -> list[Stored]:
    if not codes:
        return []
    statement = select(*COLUMNS, func.ST_AsBinary(Grid.geom)).where(Grid.plan_id == plan_id, Grid.code.in_(codes))
    return [(GridRow(*tuple(row)[:-1]), bytes(row[-1])) for row in session.execute(statement.order_by(Grid.code))]


def _line(event: PlanEvent) -> dict[str, Any]:
    return {
        "version": event.version,
        "action": event.action,
        "op": event.op,
        "by": event.by,
        "author": event.author,
        "at": event.at.isoformat(),
        "codes": list(event.codes),
        "households": event.households,
        "added": event.added,
        "cleared": event.cleared,
        "key": event.key,
    }


def _limit_line(line: Mapping[str, Any], area: str) -> dict[str, Any]:
    codes = [code for code in line["codes"] if code.startswith(area)]
    held = {code: pair for code, pair in line["households"].items() if code.startswith(area)}
    defects = {name: [one for one in line[name] if _concerns(one, area)] for name in ("added", "cleared")}
    return {**line, "codes": codes, "households": held, **defects}


def _concerns(defect: Mapping[str, Any], area: str) -> bool:
    return any(code.startswith(area) for code in defect["codes"])
