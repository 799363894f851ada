"""Rosters: the shifts of a week, leave and extra duty, gaps and unfairness before and after saving ([D1])."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers import declare_answer
from gis_api.dependencies import Now, Read, Tx, Zone, role_door
from gis_api.moments import AskedMoment, Day, Moment, TimeOfDay
from gis_api.roster_json import JUDGED, CoverOut, RosterStored, cover_of, judge, judge_roster
from gis_api.strict_routes import StrictRoute
from layers import shifts
from layers.access import Actor, Role
from layers.duty_gaps import find_cover
from layers.emergencies import list_lent_spans
from layers.errors import Unacceptable
from layers.shifts import NewException, NewTemplate

router = APIRouter(tags=["workers"], route_class=StrictRoute)
Reader = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.planner, Role.leader, Role.admin, Role.auditor))]
Writer = Annotated[Actor, Depends(role_door(Role.planner, Role.dispatcher, Role.admin))]
LONGEST_LOOK = timedelta(days=62)
Id = Annotated[int, Path(ge=1, lt=2**62)]
Worker = Annotated[str, Field(min_length=1, max_length=60)]
AskedArea = Annotated[str, Query(max_length=40)]


class TemplateIn(BaseModel):
    """A shift of every week, by the clock of the city; `to` no later than `from` is on the next day."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    worker: Worker
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)]
    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay
    first_day: Day
    last_day: Day | None = None


class TemplatesIn(BaseModel):
    """With `replace` the templates that these workers have end the day before their first new day."""

    model_config = ConfigDict(extra="forbid")

    templates: Annotated[list[TemplateIn], Field(min_length=1, max_length=5_000)]
    replace: bool = False


class TemplateOut(BaseModel):
    id: int
    worker: str
    weekdays: list[int]
    from_: Annotated[str, Field(alias="from")]
    minutes: int
    first_day: date
    last_day: date | None
    time_zone: str


class TemplatesOut(BaseModel):
    templates: list[TemplateOut]


class ExceptionIn(BaseModel):
    """`leave` takes the duty of a span away, and gives it to the `substitute` where one is named; `extra` adds it."""

    model_config = ConfigDict(extra="forbid")

    worker: Worker
    kind: Literal["leave", "extra"]
    start: Moment
    end: Moment
    substitute: Worker | None = None
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""


class ExceptionsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    exceptions: Annotated[list[ExceptionIn], Field(min_length=1, max_length=2_000)]


class ExceptionOut(BaseModel):
    id: int
    worker: str
    kind: Literal["leave", "extra"]
    start: datetime
    end: datetime
    substitute: str | None
    reason: str
    by: str


class ExceptionsOut(BaseModel):
    exceptions: list[ExceptionOut]


class MinimumIO(BaseModel):
    model_config = ConfigDict(extra="forbid")

    people: Annotated[int, Field(ge=0, le=10_000)]


@router.get("/api/v1/shifts/templates", summary="The shifts of a week")
def list_templates(tx: Read, by: Reader, now: Now, zone: Zone, area: AskedArea = "") -> TemplatesOut:
    """Every template that counts today or later."""
    found = shifts.list_templates(tx, day=now.astimezone(zone).date(), area=area, by=by)
    return TemplatesOut(templates=[_template(number, one) for number, one in found])


def _template(number: str, one: shifts.ShiftTemplate) -> TemplateOut:
    hour, minute = divmod(one.starts_minute, 60)
    told = {
        **{"id": one.id, "worker": number, "from": f"{hour:02d}:{minute:02d}", "minutes": one.minutes},
        **{"weekdays": [day for day in range(1, 8) if one.weekdays >> (day - 1) & 1], "time_zone": one.zone},
        **{"first_day": one.first_day, "last_day": one.last_day},
    }
    return TemplateOut.model_validate(told)


@router.post(
    "/api/v1/shifts/templates",
    responses=declare_answer(RosterStored),
    response_model=RosterStored,
    status_code=201,
    summary="Store the shifts of a week",
)
def add_templates(tx: Tx, by: Writer, now: Now, zone: Zone, sent: TemplatesIn, dry_run: bool = False) -> JSONResponse:
    """All or none; with `dry_run` none, and the answer (200) shows what gaps and unfairness it would bring."""
    new = [
        NewTemplate(one.worker, tuple(one.weekdays), one.from_, one.to, one.first_day, one.last_day)
        for one in sent.templates
    ]
    first = datetime.combine(min(one.first_day for one in new), datetime.min.time(), zone)

    def store() -> int:
        return shifts.add_templates(tx, new, ends=sent.replace, today=_today(now, zone), zone=zone, by=by)

    return judge(tx, store, max(first, now), dry_run=dry_run, by=by)


