"""What is said in one place of the product and asked for everywhere else."""

from __future__ import annotations

import re

import pytest

from tests.test_house_rules import named, product_files

# What would restate something, and the files that may say it.
SAID_IN = {
    "how an Idempotency-Key is read": (r'"wrong_idempotency_key"', {"gis_api/idempotency.py"}),
    "the time zone": (
        r"[\"']Asia/Shanghai[\"']",
        {"gis_api/settings.py", "layers/shifts/table.py", "layers/clocks/__init__.py"},
    ),
    "when a plan is in force": (r"in_force\.(?:op|contains)\(|in_force @>", {"layers/plans.py"}),
    "which states end an incident": (
        r"\((?=.*\"cancelled\")(?=.*\"duplicate\")(?=.*\"closed\")",
        {"layers/incidents/workflow.py"},
    ),
    "how an id is read": (r"len\([a-z_]+\) <=? ?(?:18|19|MOST_DIGITS)\b", {"layers/ids.py"}),
    "how a session is opened": (r"(?<![\w.])Session\(", {"layers/db.py"}),
    "how a plan's row is locked": (r"\bPlan\b[^\n]*with_for_update", {"layers/plans.py"}),
    "how the things used last are kept": (r"\bOrderedDict\(\)|TTLCache|LRUCache", {"layers/shelf.py"}),
    "no module keeps things between requests": (
        r"^\w+(?::[^=]*)? = (?:\w+\.)*(?:Shelf|DraftMemory|HeatMemory)\(",
        set(),
    ),
    "nothing waits in a session but its transaction": (r"session\.info|\.info\[", set()),
    "the smallest count": (r"^(?:SMALLEST|FEWEST)\b.*=", {"layers/smallest_count.py"}),
}


@pytest.mark.parametrize("what", SAID_IN)
def test_it_is_said_in_one_place(what: str) -> None:
    pattern, places = SAID_IN[what]
    found = named(path for path in product_files() if re.search(pattern, path.read_text(), re.MULTILINE))
    assert set(found) == places, f"{what} has one source"
