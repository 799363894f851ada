"""Looking on while others draw ([P3]): server-sent events of one plan, and who else is there.

`hub.py` keeps the rooms of this process, `stream.py` one listener's events and the answer that carries them,
`presence.py` who is here, `telling.py` what an event says, `stopping.py` lets a stopping server not wait for listeners.

Every edit wakes every process (NOTIFY, from inside its transaction); a poll of the plans' versions decides, so a lost
message costs a second and nothing else. No listener holds a database connection.
"""

from gis_api.live.hub import Hub
from gis_api.live.stopping import call_before_stop
from gis_api.live.stream import EventStream, Stream, Visitor

__all__ = ["EventStream", "Hub", "Stream", "Visitor", "call_before_stop"]
