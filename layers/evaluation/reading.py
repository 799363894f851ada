"""The evaluation: figures by row, in total and as a trend, beside those of another period, with score and rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.evaluation.memory import Counted, EvaluationMemory, Ints
from layers.evaluation.periods import Period
from layers.evaluation.predicates import FIGURES
from layers.evaluation.questions import GROUPING, NONE, EvaluationAsked
from layers.evaluation.scoring import Counts, find_score, rank
from layers.heat.ground import CityGround
from layers.units import list_units
from layers.workers import Worker


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its counts by figure, and before where it is held against another period."""

    code: str
    name: str
    counts: Counts
    before: Counts | None
    score: float | None
    rank: int | None
    score_before: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answer: rows in the order of their rank, the total, and the total of each part of the period.

    `path` is code and name of each area that the asked one lies in, from the district down to itself.
    """

    path: tuple[tuple[str, str], ...]
    total: Row
    rows: tuple[Row, ...]
    trend: tuple[tuple[Period, Counts], ...]


def evaluate(
    session: Session,
    asked: EvaluationAsked,
    *,
    against: Period | None,
    weights: Mapping[str, float],
    memory: EvaluationMemory,
    now: datetime,
    lang: str,
) -> Evaluation:
    """The figures of a question, units named in a language; how many statements it takes does not depend on it."""
    since = min(asked.period.since, against.since) if against else asked.period.since
    until = max(asked.period.until, against.until) if against else asked.period.until
    counted = memory.read(session, since=since, until=until, now=now)
    within = counted.mark_within(asked.area)
    names, fold = _list_rows(session, asked, counted, within, lang)
    held = _fold(counted, asked, asked.period, within, fold, len(names))
    before = None if against is None else _fold(counted, asked, against, within, fold, len(names))
    rows = _make_rows(names, held, before, weights)
    sums = held.sum(axis=0)
    total = _row(("", ""), sums, None if before is None else before.sum(axis=0), weights)
    whole = asked.worker_id is None and asked.unit is None
    trend = _trend(counted, asked, within) if whole else ()
    return Evaluation(find_path(counted.ground, asked.area), total, rows, trend)


def find_path(ground: CityGround, area: str) -> tuple[tuple[str, str], ...]:
    """Code and name of each area and grid that holds an area, the widest first, itself last where it is one."""
    held = {row.code: row.name for row in (*ground.areas, *ground.grids) if area.startswith(row.code)}
    return tuple(sorted(held.items()))


def list_children(ground: CityGround, area: str) -> list[Any]:
    """The areas right below one, grids below a community, sub-grids below a grid; districts where it is no area."""
    own = next((row for row in ground.areas if row.code == area), None)
    if own is not None:
        below = [row for row in ground.areas if row.parent_code == area]
        return below or [row for row in ground.grids if row.level == "grid" and row.code.startswith(area)]
    if any(row.code == area for row in ground.grids):
        return [row for row in ground.grids if row.parent_code == area]
    return [row for row in ground.find_areas(area) if row.level == "district"]


def _list_rows(
    session: Session, asked: EvaluationAsked, counted: Counted, within: NDArray[np.bool_], lang: str
) -> tuple[list[tuple[str, str]], Ints]:
    """Code and name of each row, and the row of each group of the vocabulary; -1 for a group that is in none."""
    if asked.by == "area":
        return _rows_of_areas(counted, asked.area, within)
    if asked.by == "unit":
        names = {unit.code: unit.name_in(lang) for unit in list_units(session)}
        groups = [(code or NONE, names.get(code, code)) for code in counted.vocabulary.unit]
        return _number(groups, [asked.unit in (None, code) for code, _ in groups])
    ids = list(counted.vocabulary.worker)
    found = session.execute(select(Worker.id, Worker.number, Worker.name, Worker.role).where(Worker.id.in_(ids)))
    known = {row.id: (row.role, "") if asked.by == "post" else (row.number, row.name) for row in found}
    groups = [known.get(one, (NONE, "")) for one in ids]
    return _number(groups, [asked.worker_id in (None, one) for one in ids])


def _number(groups: Sequence[tuple[str, str]], meant: Sequence[bool]) -> tuple[list[tuple[str, str]], Ints]:
    names = sorted({group for group, one in zip(groups, meant, strict=True) if one})
    number = {name: at for at, name in enumerate(names)}
    rows = [number[group] if one else -1 for group, one in zip(groups, meant, strict=True)]
    return names, np.array(rows, dtype=np.int64)


def _rows_of_areas(counted: Counted, area: str, within: NDArray[np.bool_]) -> tuple[list[tuple[str, str]], Ints]:
    children = sorted((row.code, row.name) for row in list_children(counted.ground, area))
    number = {code: at for at, (code, _) in enumerate(children)}
    lengths = sorted({len(code) for code in number}, reverse=True)
    rest = len(children)
    rows = [
        next((number[code[:length]] for length in lengths if code[:length] in number), rest) if inside else -1
        for code, inside in zip(counted.vocabulary.code, within.tolist(), strict=True)
    ]
    return [*children, (NONE, "")], np.array(rows, dtype=np.int64)


def _fold(
    counted: Counted, asked: EvaluationAsked, period: Period, within: NDArray[np.bool_], fold: Ints, rows: int
) -> Ints:
    """The figures (column) of each row."""
    return counted.count(GROUPING[asked.by], period.since, period.until, within=within, fold=fold, rows=rows)


def _make_rows(
    names: Sequence[tuple[str, str]], held: Ints, before: Ints | None, weights: Mapping[str, float]
) -> tuple[Row, ...]:
    rows = [
        _row(name, held[at], None if before is None else before[at], weights)
        for at, name in enumerate(names)
        # What lies nowhere, and whom nobody heard of, is a row only where there is something in it.
        if name[0] != NONE or held[at].any() or (before is not None and before[at].any())
    ]
    places = rank([row.score if row.code != NONE else None for row in rows])
    ranked = [
        Row(row.code, row.name, row.counts, row.before, row.score, place, row.score_before)
        for row, place in zip(rows, places, strict=True)
    ]
    return tuple(sorted(ranked, key=lambda row: (row.rank is None, row.rank or 0, row.code)))


def _row(name: tuple[str, str], held: Ints, before: Ints | None, weights: Mapping[str, float]) -> Row:
    counts = _counts(held)
    was = None if before is None else _counts(before)
    score_before = None if was is None else find_score(was, weights)
    return Row(name[0], name[1], counts, was, find_score(counts, weights), None, score_before)


def _counts(held: Ints) -> Counts:
    return dict(zip(FIGURES, held.tolist(), strict=True))


def _trend(counted: Counted, asked: EvaluationAsked, within: NDArray[np.bool_]) -> tuple[tuple[Period, Counts], ...]:
    parts = asked.period.split()
    edges = [*(part.since for part in parts), parts[-1].until]
    counts = counted.count_parts(edges, within=within)
    return tuple((part, _counts(held)) for part, held in zip(parts, counts, strict=True))
