"""Categories, the departments in charge of them, and their clocks."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from gis_api.dependencies import Read, role_door
from gis_api.errors import language_of
from gis_api.strict_routes import StrictRoute
from layers import categories
from layers.access import Role
from layers.units import list_units

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
AnyRole = Depends(role_door(*Role))


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
        dict[str, dict[str, int]], Field(description="by level and step, how long until it is late, in `clock_unit`")
    ]
    clock_unit: Literal["minutes"] = "minutes"


class CategoriesOut(BaseModel):
    categories: list[CategoryOut]


@router.get("/api/v1/categories", summary="The categories of incidents and hazards", dependencies=[AnyRole])
def list_categories(request: Request, tx: Read) -> CategoriesOut:
    """Each with its department, default urgency, rule of triage, and minutes per step and level."""
    english = language_of(request) == "en"
    units = {unit.code: unit.name_en if english and unit.name_en else unit.name for unit in list_units(tx)}
    clocks: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for clock in categories.list_clocks(tx):
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
            )
            for one in categories.list_categories(tx)
        ]
    )