def _today(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


@router.get("/api/v1/shifts/exceptions", summary="Leave and extra duty")
def list_exceptions(
    tx: Read,
    by: Reader,
    now: Now,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    area: AskedArea = "",
) -> ExceptionsOut:
    """What touches [since, until); the next two weeks where nothing is said."""
    first, last = _period(since, until, now)
    found = shifts.list_exceptions(tx, first, last, area=area, by=by)
    return ExceptionsOut(exceptions=[_exception(number, substitute, one) for number, substitute, one in found])


def _exception(number: str, substitute: str | None, one: shifts.ShiftException) -> ExceptionOut:
    told = {name: getattr(one, name) for name in ("id", "kind", "reason", "by")}
    span = {"start": one.span.lower, "end": one.span.upper}
    return ExceptionOut.model_validate({**told, **span, "worker": number, "substitute": substitute})


@router.post(
    "/api/v1/shifts/exceptions",
    responses=declare_answer(RosterStored),
    response_model=RosterStored,
    status_code=201,
    summary="Store leave and extra duty",
)
def add_exceptions(tx: Tx, by: Writer, now: Now, sent: ExceptionsIn, dry_run: bool = False) -> JSONResponse:
    """All or none; with `dry_run` none, and the answer (200) shows what gaps and unfairness it would bring."""
    new = [NewException(**one.model_dump()) for one in sent.exceptions]
    first = max(min(one.start for one in new), now)
    return judge(tx, lambda: shifts.add_exceptions(tx, new, now=now, by=by), first, dry_run=dry_run, by=by)


@router.delete("/api/v1/shifts/exceptions/{exception_id}", summary="Take leave or extra duty back")
def remove_exception(tx: Tx, by: Writer, now: Now, exception_id: Id, dry_run: bool = False) -> RosterStored:
    """Of one that has begun what was before stays; `dry_run` shows what gaps it would bring."""

    def remove() -> int:
        shifts.remove_exception(tx, exception_id, now=now, by=by)
        return 1

    return judge_roster(tx, remove, now, dry_run=dry_run, by=by)


@router.delete("/api/v1/shifts/templates/{template_id}", summary="End the shifts of a week")
def end_template(tx: Tx, by: Writer, now: Now, zone: Zone, template_id: Id, dry_run: bool = False) -> RosterStored:
    """It ends with yesterday, and what it gave until then stays; `dry_run` shows what gaps it would bring."""

    def end() -> int:
        shifts.end_template(tx, template_id, today=_today(now, zone), by=by)
        return 1

    return judge_roster(tx, end, now, dry_run=dry_run, by=by)


@router.get("/api/v1/on-duty/gaps", summary="Where too few are on duty, and who has more than others")
def read_gaps(
    tx: Read,
    by: Reader,
    now: Now,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    area: AskedArea = "",
) -> CoverOut:
    """Of [since, until), two months at most; the next two weeks where nothing is said.

    Whoever is lent to an emergency is missing where they belong.
    Each community takes one person at least, and any area what was set for it (`PUT /api/v1/on-duty/cover/{area}`).
    """
    first, last = _period(since, until, now)
    lent = list_lent_spans(tx, first, last)
    return cover_of(find_cover(tx, first, last, area=area, lent=lent, by=by), first, last)


@router.put("/api/v1/on-duty/cover/{area}", summary="Set how many people an area takes at least")
def put_cover(
    tx: Tx,
    by: Annotated[Actor, Depends(role_door(Role.planner, Role.admin))],
    area: Annotated[str, Path(max_length=40, pattern=r"^[0-9A-Za-z-]+$")],
    sent: MinimumIO,
) -> MinimumIO:
    """0 asks for nobody; it counts from now on, for every moment that is asked about."""
    shifts.put_minimum(tx, area, sent.people, by=by)
    return sent


def _period(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    first = since or now
    last = until or first + JUDGED
    if not timedelta(0) < last - first <= LONGEST_LOOK:
        raise Unacceptable("wrong_duty_period", errors=[(["until"], "wrong_duty_period")], days=LONGEST_LOOK.days)
    return first, last
