"""What a person must decide about a messy set of grids, and who owns each face once it is decided."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from tiling.partition import keep_polygons
from tiling.repair.choosing import LEAVE, SMALL, Choices, Question
from tiling.repair.faces import Faces, Region, borders_m, keep_at_home
from tiling.repair.halving import halves

MOST_SILENT_M2 = 1.0
"""What a grid may gain and lose without anybody having looked: a doorstep, not a door."""
Owners = list[tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A piece of ground that a person must decide about, in metres and square metres.

    `class_` is `real`, or `sliver` or `noise` where mending all that is small would change a grid by more than 1 m².
    `options` are values for `propose(options={id: value})`: `give:CODE`, `cut_out` (a contained grid keeps the
    ground, the others lose it), `split` (along the middle), `longest_border`, `new` (a gap becomes a grid; its code
    as `new:CODE`, else the decision's id), `outside` (a gap is no ground of the district: where the frame is made of
    the grids), `trim`, `allow` (a grid may have these parts), `mend` (all nodes that a grid lacks, although they bend
    its border by more than 1 m²). Without a choice the ground stays as drawn (`leave`). `area` is the area ring in
    which the ground lies, where there is one.
    """

    id: str
    kind: str
    codes: tuple[str, ...]
    where: BaseGeometry
    area_m2: float
    width_m: float
    options: tuple[str, ...]
    chosen: str = LEAVE
    class_: str = "real"
    area: str | None = None


def find_silent_regions(
    faces: Faces,
    regions: Sequence[Region],
    codes: Sequence[str],
    moved_m2: Mapping[int, float],
    most_m2: Mapping[int, float],
) -> frozenset[int]:
    """The numbers of the regions that are mended without a question: small ones, as long as no grid changes by more.

    `moved_m2` is by how much snapping has changed each row, `most_m2` by how much those rows may change that must
    leave room for other changes; the others by a square metre. Noise is judged before slivers, so that a sliver does
    not make a question of the noise around it. Who gets a region depends on which others are mended with it, so each
    set is tried as it would be mended, and made smaller until every grid stays within the limit.
    """
    silent: frozenset[int] = frozenset()
    for class_ in SMALL:
        fresh = {number for number, region in enumerate(regions) if region.class_ == class_}
        silent |= fresh
        while loud := _find_loud(faces, regions, silent, moved_m2, most_m2, len(codes)):
            silent -= (loud & fresh) or loud
    return silent


def _find_loud(
    faces: Faces,
    regions: Sequence[Region],
    silent: frozenset[int],
    moved_m2: Mapping[int, float],
    most_m2: Mapping[int, float],
    rows: int,
) -> frozenset[int]:
    """Those of the regions that must be asked about: they find no heir, or change a grid by too much together."""
    owners = _list_claims(faces)
    for number in set(range(len(regions))) - silent:  # what is asked about stays with all who claim it
        for face in regions[number].members:
            owners[face] = regions[number].claims
    lost = {id(region) for region in _to_longest(faces, [regions[n] for n in sorted(silent)], owners)}
    asked = frozenset(range(len(regions))) - silent
    total = measure_spent_m2(faces, regions, asked, owners, moved_m2)
    over = {row for row, area_m2 in total.items() if row < rows and area_m2 > most_m2.get(row, MOST_SILENT_M2)}
    changed = {n: {row for face in regions[n].members for row in _changes(regions[n], owners[face])} for n in silent}
    return frozenset(n for n in silent if id(regions[n]) in lost or not over.isdisjoint(changed[n]))


def _list_claims(faces: Faces) -> Owners:
    return [claim if inside else () for claim, inside in zip(faces.claims, faces.inside, strict=True)]


def measure_spent_m2(
    faces: Faces, regions: Sequence[Region], asked: Container[int], owners: Owners, moved_m2: Mapping[int, float]
) -> dict[int, float]:
    """How much each row has gained and lost by snapping and by the regions that nobody was asked about, in m²."""
    total = dict(moved_m2)
    for number, region in enumerate(regions):
        if number in asked:
            continue
        for face in region.members:
            for row in _changes(region, owners[face]):
                total[row] = total.get(row, 0.0) + float(faces.shapes[face].area)
    return total


