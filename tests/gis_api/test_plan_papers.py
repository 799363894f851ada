"""What goes with a plan over HTTP: certificate, successors, handover workbook, replay, archive."""

from __future__ import annotations

import contextlib
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from sqlalchemy import Engine, select, update
from starlette.testclient import TestClient

from gis_api.papers import printing
from gis_api.papers.certificate import draw_svg
from gis_api.papers.workbook import make_harmless
from layers.buildings import Building
from layers.chronicle import PlanEvent
from layers.db import transaction
from layers.planning import Outline, PlanChart, find_faults
from layers.plans import Plan
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs
from tests.plan_desk import PLANS, Draft, middle_line
from tests.small_city import SmallCity

NASTY = '=HYPERLINK("http://example.org";"看这里")'


@pytest.fixture
def draft(signed_in: ClientAs, small_city: SmallCity) -> Iterator[Draft]:
    yield Draft(signed_in("planner"), small_city.district)


def split(draft: Draft, code: str) -> str:
    """Cut a grid in two; the code of the new part."""
    before = draft.grids(level="grid")
    answer = draft.edit(op="split", code=code, line=middle_line(before[code]))
    assert answer.status_code == 200, answer.text
    (fresh,) = draft.grids(level="grid").keys() - before.keys()
    return fresh


def whole_grid(city: SmallCity) -> str:
    """A grid without sub-grids."""
    return next(code for code in city.codes if len(code) == 15)


def publish(draft: Draft, reviewer: TestClient) -> dict[str, Any]:
    assert draft.submit_all().status_code == 200
    answer = draft.post("publish", {}, client=reviewer)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_certificate_can_be_recomputed_from_what_anybody_may_read(
    draft: Draft, reviewer: TestClient, small_city: SmallCity
) -> None:
    assert draft.client.get(f"{draft.path}/certificate").status_code == 404
    split(draft, whole_grid(small_city))
    publish(draft, reviewer)
    certificate = draft.client.get(f"{draft.path}/certificate").json()
    grids = draft.client.get(f"{draft.path}/grids").json()
    assert find_faults(certificate, grids) == []
    grids["features"][0]["geometry"]["coordinates"][0][0][1][0] += 1e-9
    assert find_faults(certificate, grids) == ["rows_sha256"]
    assert find_faults({**certificate, "published_by": "somebody"}, grids) == ["sha256", "rows_sha256"]
    assert certificate["edits"][0]["by"] == "planner" and certificate["edits"][0]["edits"] == 1
    assert certificate["base"] == {"plan": str(small_city.plan_id), "plan_version": 1}
    assert certificate["areas"]["frame_m2"] == pytest.approx(certificate["areas"]["grids_m2"], abs=0.01)


def test_successors_are_decided_at_a_version_and_take_effect(
    draft: Draft, reviewer: TestClient, small_city: SmallCity
) -> None:
    code = whole_grid(small_city)
    fresh = split(draft, code)
    told = draft.client.get(f"{draft.path}/successors").json()
    line = next(one for one in told["grids"] if one["grid"] == fresh)
    assert [post["worker"] for post in line["successors"]] == [small_city.worker_of[code]]
    other = small_city.worker_of[small_city.codes[-1]]
    body = {"grids": [{"grid": fresh, "posts": [{"worker": other, "role": "grid_worker"}]}]}
    assert draft.client.put(f"{draft.path}/successors", json=body).status_code == 428
    answer = draft.client.put(f"{draft.path}/successors", json=body, headers={"If-Match": draft.version})
    assert answer.status_code == 200, answer.text
    assert draft.post("undo").status_code == 412
    draft.version = answer.headers["etag"]
    publish(draft, reviewer)
    served = draft.client.get("/api/v1/assignments", params={"grid": fresh}).json()["assignments"]
    assert [one["worker"] for one in served] == [other]


