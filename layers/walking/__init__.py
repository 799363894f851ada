"""How far it is on foot along the stored roads ([D3], [D8]); straight lines mislead at rivers and on hills.

ways = load_ways(session, epsg={"130273": 4548}, previous=None)
ways.distances("130273", (at_x, at_y), x, y)
ways.trace("130273", (at_x, at_y), (x, y)).line
"""

from layers.walking.loading import NO_WAYS, Ways, load_ways
from layers.walking.network import Network, Stands
from layers.walking.tracing import WalkedWay, WayKind, trace_way

__all__ = ["NO_WAYS", "Network", "Stands", "WalkedWay", "WayKind", "Ways", "load_ways", "trace_way"]
