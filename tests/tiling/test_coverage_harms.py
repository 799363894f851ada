"""Faults of every kind in a clean tiling: all are told, none is invented, in any order, around an edit as whole."""

import random
import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.city import synthetic_city
from tests.harms import HARMS, Injured, harmed
from tiling.coverage import Defect, check
from tiling.partition import Partition
from tiling.structure import structure_of

CITY = synthetic_city(400, vertices=40, sub_grids=(1,)).partition()
WANTED = 96


def what_is_told(defect: Defect) -> tuple[object, ...]:
    """Everything that a defect says, its place to the last byte."""
    sizes = (defect.area_m2, defect.length_m, defect.width_m, defect.count)
    return (defect.key, defect.severity, defect.class_, sizes, defect.detail, shapely.to_wkb(defect.where))


def test_ninety_six_faults_of_all_kinds_are_found_and_none_is_invented() -> None:
    assert check(CITY).defects == ()
    done: list[Injured] = []
    while sum(len(injured.harms) for injured in done) < WANTED:
        done.append(harmed(CITY, WANTED, seed=len(done)))
    reports = [check(injured.partition) for injured in done]
    assert [injured.missed(report) for injured, report in zip(done, reports, strict=True)] == [[]] * len(done)
    assert [injured.invented(report) for injured, report in zip(done, reports, strict=True)] == [[]] * len(done)
    assert {name for injured in done for name, _ in injured.harms} == set(HARMS)


def test_a_report_that_leaves_out_one_kind_is_noticed() -> None:
    injured = harmed(CITY, len(HARMS), seed=1)
    report = check(injured.partition)
    for kind in {defect.kind for defect in report.defects} - {"overlap", "gap"}:
        silent = type(report)(
            defects=tuple(defect for defect in report.defects if defect.kind != kind), grids=0, area_m2=0.0
        )
        needed = [pair for pair in injured.harms if kind in HARMS[pair[0]].kinds]
        assert set(needed) <= set(injured.missed(silent))


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_in_whatever_order_grids_come_every_word_of_the_report_is_the_same(seed: int) -> None:
    broken = harmed(CITY, len(HARMS), seed=seed).partition
    mixed = random.Random(seed).sample(range(len(broken)), len(broken))
    turned = Partition.of(
        [broken.codes[i] for i in mixed],
        [broken.polygons[i] for i in mixed],
        parents=dict(reversed(broken.parents.items())),
        frame=broken.frame,
        areas=dict(reversed(broken.areas.items())),
    )
    assert list(map(what_is_told, check(turned).defects)) == list(map(what_is_told, check(broken).defects))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 20), framed=st.booleans())
def test_a_check_of_some_grids_finds_what_the_check_of_all_finds_of_them(seed: int, size: int, framed: bool) -> None:
    injured = harmed(CITY, len(HARMS), seed=seed)
    broken, rng = injured.partition, random.Random(seed)
    frame = broken.frame if framed else None
    broken = Partition.of(broken.codes, broken.polygons, parents=broken.parents, frame=frame, areas=broken.areas)
    near = sorted(frozenset().union(*injured.near.values()) & set(broken.codes))
    only = {*rng.sample(near, size), *rng.sample(broken.codes, 3)}
    whole = [defect for defect in check(broken).defects if only & set(defect.codes)]
    some = check(broken, only=only).defects
    assert [(d.key, d.class_, d.count, d.detail) for d in some] == [(d.key, d.class_, d.count, d.detail) for d in whole]
    for one, other in zip(some, whole, strict=True):
        assert (one.area_m2, one.length_m) == pytest.approx((other.area_m2, other.length_m), abs=1e-6)
        assert one.width_m == pytest.approx(other.width_m, abs=1e-6, rel=1e-3)
        assert one.where is None or shapely.hausdorff_distance(one.where, other.where) < 1e-6


def star(points: int) -> shapely.Polygon:
    """A star of which every side crosses nearly every other one, in metres."""
    at = 2 * np.pi * (np.arange(points) * (points // 2) % points) / points
    return shapely.Polygon(np.column_stack([1_000 * np.cos(at), 1_000 * np.sin(at)]))


def test_a_star_of_twenty_thousand_points_is_told_without_testing_all_its_crossings() -> None:
    shape = star(20_001)
    begun = time.process_time()
    assert not shape.is_valid
    looked_s = time.process_time() - begun
    begun = time.process_time()
    assert structure_of(shape) is None
    # It was 2.7 s: a batch of sides was tested against all others before anybody counted.
    assert time.process_time() - begun < max(4 * looked_s, 1.0)