def test_whoever_decides_successors_may_not_publish(draft: Draft, reviewer: TestClient, small_city: SmallCity) -> None:
    fresh = split(draft, whole_grid(small_city))
    body = {"grids": [{"grid": fresh, "posts": []}]}
    answer = reviewer.put(f"{draft.path}/successors", json=body, headers={"If-Match": draft.version})
    draft.version = answer.headers["etag"]
    refused = draft.submit_all()
    assert refused.status_code == 422 and "没有网格员" in refused.json()["errors"][0]["msg"]
    kinds = [*sorted({defect["kind"] for defect in draft.report()["defects"]}), "unserved_grid"]
    assert draft.post("submit", {"acknowledged": kinds}).status_code == 200
    assert draft.post("publish", {}, client=reviewer).status_code == 403


def test_a_foreign_planner_reads_no_papers(draft: Draft, client_as: ClientAs) -> None:
    stranger = client_as("planner", area="110101")
    for door in ("certificate", "successors", "handover", "handover.xlsx"):
        assert stranger.get(f"{draft.path}/{door}").status_code == 404


def test_the_handover_list_is_a_workbook_without_formulas(draft: Draft, small_city: SmallCity, engine: Engine) -> None:
    code = whole_grid(small_city)
    with transaction(engine) as session:
        session.execute(update(Worker).where(Worker.number == small_city.worker_of[code]).values(name=NASTY))
        shape = small_city.shapes.polygons[small_city.codes.index(code)]
        session.add_all(_houses(small_city.district, shape))
    fresh = split(draft, code)
    other = small_city.worker_of[small_city.codes[-1]]
    draft.client.put(
        f"{draft.path}/successors",
        json={"grids": [{"grid": fresh, "posts": [{"worker": other}]}]},
        headers={"If-Match": draft.version},
    )
    book = opened(draft, lang="zh-CN")
    assert book.sheetnames == ["负责网格变动", "交接汇总", "交接楼栋"]
    sheet = book["交接汇总"]
    head = [cell.value for cell in sheet[1]]
    assert (
        head[:3] == ["工号", "姓名", "接收／移交"] and sheet.freeze_panes == "A2" and sheet.print_title_rows == "$1:$1"
    )
    rows = [dict(zip(head, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert {row["接收／移交"]: row["楼栋数"] for row in rows} == {"接收": 1, "移交": 1}
    assert {row["姓名"] for row in rows} >= {f"'{NASTY}"} and {row["待检设备"] for row in rows} == {"不足 11"}
    cells = [cell for one in book for row in one.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert cells and all(cell.data_type == "s" and not cell.value.startswith(("=", "+", "-", "@")) for cell in cells)
    own = opened(draft, worker=other)
    assert {row[0].value for row in own["Handover in sum"].iter_rows(min_row=2)} == {other}
    summary = draft.client.get(f"{draft.path}/handover").json()["workers"]
    assert {one["worker"]: (one["taken"]["buildings"], one["handed"]["buildings"]) for one in summary} == {
        other: (1, 0),
        small_city.worker_of[code]: (0, 1),
    }


def _houses(district: str, shape: Any) -> Iterator[Building]:
    """Two houses, one in the west and one in the east of a shape, with a name that would be a formula."""
    west, south, east, north = shape.bounds
    for share in (0.25, 0.75):
        lon, lat = west + (east - west) * share, (south + north) / 2
        square = f"SRID=4326;MULTIPOLYGON((({lon} {lat},{lon + 1e-6} {lat},{lon + 1e-6} {lat + 1e-6},{lon} {lat})))"
        yield Building(
            district=district, name="@1号楼", households=7, geom=square, inner_point=f"SRID=4326;POINT({lon} {lat})"
        )


def opened(draft: Draft, *, lang: str = "en", **asked: str) -> Workbook:
    answer = draft.client.get(f"{draft.path}/handover.xlsx", params=asked, headers={"accept-language": lang})
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    return load_workbook(io.BytesIO(answer.content))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_no_text_becomes_a_formula(text: str) -> None:
    assert str(make_harmless(text))[0] == "'"


def test_usual_texts_and_numbers_stay_as_they_are() -> None:
    assert [make_harmless(value) for value in ("幸福里-3", "a=b", -3, None)] == ["幸福里-3", "a=b", -3, None]
    assert make_harmless("a\x00b") == "ab"


def test_dispatchers_replay_and_see_places(draft: Draft, signed_in: ClientAs) -> None:
    body = {"since": "2026-01-01T00:00:00+08:00", "until": "2026-02-01T00:00:00+08:00"}
    told = signed_in("dispatcher").post(f"{draft.path}/replay", json=body)
    assert told.status_code == 200 and told.json()["incidents"] == 0
    assert signed_in("leader").post(f"{draft.path}/replay", json=body).status_code == 403
    backwards = {"since": body["until"], "until": body["since"]}
    assert draft.client.post(f"{draft.path}/replay", json=backwards).status_code == 422


def test_a_draft_is_put_aside_by_its_author(draft: Draft, reviewer: TestClient, engine: Engine) -> None:
    assert draft.post("archive", client=reviewer).status_code == 403
    answer = draft.post("archive")
    assert answer.status_code == 200 and answer.json()["state"] == "archived"
    assert draft.edit(op="set", code=sorted(draft.grids())[0], name="x").status_code == 409
    again = Draft(draft.client, answer.json()["district"], based_on=draft.id)
    assert again.client.get(f"{PLANS}/{again.id}").json()["based_on"] == answer.json()["based_on"]
    with transaction(engine) as session:
        assert session.scalar(select(Plan.plan_version).where(Plan.id == int(draft.id))) is None


def test_the_certificate_is_a_page_and_a_pdf_with_its_fonts_inside(
    draft: Draft, reviewer: TestClient, small_city: SmallCity
) -> None:
    split(draft, whole_grid(small_city))
    plan = publish(draft, reviewer)
    page = draft.client.get(f"/plans/{draft.id}/certificate", headers={"accept": "text/html"})
    assert page.status_code == 200 and plan["certificate"]["rows_sha256"] in page.text and "<svg" in page.text
    paper = draft.client.get(f"/plans/{draft.id}/certificate.pdf")
    assert paper.status_code == 200, paper.text
    inside = inflated(paper.content)
    assert paper.content.startswith(b"%PDF-") and b"/FontFile" in inside and b"CJK" in inside


def inflated(pdf: bytes) -> bytes:
    """Everything in a PDF, compressed streams too."""
    parts = [pdf]
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompress(found[1]))
    return b"".join(parts)


def test_without_a_chinese_font_the_pdf_says_so(
    draft: Draft, reviewer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(draft, reviewer)
    monkeypatch.setattr(printing, "has_chinese_font", lambda: False)
    answer = draft.client.get(f"/plans/{draft.id}/certificate.pdf")
    assert answer.status_code == 503 and "fonts-noto-cjk" in answer.json()["detail"]


def test_a_certificate_is_for_planners_and_only_of_published_plans(draft: Draft, signed_in: ClientAs) -> None:
    html = {"accept": "text/html"}
    assert draft.client.get(f"/plans/{draft.id}/certificate", headers=html).status_code == 404
    assert signed_in("worker").get(f"/plans/{draft.id}/certificate.pdf", headers=html).status_code == 403
    assert draft.client.get("/plans/x/certificate", headers=html).status_code == 404


def test_names_from_data_are_texts_in_the_certificate(client_as: ClientAs) -> None:
    nasty = "</text><script>alert(1)</script>"
    outline = Outline("1", nasty, "base", (((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 0.0)),), (3.0, 3.0))
    drawn = draw_svg(PlanChart(9.0, 9.0, (outline,), (outline,)))
    assert "<script" not in drawn and "&lt;script&gt;" in drawn


def test_a_decision_about_successors_is_told_to_whoever_looks_on(
    draft: Draft, small_city: SmallCity, engine: Engine
) -> None:
    code = whole_grid(small_city)
    body = {"grids": [{"grid": code, "posts": []}]}
    draft.client.put(f"{draft.path}/successors", json=body, headers={"If-Match": draft.version})
    with transaction(engine) as session:
        lines = session.scalars(select(PlanEvent.action).where(PlanEvent.plan_id == int(draft.id))).all()
    assert lines[-1] == "successors"
