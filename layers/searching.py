"""Finding places by what people call them: areas and grids, and the things of every layer that is searched.

A name is found by any part of it, a code by its start or by the short form that stands on the map. There is no index
of words: trigrams, which PostgreSQL offers, say nothing about one or two Chinese characters, and those are what people
type; reading all names of a district of 100,000 buildings takes about 40 ms, and never misses. Nothing about persons
is searched or told ([A2]).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.areas import AreaLevel
from layers.plans import IN_FORCE_AT, get_plan
from layers.registry import SPECS
from layers.specs import Searched

Box = tuple[float, float, float, float]
Way = Literal["everywhere", "of_districts", "of_streets"]

MATCHES = ("code", "code_prefix", "name_prefix", "substring")
"""How well a thing fits, best first; the position in this tuple is what the statements return as `match`."""

# What lies in a grid: the layers whose spec says how they are found.
_LAYERS = [(spec, spec.searched) for spec in SPECS if spec.searched is not None]
# What shares ground with grids is larger than what lies at one point.
THINGS = {found.kind: (spec, found) for spec, found in sorted(_LAYERS, key=lambda pair: pair[1].lies_by)}
# Equal fits are told from the large to the small: who types the name of a community means it, not its grids.
KINDS = ("district", "subdistrict", "community", "grid", "sub_grid", *THINGS)
MOST_WORDS = 8
# The label of a grid on the map is the end of its code, "001-003": shorter than that, an end means nothing.
LABEL_DIGITS = 6


@dataclass(frozen=True)
class SearchStep:
    """One area above a thing found."""

    level: str
    code: str
    name: str


@dataclass(frozen=True)
class FoundByName:
    """One thing found: what it is, where it is in words and in degrees, and in which grid."""

    kind: str
    match: str
    id: str
    code: str | None
    name: str
    detail: str
    grid: str | None
    path: tuple[SearchStep, ...]
    point: tuple[float, float]
    box: Box


@dataclass(frozen=True)
class Within:
    """Where to look: below a code prefix, in what is in force at a moment or in one plan."""

    area: str
    at: datetime
    plan_id: int | None = None


def search(session: Session, asked: str, *, within: Within, limit: int = 12, by: Actor) -> list[FoundByName]:
    """The best `limit` things for what somebody typed: whole code, start of a code, start of a name, part of a name.

    Every word must occur; a building is also found by the name of its compound and by its address. What is hidden from
    the actor's role is not looked for. Empty where nothing is typed. Raises NotFound for a plan outside the actor's
    area. The caller has seen to it that the actor may look into the area. About 60 ms in a district of 3,000 grids and
    100,000 buildings.
    """
    if within.plan_id is not None:
        get_plan(session, within.plan_id, by=by)
    words = words_of(asked)
    if not words:
        return []
    bound = {**_patterns(words), "area": within.area, "at": within.at, "plan": within.plan_id, "limit": limit}
    source = "draft" if within.plan_id is not None else "in_force"
    statements = [places_statement("areas", source), places_statement("grids", source)]
    way = _way_of(session, within.area)
    statements += [
        things_statement(found, source, way) for spec, found in THINGS.values() if by.role not in spec.hidden_from
    ]
    rows: list[Any] = [row for statement in statements for row in session.execute(statement, bound)]
    best = sorted(rows, key=lambda row: (row.match, KINDS.index(row.kind), len(row.name), row.name, row.id))[:limit]
    return _placed(session, best)


def words_of(asked: str) -> list[str]:
    """What was typed as words to look for: full-width forms made usual, lower case, control characters left out."""
    plain = unicodedata.normalize("NFKC", asked).lower()
    shown = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in plain)
    return shown.split()[:MOST_WORDS]


def _patterns(words: Sequence[str]) -> dict[str, Any]:
    whole = " ".join(words)
    digits = re.sub(r"\W|_", "", whole)
    label = len(digits) >= LABEL_DIGITS and digits.isascii() and digits.isdigit()
    return {
        "whole": whole,
        "code_start": f"{_escaped(whole)}%",
        # What no code can be, where the words are no label.
        "label": f"%{digits}" if label else "",
        "name_start": f"{_escaped(whole)}%",
        "words": [f"%{_escaped(word)}%" for word in words],
    }


def _escaped(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)


# The grids that answer: those in force, or those of one plan.
_GRIDS = {
    "in_force": f"grids g JOIN plans p ON p.id = g.plan_id AND {IN_FORCE_AT}",
    "draft": "grids g JOIN plans p ON p.id = g.plan_id AND p.id = :plan",
}
_MATCH = (
    "CASE WHEN {code} = :whole OR replace({code}, '-', '') LIKE {label} THEN 0 "
    "WHEN {code} LIKE :code_start THEN 1 WHEN {name} LIKE :name_start THEN 2 ELSE 3 END"
)
_FITS = "({code} LIKE :code_start OR replace({code}, '-', '') LIKE {label} OR {name} LIKE ALL(CAST(:words AS text[])))"
_ORDER = "ORDER BY match, size, name, id LIMIT :limit"
_TOLD = (
    "SELECT id, code, name, kind, detail, grid, parent, match, ST_X(point) AS lon, ST_Y(point) AS lat, "
    "ST_XMin(shape) AS west, ST_YMin(shape) AS south, ST_XMax(shape) AS east, ST_YMax(shape) AS north"
)
# All codes that the grid has borne that a hand named (planning reads the same in `planning.state.codes.names_of`).
_BORNE = (
    'WITH RECURSIVE same(code) AS (SELECT (hit.grid_override COLLATE "C")::text WHERE hit.grid_override IS NOT NULL '
    "UNION SELECT CASE l.code WHEN same.code THEN l.ancestors[1] ELSE l.code END::text FROM same "
    "JOIN code_lineage l ON l.origin = 'rename' AND same.code IN (l.code, l.ancestors[1])) "
    "SELECT array_agg(code) AS codes FROM same"
)
_IN_DISTRICTS = "t.district IN (SELECT code FROM areas WHERE level = 'district' AND starts_with(code, :area))"


@lru_cache
def places_statement(name: Literal["areas", "grids"], source: str) -> TextClause:
    """The statement that finds areas, or grids, in force or in a draft."""
    return text({"areas": _areas, "grids": _grids}[name](_GRIDS[source]))


@lru_cache
def things_statement(found: Searched, source: str, way: Way) -> TextClause:
    """The statement that finds the things of one layer among the grids in force or in a draft."""
    return text(_in_grids(_things(found, _scope(found, _GRIDS[source], way)), _GRIDS[source], kind=found.kind))


def _areas(grids: str) -> str:
    words = {"code": "lower(a.code)", "name": "lower(a.name)", "label": "''"}
    # A community without a boundary of its own lies where its grids lie.
    shape = f"(SELECT ST_Extent(g.geom)::geometry FROM {grids} WHERE g.parent_code = hit.code)"  # noqa: S608
    return (
        "WITH hit AS (SELECT a.code AS id, a.code, a.name, length(a.name) AS size, a.level AS kind, '' AS detail, "  # noqa: S608
        f"NULL::text AS grid, a.parent_code AS parent, a.geom, {_MATCH.format(**words)} AS match FROM areas a "
        f"WHERE starts_with(a.code, :area) AND {_FITS.format(**words)} {_ORDER}), "
        f"put AS (SELECT hit.*, coalesce(hit.geom, ST_SetSRID({shape}, 4326)) AS shape FROM hit) "
        f"{_told()} WHERE shape IS NOT NULL"
    )


def _grids(grids: str) -> str:
    words = {"code": "lower(g.code)", "name": "lower(g.name)", "label": ":label"}
    return (
        "WITH put AS (SELECT g.code AS id, g.code, g.name, length(g.name) AS size, g.level AS kind, '' AS detail, "  # noqa: S608
        "CASE WHEN g.level = 'grid' THEN g.code ELSE g.parent_code END AS grid, g.parent_code AS parent, "
        f"g.geom AS shape, {_MATCH.format(**words)} AS match FROM {grids} "
        f"WHERE starts_with(g.code, :area) AND {_FITS.format(**words)} "
        f"AND NOT ST_IsEmpty(g.geom) {_ORDER}) {_told()}"
    )


def _things(found: Searched, scope: str) -> str:
    starts = " OR ".join(f"{start} LIKE :name_start" for start in found.starts)
    by_code, fits = "", f"{found.words} LIKE ALL(CAST(:words AS text[]))"
    if found.code:
        code = f"lower({found.code})"
        by_code = f"WHEN {code} = :whole THEN 0 WHEN {code} LIKE :code_start THEN 1 "
        fits = f"({code} LIKE :code_start OR {fits})"
    return (
        f"SELECT t.id, {found.code or 'NULL::text'} AS code, {found.name} AS name, length({found.name}) AS size, "  # noqa: S608
        f"{found.detail} AS detail, t.geom AS shape, {found.point} AS point, {found.grid_override} AS grid_override, "
        f"CASE {by_code}WHEN {starts} THEN 2 ELSE 3 END AS match FROM {found.table} {found.joins} "
        f"WHERE {found.named} AND {fits} AND {scope} {_ORDER}"
    )


def _scope(found: Searched, grids: str, way: Way) -> str:
    """What of a layer lies in the area; a part of a district goes by its few grids, a whole one is read."""
    if way == "everywhere":
        return "TRUE"
    if found.lies_by == "ground":
        touching = (
            "starts_with(g.code, :area) AND g.level = 'grid' AND g.geom && t.geom AND ST_Intersects(g.geom, t.geom)"
        )
        return f"({_IN_DISTRICTS} OR EXISTS (SELECT 1 FROM {grids} WHERE {touching}))"  # noqa: S608
    if way == "of_districts":
        unsaid = f"SELECT 1 FROM {grids} WHERE starts_with(g.code, :area) AND ST_Covers(g.geom, {found.point})"  # noqa: S608
        return f"({_IN_DISTRICTS} OR (t.district IS NULL AND EXISTS ({unsaid})))"
    inside = "g.level = 'grid' AND g.exclusive AND starts_with(g.code, :area)"
    # On a border two grids hold a point, which is found once all the same.
    held = f"SELECT t.id FROM {grids} JOIN {found.table} ON ST_Covers(g.geom, {found.point}) WHERE {inside}"  # noqa: S608
    return f"t.id IN ({held})"


def _in_grids(found: str, grids: str, *, kind: str) -> str:
    """Things, each with its grid ([S7]): the one into which it was put by hand, under whatever code that
    has here, else the one in which it lies, the smallest code on a border."""
    grid = f"g.code, g.parent_code FROM {grids} WHERE g.level = 'grid' AND g.exclusive AND"
    holding = (
        f"SELECT code, parent_code FROM (SELECT 0 AS rank, {grid} g.code = ANY(borne.codes) "  # noqa: S608
        f"UNION ALL SELECT 1 AS rank, {grid} ST_Covers(g.geom, hit.point)) one ORDER BY rank, code LIMIT 1"
    )
    return (
        f"WITH hit AS MATERIALIZED ({found}), "  # noqa: S608
        f"put AS (SELECT hit.id::text AS id, hit.code, hit.name, '{kind}' AS kind, hit.detail, "
        f"h.code AS grid, h.parent_code AS parent, hit.shape, hit.point, hit.match "
        f"FROM hit, LATERAL ({_BORNE}) borne LEFT JOIN LATERAL ({holding}) h ON TRUE) {_TOLD} FROM put"
    )


def _told() -> str:
    return f"{_TOLD} FROM put, LATERAL (SELECT ST_PointOnSurface(ST_MakeValid(shape)) AS point) AS inner_place"


def _way_of(session: Session, area: str) -> Way:
    if area == "":
        return "everywhere"
    whole = text("SELECT EXISTS (SELECT 1 FROM areas WHERE level = :level AND starts_with(code, :area))")
    asked = {"level": AreaLevel.district, "area": area}
    return "of_districts" if session.execute(whole, asked).scalar() else "of_streets"


_ABOVE = text(
    "WITH RECURSIVE up AS (SELECT code, parent_code, level, name FROM areas WHERE code = ANY(CAST(:codes AS text[])) "
    "UNION SELECT a.code, a.parent_code, a.level, a.name FROM areas a JOIN up ON up.parent_code = a.code) "
    "SELECT code, parent_code, level, name FROM up"
)
_PARENTS = text(
    "SELECT DISTINCT ON (code) code, parent_code FROM grids WHERE code = ANY(CAST(:codes AS text[])) "
    "ORDER BY code, plan_id DESC"
)


def _placed(session: Session, rows: Sequence[Any]) -> list[FoundByName]:
    """Rows with their way down from the district; a sub-grid's first step up is its grid."""
    grids = {row.parent for row in rows if row.kind == "sub_grid"}
    above = {code: parent for code, parent in session.execute(_PARENTS, {"codes": sorted(grids)})} if grids else {}  # noqa: C416
    starts = {above.get(row.parent, row.parent) for row in rows} - {None}
    areas = {area.code: area for area in session.execute(_ABOVE, {"codes": sorted(starts)})} if starts else {}
    return [_told_of(row, areas, above) for row in rows]


def _told_of(row: Any, areas: Mapping[str, Any], above: Mapping[str, str]) -> FoundByName:
    return FoundByName(
        kind=row.kind,
        match=MATCHES[row.match],
        id=row.id,
        code=row.code,
        name=row.name,
        detail=row.detail,
        grid=row.grid,
        path=tuple(_steps(above.get(row.parent, row.parent), areas)),
        point=(row.lon, row.lat),
        box=(row.west, row.south, row.east, row.north),
    )


def _steps(code: str | None, areas: Mapping[str, Any]) -> Iterable[SearchStep]:
    steps: list[SearchStep] = []
    while code is not None and code in areas:
        area = areas[code]
        steps.append(SearchStep(area.level, area.code, area.name))
        code = area.parent_code
    return reversed(steps)
