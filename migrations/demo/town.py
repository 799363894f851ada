"""`make_town`: the demo district from a seed number, with Tangshan's figures, as a valid tiling on the lattice.

Large lines first (layout), then plots with houses (compounds, villages, works), then all lines noded at once (noding);
codes come last, in reading order. The same seed gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from shapely.geometry import Polygon

from migrations.demo import compounds, villages
from migrations.demo.belonging import counted
from migrations.demo.cutting import CannotCut, Cut, Floats, placed, placed_parts
from migrations.demo.grounds import group_names, make_parks, make_roads, make_waters
from migrations.demo.layout import Layout, make_layout
from migrations.demo.model import Town, TownArea, TownBuilding, TownCompound, TownGrid
from migrations.demo.naming import estate_name, reading_order
from migrations.demo.noding import joined, tile
from migrations.demo.patrols import patrol_grids
from migrations.demo.places import DISTRICT_CODE, DISTRICT_NAME, SUBDISTRICTS, short_name
from migrations.demo.plots import House, Plot, path_cuts, sites
from migrations.demo.wishes import SUB_GRIDS, DemoWish, make_wishes
from migrations.demo.works import make_works
from tiling.plane import Plane, city_epsg

LON, LAT = 118.18, 39.65
HOUSEHOLDS = range(23_500, 24_501)
TRIES = 40
# Rows of grids and of sub-grids are read in bands of these depths when they are numbered: m.
_GRID_BAND_M, _PART_BAND_M = 70.0, 25.0


@dataclass(frozen=True)
class _TownGround:
    """Everything before codes: floats around the origin, and the leaves on the lattice in the order of the plots."""

    wishes: dict[str, DemoWish]
    layout: Layout
    sites: list[Polygon]
    plots: list[Plot]
    cuts: list[Cut]
    origin: Floats
    leaves: list[list[Polygon]]


def make_town(seed: int) -> Town:
    """The demo town in metres of EPSG:4548 on the lattice; pure, about 3 s.

    A seed whose random lines do not divide as wanted goes on with its next stream of numbers, at most TRIES times.
    """
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, attempt])
        try:
            return _coded(seed, _ground(rng), rng)
        except CannotCut:
            continue
    raise CannotCut(f"seed {seed} gives no town in {TRIES} tries; take another seed")


def _ground(rng: np.random.Generator) -> _TownGround:
    wishes = make_wishes(rng)
    layout = make_layout(wishes, rng)
    free = sites(layout)
    plots, cuts = _plots(layout, free, rng)
    if sum(plot.households for plot in plots) not in HOUSEHOLDS:
        raise CannotCut("too few or too many households")
    _share_sub_grids(plots, rng)
    origin = np.rint(np.asarray(Plane(city_epsg(LON, LAT)).to_xy(LON, LAT), dtype=float).ravel())
    lines = [cut.line for cut in (*layout.cuts, *cuts, *path_cuts(plots))]
    flat = tile(
        layout.frame, lines, leaves=[leaf for plot in plots for leaf in plot.parts or [plot.region]], origin=origin
    )
    ends = np.cumsum([max(1, len(plot.parts)) for plot in plots])
    leaves = [flat[end - max(1, len(plot.parts)) : end] for end, plot in zip(ends, plots, strict=True)]
    return _TownGround(wishes, layout, free, plots, [*layout.cuts, *cuts], origin, leaves)


def _plots(layout: Layout, free: list[Polygon], rng: np.random.Generator) -> tuple[list[Plot], list[Cut]]:
    """The plots of all blocks, with their houses, and the paths between them."""
    plots: list[Plot] = []
    cuts: list[Cut] = []
    for number, (block, site) in enumerate(zip(layout.blocks, free, strict=True)):
        made: tuple[list[Plot], list[Cut]] = ([], [])
        if block.use == "town":
            made = compounds.make_compound(number, block, site=site, rng=rng)
        elif block.use == "village":
            made = villages.make_village(number, block, site=site, rng=rng)
        elif block.use == "industry":
            made = [make_works(number, block, site=site, rng=rng)], []
        else:
            made = [Plot(number, block.community, block.use, block.group or f"park-block-{number}", block.region)], []
        plots += made[0]
        cuts += made[1]
    return plots, cuts


def _share_sub_grids(plots: list[Plot], rng: np.random.Generator) -> None:
    """Divide plots until the district has its number of sub-grids; a tenth of the town's grids stay whole."""
    homes = [plot for plot in plots if plot.use in ("town", "village")]
    missing = SUB_GRIDS - sum(_divide(plot, _first_count(plot, rng), rng) for plot in homes)
    for _ in range(8):
        for at in rng.permutation(len(homes)):
            plot = homes[int(at)]
            count = len(plot.parts)
            if missing == 0:
                return
            step = (1 if count else 2) if missing > 0 else -1
            if count + step < 2 or count + step > _most(plot) or step > max(missing, 0) + (missing < 0):
                continue
            missing -= _divide(plot, count + step, rng) - count
    raise CannotCut("the plots do not divide into the wanted number of sub-grids")


