import re

import folium
import pytest
from branca.element import Element, JavascriptLink

from gis_api.maps.assets import ExternalAddressError
from gis_api.maps.base import LocalFigure, LocalMap, map_parts, policy
from gis_api.maps.ground import BaseMap, ground, variables
from gis_api.maps.heat import NAME, cells
from layers.registry import DRAWN

NONCE = "n0nce"


def whole(*layers: Element) -> str:
    parts = map_parts(layers, NONCE)
    return f"{parts.head}{parts.body}{parts.script}"


def test_a_map_loads_only_from_this_service() -> None:
    html = whole(*ground(), *cells())
    addresses = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert addresses
    assert all(address.startswith("/static/vendor/") for address in addresses)
    assert "://" not in html


def test_jquery_bootstrap_and_fonts_of_folium_are_left_out() -> None:
    html = whole(*ground())
    assert not re.search("jquery|bootstrap|fontawesome|awesome", html, re.IGNORECASE)


def test_every_script_and_style_carries_the_nonce() -> None:
    html = whole(*ground(), *cells())
    opened = re.findall(r"<(?:script|style)\b[^>]*>", html)
    assert len(opened) >= 3
    assert all(f'nonce="{NONCE}"' in tag for tag in opened)


def test_there_is_no_handler_inside_the_markup() -> None:
    assert not re.search(r"<[^>]+\son\w+\s*=", whole(*ground(), *cells()))


def test_a_layer_with_an_unmapped_link_is_an_error_not_a_request() -> None:
    with pytest.raises(ExternalAddressError, match=r"jsdelivr|cdnjs|unpkg"):
        map_parts([folium.plugins.MarkerCluster()], NONCE)


@pytest.mark.parametrize(
    "markup",
    [
        '<link rel="stylesheet" href="https://example.com/x.css">',
        "<img src=//example.com/x.png>",
        "<style>@import 'https://example.com/x.css'</style>",
        "<style>a { background: url(https://example.com/x.png) }</style>",
    ],
)
def test_an_external_address_hidden_in_markup_is_found(markup: str) -> None:
    figure = LocalFigure()
    figure.add_child(LocalMap())
    figure.header.add_child(Element(markup))
    with pytest.raises(ExternalAddressError, match=re.escape("example.com")):
        figure.parts(NONCE)


def test_a_link_added_by_hand_goes_through_the_table_too() -> None:
    figure = LocalFigure()
    figure.add_child(LocalMap())
    figure.header.add_child(JavascriptLink("https://example.com/x.js"))
    with pytest.raises(ExternalAddressError):
        figure.parts(NONCE)


def test_the_map_of_another_page_keeps_the_links_of_folium() -> None:
    map_parts(ground(), NONCE)
    assert any("jquery" in address for _, address in folium.Map.default_js)


def test_the_names_that_modules_look_for_are_declared() -> None:
    html = whole(*ground(), *cells())
    for name in ("map_main", NAME, *variables().values()):
        assert f"var {name} =" in html
    assert list(variables()) == list(DRAWN)


def test_the_names_of_layers_stay_as_they_are() -> None:
    assert all(f"/tiles/{name}/{{z}}/{{x}}/{{y}}.mvt" in whole(*ground()) for name in DRAWN)


def test_with_a_tile_server_its_pictures_are_the_ground() -> None:
    server = BaseMap("https://tiles.example.com/{z}/{x}/{y}.png", "gcj02")
    html = whole(*ground(server))
    assert f"var {variables(server)['pictures']} = L.tileLayer(" in html
    assert "vectorGrid" not in html


def test_the_policy_allows_nothing_but_this_service() -> None:
    rules = dict(rule.split(" ", 1) for rule in policy(NONCE).split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'self' 'nonce-{NONCE}'"
    assert not re.search(r"unsafe|\*|https?:", policy(NONCE))


def test_the_policy_lets_pictures_of_the_tile_server_in_and_nothing_else_of_it() -> None:
    rules = policy(NONCE, tile_origin="https://tiles.example.com").split("; ")
    assert [rule for rule in rules if "example.com" in rule] == ["img-src 'self' data: https://tiles.example.com"]
