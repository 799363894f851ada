"""The evaluation, as answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel


class FigureValue(BaseModel):
    """One number: `n` cases, of how many (null: of nothing), and the share of them, 0 to 1 (null: of none)."""

    n: int
    of: int | None
    rate: float | None


class EvaluationRow(BaseModel):
    """One area, unit, post or worker. `code` is "-" for what has none; `rank` is null where nothing can be judged."""

    code: str
    name: str
    figures: dict[str, FigureValue]
    before: dict[str, FigureValue] | None
    score: float | None
    rank: int | None
    score_before: float | None


class PeriodOut(BaseModel):
    period: str
    since: datetime
    until: datetime


class TrendPoint(PeriodOut):
    """The total of one part of the period."""

    figures: dict[str, FigureValue]


class FigureOut(BaseModel):
    """A figure, what its rate is of, whether more or less of it is better ("" neither), and what it weighs."""

    figure: str
    of: str | None
    better: Literal["high", "low", ""]
    weight: float


class PlaceNamed(BaseModel):
    code: str
    name: str


class EvaluationAnswer(BaseModel):
    """Rows in the order of their rank; `path` is what the area lies in, itself last. `left_out` is not counted here."""

    by: Literal["area", "unit", "post", "worker"]
    area: str
    path: list[PlaceNamed]
    period: PeriodOut
    against: PeriodOut | None
    figures: list[FigureOut]
    left_out: list[str]
    total: EvaluationRow
    rows: list[EvaluationRow]
    trend: list[TrendPoint]


class CaseBehind(BaseModel):
    """One case: nothing of where exactly, what was said or who reported. `late_step` is what missed `due_at`.

    `place` is the name of the grid or area of `code` as it is now ("" where it is none any more).
    """

    id: str
    state: str
    category: str
    urgency: str
    reported_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    late_step: str
    waiting_reason: str | None
    code: str
    place: str
    subdistrict: str | None
    unit: str | None
    unit_name: str | None
    worker: str | None
    worker_name: str | None


class Share(BaseModel):
    name: str
    n: int


class BehindAnswer(BaseModel):
    """The cases behind a number: `n` in all; `late_steps` counts the steps that first missed their limit."""

    figure: str
    n: int
    late_steps: list[Share]
    categories: list[Share]
    incidents: list[CaseBehind]
    next: str | None
