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

from geoalchemy2 import Geometry
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Join,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    collate,
    func,
    join,
    literal,
    not_,
    null,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import LateralFromClause

from layers.access import Actor
from layers.areas import Area, AreaLevel
from layers.db import WGS84
from layers.grids import Grid, GridLevel
from layers.plans import IN_FORCE_AS_ASKED, Lineage, Plan, get_plan
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
    return _place_rows(session, best)


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
        "code_start": f"{_escape(whole)}%",
        # What no code can be, where the words are no label.
        "label": f"%{digits}" if label else "",
        "name_start": f"{_escape(whole)}%",
        "words": [f"%{_escape(word)}%" for word in words],
    }


def _escape(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)


_AREA, _WHOLE, _LABEL = (bindparam(name, type_=Text) for name in ("area", "whole", "label"))
_CODE_START, _NAME_START = bindparam("code_start", type_=Text), bindparam("name_start", type_=Text)
_EVERY_WORD = func.all(cast(bindparam("words"), ARRAY(Text)))
_MOST = bindparam("limit", type_=BigInteger)
_BEST_FIRST = text("match, size, name, id")
# The grids that answer: those in force, or those of one plan.
_PLANS = {"in_force": IN_FORCE_AS_ASKED, "draft": Plan.id == bindparam("plan", type_=BigInteger)}
_WITHIN = func.starts_with(Grid.code, _AREA)
_UNDIVIDED = and_(Grid.level == GridLevel.grid, Grid.exclusive)


@lru_cache
def places_statement(name: Literal["areas", "grids"], source: str) -> Select[Any]:
    """The statement that finds areas, or grids, in force or in a draft."""
    return _areas(_grids_of(source)) if name == "areas" else _grids(_grids_of(source))


@lru_cache
def things_statement(found: Searched, source: str, way: Way) -> Select[Any]:
    """The statement that finds the things of one layer among the grids in force or in a draft."""
    grids = _grids_of(source)
    hit = _things(found).where(_scope(found, grids, way)).cte("hit").prefix_with("MATERIALIZED")
    return _find_grids(hit, grids, kind=found.kind)


def _grids_of(source: str) -> Join:
    return join(Grid, Plan, and_(Plan.id == Grid.plan_id, _PLANS[source]))


def _is_short_form(code: Any) -> ColumnElement[bool]:
    """Whether what was typed is the end of a code, as the map labels it."""
    return func.replace(code, "-", "").like(_LABEL)


def _order_best_first(rows: Select[Any], whole: ColumnElement[bool], *, code: Any, name: Any) -> Select[Any]:
    """The best rows with how well each fits: whole code, start of a code, start of a name, part of a name."""
    match = case((whole, 0), (code.like(_CODE_START), 1), (name.like(_NAME_START), 2), else_=3)
    return rows.add_columns(match.label("match")).order_by(_BEST_FIRST).limit(_MOST)


def _areas(grids: Join) -> Select[Any]:
    code, name = func.lower(Area.code), func.lower(Area.name)
    columns = (
        Area.code.label("id"),
        Area.code,
        Area.name,
        func.length(Area.name).label("size"),
        Area.level.label("kind"),
    )
    more = literal("").label("detail"), cast(null(), Text).label("grid"), Area.parent_code.label("parent"), Area.geom
    fits = or_(code.like(_CODE_START), name.op("LIKE")(_EVERY_WORD))
    rows = select(*columns, *more).where(func.starts_with(Area.code, _AREA), fits)
    hit = _order_best_first(rows, code == _WHOLE, code=code, name=name).cte("hit")
    # A community without a boundary of its own lies where its grids lie.
    around = select(cast(func.ST_Extent(Grid.geom), Geometry)).select_from(grids).where(Grid.parent_code == hit.c.code)
    shape = func.coalesce(hit.c.geom, func.ST_SetSRID(around.scalar_subquery(), WGS84))
    put = select(hit, shape.label("shape")).cte("put")
    return _select_inside(put).where(put.c.shape.is_not(None))


def _grids(grids: Join) -> Select[Any]:
    code, name = func.lower(Grid.code), func.lower(Grid.name)
    grid = case((Grid.level == GridLevel.grid, Grid.code), else_=Grid.parent_code)
    columns = (
        Grid.code.label("id"),
        Grid.code,
        Grid.name,
        func.length(Grid.name).label("size"),
        Grid.level.label("kind"),
    )
    more = literal("").label("detail"), grid.label("grid"), Grid.parent_code.label("parent"), Grid.geom.label("shape")
    fits = or_(code.like(_CODE_START), _is_short_form(code), name.op("LIKE")(_EVERY_WORD))
    rows = select(*columns, *more).select_from(grids).where(_WITHIN, fits, not_(func.ST_IsEmpty(Grid.geom)))
    return _select_inside(
        _order_best_first(rows, or_(code == _WHOLE, _is_short_form(code)), code=code, name=name).cte("put")
    )


