"""What a process keeps for the evaluation: every case that has ended, with the figures that it counts in.

    memory = EvaluationMemory()                        one per process, handed to whoever counts
    counted = memory.read(session, since=, until=, now=)
    counted.count("unit", since, until, within=mask, fold=, rows=)   by row and figure (column)

What has ended no longer depends on the hour, so it is read once and kept as arrays in the order of time; cases that
changed since lie beside them and are counted in their place, until there are many. Living cases are read with every
question, by the same predicates: whether they are late depends on the moment. All of it belongs to one moment where the
session reads at one (REPEATABLE READ).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    select,
)
from sqlalchemy.orm import Session

from layers.categories import Category
from layers.db import wait_as_usual, wait_longer
from layers.evaluation.predicates import CODE, FIGURES, NOTHING, Moment, is_counted
from layers.heat.counted import Tally, microseconds_of
from layers.heat.ground import CityGround, read_ground
from layers.incidents import Incident, is_living, select_settled_moment
from layers.map_version import count_changes
from layers.plans import Plan, PlanState

Ints = NDArray[np.integer[Any]]
Grouping = Literal["code", "unit", "worker"]
# One case as PostgreSQL sends it: numbers with the highest byte first.
_RECORD = np.dtype([("at_us", ">i8"), ("id", ">i8"), ("pattern", ">i4"), ("worker", ">i8")])
# A million cases take some seconds to be read, once.
PATIENCE_S = 300
# With more changed cases beside them than this the arrays are made anew.
MOST_BESIDE = 20_000
NOBODY = -1


class Numbers:
    """Names and the number that each has for good: what arrays hold instead of them."""

    def __init__(self) -> None:
        self.names: list[Any] = []
        self._number: dict[Any, int] = {}

    def number(self, name: Any) -> int:
        """The number of a name, a new one for a new name."""
        found = self._number.get(name)
        if found is None:
            found = self._number[name] = len(self.names)
            self.names.append(name)
        return found

    def number_all(self, names: Ints) -> Ints:
        """The numbers of many."""
        unique, which = np.unique(names, return_inverse=True)
        return np.array([self.number(name) for name in unique.tolist()], dtype=np.int64)[which.reshape(-1)]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the arrays point into, as it is at one moment. A pattern is a bit for each figure, in their order."""

    code: tuple[str, ...]
    unit: tuple[str, ...]
    worker: tuple[int, ...]
    pattern: tuple[int, ...]

    def bits(self) -> Ints:
        """Whether a pattern (row) counts in a figure (column)."""
        patterns = np.array(self.pattern, dtype=np.int64).reshape(-1, 1)
        return (patterns >> np.arange(len(FIGURES))) & 1


class _Words:
    """The vocabulary as it grows."""

    def __init__(self) -> None:
        self.code, self.unit, self.worker, self.pattern = Numbers(), Numbers(), Numbers(), Numbers()

    def freeze(self) -> Vocabulary:
        """As it is now."""
        return Vocabulary(*(tuple(each.names) for each in (self.code, self.unit, self.worker, self.pattern)))


@dataclass(frozen=True, eq=False)
class SummedCases:
    """Cases of one kind of row, with sums along the way: each code, group and pattern that occur together are a key."""

    code: Ints
    group: Ints
    pattern: Ints
    tally: Tally

    @property
    def nbytes(self) -> int:
        """The bytes of the keys and the sums."""
        return self.code.nbytes + self.group.nbytes + self.pattern.nbytes + self.tally.nbytes


