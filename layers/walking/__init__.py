"""How far it is on foot along the stored roads ([D3], [D8]); straight lines mislead at rivers and on hills.

ways = load_ways(session, epsg={"130273": 4548}, previous=None)
ways.distances("130273", (at_x, at_y), x, y)
"""

from layers.walking.loading import NO_WAYS, Ways, load_ways
from layers.walking.network import Network, Stands

__all__ = ["NO_WAYS", "Network", "Stands", "Ways", "load_ways"]
