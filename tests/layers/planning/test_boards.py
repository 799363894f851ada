"""A board that is only looked at comes from memory, and is never an older state of the plan."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from layers import planning
from layers.db import transaction
from layers.planning.edits import operations
from layers.planning.memory import viewed_drafts
from layers.planning.memory.viewed_drafts import board_of
from layers.planning.state.board import Board
from layers.planning.state.loading import load_board
from layers.plans import Plan, get_plan
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, add_draft

CITY = synthetic_city(9, sub_grids=(1,), seed=4)
CODE = CITY.codes[0]


@pytest.fixture
def draft(engine: Engine) -> int:
    with transaction(engine) as session:
        return add_draft(session, CITY).id


def test_a_plan_is_read_once_however_often_it_is_looked_at(
    engine: Engine, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a process that did not make the draft.
    DRAFTS.forget()
    read = []

    def counted(session: Session, plan: Plan) -> Board:
        read.append(plan.id)
        return load_board(session, plan)

    monkeypatch.setattr(viewed_drafts, "load_board", counted)
    for _ in range(3):
        with transaction(engine) as session:
            assert CODE in board_of(session, DRAFTS, get_plan(session, draft, by=DRAWER)).rows
    assert read == [draft]


def test_an_edit_is_seen_by_the_next_look(engine: Engine, draft: int) -> None:
    with transaction(engine) as session:
        board_of(session, DRAFTS, get_plan(session, draft, by=DRAWER))
    with transaction(engine) as session:
        rename = operations.SetAttributes(code=CODE, values={"name": "新名"})
        planning.edit(session, DRAFTS, draft, rename, version=1, by=DRAWER)
    with transaction(engine) as session:
        assert board_of(session, DRAFTS, get_plan(session, draft, by=DRAWER)).rows[CODE].name == "新名"


def test_what_a_transaction_wrote_and_took_back_is_not_kept(engine: Engine, draft: int) -> None:
    with transaction(engine) as session:
        before = board_of(session, DRAFTS, get_plan(session, draft, by=DRAWER)).rows[CODE].name
    with pytest.raises(ZeroDivisionError), transaction(engine) as session:
        rename = operations.SetAttributes(code=CODE, values={"name": "不算"})
        planning.edit(session, DRAFTS, draft, rename, version=1, by=DRAWER)
        assert board_of(session, DRAFTS, get_plan(session, draft, by=DRAWER)).rows[CODE].name == "不算"
        raise ZeroDivisionError
    with transaction(engine) as session:
        assert board_of(session, DRAFTS, get_plan(session, draft, by=DRAWER)).rows[CODE].name == before


def test_a_code_given_in_another_plan_is_known_to_a_board_from_memory(engine: Engine, draft: int) -> None:
    with transaction(engine) as session:
        board_of(session, DRAFTS, get_plan(session, draft, by=DRAWER))
        other = planning.create(session, CITY.district, based_on=draft, by=DRAWER).id
    with transaction(engine) as session:
        recode = operations.SetAttributes(code=CODE, values={}, new_code=f"{CODE[:12]}990")
        planning.edit(session, DRAFTS, other, recode, version=1, by=DRAWER)
    with transaction(engine) as session:
        plan = get_plan(session, draft, by=DRAWER)
        assert board_of(session, DRAFTS, plan).names == load_board(session, plan).names
        assert board_of(session, DRAFTS, plan).names
