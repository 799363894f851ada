"""What was answered 201 is stored: the commit runs before the answer is sent, and a failing one is told."""

from __future__ import annotations

import pytest
from sqlalchemy import exc
from sqlalchemy.orm import Session

from tests.gis_api.conftest import ClientAs

NEW = {"name": "new", "role": "leader", "area": "130273", "password": "a long enough one 1"}


def test_a_commit_that_fails_is_not_answered_with_success(client_as: ClientAs, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_as("admin", area="")
    assert client.post("/api/v1/users", json=NEW).status_code == 201

    def failing(self: Session) -> None:
        if self.new or self.dirty or self.in_transaction():
            raise exc.OperationalError("COMMIT", {}, ConnectionError("the server closed the connection"))

    monkeypatch.setattr("sqlalchemy.orm.session.SessionTransaction.commit", lambda self, **_: failing(self.session))
    answer = client.post("/api/v1/users", json=NEW | {"name": "lost"})
    monkeypatch.undo()
    assert answer.status_code == 503 and "retry-after" in answer.headers
    names = {one["name"] for one in client.get("/api/v1/users").json()["users"]}
    assert "new" in names and "lost" not in names
