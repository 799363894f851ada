"""What a process remembers of a draft is never what an aborted transaction drew."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from layers import planning
from layers.db import transaction
from layers.errors import Outdated
from layers.grids import Grid
from layers.planning.edits import operations
from layers.planning.memory import draft_cache
from layers.planning.memory.draft_cache import open_draft
from layers.planning.report.draft_report import Review, review_all
from layers.planning.state.board import Board
from layers.plans import get_plan
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, add_draft

CITY = synthetic_city(9, sub_grids=(1,), seed=2)


class Aborted(Exception):
    """What a failing commit looks like from inside."""


def name_of(engine: Engine, plan_id: int, code: str) -> tuple[str, str]:
    """The name of a grid as it is stored, and as this process remembers it."""
    with transaction(engine) as session:
        plan = get_plan(session, plan_id, by=DRAWER)
        kept = open_draft(session, DRAFTS, plan).board.rows[code].name
        return session.scalars(select(Grid.name).where(Grid.plan_id == plan_id, Grid.code == code)).one(), kept


def test_an_edit_whose_transaction_fails_leaves_nothing_behind(engine: Engine) -> None:
    with transaction(engine) as session:
        plan = add_draft(session, CITY)
        plan_id, code = plan.id, CITY.codes[0]
    old = name_of(engine, plan_id, code)
    with pytest.raises(Aborted), transaction(engine) as session:
        rename = operations.SetAttributes(code=code, values={"name": "失败"})
        planning.edit(session, DRAFTS, plan_id, rename, version=1, by=DRAWER)
        raise Aborted
    assert name_of(engine, plan_id, code) == old
    with transaction(engine) as session:
        rename = operations.SetAttributes(code=code, values={"name": "成功"})
        assert planning.edit(session, DRAFTS, plan_id, rename, version=1, by=DRAWER).version == 2
    assert name_of(engine, plan_id, code) == ("成功", "成功")


def test_a_plan_is_checked_once_however_many_ask_at_the_same_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as session:
        plan_id = add_draft(session, CITY).id
    DRAFTS.forget()
    checked = []

    def slowly(session: Session, board: Board) -> Review:
        checked.append(board.stamp)
        time.sleep(0.3)
        return review_all(session, board)

    monkeypatch.setattr(draft_cache, "review_all", slowly)

    def asked(_: int) -> bool:
        with transaction(engine) as session:
            return bool(planning.report_of(session, DRAFTS, plan_id, by=DRAWER)["summary"])

    def renamed(_: int) -> bool:
        with transaction(engine) as session:
            rename = operations.SetAttributes(code=CITY.codes[0], values={"name": "同时"})
            return planning.edit(session, DRAFTS, plan_id, rename, version=1, by=DRAWER).version == 2

    with ThreadPoolExecutor(4) as threads:
        reports = [threads.submit(asked, number) for number in range(3)]
        time.sleep(0.1)
        edit = threads.submit(renamed, 0)
        assert edit.result(20) and all(report.result(20) for report in reports)
    assert len(checked) == 1
    assert name_of(engine, plan_id, CITY.codes[0]) == ("同时", "同时")


def test_a_version_that_is_gone_is_refused_before_anything_is_drawn(engine: Engine) -> None:
    with transaction(engine) as session:
        plan_id = add_draft(session, CITY).id
    rename = operations.SetAttributes(code=CITY.codes[0], values={"name": "甲"})
    with transaction(engine) as session:
        planning.edit(session, DRAFTS, plan_id, rename, version=1, by=DRAWER)
    with pytest.raises(Outdated) as refused, transaction(engine) as session:
        planning.edit(session, DRAFTS, plan_id, rename, version=1, by=DRAWER)
    assert refused.value.details == {"seen": 1, "latest": 2}


def test_a_new_edit_drops_what_was_undone(engine: Engine) -> None:
    with transaction(engine) as session:
        plan_id = add_draft(session, CITY).id
        code = CITY.codes[0]
        for version, name in ((1, "甲"), (2, "乙")):
            rename = operations.SetAttributes(code=code, values={"name": name})
            planning.edit(session, DRAFTS, plan_id, rename, version=version, by=DRAWER)
        planning.undo(session, DRAFTS, plan_id, version=3, by=DRAWER)
        rename = operations.SetAttributes(code=code, values={"name": "丙"})
        planning.edit(session, DRAFTS, plan_id, rename, version=4, by=DRAWER)
    with transaction(engine) as session:
        planning.undo(session, DRAFTS, plan_id, version=5, by=DRAWER)
    assert name_of(engine, plan_id, code) == ("甲", "甲")
    with transaction(engine) as session:
        planning.redo(session, DRAFTS, plan_id, version=6, by=DRAWER)
    assert name_of(engine, plan_id, code) == ("丙", "丙")


def test_what_was_read_of_a_transaction_that_fails_is_nobody_elses(engine: Engine) -> None:
    """A look at a plan within the transaction that changes it, by a memory that knows nothing of the change."""
    with transaction(engine) as session:
        plan_id, code = add_draft(session, CITY).id, CITY.codes[0]
    other = planning.DraftMemory()
    rename = operations.SetAttributes(code=code, values={"name": "失败"})
    with pytest.raises(Aborted), transaction(engine) as session:
        planning.edit(session, DRAFTS, plan_id, rename, version=1, by=DRAWER)
        plan = get_plan(session, plan_id, by=DRAWER)
        assert open_draft(session, other, plan).board.rows[code].name == "失败"
        raise Aborted
    with transaction(engine) as session:
        plan = get_plan(session, plan_id, by=DRAWER)
        assert other.find(session, plan) is None
        assert open_draft(session, other, plan).board.rows[code].name != "失败"
        assert other.find(session, plan) is not None
