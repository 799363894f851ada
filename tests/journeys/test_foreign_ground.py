"""A city's own messy file from its import to a plan in force, over HTTP, its decisions answered by a rule."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.journeys import SETS, prepared, running, travel

DATA = Path(os.environ.get("WANGGE_TEST_DATA", str(Path(__file__).parents[3] / "shared" / "data")))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.data,
    pytest.mark.database,
    pytest.mark.skipif(not DATA.is_dir(), reason="no real data: set WANGGE_TEST_DATA to the folder that holds them"),
]


def test_a_messy_city_ends_in_a_plan_in_force(tmp_path: Path) -> None:
    with running() as service:
        made = travel(service, prepared(DATA, SETS["denver"], tmp_path, "union"), district="930")
    assert made.faults == []
    assert made.published and made.left == {} and made.decisions > 5
    assert made.quiet_m2 <= 1.0
