"""What a process keeps for heat and figures, so that a stop of the slider reads no table.

    memory = HeatMemory()                                  one per process, handed to whoever counts
    held = memory.read(session, "hazards", now=now)
    held.cases["hazards"].count(since, until)              how many by code and category: 0.2 ms for a million

A question costs one small statement that says whether what is kept is still true. Hazards are written by imports alone,
which stand in the history; incidents are written all the time, so what changed since they were read is read again and
put in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    LargeBinary,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.orm import Session

from layers.categories import Category
from layers.db import wait_as_usual, wait_longer
from layers.hazards import Hazard
from layers.heat.counted import DONE, ENDED, OPEN, CountedCases, Counts
from layers.heat.ground import CityGround, read_ground
from layers.incidents import ENDS, Incident, is_whole, select_settled_moment
from layers.map_version import count_changes
from layers.plans import Plan, PlanState

# A case that was told back counts as done although its file is not closed yet.
FINISHED = ("fed_back", "closed")
# A million cases take some two seconds to be read, once.
PATIENCE_S = 120
# One case as PostgreSQL sends it: numbers with the highest byte first.
_RECORD = np.dtype([("at_us", ">i8"), ("id", ">i8"), ("lon", ">f8"), ("lat", ">f8"), ("standing", ">i4")])


@dataclass(frozen=True)
class HeatState:
    """What was true when it was asked for: cases by layer, and the ground."""

    cases: Mapping[str, CountedCases]
    ground: CityGround


class HeatMemory:
    """The cases of each table and the ground that they are counted on, read anew once they have changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._cases: dict[str, CountedCases] = {}
        self._ground: CityGround | None = None
        # Incidents that have changed since then are looked for; these of them are taken in already.
        self._since: datetime | None = None
        self._taken: frozenset[str] = frozenset()
        # What the look before this one found, hence before all that this one can see.
        self._settled_at: datetime | None = None

    def read(self, session: Session, *layers: str, now: datetime) -> HeatState:
        """The cases of `hazards`, `incidents` or both that are committed now, and the areas and grids in force."""
        with self._lock:
            seen = session.execute(_LOOK, {"now": now, "since": self._since}).one()
            ground = self._take_ground(session, tuple(seen[:4]), now)
            if "hazards" in layers:
                self._take_hazards(session, tuple(seen[:9]))
            if "incidents" in layers:
                self._take_incidents(session, tuple(seen[:5]), seen)
            self._settled_at = seen.settled_at
            return HeatState({layer: self._cases[layer] for layer in layers}, ground)

    def _take_ground(self, session: Session, version: tuple[Any, ...], now: datetime) -> CityGround:
        if self._ground is None or self._ground.version != version:
            self._ground = read_ground(session, version, now=now)
        return self._ground

    def _take_hazards(self, session: Session, mark: tuple[Any, ...]) -> None:
        if "hazards" not in self._cases or self._cases["hazards"].mark != mark:
            self._cases["hazards"] = replace(_load_cases(session, "hazards"), mark=mark)

    def _take_incidents(self, session: Session, mark: tuple[Any, ...], seen: Any) -> None:
        kept = self._cases.get("incidents")
        if kept is None or kept.mark != mark:
            self._cases["incidents"] = replace(_load_cases(session, "incidents"), mark=mark)
            self._since, self._taken = seen.settled_at, frozenset()
            return
        changed = frozenset(seen.changed or ())
        if changed - self._taken:
            ids = sorted(int(one.partition("@")[0]) for one in changed - self._taken)
            self._cases["incidents"] = _put_in(session, kept, ids)
        self._since, self._taken = self._settled_at, changed


def _build_look() -> Select[Any]:
    """One statement: what changes with the map, with the categories and with every hazard, and the latest incidents.

    The first four change with every import and publication, and once cases follow a plan that came into force by its
    date.
    """
    followed = select(func.count()).where(Plan.state == PlanState.archived).scalar_subquery()
    writers = func.sum(cast(literal_column("categories.xmin::text"), BigInteger))
    categories = select(func.concat(func.count(Category.code), ".", writers)).scalar_subquery()
    newest = select(func.max(Hazard.id)).scalar_subquery()
    # The server counts with a delay: it tells of rows that were changed by hand, a second later.
    oid = func.to_regclass("hazards")
    written = [getattr(func, f"pg_stat_get_tuples_{kind}")(oid) for kind in ("inserted", "updated", "deleted")]
    one = func.concat(Incident.id, "@", Incident.changed_at)
    since = bindparam("since", type_=DateTime(timezone=True))
    changed = select(func.array_agg(one)).where(Incident.changed_at >= since).scalar_subquery()
    latest = select_settled_moment().label("settled_at"), changed.label("changed")
    now = bindparam("now", type_=DateTime(timezone=True))
    columns: list[Any] = [*count_changes(now), followed, categories, newest, *written, *latest]
    return select(*columns)


