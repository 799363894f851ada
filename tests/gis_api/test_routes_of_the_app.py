"""The application asks the routes that the routers hold; none is made a second time while somebody waits."""

from __future__ import annotations

from gis_api.app import ROUTERS, create_app
from gis_api.settings import Settings


def test_the_application_has_the_routes_of_its_routers_themselves() -> None:
    app = create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    held = {id(route) for route in app.routes}
    assert all(id(route) in held for router in ROUTERS for route in router.routes)
