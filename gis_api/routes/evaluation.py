"""The evaluation: figures by area, unit, post and worker, the list behind each number, and the same as a workbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers import JSON, declare_answer, declare_media
from gis_api.answers import evaluation as answers
from gis_api.answers.cases import JobTold
from gis_api.dependencies import EvaluationMemory_, MomentRead, Now, Settings_, Tx, Zone, role_door
from gis_api.errors import language_of
from gis_api.job_json import job_as_json
from gis_api.paging import cursor_of, link_after
from gis_api.papers import XLSX
from gis_api.papers.printing import PDF, print_pdf
from gis_api.strict_routes import StrictRoute
from layers import evaluation, jobs
from layers.access import Actor, Role
from layers.db import read_one_moment
from layers.evaluation import FIGURES, Behind, Evaluation, Period, Row

router = APIRouter(tags=["heat"], route_class=StrictRoute)
PRIVATE = {"Cache-Control": "private, no-cache"}
# Planners draw grids; how people do is not theirs to judge. What each of the others may ask, `evaluation.ask` says.
_Judging = role_door(Role.dispatcher, Role.leader, Role.worker, Role.unit, Role.admin, Role.auditor)
Judging = Annotated[Actor, Depends(_Judging)]
By = Literal["area", "unit", "post", "worker"]
Leading = Annotated[Actor, Depends(role_door(*evaluation.LEADING))]
AskedBy = Annotated[By | None, Query(description="default: area; for workers and departments themselves")]
AskedPeriod = Annotated[
    str | None, Query(max_length=10, description="2026, 2026-10, 2026-W40 or 2026-10-03; default: this month")
]
AskedArea = Annotated[str | None, Query(max_length=60, description="a code prefix; default: the reader's area")]


def _ask(
    by: Judging,
    now: Now,
    zone: Zone,
    by_: Annotated[AskedBy, Query(alias="by")] = None,
    area: AskedArea = None,
    period: AskedPeriod = None,
) -> evaluation.EvaluationAsked:
    span = evaluation.month_of(now, zone) if period is None else evaluation.read_period(period, zone)
    return evaluation.ask(by_, area, span, reader=by)


Asked = Annotated[evaluation.EvaluationAsked, Depends(_ask)]


@router.get("/api/v1/evaluation", responses=declare_answer(answers.EvaluationAnswer), response_class=Response)
def read_evaluation(
    request: Request,
    tx: MomentRead,
    now: Now,
    memory: EvaluationMemory_,
    settings: Settings_,
    asked: Asked,
    against: Literal["previous", "year"] = "previous",
) -> Response:
    """Every figure of every row as `{n, of, rate}`, beside the period before or the same one a year ago.

    A figure counts the cases that were reported in the period, by the areas and people that have them now; categories
    that derive from residents are left out. Workers see their own row, departments theirs; how single workers do is
    for leaders of the area.
    """
    held, lang = asked.period.step_back(against), language_of(request)
    found = evaluation.evaluate(tx, asked, against=held, weights=settings.weights, memory=memory, now=now, lang=lang)
    return Response(orjson.dumps(tell_evaluation(asked, held, found, settings.weights)), media_type=JSON)


@router.get("/api/v1/evaluation.xlsx", responses=declare_media(XLSX), response_class=Response)
def read_evaluation_workbook(
    request: Request,
    tx: MomentRead,
    now: Now,
    memory: EvaluationMemory_,
    settings: Settings_,
    asked: Asked,
    against: Literal["previous", "year"] = "previous",
) -> Response:
    """The same as a workbook: the rows with their rates, the trend, and how the score comes about."""
    from gis_api.papers.evaluation import Part, evaluation_book

    held, weights, lang = asked.period.step_back(against), settings.weights, language_of(request)
    found = evaluation.evaluate(tx, asked, against=held, weights=weights, memory=memory, now=now, lang=lang)
    book = evaluation_book([Part(asked, held, found)], weights, lang=lang)
    name = f"evaluation-{asked.by}-{asked.period.name}.xlsx"
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(book, media_type=XLSX, headers=headers)


@router.get("/api/v1/evaluation.pdf", responses=declare_media(PDF), response_class=Response)
def read_evaluation_paper(
    request: Request,
    now: Now,
    memory: EvaluationMemory_,
    settings: Settings_,
    asked: Asked,
    against: Literal["previous", "year"] = "previous",
) -> Response:
    """The same as PDF, Chinese fonts embedded; of many rows the first, the workbook has all of them."""
    from gis_api.papers.evaluation import Part
    from gis_api.papers.evaluation_paper import paper_of

    held, weights, lang = asked.period.step_back(against), settings.weights, language_of(request)
    with read_one_moment(request.app.state.reading) as session:
        found = evaluation.evaluate(session, asked, against=held, weights=weights, memory=memory, now=now, lang=lang)
    # Outside the transaction: setting the pages takes seconds, and no connection should wait for it.
    html = paper_of([Part(asked, held, found)], weights, title="evaluation.title", lang=lang)
    name = f"evaluation-{asked.by}-{asked.period.name}.pdf"
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(print_pdf(html), media_type=PDF, headers=headers)


class BulletinAsked(BaseModel):
    """Of which month and area; without an area the reader's."""

    model_config = ConfigDict(extra="forbid")
    month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$")]
    area: Annotated[str, Field(max_length=60)] | None = None


