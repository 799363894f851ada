"""What several tests of planning begin with."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from layers.plans import Plan
from tests.successions import published_city


@pytest.fixture
def published(session: Session) -> Plan:
    """A city with 300 buildings, one worker on each grid, and a plan in force."""
    return published_city(session)