def _most(plot: Plot) -> int:
    return 4 if plot.use == "village" else compounds.most_parts(plot)


def _first_count(plot: Plot, rng: np.random.Generator) -> int:
    if plot.use == "village":
        return int(rng.choice([2, 3, 3, 3, 4]))
    return 0 if rng.random() < 0.1 else min(2, _most(plot))


def _divide(plot: Plot, count: int, rng: np.random.Generator) -> int:
    """How many sub-grids the plot has afterwards: `count`, or none where it cannot be cut."""
    made = 0
    if count >= 2:
        try:
            made = (
                villages.divide_plot(plot, count, rng=rng)
                if plot.use == "village"
                else compounds.divide_plot(plot, count)
            )
        except CannotCut:
            made = 0
    if made < 2:
        plot.parts, plot.cuts = [], []
        for house in plot.houses:
            house.parts = ()
        return 0
    return made


def _coded(seed: int, ground: _TownGround, rng: np.random.Generator) -> Town:
    """The town with codes and names."""
    plots = ground.plots
    outlines = [joined(leaves) for leaves in ground.leaves]
    groups = group_names([plot.group for plot in plots if plot.group])
    codes = _codes(ground, outlines)
    grids: list[TownGrid] = []
    parts: list[list[str]] = []
    for plot, code, outline, leaves in zip(plots, codes, outlines, ground.leaves, strict=True):
        grids.append(_grid(plot, code, outline, ground.wishes[plot.community].name, groups))
        mine = _sub_grids(plot, grids[-1], leaves) if plot.parts else []
        grids += mine
        parts.append([grid.code for grid in mine])
    areas = _areas(ground, outlines)
    dedicated = [grid for grid in grids if grid.kind == "dedicated"]
    overlays = patrol_grids(dedicated, areas[0].polygon)
    estates, numbers = _compounds(ground)
    greens = [(groups[p.group], ground.sites[p.block]) for p in plots if p.use == "park"]
    buildings = tuple(_buildings(ground, codes, parts, estates, numbers))
    coded = sorted((*grids, *overlays), key=lambda grid: grid.code)
    return Town(
        seed=seed,
        epsg=city_epsg(LON, LAT),
        frame=areas[0].polygon,
        areas=tuple(areas),
        grids=counted(coded, buildings, plane=Plane(city_epsg(LON, LAT))),
        compounds=tuple(estates),
        buildings=buildings,
        roads=make_roads(ground.layout, ground.cuts, origin=ground.origin, rng=rng),
        waters=make_waters(ground.layout, [site for _, site in greens], origin=ground.origin, rng=rng),
        parks=make_parks(ground.layout, greens, origin=ground.origin),
    )


def _codes(ground: _TownGround, outlines: list[Polygon]) -> list[str]:
    """15 digits for each plot: its community and its number in reading order ([S8])."""
    codes = [""] * len(ground.plots)
    for community in ground.wishes:
        mine = [n for n, plot in enumerate(ground.plots) if plot.community == community]
        for number, at in enumerate(reading_order([outlines[n] for n in mine], _GRID_BAND_M), start=1):
            codes[mine[at]] = f"{community}{number:03d}"
    return codes


def _grid(plot: Plot, code: str, outline: Polygon, community: str, groups: dict[str, str]) -> TownGrid:
    kind = "base" if plot.use in ("town", "village") else "dedicated"
    group = groups.get(plot.group)
    name = f"{short_name(community)}{int(code[12:])}号网格"
    if kind == "dedicated":
        name = f"{group}专属网格（{short_name(community)}{int(code[12:])}号）"
    return TownGrid(code, name, "grid", code[:12], kind, True, group, plot.use, outline, plot.households, 0)


