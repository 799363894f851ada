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
from layers.units import list_units, require_unit

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
    retired: Annotated[str | None, Field(description="why nothing is reported under it any more")]
    clocks: Annotated[
        dict[str, dict[str, int]], Field(description="by level and step, in `clock_unit`, of limits in hours")
    ]
    clock_unit: Literal["minutes"] = "minutes"
    limits: Annotated[dict[str, dict[str, LimitIO]], Field(description="by level and step, the limit as it is counted")]


Words = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
UnitCode = Annotated[str | None, Field(max_length=60, pattern=r"^[^\x00]*$")]
Urgency = Literal["low", "normal", "high", "critical"]
Triage = Literal["automatic", "manual"]


class NewCategory(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    name: Words
    name_en: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    kind: Literal["incident", "hazard", "both"] = "both"
    unit: UnitCode = None
    urgency: Urgency = "normal"
    triage: Triage = "automatic"


class CategoryChange(BaseModel):
    """What is given is changed; `retired` is a reason, null takes the category up again."""

    model_config = ConfigDict(extra="forbid")

    name: Words | None = None
    name_en: Annotated[str | None, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = None
    unit: UnitCode = None
    urgency: Urgency | None = None
    triage: Triage | None = None
    retired: Words | None = None


class CategoryStored(BaseModel):
    code: str
    name: str
    name_en: str
    kind: str
    unit: str | None
    urgency: str
    triage: str
    retired: str | None


class CategoriesOut(BaseModel):
    categories: list[CategoryOut]


@router.get("/api/v1/categories", summary="The categories of incidents and hazards", dependencies=[AnyRole])
def list_categories(request: Request, tx: Read) -> CategoriesOut:
    """Each with its department, default urgency, rule of triage, and minutes per step and level."""
    lang = language_of(request)
    english, units = lang == "en", {unit.code: unit.name_in(lang) for unit in list_units(tx)}
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
                retired=one.retired,
                clocks=clocks[one.code],
                limits=limits[one.code],
            )
            for one in categories.list_categories(tx)
        ]
    )


@router.post("/api/v1/categories", status_code=201, summary="Add a category")
def add_category(tx: Tx, by: Admin, sent: NewCategory) -> CategoryStored:
    """The new category, without any clock; 409 for a code that is taken."""
    require_unit(tx, sent.unit)
    told = sent.model_dump(exclude={"code", "name", "unit"})
    return _describe_stored(categories.add_category(tx, sent.code, name=sent.name, unit_code=sent.unit, by=by, **told))


@router.patch("/api/v1/categories/{code}", summary="Change or retire a category")
def change_category(tx: Tx, by: Admin, code: str, sent: CategoryChange) -> CategoryStored:
    """Cases of a retired category go on; a new report is refused with the reason (422 `category_retired`)."""
    require_unit(tx, sent.unit)
    given = sent.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name in ("retired", "unit")}
    if "unit" in changes:
        changes["unit_code"] = changes.pop("unit")
    return _describe_stored(categories.change_category(tx, code, changes, by=by))


def _describe_stored(one: categories.Category) -> CategoryStored:
    told = {name: getattr(one, name) for name in CategoryStored.model_fields if name != "unit"}
    return CategoryStored(unit=one.unit_code, **told)


@router.put("/api/v1/categories/{code}/clocks/{level}/{step}", summary="Set how long a step may take")
def put_clock(tx: Tx, by: Admin, code: str, level: str, step: str, sent: LimitIO) -> LimitIO:
    """The limit counts from the next start of that clock on; clocks that run keep theirs."""
    stored = categories.put_limit(tx, code, Limit(sent.amount, sent.kind), level=level, step=step, by=by)
    return LimitIO(amount=stored.amount, kind=stored.limit.kind)
