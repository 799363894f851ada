"""folium pages that load nothing from elsewhere and run under a strict Content-Security-Policy.

folium writes a page of its own, with links to public hosts and inline scripts. Here its map is put into a
``LocalFigure``, which gives the three parts of that page back for the frame of the service: links go through one table
(``assets.LOCAL``), scripts and styles carry the nonce of the answer. Nothing read from the database may be handed to
folium: its templates do not escape (see ``tests/gis_api/test_maps_base.py``); data reach a map through ``/api/v1``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink
from folium.template import Template
from markupsafe import Markup

from gis_api.maps.assets import LOCAL, ExternalAddressError, find_local_url

# Where a browser would fetch from without being asked: attributes, CSS url() and @import. Tile addresses in scripts are
# not meant, they are a setting and are let through by the policy of the answer.
_FETCHED = re.compile(
    r"""(?:\b(?:src|href)\s*=\s*["']?|url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"'\s)>]+)""", re.I
)
_OPENING = re.compile(r"<(script|style)\b(?![^>]*\bnonce=)", re.IGNORECASE)


@dataclass(frozen=True)
class MapParts:
    """One folium map as markup for the three places of a page; ``name`` is the script variable of the map."""

    head: Markup
    body: Markup
    script: Markup
    name: str


class LocalMap(folium.Map):  # type: ignore[misc]  # folium has no types
    """A Leaflet map without tiles, marker pictures, jQuery and Bootstrap, that fills the element it is put into.

    Its JavaScript variable is ``map_main``: own modules find the map by the name in their configuration.
    """

    default_js = (("leaflet", next(address for address in LOCAL if address.endswith("leaflet.js"))),)
    default_css = (("leaflet_css", next(address for address in LOCAL if address.endswith("leaflet.css"))),)
    _template = Template(
        """
        {% macro header(this, kwargs) %}{% endmacro %}
        {% macro html(this, kwargs) %}<div class="map" id="{{ this.get_name() }}"></div>{% endmacro %}
        {% macro script(this, kwargs) %}{{ this.folium_script(kwargs) }}{% endmacro %}
        """
    )

    def __init__(self, **options: Any) -> None:
        # The view is set by the page's module from its data: until then the map stands over China and loads nothing.
        super().__init__(
            location=(35.0, 105.0),
            zoom_start=4,
            tiles=None,
            prefer_canvas=True,
            zoom_control=False,
            attribution_control=False,
            maxZoom=20,
            **options,
        )
        self._id = "main"

    def folium_script(self, kwargs: Any) -> str:
        """The script that folium itself writes for a map."""
        return str(folium.Map._template.module.script(self, kwargs))


class LocalFigure(Figure):  # type: ignore[misc]  # branca has no types
    """A figure whose links all lead to this service; one that cannot is an error, never a request to another host."""

    def parts(self, nonce: str) -> MapParts:
        """The three parts of the page with the nonce on each script and style.

        Raises ExternalAddressError when anything in them would be fetched from another host.
        """
        for child in self._children.values():
            child.render()
        for link in _links(self.header):
            link.url = find_local_url(link.url)
        head, body, script = (
            _stamp(html, nonce)
            for html in (self.header.render(), self.html.render(), f"<script>{self.script.render()}</script>")
        )
        return MapParts(head=head, body=body, script=script, name=next(iter(self._children)))


def map_parts(layers: Sequence[Element], nonce: str) -> MapParts:
    """A map holding ``layers``, as the parts of a page. Raises ExternalAddressError as LocalFigure.parts does."""
    chart = LocalMap()
    for layer in layers:
        chart.add_child(layer)
    figure = LocalFigure()
    figure.header._children.clear()  # the frame of the page states its encoding itself
    figure.add_child(chart)
    return figure.parts(nonce)


def policy(nonce: str, *, tile_origin: str = "") -> str:
    """The Content-Security-Policy of a page: nothing but this service, and the tile server where one is configured."""
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": f"'self' data: {tile_origin}".rstrip(),
        "connect-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _links(header: Element) -> Iterator[JavascriptLink | CssLink]:
    return (child for child in header._children.values() if isinstance(child, JavascriptLink | CssLink))


def _stamp(html: str, nonce: str) -> Markup:
    if fetched := _FETCHED.search(html):
        raise ExternalAddressError(f"{fetched[1]} would be fetched from another host")
    return Markup(_OPENING.sub(lambda opening: f'{opening[0]} nonce="{Markup.escape(nonce)}"', html))  # noqa: S704
