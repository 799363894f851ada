"""Plans, their reports, edits and papers, as answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers.geojson import Feature, Features, Geometry
from layers.plans import PlanState


class Listed(BaseModel):
    """A plan in a list; `version` counts its edits, `plan_version` is the district's serial of publications."""

    id: str
    title: str
    district: str
    district_name: str
    state: PlanState
    version: int
    plan_version: int | None
    based_on: str | None
    editors: list[str]
    acknowledged: list[str]
    returned_reason: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    submitted_by: str | None
    submitted_at: datetime | None
    published_by: str | None
    published_at: datetime | None
    effective_at: datetime | None
    ends_at: datetime | None
    ok: bool | None
    summary: dict[str, Any] | None
    grids: int | None


class Plans(BaseModel):
    """A page of plans, newest first."""

    plans: list[Listed]
    next: str | None


class Plan(Listed):
    """One plan; `can_undo` and `can_redo` are numbers of edits."""

    certificate: dict[str, Any] | None
    to_redo: list[Any] | None
    can_undo: int
    can_redo: int


class Defect(BaseModel):
    """One thing that is wrong, where, and how much of it: square metres, metres."""

    model_config = ConfigDict(populate_by_name=True)

    kind: str
    class_: Literal["noise", "sliver", "real"] | None = Field(alias="class")
    severity: Literal["error", "warning"]
    codes: list[str]
    area_m2: float
    length_m: float
    width_m: float
    households: int | None
    where: Geometry | None


class Summary(BaseModel):
    """How much of everything there is, defects by kind."""

    grids: int
    area_m2: float
    by_kind: dict[str, int]


class Report(BaseModel):
    """The report of a plan or of any set of polygons: `ok` means without errors."""

    ok: bool
    defects: list[Defect]
    summary: Summary


class SetReport(Report):
    """The report of any set of polygons, with what is wrong with its codes alone."""

    repeated: dict[str, list[int]]
    lost: dict[str, str]


class VersionedReport(Report):
    """The report of one version of a plan."""

    version: int


class Changes(BaseModel):
    """Of a report only what comes, and the ids of what is gone (`report=changes`)."""

    ok: bool
    come: list[Defect]
    gone: list[str]
    summary: Summary


class Edited(BaseModel):
    """What an edit did; `took_ms` are milliseconds."""

    version: int
    op: str | None
    by: str | None
    changed: list[Feature]
    removed: list[str]
    report: Report | Changes
    added: list[Defect]
    cleared: list[Defect]
    took_ms: float


class DivisionCommentTold(BaseModel):
    """What somebody said of one of a division's proposals."""

    id: int
    profile: Literal["balanced", "even", "streets"]
    words: str
    by: str
    at: datetime


class DivisionComments(BaseModel):
    """All that was said of a division's proposals, the oldest first."""

    comments: list[DivisionCommentTold]


class Proposal(BaseModel):
    """What a repair would do, what a person must decide, what would be left; with `apply`, the edit as well."""

    version: int
    ok: bool | None = None
    differences: Any = None
    decisions: list[dict[str, Any]] | None = None
    mended: dict[str, int] | None = None
    left: Any = None
    open: dict[str, int] | None = None


class Difference(BaseModel):
    """What differs between two plans, and what changes hands."""

    plan: str
    against: dict[str, Any]
    buildings: int
    households: int
    incidents: int
    workers: int
    moves: list[dict[str, Any]]
    handover: list[dict[str, Any]]
    unserved: list[str]
    map: Any
    ground: Features


class Replayed(BaseModel):
    """How many incidents would have gone to another grid; `where` for roles that may see places."""

    plan: str
    since: datetime
    until: datetime | None
    incidents: int
    elsewhere: int
    moves: list[dict[str, Any]]
    grids: Any
    where: Geometry | None


class Rebase(BaseModel):
    """What putting a draft onto the latest plan would bring."""

    plan: str
    version: int
    onto: dict[str, Any]
    incoming: Any
    kept: Any
    conflicts: list[dict[str, Any]]


class News(BaseModel):
    """What happened since a version; without `whole` the plan has to be read anew."""

    since: int
    version: int
    state: PlanState
    whole: bool
    ok: bool | None
    lines: list[dict[str, Any]]
    changed: list[Feature]
    removed: list[str]
    added: list[Any]
    cleared: list[Any]


class Certificate(BaseModel):
    """The coverage certificate of a published plan; square metres."""

    plan: str
    district: str
    plan_version: int
    counts: dict[str, Any]
    areas: dict[str, float]
    tolerances: dict[str, float]
    warnings_acknowledged: dict[str, int]
    effective_at: datetime
    rows_sha256: str
    sha256: str


class SuccessorsTold(BaseModel):
    """Who serves each new or changed grid from the moment on at which the plan comes into force."""

    plan: str
    version: int
    effective_at: datetime | None
    grids: list[dict[str, Any]]
    ending: list[dict[str, Any]]
    unserved: list[str]


class Handover(BaseModel):
    """Everybody who takes or hands over something, with sums."""

    workers: list[dict[str, Any]]
    unserved: list[dict[str, Any]]
