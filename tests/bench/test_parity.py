"""The bench of parity itself: it asks every way, and it notices who differs."""

import numpy as np
import pytest

from bench import parity
from bench.parity import Told


def test_a_different_relation_and_a_different_code_are_both_counted() -> None:
    truth = Told(np.array([1, 1, 2, 0]), np.array([5, 6, 6, -1]))
    other = Told(np.array([1, 2, 2, 0]), np.array([5, 6, 7, -1]))
    assert truth.differing(truth) == 0
    assert truth.differing(other) == 2


@pytest.mark.slow
def test_over_the_demo_district_every_way_to_ask_agrees_with_postgis(capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main(["--only", "demo", "--points", "4000"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "mismatches of" in line]
    assert len(lines) == 12
    assert all(": 0 points (of " in line for line in lines)


@pytest.mark.slow
def test_a_wrong_answer_of_postgis_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parity, "HELD", parity.HELD.replace("min(g.code)", "max(g.code)"))
    assert parity.main(["--only", "demo", "--points", "400"]) == 1
    assert "mismatches in all: 0 points" not in capsys.readouterr().out
