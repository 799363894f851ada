"""Categories, the departments in charge of them, and their clocks."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers.cases import Amount
from gis_api.dependencies import Admin, Read, Tx, role_door
from gis_api.errors import language_of
from gis_api.strict_routes import StrictRoute
from layers import categories
from layers.access import Role
from layers.clocks import Limit, LimitKind
from layers.units import list_units

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
AnyRole = Depends(role_door(*Role))


class LimitIO(BaseModel):
    """An amount of a kind: hours may be parts, days are whole ([K1])."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[Amount, Field(gt=0, le=100_000, allow_inf_nan=False)]
    kind: LimitKind


class CategoryOut(BaseModel):
    code: str
    name: str
    kind: str
    unit: str | None
    unit_name: str | None
    urgency: str
    triage: str
    resident_derived: bool
    clocks: Annotated[
        dict[str, dict[str, int]], Field(description="by level and step, in `clock_unit`, of limits in hours")
    ]
    clock_unit: Literal["minutes"] = "minutes"
    limits: Annotated[dict[str, dict[str, LimitIO]], Field(description="by level and step, the limit as it is counted")]


class CategoriesOut(BaseModel):
    categories: list[CategoryOut]


@router.get("/api/v1/categories", summary="The categories of incidents and hazards", dependencies=[AnyRole])
def list_categories(request: Request, tx: Read) -> CategoriesOut:
    """Each with its department, default urgency, rule of triage, and minutes per step and level."""
    lang = language_of(request)
    english, units = lang == "en", {unit.code: unit.named(lang) for unit in list_units(tx)}
    clocks: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    limits: dict[str, dict[str, dict[str, LimitIO]]] = defaultdict(lambda: defaultdict(dict))
    for clock in categories.list_clocks(tx):
        limits[clock.category][clock.level][clock.step] = LimitIO(amount=clock.amount, kind=clock.limit.kind)
        if clock.minutes is not None:
            clocks[clock.category][clock.level][clock.step] = clock.minutes
    return CategoriesOut(
        categories=[
            CategoryOut(
                code=one.code,
                name=one.name_en if english and one.name_en else one.name,
                kind=one.kind,
                unit=one.unit_code,
                unit_name=units.get(one.unit_code or ""),
                urgency=one.urgency,
                triage=one.triage,
                resident_derived=one.resident_derived,
                clocks=clocks[one.code],
                limits=limits[one.code],
            )
            for one in categories.list_categories(tx)
        ]
    )


@router.put("/api/v1/categories/{code}/clocks/{level}/{step}", summary="Set how long a step may take")
def put_clock(tx: Tx, by: Admin, code: str, level: str, step: str, sent: LimitIO) -> LimitIO:
    """The limit counts from the next start of that clock on; clocks that run keep theirs."""
    stored = categories.put_limit(tx, code, Limit(sent.amount, sent.kind), level=level, step=step, by=by)
    return LimitIO(amount=stored.amount, kind=stored.limit.kind)