def _changes(region: Region, heirs: tuple[int, ...]) -> set[int]:
    """The rows that gain or lose the ground of a region when it goes to these."""
    return set(heirs).symmetric_difference(region.claims)


def decisions_of(
    faces: Faces,
    regions: Sequence[Region],
    codes: Sequence[str],
    chosen: Choices,
    silent: Collection[int],
) -> dict[int, Decision]:
    """The decisions about regions that are not mended silently, by the region's number, with what was chosen."""
    plain = find_certain(faces)
    solid = {owner[0] for owner in plain if owner}
    seen: dict[str, int] = {}
    found: dict[int, Decision] = {}
    for number, region in enumerate(regions):
        if number in silent:
            continue
        beside = borders_m(faces, region, plain)
        rows = region.claims if region.kind != "gap" else tuple(sorted(beside))
        names = tuple(codes[row] for row in rows)
        stem = f"{region.kind}/{'+'.join(names)}"
        if region.kind == "nesting":
            rows = tuple(sorted(beside))
        seen[stem] = seen.get(stem, 0) + 1
        options = _options(faces, region, codes, rows, solid)
        found[number] = _decision(f"{stem}/{seen[stem]}", region, names, options, chosen)
    return found


def find_certain(faces: Faces) -> Owners:
    """The owner of each face in the frame that just one grid claims; nobody for the others."""
    pairs = zip(faces.claims, faces.inside, strict=True)
    return [claim if len(claim) == 1 and inside else () for claim, inside in pairs]


def _decision(id_: str, region: Region, names: tuple[str, ...], options: tuple[str, ...], chosen: Choices) -> Decision:
    class_, area_m2 = region.class_, region.shape.area
    asked = Question(id=id_, kind=region.kind, class_=class_, codes=names, area_m2=area_m2, options=options)
    return Decision(
        id=id_,
        kind=region.kind,
        codes=names,
        where=region.shape,
        area_m2=area_m2,
        width_m=region.width_m,
        options=options,
        chosen=chosen.answer(asked),
        class_=class_,
        area=min(region.areas, default=None),
    )


def _options(
    faces: Faces, region: Region, codes: Sequence[str], rows: tuple[int, ...], solid: set[int]
) -> tuple[str, ...]:
    if region.kind == "overshoot":
        return ("trim",) if set(rows) <= solid else ()
    fit = keep_at_home(faces, rows, region.areas)
    gives = tuple(f"give:{codes[row]}" for row in fit)
    shared = ("longest_border",) if fit else ()
    several = ("split",) if len(fit) > 1 else ()
    if region.kind == "gap":
        beyond = ("outside",) if faces.follows else ()
        return (*gives, *shared, *several, "new", *beyond)
    if region.kind == "nesting":
        return (*gives, *shared, *several)
    inner = [row for row in rows if row not in solid]
    if not inner:
        return (*gives, *shared, *several)
    # A grid without other ground would vanish if it lost this: the containers give way.
    return ("cut_out",) if len(inner) == 1 else tuple(f"give:{codes[row]}" for row in inner)


def decide_owners(
    faces: Faces, regions: Sequence[Region], decisions: Mapping[int, Decision], codes: Sequence[str]
) -> tuple[Owners, dict[str, int]]:
    """Who owns each face (several where it was left undecided), and how many regions of each kind were mended.

    Rows from `len(codes)` on are new grids, in the order of their decisions.
    """
    owners = _list_claims(faces)
    row_of = {code: row for row, code in enumerate([*codes, *list_new_codes(decisions)])}
    mended: dict[str, int] = {}
    pending: list[Region] = []
    for number, region in enumerate(regions):
        decision = decisions.get(number)
        if decision is None:
            mended[f"{region.class_} {region.kind}"] = mended.get(f"{region.class_} {region.kind}", 0) + 1
        if decision is None or decision.chosen == "longest_border":
            pending.append(region)
        elif decision.chosen == "split":
            pending += [] if _is_split(faces, region, owners) else [region]
        else:
            _apply_decision(faces, region, decision, owners, row_of)
    _to_longest(faces, pending, owners)
    return owners, mended


