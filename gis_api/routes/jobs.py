"""Long work: how far it is, what came of it, the list of one's own, and calling it off."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from gis_api.answers import cases as answers
from gis_api.answers import shown
from gis_api.dependencies import Planner, Read, Tx
from gis_api.errors import language_of
from gis_api.job_json import job_as_json, job_in_list
from gis_api.strict_routes import StrictRoute
from layers import jobs

router = APIRouter(tags=["jobs"], route_class=StrictRoute)
JobId = Annotated[str, Path(max_length=100)]


@router.get("/api/v1/jobs", responses=shown(answers.Jobs))
def list_jobs(
    request: Request, tx: Read, by: Planner, kind: Annotated[list[answers.JobKind] | None, Query(max_length=10)] = None
) -> dict[str, Any]:
    """One's own jobs, newest first, without their results: long work is left and found again here."""
    listed = jobs.list_jobs(tx, by=by, kinds=kind or ())
    lang = language_of(request)
    return {"jobs": [job_in_list(job, lang) for job in listed], "next": None}


@router.get("/api/v1/jobs/{job_id}", responses=shown(answers.JobTold))
def read_job(request: Request, tx: Read, by: Planner, job_id: JobId) -> dict[str, Any]:
    """A job: its state, progress 0 to 1, message, and the result once it is done."""
    return job_as_json(jobs.get_job(tx, job_id, by=by), language_of(request))


@router.delete("/api/v1/jobs/{job_id}", responses=shown(answers.JobTold))
def cancel_job(request: Request, tx: Tx, by: Planner, job_id: JobId) -> dict[str, Any]:
    """Call a job off: at once where it waits, within seconds where it runs; nothing of it is stored."""
    return job_as_json(jobs.cancel(tx, job_id, by=by), language_of(request))
