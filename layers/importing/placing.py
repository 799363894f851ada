"""In which grid imported points lie, by SQL: the smallest code of the finest tiles that cover them ([L1], [L2])."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, and_, case, exists, func, literal, select, true
from sqlalchemy.orm import aliased

from layers.db import covers_exactly
from layers.grids import Grid, GridLevel
from layers.plans import Plan, is_in_force_now


def owner_columns(table: Table, *, district: str | None) -> dict[str, Any]:
    """Expressions for a staged point's place under the plans in force now, and the join that they need (`"from"`).

    `relation` is inside, border (several tiles cover it), gap (in a frame, in no tile) or outside. With a district only
    its own plan is asked: where two independent plans divide the same ground, that says by which one rows are counted.
    """
    owner = _owner(table, district).lateral("owner")
    framed = exists().where(*_is_in_force(district), covers_exactly(Plan.frame, table.c.geom))
    relation = case(
        (owner.c.touching > 1, literal("border")),
        (owner.c.touching == 1, literal("inside")),
        (framed, literal("gap")),
        else_=literal("outside"),
    )
    is_sub = owner.c.level == GridLevel.sub_grid
    return {
        "from": table.outerjoin(owner, true()),
        "relation": relation,
        "district": owner.c.district,
        "grid_code": case((is_sub, owner.c.parent_code), else_=owner.c.code),
        "sub_grid_code": case((is_sub, owner.c.code)),
        "current_code": owner.c.code,
        "plan_version": owner.c.plan_version,
    }


def _is_in_force(district: str | None) -> tuple[Any, ...]:
    return (is_in_force_now(),) if district is None else (is_in_force_now(), Plan.district == district)


def _owner(table: Table, district: str | None) -> Any:
    part = aliased(Grid)
    has_parts = exists().where(
        part.plan_id == Grid.plan_id, part.parent_code == Grid.code, part.level == GridLevel.sub_grid
    )
    columns = (Grid.code, Grid.level, Grid.parent_code, Plan.district, Plan.plan_version)
    return (
        select(*columns, func.count().over().label("touching"))
        .join(Plan, Plan.id == Grid.plan_id)
        .where(and_(*_is_in_force(district), Grid.exclusive, ~has_parts))
        .where(covers_exactly(Grid.geom, table.c.geom))
        .order_by(Grid.code)
        .limit(1)
    )
