"""The ground under every map: the stored layers whose spec says how they are drawn, or a tile server's pictures.

folium declares the layers, ``static/js/map/ground.js`` draws them together: one canvas per tile, in this order, road
casings under all roads. They are declared hidden, since a map has no view before its data are there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import folium
from branca.element import Element
from folium.plugins import VectorGridProtobuf

from layers.registry import DRAWN


@dataclass(frozen=True)
class BaseMap:
    """A tile server of pictures: its address with {z} {x} {y}, and the datum its pictures are drawn in."""

    url: str
    datum: str = "wgs84"


def ground(base_map: BaseMap | None = None) -> Sequence[Element]:
    """The layers of the ground, in drawing order. The names of their script variables are those of ``variables``."""
    if base_map:
        layer = folium.TileLayer(tiles=base_map.url, attr=" ", show=False, max_zoom=20)
        layer._id = "pictures"
        return [layer]
    return [_vector_tiles(name) for name in DRAWN]


def variables(base_map: BaseMap | None = None) -> dict[str, str]:
    """Layer -> the script variable that holds it, for the configuration of a page's modules."""
    if base_map:
        return {"pictures": "tile_layer_pictures"}
    return {name: f"vector_grid_protobuf_{name}" for name in DRAWN}


def styles() -> list[dict[str, str]]:
    """How each layer is drawn, in drawing order, for ``static/js/map/ground.js``."""
    return [
        {"name": name, "style": drawn.style, "colour": drawn.colour, "edge": drawn.edge}
        for name, drawn in DRAWN.items()
    ]


def choices() -> list[tuple[str, bool]]:
    """The layers that a planner may put away or bring, and whether each is shown at first."""
    return [(name, drawn.choice == "shown") for name, drawn in DRAWN.items() if drawn.choice]


def _vector_tiles(name: str) -> Element:
    # Options as text: folium would turn the key of a dictionary into camelCase.
    zooms = f"minZoom: {DRAWN[name].from_zoom}, maxNativeZoom: 18, maxZoom: 20"
    options = f"{{{zooms}, fetchOptions: {{credentials: 'same-origin'}}}}"
    layer = VectorGridProtobuf(f"/tiles/{name}/{{z}}/{{x}}/{{y}}.mvt", name, options, show=False)
    layer._id = name
    return layer
