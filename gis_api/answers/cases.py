"""Incidents, candidates, jobs and places, as answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from gis_api.answers.calls import CallsTold, CheckInTold
from layers.clocks import Light, LimitKind
from layers.dispatch_rules import Rejection
from layers.incidents import STATES, STEPS, Proof, Target
from layers.jobs import JobState

State = Annotated[str, WithJsonSchema({"type": "string", "enum": list(STATES), "title": "State"})]
Step = Annotated[str, WithJsonSchema({"type": "string", "enum": list(STEPS), "title": "Step"})]
JobKind = Literal["inspection", "import", "division", "bulletin"]
Level = Literal["sub_grid", "grid", "sister", "community", "subdistrict", "district"] | str


class CandidateTold(BaseModel):
    """A worker who may go: metres to the place, straight or on foot (`measure`), seconds since the last fix."""

    worker: str
    name: str
    role: str
    grid: str
    level: str
    distance_m: float
    position_age_s: int | None
    freshness: Literal["fresh", "ageing", "stale"] | str
    on_duty: bool
    open_tasks: int
    reason: str
    measure: Literal["straight", "walking"] = "straight"


class RejectedTold(BaseModel):
    """A worker who may not go, and why."""

    worker: str
    name: str
    level: str
    distance_m: float | None
    reason: Rejection


class DutyDesk(BaseModel):
    """The desk of the nearest centre."""

    area: str
    name: str
    phone: str | None


class Nearest(BaseModel):
    """Who may go, best first, and who may not."""

    candidates: list[CandidateTold]
    rejected: list[RejectedTold]
    rejected_by_reason: dict[str, int]
    level: str | None
    duty_phone: str | None
    duty_desk: DutyDesk | None
    relation: Literal["inside", "border", "gap", "outside"]
    plan_version: int | None
    updated_at: datetime | None
    stale: bool


class FieldTaskTold(BaseModel):
    """Who is sent to look: whether it exists (`confirm`), or whether it is done (`inspect`)."""

    task: Literal["confirm", "inspect"]
    worker: str
    name: str
    phone_masked: str | None
    phone: str | None = None


class ReportAnswer(BaseModel):
    """What became of a report; `id` is null after a dry run."""

    id: str | None
    state: State
    waiting_reason: str | None
    location: dict[str, Any]
    assignment: dict[str, Any] | None
    field_task: FieldTaskTold | None
    rejected: list[RejectedTold]
    duty_desk: DutyDesk | None
    plan_version: int | None
    replayed: bool
    dry_run: bool
    duplicates: list[dict[str, Any]]


class StepOffered(BaseModel):
    """A step that the reader may take now; `note` says that a reason is demanded, `target` at what it is directed."""

    step: Step
    to_state: State | None
    note: bool
    proof: Proof
    target: Target | None
    otherwise: State | None
    answers: list[str] | None


# Every clock in the document says what it counts.
Amount = Annotated[float, Field(description="in the unit that `kind` names: hours or days")]


class ClockTold(BaseModel):
    """The limit of the awaited step; `calendar` is by year the version that was counted with, null for none."""

    step: str
    kind: LimitKind
    amount: Amount
    started_at: datetime
    deadline: datetime
    yellow_at: datetime
    light: Light
    late_three_times: bool
    paused_until: datetime | None
    extensions: int
    calendar: dict[str, int | None]
    assumed: bool


class LimitTold(BaseModel):
    """An amount of a kind ([K1])."""

    amount: Amount
    kind: LimitKind


class ConditionNamed(BaseModel):
    """A condition of a version of the standard sheet."""

    code: str
    standard: int


class ConditionTold(ConditionNamed):
    """The same in the sheet's words."""

    class_name: Annotated[str, Field(alias="class")]
    sub_class: str
    name: str
    case: str
    closes: str
    limit: LimitTold


class PhotoTold(BaseModel):
    """A photo; `taken_at` and `position` are what the camera says, for desks."""

    id: str
    kind: Literal["near", "far", "before", "after", "other"]
    at: datetime
    by: str
    width: int
    height: int
    url: str
    thumbnail: str
    taken_at: datetime | None
    position: dict[str, Any] | None


class Photos(BaseModel):
    """The photos of an incident, oldest first."""

    photos: list[PhotoTold]


