"""Foreign sets of polygons: the same report in this process and in a child, at the right place on earth."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import shapely

from layers import checking
from layers.checking import CheckTask, check, check_here, choose_epsg, pack_task, unpack_task
from layers.errors import Unacceptable
from layers.sandbox import Room, SandboxLimits
from tests.importing import BOW_TIE, boxes
from tiling.tolerance import Tolerance


def test_a_task_comes_out_of_its_bytes_as_it_went_in() -> None:
    task = CheckTask(
        codes=["甲", "b", "b"],
        polygons=[BOW_TIE, None, shapely.Polygon()],
        frame=boxes(count=1)[0],
        tolerance=Tolerance(snap_m=0.02, sliver_m=1.0, contained_share=0.9),
        parts_allowed=["b"],
        epsg=4548,
    )
    assert unpack_task(pack_task(task)) == task


def test_the_child_gives_the_report_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    task = CheckTask(codes=["a", "b", "c"], polygons=[*boxes(), BOW_TIE], frame=boxes(count=1)[0])
    here = check_here(task)
    monkeypatch.setattr(checking, "FEW_VERTICES", 0)
    assert check(task) == here
    assert set(here["summary"]["by_kind"]) == {"overlap", "overshoot", "invalid"}


def test_measures_are_metres_on_the_ground() -> None:
    left, _, right = boxes(count=3)
    told = check(CheckTask(codes=["a", "b"], polygons=[left, right], frame=shapely.union_all(boxes(count=3))))
    (gap,) = told["defects"]
    # 0.002 degrees are 171.8 m from west to east and 222.1 m from south to north at 39.6 degrees.
    assert gap["area_m2"] == pytest.approx(171.8 * 222.1, rel=0.002)
    assert gap["width_m"] == pytest.approx(171.8, rel=0.01)
    assert shapely.box(*boxes(count=3)[1].bounds).buffer(1e-6).covers(shapely.from_geojson(json.dumps(gap["where"])))


def test_a_set_without_any_ground_is_reported_too() -> None:
    told = check(CheckTask(codes=["a"], polygons=[None]))
    assert told["summary"]["by_kind"] == {"empty": 1}
    assert math.isfinite(told["summary"]["area_m2"])
    assert choose_epsg([]) == 32631


@pytest.mark.parametrize("frame", [BOW_TIE, shapely.Point(118, 39), shapely.Polygon()])
def test_a_frame_that_is_no_polygon_is_refused(frame: shapely.Geometry) -> None:
    with pytest.raises(Unacceptable, match="frame_is_invalid"):
        check(CheckTask(codes=["a"], polygons=boxes(count=1), frame=frame))


def test_a_set_that_takes_too_long_is_given_up() -> None:
    angles = np.linspace(0, 2 * np.pi, 6_000)
    star = shapely.Polygon(np.column_stack((118 + np.cos(angles * 7) * 0.01, 39 + np.sin(angles * 5) * 0.01)))
    with pytest.raises(Unacceptable, match="work_took_too_long"):
        check(CheckTask(codes=["a"], polygons=[star]), room=Room(limits=SandboxLimits(wall_s=0.05)))


def test_a_frame_drawn_with_four_corners_is_met_by_the_grids_along_its_edges() -> None:
    low, high = (118.18, 39.65), (118.24, 39.69)  # a slanted frame of some kilometres, cut into five strips
    across = 0.02
    at = np.round(np.linspace(low, high, 6), 9)
    strips = [
        shapely.Polygon([a, b, (b[0], round(b[1] + across, 9)), (a[0], round(a[1] + across, 9))])
        for a, b in zip(at[:-1].tolist(), at[1:].tolist(), strict=True)
    ]
    frame = shapely.Polygon([low, high, (high[0], high[1] + across), (low[0], low[1] + across)])
    codes = list("abcde")
    assert check_here(CheckTask(codes=codes, polygons=strips, frame=frame))["ok"]
    # Half a centimetre short of the frame is noise, and told.
    short = shapely.transform(strips[2], lambda xy: xy + np.array([0.0, 5e-8]))
    assert not check_here(CheckTask(codes=codes, polygons=[*strips[:2], short, *strips[3:]], frame=frame))["ok"]
    assert not check_here(CheckTask(codes=codes[1:], polygons=strips[1:], frame=frame))["ok"]


@pytest.mark.parametrize("wide", [shapely.box(-180, -90, 180, 89), shapely.box(100, 20, 111, 21)])
def test_shapes_wider_than_any_city_are_refused_with_their_box(wide: shapely.Geometry) -> None:
    with pytest.raises(Unacceptable, match="too_wide") as refused:
        check(CheckTask(codes=["a", "b"], polygons=[boxes(count=1)[0], wide]))
    assert refused.value.where is not None
    assert refused.value.where.equals(wide)


def test_shapes_on_two_continents_are_refused() -> None:
    with pytest.raises(Unacceptable, match="too_wide"):
        check(CheckTask(codes=["a", "b"], polygons=[boxes(count=1)[0], shapely.box(-74, 40, -73.9, 40.1)]))
