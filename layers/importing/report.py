"""What an import is asked for and what it tells: counts, every refused row with its reason and place, remarks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import shapely
from shapely.geometry.base import BaseGeometry

UNION = "union"

Progress = Callable[[str, float], None]
"""Told what is being done and how much of it is done, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How to read a file and where to put it.

    `table` is a name, several a line each, or `*` for all of them as one. `mapping` is file column → field.
    `frame` is None (the stored boundary of the district), "union" (of the layer's own
    polygons) or a file. `tz` is for times without an offset. `source` scopes the ids of the file, so that a second
    import of it changes rows instead of doubling them; it is the file's name unless something else is said. `sub_grids`
    says what becomes of sub-grids and overlays in force that a file of grids does not hold: "keep" (re-cut to the new
    borders), "none", or "ask" (refuse the file where there are any).
    """

    crs: str | None = None
    datum: str | None = None
    table: str | None = None
    encoding: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    district: str | None = None
    level: str | None = None
    frame: str | Path | None = None
    tz: str | None = None
    source: str | None = None
    sub_grids: Literal["keep", "none", "ask"] = "none"
    dry_run: bool = False


@dataclass(frozen=True)
class Refusal:
    """One row (from 1) that was not stored: a reason code, what it was about, and its place in WGS84 if known."""

    row: int
    reason: str
    detail: str = ""
    where: BaseGeometry | None = None


@dataclass(frozen=True)
class Note:
    """A remark on the whole import: a code and the values that its words need; the place where there is one."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    where: BaseGeometry | None = None


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What came of an import. `stored` counts new and changed rows; `changed` those that were there before.

    `plans` holds the ids of the draft plans made from grids, by district, `coverages` their reports.
    """

    layer: str
    read: int
    stored: int
    changed: int = 0
    refused: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()
    plans: Mapping[str, int] = field(default_factory=dict)
    coverages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dry_run: bool = False

    def count_by_reason(self) -> dict[str, int]:
        """How many rows were refused for each reason, most frequent first."""
        return dict(Counter(refusal.reason for refusal in self.refused).most_common())


def as_json(report: ImportReport, *, most_refused: int | None = None) -> dict[str, Any]:
    """A report as JSON: counts, the refused rows with their places as GeoJSON (the first `most_refused`), remarks."""
    return {
        "layer": report.layer,
        "read": report.read,
        "stored": report.stored,
        "changed": report.changed,
        **describe_refused(report.refused[:most_refused]),
        "notes": notes_json(report.notes),
        "plans": dict(report.plans),
        "dry_run": report.dry_run,
    }


def describe_refused(refused: Sequence[Refusal]) -> dict[str, Any]:
    """Refused rows as JSON under `refused`, with their places as GeoJSON."""
    rows = [
        {
            "row": refusal.row,
            "reason": refusal.reason,
            "detail": refusal.detail,
            "where": None if refusal.where is None else json.loads(shapely.to_geojson(refusal.where)),
        }
        for refusal in refused
    ]
    return {"refused": rows}


def notes_json(notes: Sequence[Note]) -> list[dict[str, Any]]:
    """Remarks as JSON: their codes and values."""
    return [{"code": note.code, **note.values} for note in notes]


class Gathering:
    """Refusals and remarks while an import goes on; `report` closes it."""

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.refused: dict[int, Refusal] = {}
        self.notes: list[Note] = []
        self.plans: dict[str, int] = {}
        self.coverages: dict[str, Mapping[str, Any]] = {}

    def refuse(self, row: int, reason: str, *, detail: str = "", where: BaseGeometry | None = None) -> None:
        """Note the first fault of a row; later ones say nothing new."""
        self.refused.setdefault(row, Refusal(row, reason, detail, where))

    def note(self, code: str, /, *, where: BaseGeometry | None = None, **values: Any) -> None:
        """Remark on the whole import."""
        self.notes.append(Note(code, values, where))

    def report(self, *, read: int, stored: int, changed: int = 0) -> ImportReport:
        """The finished report, refusals in the order of the rows."""
        return ImportReport(
            layer=self.layer,
            read=read,
            stored=stored,
            changed=changed,
            refused=tuple(self.refused[row] for row in sorted(self.refused)),
            notes=tuple(self.notes),
            plans=dict(self.plans),
            coverages=dict(self.coverages),
        )
