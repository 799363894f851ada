"""Who is here and what they do: kept in the memory of every process, told between them, forgotten by itself.

Nothing of it is stored. The process that holds somebody's stream repeats every few seconds that they are there; whoever
was not heard of for a while has gone, also when a process died without a word.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

REPEATED_EVERY_S = 5.0
FORGOTTEN_AFTER_S = 15.0
# More windows than this in one plan are not told apart any more: a list of names has to be read by somebody.
MOST_PER_PLAN = 200
# A message between processes may have 8,000 bytes.
MOST_PER_MESSAGE = 20


@dataclass(frozen=True)
class Window:
    """One window of one person: what they do there, and when they were last heard of (`time.monotonic`)."""

    person: str
    tab: str
    doing: Mapping[str, Any] = field(default_factory=dict)
    heard_s: float = 0.0


class Presence:
    """The windows that are open on each plan, as far as this process has heard."""

    def __init__(self) -> None:
        self._plans: dict[int, dict[tuple[str, str], Window]] = {}

    def hear_of(self, plan_id: int, people: Iterable[Mapping[str, Any]]) -> bool:
        """Note people who are said to be there; whether that changes the list."""
        windows = self._plans.setdefault(plan_id, {})
        before = len(windows)
        for told in people:
            key = str(told["person"]), str(told["tab"])
            if key not in windows and len(windows) >= MOST_PER_PLAN:
                continue
            known = windows.get(key) or Window(*key, told.get("doing") or {})
            windows[key] = replace(known, heard_s=time.monotonic())
        return len(windows) != before

    def hear_doing(self, plan_id: int, person: str, tab: str, doing: Mapping[str, Any]) -> bool:
        """Note what somebody does now; whether that is new."""
        known = self._plans.get(plan_id, {}).get((person, tab))
        self.hear_of(plan_id, [{"person": person, "tab": tab, "doing": doing}])
        windows = self._plans[plan_id]
        if (person, tab) in windows:
            windows[person, tab] = replace(windows[person, tab], doing=doing)
        return known is None or known.doing != doing

    def hear_gone(self, plan_id: int, person: str, tab: str) -> bool:
        """Forget a window; whether it was known."""
        return self._plans.get(plan_id, {}).pop((person, tab), None) is not None

    def forget_old(self) -> set[int]:
        """The plans whose list has become shorter because somebody was not heard of for a while."""
        before_s, shorter = time.monotonic() - FORGOTTEN_AFTER_S, set()
        for plan_id, windows in list(self._plans.items()):
            for key in [key for key, here in windows.items() if here.heard_s < before_s]:
                del windows[key]
                shorter.add(plan_id)
            if not windows:
                del self._plans[plan_id]
        return shorter

    def list_people(self, plan_id: int) -> list[dict[str, Any]]:
        """Every window on a plan, by person."""
        windows = sorted(self._plans.get(plan_id, {}).values(), key=lambda here: (here.person, here.tab))
        return [{"person": here.person, "tab": here.tab, "doing": dict(here.doing)} for here in windows]


def limit_to_area(area: str, person: Mapping[str, Any], *, district: str) -> dict[str, Any]:
    """Somebody as a listener of an area is told of them: where they work only as far as it lies in that area."""
    doing = person["doing"]
    grids = [code for code in doing.get("grids", ()) if code.startswith(area)]
    if district.startswith(area) or grids:
        return {**person, "doing": {**doing, "grids": grids} if "grids" in doing else doing}
    return {**person, "doing": {name: told for name, told in doing.items() if name not in ("grids", "at")}}
