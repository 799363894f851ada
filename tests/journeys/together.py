"""What journeys of two planners share: where they work, how they drag, what somebody else does meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.journeys.conftest import RunningCity
from tests.journeys.test_planner_page import FREE, Place, drag, edit, features, free_vertex, it, owners, select_grid

Visit = Callable[..., Page]
LOST = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_CONNECTION", "ERR_NETWORK", "status of 5", "status of 4")


def grids(running: RunningCity, plan: str) -> list[str]:
    return sorted(code for code in features(running, plan) if len(code) == 15)


def far_from(running: RunningCity, plan: str, place: Place) -> str:
    """A grid that shares nothing with those at a vertex."""
    near = {code[:15] for code in owners(running, plan, place)}
    shapes = features(running, plan)
    touched = {tuple(xy) for code in near for polygon in rings(shapes[code]) for ring in polygon for xy in ring}
    return next(
        code
        for code in grids(running, plan)
        if code not in near
        and not touched & {tuple(xy) for polygon in rings(shapes[code]) for ring in polygon for xy in ring}
    )


def rings(feature: Any) -> Any:
    coordinates = feature["geometry"]["coordinates"]
    return coordinates if feature["geometry"]["type"] == "MultiPolygon" else [coordinates]


def nudge(running: RunningCity, plan: str, place: Place, *, by: str, metres: float = 0.5) -> None:
    """Somebody moves a vertex by so much."""
    to = [round(place[0] + metres * 1e-5, 9), place[1]]
    edit(running, plan, {"op": "move_vertex", "from": list(place), "to": to}, by=by)


def at_work(visit: Visit, person: str, plan: str) -> tuple[Page, Any, Place]:
    """A page with the vertices of the middle grid, and a shared one of them."""
    page = visit(person, f"/planner?plan={plan}")
    select_grid(page, tool="e")
    handle, place = free_vertex(page)
    return page, handle, place


def connected(page: Page, *, others: int) -> None:
    expect(it(page, "planner-people").locator("button")).to_have_count(others)


def handles_of(page: Page) -> set[Place]:
    """The stored positions of the vertices that this page shows."""
    found = page.locator('[data-test="planner-vertex"]').evaluate_all(
        "handles => handles.map((one) => [Number(one.dataset.lon), Number(one.dataset.lat)])"
    )
    return {(lon, lat) for lon, lat in found}


def saving(page: Page, *, waiting: int) -> None:
    expect(it(page, "planner-save-state")).to_have_text(
        re.compile(rf"^{waiting} 处修改待保存，\d\d:\d\d:\d\d 起连接中断$")
    )


def drag_free(page: Page, *, by: Place = (4, 3), number: int = 0) -> Place:
    """Drag the so-manieth vertex that may be moved; its stored position before.

    It is found in one step: what others do may put another element in its place at any moment.
    """
    page.locator(FREE).nth(number).wait_for()
    found = page.locator(FREE).evaluate_all(
        """handles => handles.map((one) => {
            const box = one.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2, Number(one.dataset.lon), Number(one.dataset.lat)];
        })"""
    )
    x, y, lon, lat = found[number]
    drag(page, (x, y), by=by)
    return lon, lat
