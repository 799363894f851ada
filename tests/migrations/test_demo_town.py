"""The demo town as pure geometry: figures, a valid tiling, houses that no grid border cuts, one seed one town."""

from __future__ import annotations

import statistics
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import shapely

from migrations.demo.model import Town, TownGrid
from migrations.demo.places import SUBDISTRICTS, list_places
from migrations.demo.town import make_town
from tests.city import demo_town
from tiling.plane import Plane, put_on_lattice

SEED = 1


@pytest.fixture(scope="module")
def town() -> Town:
    return demo_town(SEED)


def base_grids(town: Town, use: str) -> list[TownGrid]:
    return [grid for grid in town.grids if grid.level == "grid" and grid.use == use]


def polygons(town: Town, level: str) -> np.ndarray:
    shapes = [grid.polygon for grid in town.grids if grid.level == level and grid.exclusive]
    return np.array(shapes, dtype=object)


def test_the_demo_has_tangshans_figures(town: Town) -> None:
    levels = Counter((grid.level, grid.exclusive) for grid in town.grids)
    assert levels == {("grid", True): 784, ("sub_grid", True): 1_571, ("grid", False): 12}
    assert 23_500 <= sum(building.households for building in town.buildings) <= 24_500


def test_the_demo_has_its_real_communities_and_streets(town: Town) -> None:
    names = {area.code: area.name for area in town.areas}
    assert len(list_places()) == 74
    assert {place.code: place.name for place in list_places()}.items() <= names.items()
    assert SUBDISTRICTS.items() <= names.items()
    assert names["130273"] == "唐山高新技术产业开发区"


def test_dedicated_grids_are_river_banks_parks_and_industry(town: Town) -> None:
    uses = Counter(grid.use for grid in town.grids if grid.kind == "dedicated" and grid.exclusive)
    assert uses == {"river": 24, "park": 26, "industry": 34}


def test_a_park_over_two_communities_is_two_grids_with_one_group(town: Town) -> None:
    parks: dict[str | None, set[str]] = {}
    for grid in base_grids(town, "park"):
        parks.setdefault(grid.group, set()).add(grid.parent)
    assert Counter(len(communities) for communities in parks.values())[2] == 6


def test_a_patrol_team_watches_several_dedicated_grids(town: Town) -> None:
    dedicated = [grid.polygon for grid in town.grids if grid.kind == "dedicated" and grid.exclusive]
    for overlay in (grid.polygon for grid in town.grids if not grid.exclusive):
        assert overlay.is_valid
        assert town.frame.contains(overlay)
        assert sum(overlay.intersection(shape).area > 0.5 * shape.area for shape in dedicated) >= 4


def test_the_finest_tiles_cover_the_frame_vertex_for_vertex(town: Town) -> None:
    tiles = np.array([tile.polygon for tile in town.tiles], dtype=object)
    assert shapely.is_valid(tiles).all()
    assert shapely.coverage_is_valid(tiles)
    assert shapely.union_all(tiles).symmetric_difference(town.frame).area == 0.0
    assert shapely.area(tiles).sum() == pytest.approx(town.frame.area, abs=1e-6)


def test_every_level_is_a_valid_coverage_of_the_same_ground(town: Town) -> None:
    rings = [[a.polygon for a in town.areas if a.level == level] for level in ("subdistrict", "community")]
    for shapes in (polygons(town, "grid"), *rings):
        assert shapely.coverage_is_valid(np.array(shapes, dtype=object))
        assert shapely.equals(shapely.normalize(shapely.coverage_union_all(shapes)), town.frame)


def test_sub_grids_tile_their_grid_vertex_for_vertex(town: Town) -> None:
    parts: dict[str, list[shapely.Polygon]] = {}
    for grid in town.grids:
        if grid.level == "sub_grid":
            parts.setdefault(grid.parent, []).append(grid.polygon)
    grids = {grid.code: grid.polygon for grid in town.grids}
    assert all(len(shapes) >= 2 for shapes in parts.values())
    for code, shapes in parts.items():
        assert shapely.normalize(shapely.coverage_union_all(shapes)).wkb == shapely.normalize(grids[code]).wkb


def test_no_edge_is_longer_than_200_m(town: Town) -> None:
    for tile in town.tiles:
        steps = np.diff(shapely.get_coordinates(tile.polygon), axis=0)
        assert np.hypot(steps[:, 0], steps[:, 1]).max() <= 200.0


def test_degrees_give_the_lattice_back_bit_for_bit(town: Town) -> None:
    plane = Plane(town.epsg)
    shapes = np.array([grid.polygon for grid in town.grids] + [area.polygon for area in town.areas], dtype=object)
    assert (shapely.to_wkb(put_on_lattice(shapes)) == shapely.to_wkb(shapes)).all()
    assert (shapely.to_wkb(plane.to_metres(plane.to_degrees(shapes))) == shapely.to_wkb(shapes)).all()