@router.post(
    "/api/v1/evaluation/bulletins",
    responses=declare_answer(JobTold, status=202),
    status_code=202,
    response_class=Response,
)
def make_bulletin(
    request: Request, tx: Tx, by: Leading, zone: Zone, settings: Settings_, body: BulletinAsked
) -> Response:
    """A job that makes the bulletin of a month: by area, unit and post, as PDF and as a workbook.

    Both lie under `/api/v1/jobs/{id}/papers/` once it is done.
    """
    lang = language_of(request)
    asked = evaluation.ask("area", body.area, evaluation.read_period(body.month, zone), reader=by)
    task = {"month": body.month, "zone": zone.key, "lang": lang, "weights": dict(settings.weights)}
    job = jobs.add_job(tx, "bulletin", task=task, area=asked.area, by=by)
    tx.flush()
    tx.refresh(job)
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    return Response(orjson.dumps(job_as_json(job, lang)), 202, headers, JSON)


@router.get(
    "/api/v1/evaluation/{figure}/incidents", responses=declare_answer(answers.BehindAnswer), response_class=Response
)
def list_incidents_behind(
    request: Request,
    tx: MomentRead,
    now: Now,
    figure: Annotated[str, Path(max_length=40)],
    asked: Asked,
    code: Annotated[str | None, Query(max_length=60, description="a row; without it the total")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The cases behind one number, the oldest first: as many as the number says."""
    found = evaluation.list_behind(
        tx, asked, figure, code=code, after=cursor_of(after), limit=limit, now=now, lang=language_of(request)
    )
    last = found.cases[-1] if len(found.cases) == limit else None
    link = None if last is None else link_after(request, "after", last.reported_at, last.id)
    return Response(orjson.dumps(_show_behind(figure, found, link)), media_type=JSON)


def tell_evaluation(
    asked: evaluation.EvaluationAsked, held: Period, found: Evaluation, weights: Mapping[str, float]
) -> dict[str, Any]:
    """The evaluation as `EvaluationAnswer`."""
    return {
        "by": asked.by,
        "area": asked.area,
        "path": [{"code": code, "name": name} for code, name in found.path],
        "period": _show_period(asked.period),
        "against": _show_period(held),
        "figures": [
            {"figure": one.name, "of": one.of, "better": one.better, "weight": weights.get(one.name, 0.0)}
            for one in FIGURES.values()
        ],
        "left_out": evaluation.LEFT_OUT,
        "total": _show_row(found.total),
        "rows": [_show_row(row) for row in found.rows],
        "trend": [{**_show_period(part), "figures": _show_counts(counts)} for part, counts in found.trend],
    }


def _show_period(period: Period) -> dict[str, Any]:
    return {"period": period.name, "since": period.since.isoformat(), "until": period.until.isoformat()}


def _show_row(row: Row) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "figures": _show_counts(row.counts),
        "before": None if row.before is None else _show_counts(row.before),
        "score": None if row.score is None else round(row.score, 2),
        "rank": row.rank,
        "score_before": None if row.score_before is None else round(row.score_before, 2),
    }


def _show_counts(counts: Any) -> dict[str, Any]:
    return {name: _show_count(counts, name) for name in FIGURES}


def _show_count(counts: Any, name: str) -> dict[str, Any]:
    of, rate = FIGURES[name].of, evaluation.find_rate(counts, name)
    return {
        "n": counts[name],
        "of": None if of is None else counts[of],
        "rate": None if rate is None else round(rate, 4),
    }


def _show_behind(figure: str, found: Behind, link: str | None) -> dict[str, Any]:
    return {
        "figure": figure,
        "n": found.n,
        "late_steps": [{"name": name, "n": n} for name, n in found.steps],
        "categories": [{"name": name, "n": n} for name, n in found.categories],
        "incidents": [_show_case(case, found.places) for case in found.cases],
        "next": link,
    }


def _show_case(case: Any, places: Mapping[str, str]) -> dict[str, Any]:
    names = ("state", "category", "urgency", "reported_at", "closed_at", "due_at", "late_step", "waiting_reason")
    who = ("code", "subdistrict", "worker", "worker_name", "unit_name")
    told = {name: getattr(case, name) for name in (*names, *who)}
    return {"id": str(case.id), "unit": case.unit_code, "place": places.get(case.code, "")} | told
