"""A roster from a spreadsheet (xlsx, CSV): the shifts of a week, or leave and extra duty, all of it or nothing ([D1]).

    told = read_roster(file, "templates", zone=zone, room=room)
    check_roster(session, told, now=now, zone=zone, by=planner)      then told.refused says what stands in its way

Times are those of the clock on the wall of the district, unless a cell states its offset. Rows are numbered as those of
every import: from 1, the header is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers import files, shifts
from layers.access import Actor
from layers.errors import Forbidden, Unacceptable
from layers.importing.values import Unreadable, code, moment, require_text, sound
from layers.sandbox import Room
from layers.shifts import NewException, NewTemplate, Overlap
from layers.workers import Worker

Kind = Literal["templates", "exceptions"]
MOST_ROWS = 5_000
COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "templates": {
        "worker": ("worker", "number", "staff_number", "工号"),
        "weekdays": ("weekdays", "days", "weekday", "星期", "周几"),
        "from": ("from", "start", "上岗", "上班", "开始时间"),
        "to": ("to", "end", "下岗", "下班", "结束时间"),
        "first_day": ("first_day", "since", "起始日期", "开始日期"),
        "last_day": ("last_day", "until", "截止日期", "结束日期"),
    },
    "exceptions": {
        "worker": ("worker", "number", "staff_number", "工号"),
        "kind": ("kind", "type", "类型", "类别"),
        "start": ("start", "from", "starts_at", "开始", "开始时间"),
        "end": ("end", "to", "ends_at", "结束", "结束时间"),
        "substitute": ("substitute", "stands_in", "替班", "替班工号", "替班人工号"),
        "reason": ("reason", "原因", "事由"),
    },
}
_OPTIONAL = ("last_day", "substitute", "reason")
_KINDS = {"leave": "leave", "请假": "leave", "休假": "leave", "extra": "extra", "加班": "extra", "override": "extra"}
_DAYS = {
    **{name: day for day, name in enumerate("一二三四五六日", 1)},
    **{"天": 7, **{str(day): day for day in range(1, 8)}},
    **{name: day for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1)},
}
_DAILY = ("每天", "每日", "天天", "daily", "all", "every day")
_DAY_WORD = re.compile(r"mon|tue|wed|thu|fri|sat|sun|[一二三四五六日天1-7]")
_RANGE = re.compile(rf"({_DAY_WORD.pattern})[a-z]*\s*(?:-|–|—|~|至|到|to)\s*(?:周|星期)?({_DAY_WORD.pattern})")
_TIME = re.compile(r"(\d{1,2})[::](\d{2})(?::\d{2})?")
_DATE = re.compile(r"(\d{4})\s*[/.年-]\s*(\d{1,2})\s*[/.月-]\s*(\d{1,2})\s*日?(?:[T ]00:00(?::00)?)?")


@dataclass(frozen=True, slots=True)
class RowRefused:
    """A row that cannot be stored: a reason, the text in question, and the row with which it overlaps (0: stored)."""

    row: int
    reason: str
    detail: str = ""
    other: int | None = None


@dataclass
class RosterFile:
    """What stands in the file: its rows by their numbers, and those that cannot be stored."""

    kind: Kind
    rows: int
    templates: dict[int, NewTemplate] = field(default_factory=dict)
    exceptions: dict[int, NewException] = field(default_factory=dict)
    refused: list[RowRefused] = field(default_factory=list)


def read_roster(file: Path, kind: Kind, *, zone: ZoneInfo, room: Room | None = None) -> RosterFile:
    """The rows of a file; raises Unacceptable for one that is no table, lacks a column or has too many rows."""
    table = files.read(files.Source(path=file), room=room)
    if len(table) > MOST_ROWS:
        raise Unacceptable("roster_too_long", most=MOST_ROWS, rows=len(table))
    if not len(table):
        raise Unacceptable("roster_empty")
    by_lower = {name.strip().lower(): name for name in reversed(table.names)}
    found = {
        name: next((by_lower[one] for one in columns if one in by_lower), None)
        for name, columns in COLUMNS[kind].items()
    }
    missing = [name for name, column in found.items() if column is None and name not in _OPTIONAL]
    if missing:
        raise Unacceptable("roster_column_missing", column=", ".join(missing), columns=", ".join(table.names))
    told = RosterFile(kind, len(table))

    def cell(name: str, row: int) -> str | None:
        column = found[name]
        return None if column is None else table.columns[column][row - 1]

    for row in range(1, len(table) + 1):
        try:
            if kind == "templates":
                told.templates[row] = _template(lambda name, row=row: cell(name, row))  # type: ignore[misc]
            else:
                told.exceptions[row] = _exception(lambda name, row=row: cell(name, row), zone)  # type: ignore[misc]
        except Unreadable as fault:
            told.refused.append(RowRefused(row, fault.reason, fault.detail))
    return told


def _template(cell: Callable[[str], str | None]) -> NewTemplate:
    first_day = day_of(require_text(sound(cell("first_day")), "first_day"))
    last_day = sound(cell("last_day"))
    return NewTemplate(
        worker=require_text(code(cell("worker")), "worker"),
        weekdays=weekdays_of(require_text(sound(cell("weekdays")), "weekdays")),
        start=time_of(require_text(sound(cell("from")), "from")),
        end=time_of(require_text(sound(cell("to")), "to")),
        first_day=first_day,
        last_day=None if last_day is None else day_of(last_day),
    )


def _exception(cell: Callable[[str], str | None], zone: ZoneInfo) -> NewException:
    word = require_text(sound(cell("kind")), "kind")
    if word.lower() not in _KINDS:
        raise Unreadable("unknown_word", word)
    start, end = (_moment(require_text(sound(cell(name)), name), zone) for name in ("start", "end"))
    reason = (sound(cell("reason")) or "")[:500]
    worker = require_text(code(cell("worker")), "worker")
    return NewException(worker, _KINDS[word.lower()], start, end, code(cell("substitute")), reason)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    told = moment(text, zone)
    assert told is not None
    return told


def weekdays_of(text: str) -> tuple[int, ...]:
    """ISO weekdays of `1,2,3`, `周一至周五`, `一三五`, `Mon-Fri`, `每天`; raises Unreadable for anything else."""
    words = text.strip().lower()
    if words in _DAILY:
        return tuple(range(1, 8))
    days: set[int] = set()

    def spread(found: re.Match[str]) -> str:
        first, last = _DAYS[found[1]], _DAYS[found[2]]
        days.update(range(first, last + 1) if first <= last else (*range(first, 8), *range(1, last + 1)))
        return " "

    rest = _RANGE.sub(spread, words)
    for word in re.split(r"[\s,,、;;/]+|周|星期|礼拜", rest):
        parts = [word] if word.isascii() and word.isalpha() else list(word)
        for part in filter(None, parts):
            if part[:3] not in _DAYS or (len(part) > 1 and not part.isalpha()):
                raise Unreadable("weekdays_unreadable", text[:80])
            days.add(_DAYS[part[:3]])
    if not days:
        raise Unreadable("weekdays_unreadable", text[:80])
    return tuple(sorted(days))


def time_of(text: str) -> time:
    """A time of the day as a spreadsheet shows it (`8:00`, `22:00:00`; `24:00` is midnight); raises Unreadable."""
    found = _TIME.fullmatch(text.strip())
    if found is None or int(found[1]) > 24 or int(found[2]) > 59 or (int(found[1]) == 24 and int(found[2])):
        raise Unreadable("not_a_time", text[:80])
    return time(int(found[1]) % 24, int(found[2]))


def day_of(text: str) -> date:
    """A day as a spreadsheet shows it (`2026/11/29`, `2026-11-29 00:00:00`, `2026年11月29日`); raises Unreadable."""
    found = _DATE.fullmatch(text.strip())
    try:
        told = None if found is None else date(*(int(part) for part in found.groups()))
    except ValueError:
        told = None
    if told is None or not 1970 <= told.year <= 2100:
        raise Unreadable("not_a_time", text[:80])
    return told


def check_roster(
    session: Session, told: RosterFile, *, replace: bool = False, now: datetime, zone: ZoneInfo, by: Actor
) -> None:
    """Refuse every row that makes no sense, is of nobody known, or overlaps another one, stored ones included."""
    ids = _find_known(session, told, by)
    if told.kind == "templates":
        _check_rows(told, told.templates, lambda one: shifts.check_template(one, 0, now.astimezone(zone).date()))
        rows = [row for row, one in told.templates.items() if one.worker in ids]
        new = [told.templates[row] for row in rows]
        _refuse_overlaps(told, rows, shifts.find_template_overlaps(session, new, ids, ends=replace) if new else [])
    else:
        _check_rows(told, told.exceptions, lambda one: shifts.check_exception(one, 0, now))
        rows = [row for row, one in told.exceptions.items() if one.worker in ids and one.start < one.end]
        stays = [told.exceptions[row] for row in rows]
        _refuse_overlaps(told, rows, shifts.find_exception_overlaps(session, stays, ids) if stays else [])
    told.refused.sort(key=lambda one: one.row)


def _find_known(session: Session, told: RosterFile, by: Actor) -> dict[str, int]:
    """The ids of the workers of the file; rows of others are refused, those of another area too."""
    named: dict[int, tuple[str, ...]] = {row: (one.worker,) for row, one in told.templates.items()}
    named |= {row: tuple(filter(None, (one.worker, one.substitute))) for row, one in told.exceptions.items()}
    numbers = {number for them in named.values() for number in them}
    columns = (Worker.number, Worker.id, Worker.area)
    rows = session.execute(select(*columns).where(Worker.number.in_(numbers), Worker.active)).all()
    known, areas = {row.number: row.id for row in rows}, {row.number: row.area for row in rows}
    for row, them in named.items():
        for number in them:
            if number not in known:
                told.refused.append(RowRefused(row, "unknown_worker", number[:60]))
            elif not by.holds(areas[number]):
                told.refused.append(RowRefused(row, "foreign_worker", number[:60]))
    return known


def _check_rows(told: RosterFile, rows: Mapping[int, object], check: Callable[..., None]) -> None:
    for row, one in rows.items():
        try:
            check(one)
        except (Unacceptable, Forbidden) as fault:
            told.refused.append(RowRefused(row, fault.code, str(fault.details.get("hours", ""))))


def _refuse_overlaps(told: RosterFile, rows: Sequence[int], overlaps: Sequence[Overlap]) -> None:
    for one in overlaps:
        other = 0 if one.other is None else rows[one.other]
        told.refused.append(RowRefused(rows[one.place], "roster_rows_overlap", one.worker, other))
