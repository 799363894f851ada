"""Heat and figures, as answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel


class HeatCell(BaseModel):
    """One cell; `n` is null where too few may be shown, `rate` is per hundred households or the change."""

    cell: str
    n: int | None
    rate: float | None
    suppressed: bool


class HeatCommunity(BaseModel):
    """One community's count in the period and in the one of the same length before."""

    cell: str
    name: str
    n: int
    before: int


class HeatPanel(BaseModel):
    """What stands beside the cells, asked for by `beside=panel`: figures of the same period."""

    total: dict[str, Any]
    by_category: dict[str, int]
    communities: list[HeatCommunity]


class HeatAnswer(BaseModel):
    """Counts by cell: `cells` with `format=json`, else the features of a FeatureCollection."""

    layer: str
    cell: str
    per: str
    since: datetime | None = None
    until: datetime | None = None
    month: str | None = None
    release: list[str] | None = None
    released_at: datetime | None = None
    smallest: int | None = None
    cells: list[HeatCell] | None = None
    type: Literal["FeatureCollection"] | None = None
    features: list[dict[str, Any]] | None = None
    panel: HeatPanel | None = None


class FiguresAnswer(BaseModel):
    """Counts of an area and of each area right below it."""

    since: datetime
    until: datetime
    total: dict[str, Any]
    areas: list[dict[str, Any]]
    daily: dict[str, dict[str, int]]
    by_category: dict[str, dict[str, int]]


class SpotOut(HeatCell):
    """A cell that stands out: its standard score, and how often chance alone gave as much to either side."""

    kind: Literal["hot", "cold"]
    z: float
    p: float


class SpotsAnswer(BaseModel):
    """Spots, the strongest first. `islands` have no neighbour, `homeless` cells no household: not judged."""

    layer: str
    cell: str
    per: Literal["count", "households"]
    since: datetime
    until: datetime
    seed: int
    draws: int
    false_share: float
    judged: int
    islands: list[str]
    homeless: int
    spots: list[SpotOut]
