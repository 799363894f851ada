"""The layer of the heat page: an empty GeoJSON layer that ``static/js/heat`` fills with cells counted by the server.

folium's own HeatMap is not used: it writes every raw point into the page, and no page may know where one case was.
"""

from collections.abc import Sequence

import folium
from branca.element import Element

NAME = "geo_json_cells"


def cells() -> Sequence[Element]:
    """The layer of the cells; its script variable is NAME."""
    layer = folium.GeoJson({"type": "FeatureCollection", "features": []}, smooth_factor=0.5)
    layer._id = "cells"
    return [layer]