def _sub_grids(plot: Plot, grid: TownGrid, leaves: list[Polygon]) -> list[TownGrid]:
    """The sub-grids of a plot, numbered in reading order; the plot's houses learn the new numbers."""
    order = reading_order(leaves, _PART_BAND_M)
    number = {part + 1: place for place, part in enumerate(order, start=1)}
    for house in plot.houses:
        house.parts = tuple(number[part] for part in house.parts)
    return [_sub_grid(plot, grid, place, leaves[part]) for place, part in enumerate(order, start=1)]


def _sub_grid(plot: Plot, grid: TownGrid, place: int, leaf: Polygon) -> TownGrid:
    rooms = [r for h in plot.houses for r, part in zip(h.rooms, h.parts, strict=True) if part == place]
    name = f"{grid.name.removesuffix('网格')}{place:02d}子网格"
    return TownGrid(
        f"{grid.code}{place:02d}", name, "sub_grid", grid.code, "base", True, None, plot.use, leaf, sum(rooms), 0
    )


def _areas(ground: _TownGround, outlines: list[Polygon]) -> list[TownArea]:
    """District, subdistricts and communities as unions of their grids, from the top down."""
    members: dict[str, list[Polygon]] = {}
    for plot, outline in zip(ground.plots, outlines, strict=True):
        members.setdefault(plot.community, []).append(outline)
    communities = [
        TownArea(w.code, w.name, "community", w.code[:9], w.kind, joined(members[w.code]))
        for w in ground.wishes.values()
    ]
    subdistricts = [
        TownArea(
            code, name, "subdistrict", DISTRICT_CODE, None, joined([c.polygon for c in communities if c.parent == code])
        )
        for code, name in SUBDISTRICTS.items()
    ]
    frame = joined([area.polygon for area in subdistricts])
    return [TownArea(DISTRICT_CODE, DISTRICT_NAME, "district", None, None, frame), *subdistricts, *communities]


def _compounds(ground: _TownGround) -> tuple[list[TownCompound], dict[int, int]]:
    """The estates of all blocks where people live, and which block has which."""
    homes = [n for n, block in enumerate(ground.layout.blocks) if block.use in ("town", "village")]
    total = {code: sum(ground.layout.blocks[n].community == code for n in homes) for code in ground.wishes}
    met = dict.fromkeys(ground.wishes, 0)
    estates: list[TownCompound] = []
    numbers: dict[int, int] = {}
    for n in homes:
        block = ground.layout.blocks[n]
        name = estate_name(ground.wishes[block.community].name, met[block.community], of=total[block.community])
        met[block.community] += 1
        numbers[n] = len(estates)
        site = max(placed_parts(ground.sites[n], ground.origin), key=lambda part: float(part.area))
        estates.append(TownCompound(name, block.use, site))
    return estates, numbers


def _buildings(
    ground: _TownGround, codes: list[str], parts: list[list[str]], estates: list[TownCompound], numbers: dict[int, int]
) -> list[TownBuilding]:
    counted: dict[str, int] = {}
    made = []
    for plot, code, mine in zip(ground.plots, codes, parts, strict=True):
        estate = numbers.get(plot.block)
        where = estates[estate].name if estate is not None else plot.group
        for house in plot.houses:
            counted[where] = counted.get(where, 0) + 1
            made.append(
                _building(
                    house,
                    code,
                    mine,
                    estate,
                    estates[estate].name if estate is not None else "",
                    counted[where],
                    ground.origin,
                )
            )
    return made


def _building(
    house: House, grid: str, parts: list[str], estate: int | None, where: str, number: int, origin: Floats
) -> TownBuilding:
    footprint = placed(house.footprint, origin)
    name = f"{number}号" if house.kind == "house" else f"{number}号厂房" if house.kind == "factory" else f"{number}号楼"
    sub_grids = tuple(parts[part - 1] for part in house.parts) if parts else ("",) * len(house.rooms)
    inner = placed(footprint.representative_point(), np.zeros(2))
    return TownBuilding(
        name, where + name, house.kind, house.floors, estate, grid, sub_grids, house.rooms, footprint, inner
    )