def _things(found: Searched) -> Select[Any]:
    table = found.table.__table__
    override = cast(null(), Text) if found.grid_override is None else found.grid_override
    columns: tuple[ColumnElement[Any], ...] = (
        *(table.c.id, (cast(null(), Text) if found.code is None else found.code).label("code")),
        *(found.name.label("name"), func.length(found.name).label("size")),
        *((literal("") if found.detail is None else found.detail).label("detail"), table.c.geom.label("shape")),
        *(found.point.label("point"), override.label("grid_override")),
    )
    starts = or_(*(start.like(_NAME_START) for start in found.starts))
    fits: ColumnElement[bool] = found.words.op("LIKE")(_EVERY_WORD)
    better = [(starts, 2)]
    if found.code is not None:
        code = func.lower(found.code)
        better = [(code == _WHOLE, 0), (code.like(_CODE_START), 1), *better]
        fits = or_(code.like(_CODE_START), fits)
    rows = select(*columns, case(*better, else_=3).label("match")).select_from(table)
    if found.beside is not None:
        rows = rows.outerjoin(found.beside.table, found.beside.on)
    if found.named is not None:
        rows = rows.where(found.named)
    return rows.where(fits).order_by(_BEST_FIRST).limit(_MOST)


def _scope(found: Searched, grids: Join, way: Way) -> ColumnElement[bool]:
    """What of a layer lies in the area; a part of a district goes by its few grids, a whole one is read."""
    if way == "everywhere":
        return true()
    columns = found.table.__table__.c
    districts = select(Area.code).where(Area.level == AreaLevel.district, func.starts_with(Area.code, _AREA))
    in_districts = columns.district.in_(districts)
    inside = select(Grid.code).select_from(grids).where(_WITHIN)
    if found.lies_by == "ground":
        shares = Grid.geom.op("&&")(columns.geom), func.ST_Intersects(Grid.geom, columns.geom)
        return or_(in_districts, inside.where(Grid.level == GridLevel.grid, *shares).exists())
    held = func.ST_Covers(Grid.geom, found.point)
    if way == "of_districts":
        return or_(in_districts, and_(columns.district.is_(None), inside.where(held).exists()))
    # On a border two grids hold a point, which is found once all the same.
    holding = select(columns.id).select_from(grids.join(found.table, held)).where(_UNDIVIDED, _WITHIN)
    return columns.id.in_(holding.correlate(None))


def _find_grids(hit: CTE, grids: Join, *, kind: str) -> Select[Any]:
    """Things, each with its grid ([S7]): the one into which it was put by hand, under whatever code that
    has here, else the one in which it lies, the smallest code on a border."""
    borne = _codes_borne(hit)
    holding = select(Grid.code, Grid.parent_code).select_from(grids).where(_UNDIVIDED)
    by_hand = holding.add_columns(literal(0).label("rank")).where(Grid.code == any_(borne.c.codes)).correlate(borne)
    by_place = (
        holding.add_columns(literal(1).label("rank")).where(func.ST_Covers(Grid.geom, hit.c.point)).correlate(hit)
    )
    one = union_all(by_hand, by_place).subquery("one")
    held = select(one.c.code, one.c.parent_code).order_by(one.c.rank, one.c.code).limit(1).lateral("h")
    columns = hit.c.code, hit.c.name, literal(kind).label("kind"), hit.c.detail, held.c.code.label("grid")
    more = held.c.parent_code.label("parent"), hit.c.shape, hit.c.point, hit.c.match
    rows = hit.join(borne, true()).outerjoin(held, true())
    put = select(cast(hit.c.id, Text).label("id"), *columns, *more).select_from(rows).cte("put")
    return _select_answer(put, put.c.point)


def _codes_borne(hit: CTE) -> LateralFromClause:
    """All codes that the grid has borne that a hand named; planning reads them too (`state.codes.names_of`)."""
    named = cast(collate(hit.c.grid_override, "C"), Text).label("code")
    first = select(named).where(hit.c.grid_override.is_not(None)).correlate(hit)
    same = first.cte("same", recursive=True, nesting=True)
    line, older = Lineage, Lineage.ancestors[1]
    other = case((line.code == same.c.code, older), else_=line.code)
    renamed = and_(line.origin == "rename", same.c.code.in_([line.code, older]))
    same = same.union(select(cast(other, Text)).select_from(join(same, line, renamed)))
    return select(func.array_agg(same.c.code).label("codes")).lateral("borne")


def _select_inside(put: CTE) -> Select[Any]:
    """Rows with a point inside their shapes."""
    point = func.ST_PointOnSurface(func.ST_MakeValid(put.c.shape)).label("point")
    inside = select(point).correlate(put).lateral("inner_place")
    return _select_answer(put, inside.c.point).select_from(put.join(inside, true()))


def _select_answer(put: CTE, point: Any) -> Select[Any]:
    corners = func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax
    return select(
        *(put.c[name] for name in ("id", "code", "name", "kind", "detail", "grid", "parent", "match")),
        *(func.ST_X(point).label("lon"), func.ST_Y(point).label("lat")),
        *(
            corner(put.c.shape).label(side)
            for corner, side in zip(corners, ("west", "south", "east", "north"), strict=True)
        ),
    )


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


def _place_rows(session: Session, rows: Sequence[Any]) -> list[FoundByName]:
    """Rows with their way down from the district; a sub-grid's first step up is its grid."""
    grids = {row.parent for row in rows if row.kind == "sub_grid"}
    above = {code: parent for code, parent in session.execute(_PARENTS, {"codes": sorted(grids)})} if grids else {}  # noqa: C416
    starts = {above.get(row.parent, row.parent) for row in rows} - {None}
    areas = {area.code: area for area in session.execute(_ABOVE, {"codes": sorted(starts)})} if starts else {}
    return [_build_found(row, areas, above) for row in rows]


def _build_found(row: Any, areas: Mapping[str, Any], above: Mapping[str, str]) -> FoundByName:
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
