"""After the end the resident is asked whether they are content ([D9]); else the case is open again for that reason."""

from __future__ import annotations

from layers import incidents
from layers.dispatching.taking import Taking, line_of
from layers.errors import Unacceptable
from layers.incidents import DISCONTENT, RECALL_ANSWERS, Step


def recall(taking: Taking) -> Step:
    """The line with the answer, one of the city's standard ones; raises Unacceptable for none of them."""
    answer = taking.asked.answer
    if answer not in RECALL_ANSWERS:
        errors = [(["answer"], "unknown_answer")]
        raise Unacceptable("unknown_answer", errors=errors, answers=", ".join(RECALL_ANSWERS))
    if answer in DISCONTENT:
        taking.incident.worker_id = None
        taking.change(taking.rule.otherwise or taking.state)
    else:
        incidents.touch(taking.incident)
    return line_of(taking, answer)
