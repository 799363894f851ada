"""Short codes by the cases of tests/fixtures/short_codes.json, which the pages are held to as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from layers.planning.state.short_codes import ends_of, shorten_codes

CASES = json.loads((Path(__file__).parents[2] / "fixtures" / "short_codes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["plan"][0])
def test_a_short_code_names_one_grid_in_its_plan(case: dict[str, Any]) -> None:
    made = shorten_codes(case["plan"])
    assert made == case["names"]
    assert len(set(made.values())) == len(case["plan"])
    assert {code: ends_of(code)[-1] for code in case.get("gone", {})} == case.get("gone", {})
