"""The table of the workflow: a straight road, side roads, and nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.access import Actor, Role
from layers.errors import Conflict, Forbidden, Unacceptable
from layers.incidents import (
    AWAITED,
    ENDS,
    STAGES,
    STATES,
    STEPS,
    WORKFLOW,
    Part,
    Rule,
    list_rules,
    parts_of,
    require_rule,
    steps_after,
)

ROAD = ("triage", "dispatch", "accept", "arrive", "handle", "verify", "feed_back", "close")
DESK = frozenset((Part.desk, Part.checker))
parts = st.frozensets(st.sampled_from(Part))


def test_the_straight_road_leads_from_reported_to_closed() -> None:
    state, passed = "reported", []
    for step in ROAD:
        state = require_rule(state, step, DESK).to or state
        passed.append(state)
    assert passed == ["triaged", "dispatched", "accepted", "arrived", "handled", "verified", "fed_back", "closed"]


@pytest.mark.parametrize("state", STATES)
def test_every_state_that_is_no_end_awaits_a_step_that_may_follow(state: str) -> None:
    assert state in STAGES
    if state in ENDS:
        assert state not in AWAITED
        asked = ["resume", "recall", "exempt"] if state == "closed" else []
        assert steps_after(state) == ["reopen", *asked, "agree", "refuse", "note"]
    else:
        # What is split awaits that its parts are handled, each by a step of its own.
        assert AWAITED[state] in steps_after("arrived" if state == "split" else state)


@given(st.sampled_from(STATES), st.sampled_from(STEPS), parts)
def test_a_step_is_taken_by_its_row_or_refused_with_those_that_may_follow(
    state: str, step: str, who: frozenset[Part]
) -> None:
    offered = {rule.step: rule for rule in list_rules(state, who)}
    if step in offered:
        assert require_rule(state, step, who) is offered[step]
        return
    with pytest.raises((Conflict, Forbidden)) as refused:
        require_rule(state, step, who)
    if refused.value.code == "nothing_asked":
        # Who answers may see what is theirs to take instead; the answer itself follows any state once it is asked for.
        assert step in ("agree", "refuse") and refused.value.details["allowed"] == list(offered)
    elif isinstance(refused.value, Conflict):
        assert refused.value.details["allowed"] == steps_after(state)


def test_nothing_can_be_skipped() -> None:
    leads = {rule.step: rule.to for rule in WORKFLOW if rule.step in ROAD}
    for earlier, later in pairwise(ROAD[1:]):
        state = leads[earlier]
        following = [step for step in ROAD if state is not None and step in steps_after(state)]
        assert following == [later]


def test_an_unknown_step_is_told_which_there_are() -> None:
    with pytest.raises(Unacceptable, match="unknown_step"):
        require_rule("reported", "teleport", DESK)


def test_no_two_rows_say_something_else_of_the_same_cell() -> None:
    def cells(rule: Rule) -> set[tuple[str, str, Part]]:
        return {(rule.step, state, who) for state in rule.after for who in rule.who}

    seen: set[tuple[str, str, Part]] = set()
    for rule in WORKFLOW:
        assert not seen & cells(rule), rule
        seen |= cells(rule)


def test_nobodys_case_is_not_the_case_of_a_worker_without_a_number() -> None:
    by = Actor("w", Role.worker, area="130273")
    assert parts_of(by, state="waiting", worker_id=None, unit_code=None, reported_by=None) == frozenset()
