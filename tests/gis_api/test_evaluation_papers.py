"""The evaluation on paper: as PDF, and the monthly bulletin, a job whose papers hold the numbers of the door."""

from __future__ import annotations

import io
import re
import threading
import zlib
from typing import Any

import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from gis_api import job_runner
from gis_api.job_runner import Place
from gis_api.papers import evaluation_paper
from gis_api.settings import Settings
from layers.db import transaction
from tests.gis_api.conftest import ClientAs
from tests.gis_api.judged_cases import DISTRICT, NOW, URL, ask, counts, judge
from tests.small_city import SmallCity


@pytest.fixture
def city(app: FastAPI, engine: Engine, small_city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> SmallCity:
    app.state.clock = lambda: NOW
    monkeypatch.setattr("gis_api.bulletins.read_clock", lambda: NOW)
    judge(engine, small_city)
    return small_city


@pytest.fixture
def place(engine: Engine, settings: Settings) -> Place:
    gave_up = threading.Event()
    return Place(engine, settings.upload_folder, gave_up, give_up=gave_up.set)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents that were made into PDF, as HTML."""
    seen: list[str] = []
    paper_of = evaluation_paper.paper_of

    def keep(*given: Any, **named: Any) -> str:
        seen.append(paper_of(*given, **named))
        return seen[-1]

    monkeypatch.setattr("gis_api.papers.evaluation_paper.paper_of", keep)
    monkeypatch.setattr("gis_api.bulletins.paper_of", keep)
    return seen


def is_pdf_with_chinese(content: bytes) -> bool:
    packed = re.findall(rb"stream\r?\n(.*?)endstream", content, re.S)
    inside = content + b"".join(unpacked(part) for part in packed)
    return content.startswith(b"%PDF-") and b"/FontFile" in inside and b"CJK" in inside


def unpacked(part: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(part)
    except zlib.error:
        return b""


def rows_of(html: str, heading: str) -> dict[str, list[str]]:
    """The cells of each row of a table by the name in its first header cell."""
    table = html[html.index(f"<h2>{heading}</h2>") :].split("</table>")[0]
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", table.split("<tbody>")[1], re.S):
        name = re.findall(r"<th[^>]*>(.*?)</th>", row, re.S)[0]
        found[name] = re.findall(r"<td>(.*?)</td>", row, re.S)
    return found


def first_numbers(cells: list[str]) -> list[int]:
    return [int(cell.split(" ")[0].replace(",", "")) for cell in cells]


def test_the_evaluation_is_printed_with_the_numbers_of_the_door(
    city: SmallCity, client_as: ClientAs, printed: list[str]
) -> None:
    leader = client_as("leader")
    told = ask(leader, period="2026-10")
    answer = leader.get(f"{URL}.pdf", params={"period": "2026-10", "lang": "zh"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert is_pdf_with_chinese(answer.content)
    rows = rows_of(printed[0], "辖区")
    assert list(rows) == [row["name"] or "其他" for row in told["rows"]]
    for row, cells in zip(told["rows"], rows.values(), strict=True):
        shown = [counts(row["figures"])[name] for name in evaluation_paper.COLUMNS]
        assert first_numbers(cells[2:]) == shown
    assert "高新区" in printed[0]


def test_a_bulletin_is_a_job_whose_papers_hold_the_numbers_of_the_month(
    city: SmallCity, client_as: ClientAs, place: Place, printed: list[str]
) -> None:
    leader = client_as("leader")
    asked = {"month": "2026-10", "area": DISTRICT}
    begun = leader.post(f"{URL}/bulletins", json=asked, headers={"Accept-Language": "en"})
    assert begun.status_code == 202, begun.text
    address = begun.headers["location"]
    assert leader.get(f"{address}/papers/pdf").status_code == 404
    assert leader.post(f"{URL}/bulletins", json=asked).status_code == 409
    assert job_runner.do_next(place)
    over = leader.get(address).json()
    assert (over["state"], over["result"]["papers"]) == ("done", ["pdf", "xlsx"]), over
    assert leader.get("/api/v1/jobs", params={"kind": "bulletin"}).json()["jobs"][0]["id"] == over["id"]
    assert is_pdf_with_chinese(leader.get(f"{address}/papers/pdf").content)
    book = openpyxl.load_workbook(io.BytesIO(leader.get(f"{address}/papers/xlsx").content))
    assert book.sheetnames[:3] == ["Area", "Unit", "Post"]
    for sheet, by in zip(book.worksheets, ("area", "unit", "post"), strict=False):
        told = ask(leader, by=by, period="2026-10", lang="en")
        rows = list(sheet.iter_rows(min_row=2, values_only=True))
        assert [row[5] for row in rows] == [row["figures"]["collected"]["n"] for row in (told["total"], *told["rows"])]
        paper = rows_of(printed[0], by.capitalize())
        assert [first_numbers(cells[2:])[0] for cells in paper.values()] == [row[5] for row in rows[1:]]
    assert "The water department" in printed[0]
    stranger = client_as("leader", area=city.codes[0][:12])
    assert stranger.get(f"{address}/papers/pdf").status_code == 404


def test_a_hostile_name_is_words_on_paper_too(
    city: SmallCity, engine: Engine, client_as: ClientAs, printed: list[str]
) -> None:
    with transaction(engine) as session:
        session.execute(text("UPDATE areas SET name = '<img src=x onerror=alert(1)>' WHERE level = 'subdistrict'"))
    answer = client_as("leader").get(f"{URL}.pdf", params={"period": "2026-10"})
    assert answer.status_code == 200
    assert "&lt;img src=x" in printed[0] and "<img" not in printed[0]


def test_who_may_have_a_bulletin_and_of_what(city: SmallCity, client_as: ClientAs) -> None:
    for role in ("dispatcher", "auditor", "planner", "worker", "unit"):
        assert client_as(role).post(f"{URL}/bulletins", json={"month": "2026-10"}).status_code == 403
    leader: TestClient = client_as("leader", area=city.codes[0][:12])
    assert leader.post(f"{URL}/bulletins", json={"month": "2026-10", "area": DISTRICT}).status_code == 404
    for month in ("2026-13", "2026", "2026-W40", "x"):
        assert leader.post(f"{URL}/bulletins", json={"month": month}).status_code == 422
    assert leader.get("/api/v1/jobs/nothing/papers/pdf").status_code == 404
    assert leader.get("/api/v1/jobs/nothing/papers/docx").status_code == 422
