"""The pages about plans: the list, one plan and its life, its certificate (also as PDF), diff, rebase, replay."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from gis_api.dependencies import MaybePerson, public
from gis_api.pages import Reader, map_page, may_open, page, reader_of, refuse_reader
from gis_api.papers.certificate import body_of, document_of
from gis_api.papers.printing import PDF, print_pdf
from layers import planning
from layers.access import Actor
from layers.db import transaction
from layers.errors import NotFound
from layers.ids import find_id
from layers.planning import PlanChart

# Whoever is not signed in gets the sign-in, whoever may not look gets a page that says so: hence no door here.
router = APIRouter(include_in_schema=False, dependencies=[public])

SECTIONS = ("plans", "plan", "planner", "defects", "roles_in_grid", "difference", "certificate")


def _number(plan_id: str) -> int:
    found = find_id(plan_id)
    if found is None:
        raise NotFound("no_such_plan", plan=plan_id[:40])
    return found


@router.get("/plans")
def list_page(request: Request, person: MaybePerson) -> Response:
    """All plans of the reader's area, and new drafts."""
    return _show_plain_page(reader_of(request, person), "plans", config={})


@router.get("/plans/{plan_id}")
def plan_page(request: Request, person: MaybePerson, plan_id: str) -> Response:
    """One plan: its life and what may be done with it."""
    return _show_plain_page(reader_of(request, person), "plan", config={"plan": plan_id})


@router.get("/plans/{plan_id}/diff")
def difference_page(request: Request, person: MaybePerson, plan_id: str, against: str = "published") -> Response:
    """What differs between two plans, as a map and as tables."""
    config = {"plan": plan_id, "against": against}
    ahead = (f"/api/v1/plans/{quote(plan_id, safe='')}/diff?against={quote(against, safe='')}",)
    return map_page(reader_of(request, person), "difference", config=config, sections=SECTIONS, values={"ahead": ahead})


@router.get("/plans/{plan_id}/rebase")
def rebase_page(request: Request, person: MaybePerson, plan_id: str) -> Response:
    """A draft beside the newer plan: what comes over by itself, and what somebody must decide."""
    return map_page(reader_of(request, person), "rebase", config={"plan": plan_id}, sections=(*SECTIONS, "rebase"))


@router.get("/plans/{plan_id}/replay")
def replay_page(request: Request, person: MaybePerson, plan_id: str) -> Response:
    """The incidents of the last months under another plan."""
    return map_page(reader_of(request, person), "replay", config={"plan": plan_id}, sections=(*SECTIONS, "replay"))


@router.get("/plans/{plan_id}/certificate")
def certificate_page(request: Request, person: MaybePerson, plan_id: str) -> Response:
    """The coverage certificate of a published plan, to be read and printed."""
    reader = reader_of(request, person)
    if not may_open(reader, "certificate"):
        return refuse_reader(reader)
    with transaction(request.app.state.engine) as session:
        body = body_of(*_gather_certificate(session, plan_id, by=_get_person(reader)), lang=reader.lang)
    return page(reader, "certificate", config={"plan": plan_id}, sections=("certificate",), values={"body": body})


@router.get("/plans/{plan_id}/certificate.pdf")
def certificate_pdf(request: Request, person: MaybePerson, plan_id: str) -> Response:
    """The same as PDF, Chinese fonts embedded."""
    reader = reader_of(request, person)
    if not may_open(reader, "certificate"):
        return refuse_reader(reader)
    with transaction(request.app.state.engine) as session:
        html = document_of(*_gather_certificate(session, plan_id, by=_get_person(reader)), lang=reader.lang)
    # Outside the transaction: setting the pages takes seconds, and no connection should wait for it.
    name = f"certificate-{_number(plan_id)}.pdf"
    headers = {"Cache-Control": "private, no-cache", "Content-Disposition": f'inline; filename="{name}"'}
    return Response(print_pdf(html), media_type=PDF, headers=headers)


def _show_plain_page(reader: Reader, name: str, *, config: dict[str, Any]) -> Response:
    """A page without a map."""
    if not may_open(reader, name):
        return refuse_reader(reader)
    return page(reader, name, config=config, sections=SECTIONS)


def _gather_certificate(
    session: Session, plan_id: str, *, by: Actor
) -> tuple[dict[str, Any], dict[str, Any], PlanChart]:
    """What a certificate is made of: the plan, the certificate itself and the map; raises NotFound."""
    number = _number(plan_id)
    plan, certificate = planning.certificate_of(session, number, by=by)
    return planning.plan_as_json(session, plan, by=by), certificate, planning.chart_of(session, number, by=by)


def _get_person(reader: Reader) -> Actor:
    assert reader.person is not None, "asked after may_open"
    return reader.person
