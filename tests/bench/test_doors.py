"""The bench of the doors asks the routes that there are."""

from __future__ import annotations

from bench.doors import filled, get_paths


def test_it_knows_the_routes_of_every_router() -> None:
    paths = get_paths()
    assert len(paths) > 40
    assert {"/api/v1/session", "/api/v1/locate", "/api/v1/users/{name:path}", "/planner", "/readyz"} <= set(paths)


def test_a_path_is_filled_with_stored_things_or_left_out() -> None:
    assert filled("/api/v1/users/{name:path}", {"name": "王工"}) == "/api/v1/users/%E7%8E%8B%E5%B7%A5"
    assert filled("/api/v1/plans/{plan_id}/grids", {}) is None