@dataclass(frozen=True, eq=False)
class Cases:
    """Cases in the order of time; all arrays are as long as there are cases, and no wider than their numbers."""

    at_us: Ints
    id: Ints
    code: Ints
    unit: Ints
    worker: Ints
    pattern: Ints
    _summed: dict[str, SummedCases] = field(default_factory=dict, repr=False)

    def find_span(self, since: datetime, until: datetime) -> slice:
        """The cases of [since, until)."""
        first, last = np.searchsorted(self.at_us, [microseconds_of(since), microseconds_of(until)])
        return slice(int(first), int(last))

    def count_bytes(self) -> int:
        """What the arrays take, and the sums that were made of them so far."""
        arrays: list[Any] = [*(getattr(self, name) for name in _ARRAYS), *self._summed.values()]
        return sum(int(one.nbytes) for one in arrays)

    def take(self, which: Any) -> Cases:
        """Some of them."""
        return _make(getattr(self, name)[which] for name in _ARRAYS)

    def sum_by(self, by: Grouping) -> SummedCases:
        """The cases with sums by a kind of row: made with the first question of that kind, kept for all others."""
        if by not in self._summed:
            group = getattr(self, by)
            groups, patterns = int(group.max(initial=0)) + 1, int(self.pattern.max(initial=0)) + 1
            # What is grouped by the code itself has it once.
            packed = group.astype(np.int64) if by == "code" else self.code.astype(np.int64) * groups + group
            keys, which = np.unique(packed * patterns + self.pattern, return_inverse=True)
            rest, pattern = keys // patterns, keys % patterns
            code = rest if by == "code" else rest // groups
            tally = Tally(which.reshape(-1).astype(np.int32), len(keys))
            self._summed[by] = SummedCases(code, rest if by == "code" else rest % groups, pattern, tally)
        return self._summed[by]


_ARRAYS = ("at_us", "id", "code", "unit", "worker", "pattern")


@dataclass(frozen=True, eq=False)
class Counted:
    """Everything that one question counts, as it was at its moment."""

    ground: CityGround
    vocabulary: Vocabulary
    kept: Cases
    gone: Ints
    beside: Cases
    living: Cases

    def mark_within(self, area: str) -> NDArray[np.bool_]:
        """Which codes lie in an area."""
        names = self.vocabulary.code
        return np.fromiter((name.startswith(area) for name in names), dtype=bool, count=len(names))

    def count(
        self, by: Grouping, since: datetime, until: datetime, *, within: NDArray[np.bool_], fold: Ints, rows: int
    ) -> Ints:
        """How many cases there are by row and figure (column), of the codes within.

        `fold` is the row of each group; one of -1 is counted nowhere.
        """
        patterns = len(self.vocabulary.pattern)
        # The last row takes what is meant nowhere; what stands in it is left out.
        found = np.zeros((rows + 1) * patterns, dtype=np.int64)
        kept = self.kept.sum_by(by)
        counts = kept.tally.count(self.kept.find_span(since, until)) * within[kept.code]
        keys = fold[kept.group] % (rows + 1) * patterns + kept.pattern
        found += np.bincount(keys, weights=counts, minlength=found.size).astype(np.int64)
        for cases, sign in self._list_apart():
            some = cases.take(cases.find_span(since, until))
            some = some.take(within[some.code])
            keys = fold[getattr(some, by)] % (rows + 1) * patterns + some.pattern
            found += sign * np.bincount(keys, minlength=found.size)
        return np.asarray(found.reshape(rows + 1, patterns)[:rows] @ self.vocabulary.bits())

    def _list_apart(self) -> tuple[tuple[Cases, int], ...]:
        """What is counted one by one beside the sums, each with its sign."""
        return (self.kept.take(self.gone), -1), (self.beside, 1), (self.living, 1)

    def count_parts(self, edges: Sequence[datetime], *, within: NDArray[np.bool_]) -> Ints:
        """The figures (column) of each part between two edges (row), of the codes within."""
        found = np.array([self._count_part(*part, within) for part in pairwise(edges)])
        return np.asarray(found @ self.vocabulary.bits())

    def _count_part(self, since: datetime, until: datetime, within: NDArray[np.bool_]) -> Ints:
        patterns, span = len(self.vocabulary.pattern), self.kept.find_span(since, until)
        summed = self.kept.sum_by("code")
        if span.stop - span.start > len(summed.code):
            counts = summed.tally.count(span) * within[summed.code]
            found = np.bincount(summed.pattern, weights=counts, minlength=patterns).astype(np.int64)
        else:
            found = np.bincount(self.kept.pattern[span][within[self.kept.code[span]]], minlength=patterns)
        for cases, sign in self._list_apart():
            apart = cases.find_span(since, until)
            found += sign * np.bincount(cases.pattern[apart][within[cases.code[apart]]], minlength=patterns)
        return np.asarray(found)


