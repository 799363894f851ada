"""Long work: how far it is, what came of it, the list of one's own, and calling it off."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from gis_api.answers import cases as answers
from gis_api.answers import declare_answer, declare_media
from gis_api.dependencies import Read, Tx, role_door
from gis_api.errors import language_of
from gis_api.job_json import job_as_json, job_in_list
from gis_api.papers import XLSX
from gis_api.papers.printing import PDF
from gis_api.strict_routes import StrictRoute
from layers import jobs
from layers.access import Actor, Role

router = APIRouter(tags=["jobs"], route_class=StrictRoute)
# Whoever may begin some long work; each of them finds their own.
_Asking = role_door(Role.planner, Role.leader, Role.admin)
Asking = Annotated[Actor, Depends(_Asking)]
FORMS = {"pdf": PDF, "xlsx": XLSX}
JobId = Annotated[str, Path(max_length=100)]


@router.get("/api/v1/jobs", responses=declare_answer(answers.Jobs))
def list_jobs(
    request: Request, tx: Read, by: Asking, kind: Annotated[list[answers.JobKind] | None, Query(max_length=10)] = None
) -> dict[str, Any]:
    """One's own jobs, newest first, without their results: long work is left and found again here."""
    listed = jobs.list_jobs(tx, by=by, kinds=kind or ())
    lang = language_of(request)
    return {"jobs": [job_in_list(job, lang) for job in listed], "next": None}


@router.get("/api/v1/jobs/{job_id}", responses=declare_answer(answers.JobTold))
def read_job(request: Request, tx: Read, by: Asking, job_id: JobId) -> dict[str, Any]:
    """A job: its state, progress 0 to 1, message, and the result once it is done."""
    return job_as_json(jobs.get_job(tx, job_id, by=by), language_of(request))


@router.delete("/api/v1/jobs/{job_id}", responses=declare_answer(answers.JobTold))
def cancel_job(request: Request, tx: Tx, by: Asking, job_id: JobId) -> dict[str, Any]:
    """Call a job off: at once where it waits, within seconds where it runs; nothing of it is stored."""
    return job_as_json(jobs.cancel(tx, job_id, by=by), language_of(request))


@router.get("/api/v1/jobs/{job_id}/papers/{form}", responses=declare_media(*FORMS.values()), response_class=Response)
def read_paper(tx: Read, by: Asking, job_id: JobId, form: Literal["pdf", "xlsx"]) -> Response:
    """A file that the job made; 404 before it is done and where it makes none of that form."""
    paper = jobs.get_paper(tx, job_id, form=form, by=by)
    headers = {"Cache-Control": "private, no-cache", "Content-Disposition": f'attachment; filename="{paper.name}"'}
    return Response(paper.content, media_type=FORMS[form], headers=headers)
