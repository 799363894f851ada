"""The standard sheet over HTTP and by command: tried, taken in whole or not at all, read, exported, taken in again."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import Result
from sqlalchemy import Engine, func, select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from gis_api.cli import app as command_line
from layers import categories
from layers.db import transaction
from layers.standards import Standard, StandardCondition
from layers.standards.workbook import book_of
from migrations.demo.standard_sheet import make_sheet
from tests.gis_api.conftest import ClientAs
from tests.layers.standards.test_workbooks import HEAD, LEAK, ROAD, saved, workbook

URL = "/api/v1/standards"
ENGLISH = {"accept-language": "en"}


def send(client: TestClient, file: bytes, **more: Any) -> Any:
    return client.post(URL, files={"file": ("标准.xlsx", file)}, headers=ENGLISH, **more)


def stored(engine: Engine) -> tuple[int, int]:
    with transaction(engine) as session:
        tables = (Standard, StandardCondition)
        versions, conditions = (session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
        return versions, conditions


def test_without_a_sheet_the_answer_is_empty_and_no_error(client_as: ClientAs) -> None:
    assert client_as("worker").get(URL).json() == {"version": 0, "sub_classes": [], "versions": []}
    assert client_as("worker").get(f"{URL}/1.xlsx").status_code == 404
    assert client_as("worker").get(URL, params={"version": 1}).status_code == 422


def test_a_sheet_is_tried_taken_in_read_and_exported_to_the_same_sheet(client_as: ClientAs, engine: Engine) -> None:
    with transaction(engine) as session:
        categories.ensure_defaults(session)
    admin, file = client_as("admin"), book_of(make_sheet(), lang="zh-CN")
    tried = send(admin, file, params={"dry_run": True})
    assert tried.status_code == 200
    told = tried.json()
    assert (told["ok"], told["version"], told["refused"]) == (True, None, [])
    assert (told["sub_classes"], told["conditions"]) == (173, 416)
    assert len(told["changes"]["added"]) == 173 + 416
    assert stored(engine) == (0, 0)
    taken = send(admin, file, data={"note": "2026 版"})
    assert (taken.status_code, taken.json()["version"]) == (201, 1)
    assert stored(engine) == (1, 416)
    read = client_as("dispatcher").get(URL, headers=ENGLISH).json()
    assert read["version"] == 1
    assert (read["versions"][0]["note"], read["versions"][0]["conditions"]) == ("2026 版", 416)
    burst = next(one for one in read["sub_classes"] if one["name"] == "供水管道")
    assert (burst["class"], burst["kind"], burst["unit"]) == ("公用设施", "component", "water")
    assert [one["limit"]["text"] for one in burst["conditions"][:3]] == ["1 hour", "24 hours", "3 working days"]
    for lang in ("zh-CN", "en"):
        out = client_as("auditor").get(f"{URL}/1.xlsx", headers={"accept-language": lang})
        assert out.status_code == 200
        again = send(admin, out.content, params={"dry_run": True}).json()
        assert again["ok"]
        assert again["changes"] == {"added": [], "changed": [], "removed": []}


def test_a_limit_that_cannot_be_read_is_refused_with_its_row_and_nothing_is_stored(
    client_as: ClientAs, engine: Engine
) -> None:
    admin = client_as("admin")
    file = workbook(HEAD, LEAK, (*ROAD[:4], "2-3小时", *ROAD[5:]), (*ROAD[:3], "第三步", 5, *ROAD[5:]))
    refused = send(admin, file)
    assert refused.status_code == 422
    told = refused.json()
    assert told["type"].endswith("standard_refused")
    assert [one["loc"] for one in told["errors"]] == [["rows", 3, "limit"], ["rows", 4, "limit"]]
    assert "Row 3, limit: the limit “2-3小时” cannot be read" in told["errors"][0]["msg"]
    tried = send(admin, file, params={"dry_run": True})
    assert tried.status_code == 200
    assert (tried.json()["ok"], [one["row"] for one in tried.json()["refused"]]) == (False, [3, 4])
    assert stored(engine) == (0, 0)


def test_a_new_version_leaves_the_earlier_one_as_it_was(client_as: ClientAs, engine: Engine) -> None:
    admin = client_as("admin")
    assert send(admin, workbook(HEAD, LEAK, ROAD)).json()["version"] == 1
    changed = send(admin, workbook(HEAD, (*LEAK[:4], "2小时", *LEAK[5:]))).json()
    assert (changed["version"], changed["changes"]) == (2, {"added": [], "changed": ["0101-1"], "removed": ["0101-2"]})
    first, second = (admin.get(URL, params={"version": version}).json() for version in (1, 2))
    assert [len(one["sub_classes"][0]["conditions"]) for one in (first, second)] == [2, 1]
    assert [one["version"] for one in first["versions"]] == [2, 1]


def test_only_an_admin_takes_one_in_and_only_a_workbook_is_taken(client_as: ClientAs, engine: Engine) -> None:
    file = workbook(HEAD, LEAK)
    assert send(client_as("dispatcher"), file).status_code == 403
    admin = client_as("admin")
    assert send(admin, b"<svg/>").json()["type"].endswith("file_is_broken")
    assert admin.post(URL, json={}).status_code == 422
    assert admin.post(URL, files={"other": ("a.xlsx", file)}).status_code in (201, 422)
    assert send(admin, b"0" * 4_100_000).status_code == 413
    bomb = openpyxl.Workbook()
    bomb.worksheets[0]["XFD1048576"] = "x"
    assert send(admin, saved(bomb)).json()["type"].endswith("file_too_large")
    assert admin.get(f"{URL}/0.xlsx").status_code == 422
    assert admin.get(f"{URL}/x.xlsx").status_code == 422


@pytest.fixture
def wangge(database_url: str, tmp_path: Path) -> Any:
    environment = {"WANGGE_DATABASE_URL": database_url, "WANGGE_VAR": str(tmp_path / "var"), "WANGGE_LANGUAGE": "en"}
    return lambda *words: CliRunner().invoke(command_line, [*map(str, words)], env=environment)


def test_the_command_takes_in_a_sheet_whole_or_not_at_all(wangge: Any, tmp_path: Path, engine: Engine) -> None:
    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    good.write_bytes(workbook(HEAD, LEAK, ROAD))
    bad.write_bytes(workbook(HEAD, LEAK, (*ROAD[:4], "一周", *ROAD[5:])))
    dry: Result = wangge("import", "standards", good, "--dry-run")
    assert (dry.exit_code, stored(engine)) == (0, (0, 0))
    assert "dry run" in dry.stdout
    refused = wangge("import", "standards", bad)
    assert (refused.exit_code, stored(engine)) == (1, (0, 0))
    assert "Row 3, limit: the limit “一周” cannot be read" in refused.stdout
    assert "stored as version 1" in wangge("import", "standards", good).stdout
    told = json.loads(wangge("import", "standards", good, "--json").stdout)
    assert (told["read"], told["stored"], told["version"], told["refused"]) == (2, 2, 2, [])
    assert stored(engine) == (2, 4)
    assert wangge("import", "standards", tmp_path / "none.xlsx").exit_code != 0


def test_the_file_of_an_upload_does_not_stay(client_as: ClientAs, settings: Any) -> None:
    send(client_as("admin"), workbook(HEAD, LEAK))
    send(client_as("admin"), io.BytesIO(b"nothing").getvalue())
    folder = settings.upload_folder
    assert [one for one in folder.rglob("*") if one.is_file()] == []
