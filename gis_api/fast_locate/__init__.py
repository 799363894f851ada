"""The hot route: where a coordinate lies, at the speed of the server itself.

    desk.py    `Desk`: one question → one answer as bytes; answers are rendered once per tile and reused
    batch.py   many points at once, in JSON and Arrow, without a Python loop per point
    door.py    `ShortWay`: what the hatch asks; `Service`: the application, which asks it for many points at once
    hatch.py   `Hatch`: the server's protocol, which asks `ShortWay` before it makes an ASGI request of the bytes

routes/locate.py documents both routes and calls the same desk, so there is one answer, whichever way it is asked for.
"""

from gis_api.fast_locate.batch import ARROW, LARGE_BYTES, Batch, answer_batch
from gis_api.fast_locate.desk import Desk, Question, may_hear
from gis_api.fast_locate.door import PATH, Service, ShortWay
from gis_api.fast_locate.hatch import STATE, Hatch

__all__ = [
    "ARROW",
    "LARGE_BYTES",
    "PATH",
    "STATE",
    "Batch",
    "Desk",
    "Hatch",
    "Question",
    "Service",
    "ShortWay",
    "answer_batch",
    "may_hear",
]