class Case(BaseModel):
    """One incident of a list; `due_at` is when the clock of its present step runs out."""

    id: str
    state: State
    waiting_reason: str | None
    category: str
    urgency: Literal["low", "normal", "high", "critical"]
    description: str
    channel: str
    level: str
    relation: str
    current_code: str | None
    plan_version: int | None
    external_id: str | None
    occurred_at: datetime
    reported_at: datetime
    closed_at: datetime | None
    changed_at: datetime
    due_at: datetime | None
    area: str | None
    overdue: bool
    position: dict[str, Any]
    assignment: dict[str, Any] | None
    field_task: FieldTaskTold | None
    clock: ClockTold | None
    check_in: CheckInTold | None
    condition: ConditionNamed | None
    stage: Literal["collect", "file", "dispatch", "handle", "feed_back", "verify", "close"]
    joined_to: str | None
    part_of: str | None
    lead: bool
    may: list[StepOffered]
    reader_is: list[str]


class RecallTold(BaseModel):
    """What the resident said when they were last asked whether they are content."""

    answer: str
    at: datetime
    by: str
    note: str


class Cases(BaseModel):
    """A page of incidents."""

    incidents: list[Case]
    next: str | None
    counts: dict[Literal["living", "overdue", "waiting"], int] | None


class FullCase(Case):
    """One incident with its timeline and the steps that may follow."""

    condition: ConditionTold | None
    location: dict[str, Any] | None
    timeline: list[dict[str, Any]]
    next_steps: list[Step]
    decision: dict[str, Any] | None
    reporter: dict[str, Any] | None
    grace: dict[str, Any] | None
    joined: list[dict[str, Any]]
    parts: list[Case]
    recall: RecallTold | None
    calls: CallsTold | None
    photos: list[PhotoTold]


class LikelyCase(Case):
    """An incident that may be the same as another one, metres away from it."""

    distance_m: float


class LikelyCases(BaseModel):
    """What an incident may be a duplicate of: the same category first, then the nearest."""

    incidents: list[LikelyCase]


class DecisionTold(BaseModel):
    """Why this worker: everybody considered, best first; `position` is where each stood, for desks."""

    id: str
    ids: list[str]
    at: datetime
    policy: str
    plan_version: int | None
    index_version: int | None
    chosen: str | None
    waiting_reason: str | None
    limits: dict[str, Any] | None
    candidates: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    replayable: bool


class WayOffsets(BaseModel):
    """How far beside the roads the case and the worker are, in metres."""

    place: float
    worker: float


class WayTold(BaseModel):
    """The way on foot from the case to a worker, over the roads stored now, as a GeoJSON line in degrees WGS84.

    `kind` is `roads`, `yard` (straight over open ground), and for a straight line that stands in, `no_roads` or
    `no_way` (water or rails lie between, and nothing leads over). `decided_m` is what the decision measured.
    """

    worker: str
    kind: Literal["roads", "yard", "no_roads", "no_way"]
    line: dict[str, Any]
    length_m: float
    straight_m: float
    offsets_m: WayOffsets | None
    decided_m: float | None
    measure: str | None


class DecisionReplayed(BaseModel):
    """A decision made again; `same` when both are equal byte for byte (canonical JSON, SHA-256)."""

    id: str
    same: bool
    sha256: str
    again_sha256: str
    stored: dict[str, Any]
    again: dict[str, Any]


class WorkerNow(BaseModel):
    """Somebody on duty, in degrees WGS84; `at_home` says that the home point stands in for a stale fix."""

    number: str
    name: str
    role: str
    grid: str
    lon: float
    lat: float
    freshness: Literal["fresh", "ageing", "stale"]
    at_home: bool
    open_tasks: int


class PositionsNow(BaseModel):
    """Everybody on duty in an area."""

    workers: list[WorkerNow]
    updated_at: datetime | None
    stale: bool


class ListedJob(BaseModel):
    """Long work; `progress` from 0 to 1."""

    id: str
    kind: JobKind
    state: JobState
    progress: Annotated[float, Field(ge=0, le=1)]
    message: str
    problem: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobTold(ListedJob):
    """Long work and what came of it."""

    result: dict[str, Any] | None


class Jobs(BaseModel):
    """One's own jobs, newest first."""

    jobs: list[ListedJob]
    next: str | None


class FoundPlace(BaseModel):
    """A place found by its code or name."""

    kind: str
    id: str
    code: str | None
    name: str | None
    detail: Any
    match: Literal["code", "code_prefix", "name_prefix", "substring"] | str
    grid: str | None
    path: list[dict[str, Any]]
    point: list[float] | None
    bbox: list[float] | None


class FoundPlaces(BaseModel):
    """What fits, best first; `more` where there are others."""

    results: list[FoundPlace]
    more: bool


class TileJson(BaseModel):
    """TileJSON 3.0.0."""

    tilejson: Literal["3.0.0"]
    name: str
    tiles: list[str]
    minzoom: int
    maxzoom: int
    vector_layers: list[dict[str, Any]]