def test_degrees_are_a_valid_coverage_too(town: Town) -> None:
    tiles = Plane(town.epsg).to_degrees(np.array([tile.polygon for tile in town.tiles], dtype=object))
    assert shapely.is_valid(tiles).all()
    assert shapely.coverage_is_valid(tiles)


def test_no_building_is_cut_by_a_grid_border_or_overlaps_another(town: Town) -> None:
    grids = {grid.code: grid.polygon for grid in town.grids}
    footprints = np.array([building.footprint for building in town.buildings], dtype=object)
    assert shapely.is_valid(footprints).all()
    owners = np.array([grids[building.grid] for building in town.buildings], dtype=object)
    assert shapely.contains(owners, footprints).all()
    a, b = shapely.STRtree(footprints).query(footprints, predicate="intersects")
    assert (a == b).all()


def test_sub_grid_borders_cut_buildings_between_stairwells_only(town: Town) -> None:
    tiles = {tile.code: tile.polygon for tile in town.tiles}
    for building in town.buildings:
        owners = set(building.sub_grids) - {""}
        if len(owners) == 1:
            assert tiles[owners.pop()].contains(building.footprint)
        elif owners:
            assert len(building.rooms) > 1
            for sub_grid in owners:
                share = tiles[sub_grid].intersection(building.footprint).area / building.footprint.area
                stairwells = building.sub_grids.count(sub_grid) / len(building.sub_grids)
                assert share == pytest.approx(stairwells, abs=0.2)


def test_households_of_a_grid_lie_about_30_in_town_and_50_in_villages(town: Town) -> None:
    for use, target in (("town", 30), ("village", 50)):
        homes = [grid.households for grid in base_grids(town, use)]
        in_range = sum(0.8 * target <= n <= 1.2 * target for n in homes) / len(homes)
        assert statistics.mean(homes) == pytest.approx(target, abs=1.0)
        assert 0.9 <= in_range < 1.0
    assert all(grid.households == 0 for grid in town.grids if grid.kind == "dedicated")


def test_households_add_up_at_every_level(town: Town) -> None:
    whole = sum(building.households for building in town.buildings)
    assert sum(grid.households for grid in town.grids if grid.level == "grid") == whole
    assert sum(tile.households for tile in town.tiles) == whole


def test_codes_run_from_north_to_south_and_west_to_east(town: Town) -> None:
    community: dict[str, list[TownGrid]] = {}
    for grid in town.grids:
        if grid.level == "grid" and grid.exclusive:
            community.setdefault(grid.parent, []).append(grid)
    for grids in community.values():
        grids.sort(key=lambda grid: grid.code)
        assert [int(grid.code[12:]) for grid in grids] == list(range(1, len(grids) + 1))
        middles = [grid.polygon.centroid for grid in grids]
        assert all(later.y < earlier.y + 70.0 for earlier, later in combinations(middles, 2))
        top = max(middle.y for middle in middles)
        first_row = [middle.x for middle in middles if top - middle.y < 70.0]
        assert first_row == sorted(first_row)
    assert all(len(g.code) == (17 if g.level == "sub_grid" else 15) for g in town.grids)


def test_the_town_has_streets_water_and_greens(town: Town) -> None:
    classes = Counter(road.road_class for road in town.roads)
    assert {"primary", "secondary", "tertiary", "residential", "path"} == set(classes)
    assert any(len(road.line.coords) > 10 for road in town.roads if road.road_class == "primary")
    assert {ground.kind for ground in town.waters} >= {"river"}
    assert {ground.kind for ground in town.parks} == {"park", "bank"}
    assert {"residential", "house", "factory"} <= {building.kind for building in town.buildings}


def test_a_few_of_the_towns_houses_are_l_shaped(town: Town) -> None:
    corners = [len(b.footprint.exterior.coords) - 1 for b in town.buildings if b.kind == "residential"]
    assert 10 <= corners.count(6) <= 0.15 * len(corners)
    assert set(corners) == {4, 6}


def test_no_house_stands_in_the_river(town: Town) -> None:
    water = shapely.union_all([ground.polygon for ground in town.waters])
    assert not any(water.intersects(building.footprint) for building in town.buildings)


def test_the_same_seed_gives_the_same_bytes(town: Town) -> None:
    again = make_town(SEED)
    assert again == town
    assert [grid.polygon.wkb for grid in again.grids] == [grid.polygon.wkb for grid in town.grids]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_other_seeds_give_other_valid_towns(town: Town, seed: int) -> None:
    other = make_town(seed)
    tiles = np.array([tile.polygon for tile in other.tiles], dtype=object)
    assert len(other.tiles) != 0 and other.frame != town.frame
    assert sum(grid.level == "sub_grid" for grid in other.grids) == 1_571
    assert sum(grid.level == "grid" and grid.exclusive for grid in other.grids) == 784
    assert shapely.coverage_is_valid(tiles)
    assert shapely.union_all(tiles).symmetric_difference(other.frame).area == 0.0
