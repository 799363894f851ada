"""The table of steps: a straight road, side roads, and nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import Conflict, Unacceptable
from layers.incidents import AWAITED, ENDS, STATES, STEPS, require_step, steps_after

ROAD = ("triage", "dispatch", "accept", "arrive", "handle", "verify", "feed_back", "close")


def test_the_straight_road_leads_from_reported_to_closed() -> None:
    state, passed = "reported", []
    for step in ROAD:
        state = require_step(state, step)
        passed.append(state)
    assert passed == ["triaged", "dispatched", "accepted", "arrived", "handled", "verified", "fed_back", "closed"]


@pytest.mark.parametrize("state", STATES)
def test_every_state_that_is_no_end_awaits_a_step_that_may_follow(state: str) -> None:
    if state in ENDS:
        assert state not in AWAITED
        assert steps_after(state) == ["reopen", "note"]
    else:
        assert AWAITED[state] in steps_after(state)


@given(st.sampled_from(STATES), st.sampled_from(list(STEPS)))
def test_a_step_may_follow_or_is_refused_with_those_that_may(state: str, step: str) -> None:
    if step in steps_after(state):
        assert require_step(state, step) in STATES
    else:
        with pytest.raises(Conflict) as refused:
            require_step(state, step)
        assert refused.value.details["allowed"] == steps_after(state)


def test_nothing_can_be_skipped() -> None:
    for earlier, later in pairwise(ROAD[1:]):
        state = {step: STEPS[step].to for step in ROAD}[earlier]
        following = [step for step in ROAD if state is not None and step in steps_after(state)]
        assert following == [later]


def test_an_unknown_step_is_told_which_there_are() -> None:
    with pytest.raises(Unacceptable, match="unknown_step"):
        require_step("reported", "teleport")