def list_new_codes(decisions: Mapping[int, Decision]) -> list[str]:
    """The codes of the new grids that were chosen for gaps."""
    return [d.chosen.removeprefix("new:") for _, d in sorted(decisions.items()) if d.chosen.startswith("new:")]


def _apply_decision(
    faces: Faces, region: Region, decision: Decision, owners: Owners, row_of: Mapping[str, int]
) -> None:
    solid = {owner[0] for owner in find_certain(faces) if owner}
    verb, _, code = decision.chosen.partition(":")
    rows: tuple[int, ...] = region.claims
    if verb in ("give", "new"):
        rows = (row_of[code],)
    elif verb == "cut_out":
        rows = tuple(row for row in region.claims if row not in solid)
    elif verb in ("trim", "outside"):
        rows = ()
    for face in region.members:
        owners[face] = rows


def parts_of(faces: Faces, region: Region) -> dict[int, BaseGeometry]:
    """The parts of a region nearest to each grid concerned: claimants of an overlap, neighbours of a gap."""
    plain = find_certain(faces)
    claims = region.claims if region.kind == "overlap" else ()
    rows = keep_at_home(faces, claims or sorted(borders_m(faces, region, plain)), region.areas)
    beside = {row: _find_plain_ground(faces, plain, row, region) for row in rows}
    return halves(region.shape, beside, region.width_m)


def _find_plain_ground(faces: Faces, plain: Sequence[tuple[int, ...]], row: int, region: Region) -> BaseGeometry:
    near = [k for k in sorted(faces.tree.query(region.shape).tolist()) if plain[k] == (row,)]
    return keep_polygons(shapely.coverage_union_all(faces.shapes[near]))


def _is_split(faces: Faces, region: Region, owners: Owners) -> bool:
    """Gives each face of the region to the nearest grid; false where fewer than two have a border to measure from."""
    parts = parts_of(faces, region)
    if len(parts) < 2:
        return False
    for face in region.members:
        point = shapely.point_on_surface(faces.shapes[face])
        owners[face] = (min(parts, key=lambda row: (parts[row].distance(point), row)),)
    return True


def _to_longest(faces: Faces, pending: Sequence[Region], owners: Owners) -> list[Region]:
    """Gives each region to the grid with the longest border, those that have a neighbour with certain ground first.

    The regions that found nobody go to their first claimant and are told.
    """
    solid = {owner[0] for owner in owners if len(owner) == 1}
    rest = list(pending)
    while rest:
        later = [region for region in rest if not _give_region(faces, region, owners, solid)]
        if len(later) == len(rest):
            break
        rest = later
    for region in rest:
        for face in region.members:
            owners[face] = region.claims[:1] if faces.inside[face] else ()
    return rest


def _give_region(faces: Faces, region: Region, owners: Owners, solid: set[int]) -> bool:
    if region.kind == "overshoot":
        heirs: tuple[int, ...] = ()
    else:
        beside = borders_m(faces, region, owners)
        among = region.claims if region.kind == "overlap" else ()
        wanted = {row: beside.get(row, 0.0) for row in among} if among else beside
        at = keep_at_home(faces, wanted, region.areas)
        if region.class_ != "noise" or at:
            wanted = {row: wanted[row] for row in at}
        homeless = [row for row in among if row not in solid]
        if homeless:
            wanted = dict.fromkeys(homeless[:1], 1.0)
        if not any(wanted.values()):
            return False
        heirs = (min(wanted, key=lambda row: (-wanted[row], row)),)
    for face in region.members:
        owners[face] = heirs
    return True
