"""The monthly bulletin of the evaluation: by area, unit and post, as PDF and as a workbook, kept with its job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_api.papers.evaluation import Part, evaluation_book
from gis_api.papers.evaluation_paper import paper_of
from gis_api.papers.printing import print_pdf
from layers import evaluation, jobs
from layers.db import read_one_moment
from layers.evaluation import By, EvaluationMemory
from layers.jobs import Job
from layers.moments import read_clock

BYS: tuple[By, ...] = ("area", "unit", "post")
Progress = Callable[[str, float], None]


def make_bulletin(session: Session, job: Job, engine: Engine, progress: Progress) -> dict[str, Any]:
    """What was made of which month; the papers are stored with the job. All its figures are of one moment."""
    task = job.task
    lang, weights = task["lang"], task["weights"]
    progress("evaluating", 0.05)
    parts = _count(job, engine, progress)
    progress("printing", 0.5)
    pdf = print_pdf(paper_of(parts, weights, title="evaluation.bulletin", lang=lang))
    progress("printing", 0.9)
    book = evaluation_book(parts, weights, lang=lang)
    name = f"bulletin-{job.area or 'all'}-{task['month']}"
    for form, content in (("pdf", pdf), ("xlsx", book)):
        jobs.add_paper(session, job.id, form=form, name=f"{name}.{form}", content=content)
    return {"month": task["month"], "area": job.area, "papers": ["pdf", "xlsx"]}


def _count(job: Job, engine: Engine, progress: Progress) -> list[Part]:
    """The month by each kind of row, from a reading of its own: the transaction of a job does not see one moment."""
    month, memory = evaluation.read_period(job.task["month"], ZoneInfo(job.task["zone"])), EvaluationMemory()
    asked = evaluation.ask("area", job.area, month, reader=job.by)
    held, now, parts = month.step_back("previous"), read_clock(), []
    with read_one_moment(engine) as reading:
        for at, by in enumerate(BYS):
            one = replace(asked, by=by)
            given = {"weights": job.task["weights"], "memory": memory, "now": now, "lang": job.task["lang"]}
            parts.append(Part(one, held, evaluation.evaluate(reading, one, against=held, **given)))
            progress("evaluating", 0.05 + 0.15 * (at + 1))
    return parts
