"""Making a release: counted, solved, audited, stored, in one transaction; refused where the audit fails ([A3])."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import inf
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from layers.access import service_actor
from layers.errors import Conflict
from layers.history import note
from layers.moments import span_of_month
from layers.plans import Plan
from layers.releases.auditing import Auditor
from layers.releases.counting import (
    CountedGround,
    Piece,
    count_pieces,
    districts_in_force,
    find_first_month,
    list_categories,
    read_ground,
)
from layers.releases.family import Family, FamilyCell, Key
from layers.releases.solving import choose_shown
from layers.releases.table import LAYERS, Release, ReleaseRow
from layers.smallest_count import SMALLEST

BY = service_actor("releases")
LOCK = "releases"


@dataclass(frozen=True, slots=True)
class Made:
    """One release as it was stored."""

    layer: str
    district: str
    month: date
    shown: int
    hidden: int


def list_due(session: Session, *, now: datetime, zone: ZoneInfo) -> list[tuple[str, Plan, date]]:
    """(layer, plan in force, month) of every month that is over and was not released, oldest first."""
    due = []
    this_month = now.astimezone(zone).date().replace(day=1)
    for plan in districts_in_force(session, now):
        for layer in LAYERS:
            month = find_first_month(session, layer, plan.district, zone)
            done = set(
                session.scalars(select(Release.month).where(Release.layer == layer, Release.district == plan.district))
            )
            while month is not None and month < this_month:
                if month not in done:
                    due.append((layer, plan, month))
                month = span_of_month(month, zone)[1].date()
    return sorted(due, key=lambda one: (one[2], one[1].district, one[0]))


def make_due(session: Session, *, now: datetime, zone: ZoneInfo, most: int = 6) -> list[Made]:
    """The releases made of what is due, at most so many; one maker at a time over all processes."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(LOCK)))):
        return []
    due = list_due(session, now=now, zone=zone)[:most]
    return [make_release(session, layer, plan, month, zone=zone) for layer, plan, month in due]


def make_release(session: Session, layer: str, plan: Plan, month: date, *, zone: ZoneInfo) -> Made:
    """The stored release of one month; raises Conflict where the audit refuses what was solved."""
    ground = read_ground(session, plan)
    last = _find_last_release(session, layer, plan.district)
    moved = last is not None and last.borders != ground.borders
    counts = count_pieces(
        session, layer, span_of_month(month, zone), ground=ground, before=last.plan_id if last and moved else None
    )
    categories = list_categories(session, layer)
    known = _read_shown(session, last) if last is not None and moved else frozenset()
    family = build_pieces(counts, ground=ground, categories=categories, known=known)
    shown = choose_shown(family)
    narrowest = find_narrowest(family, shown)
    if narrowest is not None and narrowest < SMALLEST:
        raise Conflict("release_refused", layer=layer, month=month.isoformat())
    made = Made(layer, plan.district, month, len(shown), len(family.cells) - len(shown))
    release = Release(
        layer=layer,
        district=plan.district,
        month=month,
        plan_id=plan.id,
        borders=ground.borders,
        audit={"shown": made.shown, "hidden": made.hidden, "narrowest": narrowest},
    )
    session.add(release)
    session.flush()
    _store_rows(session, release.id, family, shown, ground.levels)
    about = {"shown": made.shown, "hidden": made.hidden}
    note(session, "release.made", subject=f"{layer}/{month:%Y-%m}", area=plan.district, by=BY, **about)
    return made


def build_pieces(
    counts: Mapping[tuple[Piece, str], int], *, ground: CountedGround, categories: list[str], known: frozenset[Key]
) -> Family:
    """The family over pieces of ground: the cells under today's borders, and what the last release shows of its own.

    A piece that changed hands is the difference of two cells of two releases: it is guarded where it holds few.
    """
    pieces = sorted({(code, code) for code in ground.communities} | {piece for piece, _ in counts})
    atoms = {(piece, category): n for n, (piece, category) in enumerate((p, c) for p in pieces for c in categories)}
    kinds = {category: [category] for category in categories} | ({"": categories} if len(categories) > 1 else {})
    numbers = {atoms[key]: n for key, n in counts.items()}

    def cell(key: Key, held: list[Piece], kind: str) -> FamilyCell:
        members = tuple(sorted(atoms[piece, category] for piece in held for category in kinds[kind]))
        return FamilyCell(key, members, sum(numbers.get(atom, 0) for atom in members))

    now, before = (_areas_of(pieces, side, ground.parents) for side in (0, 1))
    moved = [cell(("moved", *piece, kind), [piece], kind) for piece in pieces if piece[0] != piece[1] for kind in kinds]
    return Family(
        len(atoms),
        cells=tuple(cell((area, kind), held, kind) for area, held in now.items() for kind in kinds),
        known=tuple(
            cell(("before", *key), before[key[0]], key[1])
            for key in sorted(known)
            if key[0] in before and key[1] in kinds
        ),
        guarded=tuple(one for one in moved if one.n < SMALLEST),
    )


def _areas_of(pieces: list[Piece], side: int, parents: Mapping[str, str]) -> dict[str, list[Piece]]:
    """The pieces of every community and of every area above it, by one of the two borders."""
    held: dict[str, list[Piece]] = {}
    for piece in pieces:
        here: str | None = piece[side]
        while here:
            held.setdefault(here, []).append(piece)
            here = parents.get(here)
    return held


def find_narrowest(family: Family, shown: frozenset[Key]) -> float | None:
    """The shortest interval to which anybody can narrow a hidden cell; None where nothing bounds any of them."""
    auditor = Auditor(family, shown)
    widths = [one.largest - one.least for one in map(auditor.interval, family.list_hidden(shown))]
    narrowest = min(widths, default=inf)
    return None if narrowest == inf else round(narrowest, 3)


def _find_last_release(session: Session, layer: str, district: str) -> Release | None:
    newest = select(Release).where(Release.layer == layer, Release.district == district)
    return session.scalars(newest.order_by(Release.month.desc(), Release.id.desc()).limit(1)).first()


def _read_shown(session: Session, release: Release) -> frozenset[Key]:
    rows = session.execute(
        select(ReleaseRow.area, ReleaseRow.category).where(
            ReleaseRow.release_id == release.id, ReleaseRow.n.is_not(None)
        )
    )
    return frozenset((row.area, row.category) for row in rows)


def _store_rows(
    session: Session, release_id: int, family: Family, shown: frozenset[Key], levels: Mapping[str, str]
) -> None:
    rows = []
    for cell in family.cells:
        area, category = cell.key
        n = cell.n if cell.key in shown else None
        rows.append(
            {"release_id": release_id, "area": area, "category": category, "level": levels.get(area, ""), "n": n}
        )
    if rows:
        session.execute(insert(ReleaseRow), rows)