_LOOK = _build_look()


def find_columns(layer: str) -> tuple[Any, ColumnElement[datetime], ColumnElement[Any]]:
    """The table of a layer, its moment and its code columns."""
    if layer == "hazards":
        return Hazard, Hazard.found_at.expression, Hazard.current_code.expression
    return Incident, Incident.reported_at.expression, Incident.current_code.expression


def counts_by_itself(layer: str) -> ColumnElement[bool]:
    """Whether a case is counted: the parts of an incident are one with it."""
    return is_whole() if layer == "incidents" else true()


def _load_cases(session: Session, layer: str) -> CountedCases:
    wait_longer(session, PATIENCE_S)
    rows = session.execute(_select_records(layer)).all()
    wait_as_usual(session)
    codes, categories = sorted({row.code for row in rows}), sorted({row.category for row in rows})
    return _make_cases(rows, tuple(codes), tuple(categories))


def _make_cases(rows: Any, codes: tuple[str, ...], categories: tuple[str, ...]) -> CountedCases:
    """The rows of `_select_records` as arrays in the order of time."""
    number = {code: at * len(categories) for at, code in enumerate(codes)}
    column = {category: at for at, category in enumerate(categories)}
    parts = [np.frombuffer(row.records, dtype=_RECORD) for row in rows]
    pairs = [number[row.code] + column[row.category] for row in rows]
    records = np.concatenate(parts) if parts else np.zeros(0, dtype=_RECORD)
    pair = np.repeat(np.array(pairs, dtype=np.int64), [len(part) for part in parts])
    order = np.argsort(records["at_us"].astype(np.int64), kind="stable")
    return CountedCases(
        mark=(),
        codes=codes,
        categories=categories,
        at_us=records["at_us"][order].astype(np.int64),
        pair=pair[order],
        standing=records["standing"][order].astype(np.int8),
        lon=records["lon"][order].astype(np.float64),
        lat=records["lat"][order].astype(np.float64),
        id=records["id"][order].astype(np.int64),
    )


def _select_records(layer: str) -> Select[Any]:
    """The cases that may be counted, by code and category, each group as one string of `_RECORD`s."""
    table, moment, code = find_columns(layer)
    at_us = cast(func.extract("epoch", moment) * 1_000_000, BigInteger)
    record = func.int8send(at_us).op("||")(func.int8send(table.id))
    for degrees in (table.geom.ST_X(), table.geom.ST_Y()):
        record = record.op("||")(func.float8send(degrees))
    record = record.op("||")(func.int4send(_standing_of(layer)))
    return (
        select(
            code.label("code"),
            table.category.label("category"),
            func.string_agg(record, cast(b"", LargeBinary)).label("records"),
        )
        .join(Category, Category.code == table.category)
        .where(code.is_not(None), Category.resident_derived.is_(False), counts_by_itself(layer))
        .group_by(code, table.category)
    )


def _standing_of(layer: str) -> ColumnElement[int]:
    if layer == "hazards":
        return case((Hazard.rectified_at.is_not(None), DONE), else_=OPEN)
    return case((Incident.state.in_(FINISHED), DONE), (Incident.state.in_(ENDS), ENDED), else_=OPEN)


def _put_in(session: Session, kept: CountedCases, ids: list[int]) -> CountedCases:
    """The same incidents with those of some ids as they are now."""
    rows = session.execute(_select_records("incidents").where(Incident.id.in_(ids))).all()
    codes = tuple(sorted({*kept.codes, *(row.code for row in rows)}))
    categories = tuple(sorted({*kept.categories, *(row.category for row in rows)}))
    fresh = _make_cases(rows, codes, categories)
    stays = ~np.isin(kept.id, np.array(ids, dtype=np.int64))
    return replace(_merge(replace(kept, pair=_renumber(kept, fresh)), fresh, stays), mark=kept.mark)


def _renumber(kept: CountedCases, like: CountedCases) -> Counts:
    """The pairs of cases under the codes and categories of others, which hold all of theirs."""
    if (kept.codes, kept.categories) == (like.codes, like.categories):
        return kept.pair
    number = {code: at * len(like.categories) for at, code in enumerate(like.codes)}
    column = {category: at for at, category in enumerate(like.categories)}
    table = [number[code] + column[category] for code in kept.codes for category in kept.categories]
    return np.array(table, dtype=np.int64)[kept.pair] if table else kept.pair


def _merge(kept: CountedCases, fresh: CountedCases, stays: Any) -> CountedCases:
    """The cases that stay and the fresh ones, in the order of time."""
    order = np.argsort(np.concatenate((kept.at_us[stays], fresh.at_us)), kind="stable")
    arrays: dict[str, Any] = {
        name: np.concatenate((getattr(kept, name)[stays], getattr(fresh, name)))[order]
        for name in ("at_us", "pair", "standing", "lon", "lat", "id")
    }
    return replace(fresh, **arrays)
