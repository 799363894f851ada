"""Ground that does not lend itself to a division: each case has a clear answer, a best proposal where there is one.

The same cases by files stand in `test_divide_command.py`, without any door in
`tests/tiling/test_divide_bad_input.py`; the page shows the words of the job (`tests/journeys/test_planner_divide.py`).
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, select, update

from layers.buildings import Building
from layers.db import transaction
from layers.grids import Grid
from layers.ground.roads import Road
from tests.gis_api.test_plan_divide import asked, community_of, done, draft, inside
from tests.plan_desk import Draft
from tests.uploads import wait_for_end

__all__ = ["draft"]


def remarks(made: dict[str, Any]) -> dict[str, Any]:
    return {remark["code"]: remark for remark in made["remarks"]}


def refused(draft: Draft, **body: Any) -> dict[str, Any]:
    job = wait_for_end(draft.client, asked(draft, **body).json()["id"])
    assert job["state"] == "failed", job
    problem: dict[str, Any] = job["problem"]
    return problem


def test_without_roads_and_households_there_is_a_proposal_that_says_so(draft: Draft, engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(delete(Road))
        session.execute(update(Building).values(households=0))
    made = done(draft, asked(draft, count=3))
    told = remarks(made)
    assert told["no_roads"]["words"] and told["estimated"]["words"]
    assert made["figures"]["grids"] == 3 and made["figures"]["buildings_cut"] == 0


def test_one_giant_building_is_named_and_the_rest_divided(draft: Draft, engine: Engine) -> None:
    made = done(draft, asked(draft, count=3))
    with transaction(engine) as session:
        inner = next(iter(inside(draft, community_of(draft)).values()))["geometry"]
        shape = func.ST_SetSRID(func.ST_GeomFromGeoJSON(str(inner).replace("'", '"')), 4326)
        giant = session.scalar(select(Building.id).where(func.ST_Contains(shape, Building.geom)).limit(1))
        session.execute(update(Building).where(Building.id == giant).values(households=90_000))
    made = done(draft, asked(draft, households=60))
    giant_grids = [one for one in made["grids"]["features"] if one["properties"]["role"] == "oversize"]
    assert max(one["properties"]["households"] for one in giant_grids) >= 90_000
    assert remarks(made)["oversize"]["ways"] == ["cut_stairwells", "accept"]
    assert made["figures"]["grids"] > 3


@pytest.mark.parametrize("households", [100_000, 0.001])
def test_an_impossible_target_gets_the_best_there_is_and_the_reason(draft: Draft, households: float) -> None:
    made = done(draft, asked(draft, households=households))
    assert set(remarks(made)) & {"out_of_range", "lumpy", "oversize"}
    assert made["figures"]["grids"] >= 1


def test_nothing_to_count_is_a_refusal_unless_a_number_of_grids_is_asked_for(draft: Draft, engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(delete(Building))
    problem = refused(draft, households=30)
    assert problem["code"] == "cannot_divide" and problem["why"] == "nothing_to_count"
    assert "没有楼栋可以计数" in problem["detail"] and "网格个数" in problem["detail"]
    assert done(draft, asked(draft, count=2))["figures"]["grids"] == 2


def test_where_everything_stays_there_is_nothing_to_divide(draft: Draft) -> None:
    problem = refused(draft, count=2, keep=sorted(inside(draft, community_of(draft))))
    assert problem["why"] == "no_ground" and "保留的网格占满" in problem["detail"]


def test_locked_grids_that_overlap_are_named_with_the_place(draft: Draft, engine: Engine) -> None:
    one, other = sorted(inside(draft, community_of(draft)))[:2]
    mine = Grid.plan_id == int(draft.path.rsplit("/", 1)[1])
    with transaction(engine) as session:
        # Grids have the ground of their sub-grids: one of the second is drawn over the first, as an import may do it.
        drawn_over = select(func.ST_Multi(func.ST_Union(Grid.geom))).where(mine, Grid.parent_code.in_((one, other)))
        both = session.execute(drawn_over).scalar_one()
        session.execute(update(Grid).where(mine, Grid.code == f"{other}01").values(geom=both))
        session.execute(update(Grid).where(mine, Grid.code.in_((one, other))).values(locked=True))
    problem = refused(draft, count=3)
    assert problem["why"] == "locked_overlap" and problem["where"]
    assert one in problem["detail"] and other in problem["detail"]


def test_sub_grids_larger_than_the_communitys_own_grids_are_refused_in_words(draft: Draft) -> None:
    problem = refused(draft, sub_households=99_000)
    assert problem["why"] == "contradiction" and "子网格要比网格小" in problem["detail"]
