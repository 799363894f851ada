"""Server-sent events: of a city as things happen there ([L7], [D12]), and of a plan while others draw ([P3]).

`broadcast.py` is what both have in common: who is let in, rights, the end; `feed.py` tells of the city from a mark on;
`hub.py` keeps the rooms of plans; `stream.py` is one listener's events and the answer that carries them, `visiting.py`
who listens, `presence.py` who is here, `telling.py` and `city_telling.py` what an event says, `stopping.py` lets a
stopping server not wait for listeners.

What happens wakes every process (NOTIFY, from inside its transaction); a poll decides, so a lost message costs a second
and nothing else. No listener holds a database connection.
"""

from gis_api.live.broadcast import Broadcast, Crowd
from gis_api.live.feed import HEARS, Feed
from gis_api.live.hub import Hub
from gis_api.live.stopping import call_before_stop
from gis_api.live.stream import EventStream, Stream, Visitor

__all__ = [
    "HEARS",
    "Broadcast",
    "Crowd",
    "EventStream",
    "Feed",
    "Hub",
    "Stream",
    "Visitor",
    "call_before_stop",
]