@dataclass(frozen=True, slots=True)
class MemorySize:
    """How many cases a process keeps, and how many bytes they take with their sums."""

    cases: int
    bytes: int


class EvaluationMemory:
    """The ended cases of this process, read anew once the map or the categories have changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mark: tuple[Any, ...] | None = None
        self._words = _Words()
        self._kept = self._beside = _make_no_cases()
        self._gone: Ints = np.zeros(0, dtype=np.int64)
        self._by_id: Ints = self._gone
        self._ground: CityGround | None = None
        # Cases that have changed since then are looked for; these changes of them are taken in already.
        self._since: datetime | None = None
        self._taken: frozenset[str] = frozenset()
        self._settled_at: datetime | None = None

    def read(self, session: Session, *, since: datetime, until: datetime, now: datetime) -> Counted:
        """Everything of a period at this moment; one small statement says whether what is kept is still true."""
        with self._lock:
            seen = session.execute(_LOOK, {"now": now, "since": self._since}).one()
            self._follow(session, tuple(seen[:5]), seen, now)
            span = and_(is_living(), Incident.reported_at >= since, Incident.reported_at < until)
            living = self._load(session, select_records(now).where(span))
            assert self._ground is not None
            return Counted(self._ground, self._words.freeze(), self._kept, self._gone, self._beside, living)

    def count_bytes(self) -> MemorySize:
        """What is kept now."""
        with self._lock:
            return MemorySize(len(self._kept.id), self._kept.count_bytes() + self._by_id.nbytes)

    def _follow(self, session: Session, mark: tuple[Any, ...], seen: Any, now: datetime) -> None:
        if self._mark != mark or len(self._beside.id) + len(self._gone) > MOST_BESIDE:
            self._begin(session, mark, seen, now)
            return
        changed = frozenset(seen.changed or ())
        if changed - self._taken:
            ids = sorted({int(one.partition("@")[0]) for one in changed - self._taken})
            self._put_beside(session, np.array(ids, dtype=np.int64), now)
        self._since, self._taken = self._settled_at, changed
        self._settled_at = seen.settled_at

    def _begin(self, session: Session, mark: tuple[Any, ...], seen: Any, now: datetime) -> None:
        self._words, self._ground = _Words(), read_ground(session, mark, now=now)
        wait_longer(session, PATIENCE_S)
        self._kept = self._load(session, select_records(now).where(not_(is_living())))
        wait_as_usual(session)
        self._by_id = np.argsort(self._kept.id, kind="stable").astype(np.int32)
        self._beside, self._gone = _make_no_cases(), np.zeros(0, dtype=np.int64)
        self._mark, self._since, self._taken = mark, seen.settled_at, frozenset()
        self._settled_at = seen.settled_at

    def _put_beside(self, session: Session, ids: Ints, now: datetime) -> None:
        """The changed cases as they are now, beside the kept ones, which are taken off where they stood."""
        ended = and_(Incident.id.in_(ids.tolist()), not_(is_living()))
        stays, fresh = (
            self._beside.take(~np.isin(self._beside.id, ids)),
            self._load(session, select_records(now).where(ended)),
        )
        both = _make(np.concatenate((getattr(stays, name), getattr(fresh, name))) for name in _ARRAYS)
        self._beside = both.take(np.argsort(both.at_us, kind="stable"))
        sorted_ids = self._kept.id[self._by_id]
        at = np.searchsorted(sorted_ids, ids)
        known = at < len(sorted_ids)
        stood = at[known][sorted_ids[at[known]] == ids[known]]
        self._gone = np.union1d(self._gone, self._by_id[stood])

    def _load(self, session: Session, statement: Select[Any]) -> Cases:
        rows = session.execute(statement).all()
        parts = [np.frombuffer(row.records, dtype=_RECORD) for row in rows]
        records = np.concatenate(parts) if parts else np.zeros(0, dtype=_RECORD)
        sizes, words = [len(part) for part in parts], self._words
        code = np.repeat(_to_array(words.code.number(row.code) for row in rows), sizes)
        unit = np.repeat(_to_array(words.unit.number(row.unit) for row in rows), sizes)
        worker = words.worker.number_all(records["worker"].astype(np.int64))
        pattern = words.pattern.number_all(records["pattern"].astype(np.int64))
        at_us, ids = records["at_us"].astype(np.int64), records["id"].astype(np.int64)
        return _make((at_us, ids, code, unit, worker, pattern)).take(np.argsort(at_us, kind="stable"))


def _to_array(numbers: Iterable[int]) -> Ints:
    return np.fromiter(numbers, dtype=np.int64)


def _make(arrays: Iterable[Ints]) -> Cases:
    at_us, ids, *numbers = arrays
    code, unit, worker, pattern = (one.astype(np.int32, copy=False) for one in numbers)
    return Cases(at_us, ids, code, unit, worker, pattern)


def _make_no_cases() -> Cases:
    nothing = np.zeros(0, dtype=np.int64)
    return _make(nothing for _ in _ARRAYS)


def select_records(now: Moment) -> Select[Any]:
    """The cases that are counted, by code and unit, each group as one string of `_RECORD`s."""
    at_us = cast(func.extract("epoch", Incident.reported_at) * 1_000_000, BigInteger)
    record: ColumnElement[Any] = func.int8send(at_us).op("||")(func.int8send(Incident.id))
    record = record.op("||")(func.int4send(_pattern(now)))
    record = record.op("||")(func.int8send(func.coalesce(Incident.worker_id, literal(NOBODY, BigInteger))))
    unit = func.coalesce(Incident.unit_code, NOTHING)
    statement: Select[Any] = (
        select(
            CODE.label("code"),
            unit.label("unit"),
            func.string_agg(record, cast(b"", LargeBinary)).label("records"),
        )
        .join(Category, Category.code == Incident.category)
        .where(is_counted())
        .group_by(CODE, unit)
    )
    return statement


def _pattern(now: Moment) -> ColumnElement[int]:
    bits: ColumnElement[int] = literal(0, Integer)
    for at, figure in enumerate(FIGURES.values()):
        bits = bits + case((figure.where(now), literal(1 << at, Integer)), else_=literal(0, Integer))
    return cast(bits, Integer)


def _build_look() -> Select[Any]:
    """One statement: what changes with the map and with the categories, and the cases that have changed since."""
    followed = select(func.count()).where(Plan.state == PlanState.archived).scalar_subquery()
    writers = func.sum(cast(literal_column("categories.xmin::text"), BigInteger))
    categories = select(func.concat(func.count(Category.code), ".", writers)).scalar_subquery()
    one = func.concat(Incident.id, "@", Incident.changed_at)
    since = bindparam("since", type_=DateTime(timezone=True))
    changed = select(func.array_agg(one)).where(Incident.changed_at >= since).scalar_subquery()
    now = bindparam("now", type_=DateTime(timezone=True))
    latest = select_settled_moment().label("settled_at"), changed.label("changed")
    columns: list[Any] = [*count_changes(now), followed, categories, *latest]
    return select(*columns)


_LOOK = _build_look()
