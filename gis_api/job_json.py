"""Jobs as JSON in the reader's language: what a job is doing, what came of it, why nothing did."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gis_api import texts
from gis_api.division_words import remark_in_words, way_in_words
from gis_api.errors import Answer, document_of
from layers.jobs import Job, JobState
from layers.planning.state.short_codes import ends_of

# What a job's own words are filled from, beside the values that it wrote itself.
_FAILED_STATUS = 422


def job_as_json(job: Job, lang: str, *, file: str | None = None) -> dict[str, Any]:
    """A job with its result."""
    return {
        **job_in_list(job, lang, file=file),
        "result": None if job.result is None else _translate_result(job.result, lang),
    }


def job_in_list(job: Job, lang: str, *, file: str | None = None) -> dict[str, Any]:
    """A job without its result, which may be large."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": round(job.progress, 3),
        "message": message_of(job, lang),
        "problem": None if job.problem is None else problem_of(job.problem, lang),
        "by": job.owner.partition(":")[2],
        "area": job.area,
        "upload": job.upload_id,
        "file": file or job.task.get("file"),
        "layer": job.task.get("layer"),
        "district": job.task.get("district"),
        "asked": {name: value for name, value in job.task.items() if name not in ("file", "source")},
        "plans": (job.result or {}).get("plans", {}),
        "attempt": job.attempt,
        "stop_asked": job.stop_asked,
        "created_at": job.created_at.isoformat(),
        "started_at": job.started_at and job.started_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
    }


def message_of(job: Job, lang: str) -> str:
    """What the job is doing, in words; for one that failed, why."""
    if job.state == JobState.failed and job.problem is not None:
        return str(problem_of(job.problem, lang)["detail"])
    if job.state == JobState.running and job.message:
        key = f"jobs.doing_{job.message}"
        return texts.text(key, lang, **job.message_values) if texts.has(key) else job.message
    return texts.text(f"jobs.{job.state}", lang)


def problem_of(problem: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """Why a job failed, as a problem document with its place."""
    told = document_of(Answer(_FAILED_STATUS, problem["code"], problem["details"]), lang)
    return {**told, "code": problem["code"], "where": problem.get("where")}


def words_of(code: str, values: Mapping[str, Any], lang: str) -> str:
    """The words of a reason or a remark of an import."""
    key = f"importing.{code}"
    return texts.text(key, lang, **name_kinds(values, lang)) if texts.has(key) else code


def reason_of(code: str, lang: str) -> str:
    """The words of why a row was refused; some codes are remarks on a whole file too, which are filled with values."""
    key = f"importing.row_{code}"
    return texts.text(key, lang) if texts.has(key) else words_of(code, {}, lang)


def detail_of(reason: str, detail: str, lang: str) -> str:
    """What a row was refused about, in words where it is a sentence of ours or of GEOS; a cell of the file as it is."""
    if reason in ("invalid_geometry", "wrong_geometry_type"):
        key = "invalid." + re.sub(r"\W+", "_", detail.lower())
        return texts.text(key, lang) if texts.has(key) else detail
    said = texts.find_sentence(detail) if reason == "nesting" else None
    return detail if said is None else texts.text(said[0], lang, **said[1])


def name_kinds(values: Mapping[str, Any], lang: str) -> Mapping[str, Any]:
    """The values with the kinds of defects in them (`how`, `by_kind`: {kind: number}) as the reader names them:
    "缝隙 3、重叠 18"."""
    if texts.has(how := f"importing.how_{str(values.get('how')).replace(' ', '_')}"):
        return {**values, "how": texts.text(how, lang)}
    if "by_kind" not in values:
        return values
    told = (f"{texts.text(f'defects.{kind}', lang)} {number:,}" for kind, number in values["by_kind"].items())
    none = texts.text("importing.no_defects", lang)
    return {**values, "defects": texts.text("importing.and", lang).join(told) or none}


def _remarks(remarks: Sequence[Mapping[str, Any]], lang: str) -> list[dict[str, Any]]:
    """Remarks with their words; a grid goes by the end of its code, for it has no other name yet."""
    return [
        {
            **remark,
            "words": remark_in_words({**remark, "grid": ends_of(remark.get("grid", ""))[-1]}, lang),
            "ways_told": {way: way_in_words(way, lang) for way in remark["ways"]},
        }
        for remark in remarks
    ]


def _translate_result(result: Mapping[str, Any], lang: str) -> dict[str, Any]:
    told = dict(result)
    if "refused" in told:
        told["refused"] = [
            {
                **one,
                "detail": detail_of(one["reason"], one["detail"], lang),
                "words": reason_of(one["reason"], lang),
            }
            for one in told["refused"]
        ]
        told["reasons"] = [
            {"reason": reason, "count": count, "words": reason_of(reason, lang)}
            for reason, count in told.get("by_reason", {}).items()
        ]
        told["notes"] = [{**note, "words": words_of(note["code"], note, lang)} for note in told["notes"]]
    if "proposals" in told:
        told["remarks"] = _remarks(told["remarks"], lang)
        told["proposals"] = [{**one, "remarks": _remarks(one["remarks"], lang)} for one in told["proposals"]]
    if "first_faults" in told:
        told["first_faults"] = [{**one, "words": words_of(one["code"], {}, lang)} for one in told["first_faults"]]
        told["faults"] = [
            {"code": code, "count": count, "words": words_of(code, {}, lang)} for code, count in told["faults"].items()
        ]
    if told.get("refusal"):
        told["refusal"] = problem_of(told["refusal"], lang)
    return told
