"""A report that is only decided: nothing is stored, and nobody is waited for."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from layers.db import transaction
from layers.incidents import IdempotencyKey, Incident, claim_key
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import put_on_duty
from tests.small_city import SmallCity


def test_a_dry_run_neither_takes_the_key_nor_waits_for_who_holds_it(
    client_as: ClientAs, engine: Engine, small_city: SmallCity
) -> None:
    """A statement that waited for the other transaction would wait for this test, and be ended by its time-out."""
    put_on_duty(engine)
    desk = client_as("dispatcher")
    lon, lat = small_city.inside(small_city.codes[3])
    body = {"lon": lon, "lat": lat, "category": "sanitation"}
    client = f"user:{desk.get('/api/v1/session').json()['name']}"
    with transaction(engine) as session:
        assert claim_key(session, "held", client=client, body_sha256=b"-" * 32) is None
        session.flush()
        answers = [
            desk.post("/api/v1/incidents?dry_run=true", json=body, headers={"Idempotency-Key": "held"})
            for _ in range(3)
        ]
    assert [(answer.status_code, answer.json()["dry_run"]) for answer in answers] == [(200, True)] * 3
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(Incident)) == 0
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1
