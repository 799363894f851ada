"""How the city dispatches: policy, limits and distances by category and urgency ([D3], [D5], [D6])."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from gis_api.dependencies import Admin, Read, Tx, etag, role_door, version_of
from gis_api.strict_routes import StrictRoute
from layers import dispatch_settings
from layers.access import Role
from layers.dispatch_rules import Policy
from layers.dispatch_settings import Choosing, Entered
from layers.standings import Measure

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
AnyRole = Depends(role_door(*Role))
Tasks = Annotated[int | None, Field(ge=1, le=100)]
Code = Annotated[str | None, Field(min_length=1, max_length=60, pattern=r"^[^\x00]*$")]


class RuleIO(BaseModel):
    """A rule for a category, an urgency, both or neither (all); what it does not give comes from a wider rule."""

    model_config = ConfigDict(extra="forbid")

    category: Code = None
    urgency: Literal["low", "normal", "high", "critical"] | None = None
    policy: Policy | None = None
    measure: Measure | None = None
    reach_m: Annotated[float | None, Field(gt=0, le=100_000, allow_inf_nan=False)] = None
    open_tasks: Tasks = None
    critical_tasks: Tasks = None
    spot_m: Annotated[float | None, Field(gt=0, le=10_000, allow_inf_nan=False)] = None
    accuracy_m: Annotated[float | None, Field(ge=0, le=10_000, allow_inf_nan=False)] = None
    confirm_first: Annotated[
        bool | None, Field(description="the nearest worker looks whether it exists before it is filed")
    ] = None
    inspect_last: Annotated[
        bool | None, Field(description="somebody else than who handled it looks whether it is done")
    ] = None
    field_photos: Annotated[
        bool | None, Field(description="whoever is sent to look has to send photos: near and far, or after")
    ] = None
    check_in_minutes: Annotated[
        int | None,
        Field(ge=0, le=1440, description="how often whoever has accepted says that they are well; 0 for not at all"),
    ] = None


class SettingsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: Annotated[list[RuleIO], Field(max_length=500)]


class SettingsOut(BaseModel):
    """`usual` is what counts where no rule says anything; version 0 where nobody has entered any."""

    version: int
    rules: list[RuleIO]
    usual: RuleIO
    by: str | None
    at: datetime | None


@router.get("/api/v1/settings/dispatch", summary="How the city dispatches", dependencies=[AnyRole])
def read_settings(tx: Read, response: Response) -> SettingsOut:
    """The rules in force; the version is the ETag."""
    return _answer(response, dispatch_settings.get_settings(tx))


@router.put("/api/v1/settings/dispatch", summary="Change how the city dispatches")
def put_settings(
    tx: Tx,
    by: Admin,
    response: Response,
    sent: SettingsIn,
    if_match: Annotated[str | None, Header(description='The version seen, quoted: "3"; not needed.')] = None,
) -> SettingsOut:
    """A new version of the whole list; from the next report on it counts. Earlier versions are kept."""
    seen = None if if_match is None else version_of(if_match)
    rules = [rule.model_dump(mode="json", exclude_none=True) for rule in sent.rules]
    return _answer(response, dispatch_settings.put_settings(tx, rules, seen=seen, by=by))


def _answer(response: Response, entered: Entered) -> SettingsOut:
    response.headers["ETag"] = etag(entered.version)
    usual = Choosing()
    return SettingsOut(
        version=entered.version,
        rules=[RuleIO(**rule) for rule in entered.rules],
        usual=RuleIO(
            policy=usual.policy,
            measure=usual.measure,
            reach_m=usual.limits.reach_m,
            open_tasks=usual.limits.open_tasks,
            critical_tasks=usual.limits.critical_tasks,
            spot_m=usual.spot.within_m,
            accuracy_m=usual.spot.accuracy_m,
            confirm_first=usual.field.confirm_first,
            inspect_last=usual.field.inspect_last,
            field_photos=usual.field.photos,
            check_in_minutes=usual.check_in_minutes,
        ),
        by=entered.by,
        at=entered.at,
    )
