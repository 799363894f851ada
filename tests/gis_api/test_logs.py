"""What the service writes down: a line with the time and the request, and few of them however long a trouble lasts."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gis_api.app import create_app
from gis_api.logs import Lines, Outage, Seldom, request_id
from gis_api.settings import Settings

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 (?P<level>\w+) [\w.]+ \[(?P<request>[\w.-]+)\] (?P<said>.*)"
)


def test_a_line_tells_the_time_and_the_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/none", var=tmp_path)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        for _ in range(50):
            answer = client.post(
                "/api/v1/session", json={"name": "x", "password": "y"}, headers={"x-request-id": "mine-1"}
            )
            assert answer.status_code in (503, 429)
    told = capsys.readouterr().err.splitlines()
    assert told and all(LINE.fullmatch(line) for line in told), told
    assert len(told) < 10, "a line a minute, not one for each request"
    assert any(found["request"] == "mine-1" for line in told if (found := LINE.fullmatch(line)))


def test_a_trouble_that_lasts_is_told_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("wangge.test"), "PostgreSQL does not answer")
    for _ in range(200):
        outage.count_failure("connection refused\nIs the server running?")
    outage.tell_end()
    outage.tell_end()
    assert caplog.messages[0] == "PostgreSQL does not answer: connection refused"
    assert len(caplog.messages) == 2 and "200 times" in caplog.messages[1]


def test_lines_that_come_by_the_thousand_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    seldom, log = Seldom(every_s=1e9), logging.getLogger("wangge.test")
    for _ in range(1_000):
        seldom.warn(log, "GET /x: database_away")
    assert caplog.messages == ["GET /x: database_away"]


def test_a_traceback_stands_behind_its_line() -> None:
    request_id.set("-")
    try:
        raise ValueError("broken")
    except ValueError as error:
        told = (type(error), error, error.__traceback__)
    record = logging.LogRecord("wangge", logging.ERROR, "x", 1, "GET %s", ("/x",), told)
    first, *rest = Lines().format(record).splitlines()
    assert LINE.fullmatch(first) and rest[-1] == "ValueError: broken"
