"""What the workflow promises, written apart from its table and by hand from the promises [D5], [D9], [D10].

A line: who, states "→" the steps that may be taken there and no others of those named in WATCHED. Names of people:
desk (of a district), street (a desk of a street), holder, reporter, finder (reported it and has it), unit (in charge),
collector (sent to look).
"""

from __future__ import annotations

# The steps of which the lines below say everything; notes, chasing and replies are left to the table.
WATCHED = frozenset(
    (
        *("accept", "decline", "pass_on", "arrive", "handle", "settle", "verify", "feed_back", "close"),
        *("send_back", "hand_up", "cancel", "void", "reopen", "force_close", "dispatch", "reassign"),
        *("split", "recall", "gather", "resume"),
        "check_in",
        *("send_to_confirm", "confirm", "deny", "send_to_inspect"),
    )
)

# A case that a resident reported, in a worker's hands.
OF_A_RESIDENT = """
desk     reported   dispatch hand_up cancel void force_close split send_to_confirm
desk     waiting    dispatch hand_up cancel void force_close split send_to_confirm
desk     dispatched accept decline reassign hand_up cancel void force_close split
desk     accepted   arrive reassign hand_up cancel force_close split
desk     arrived    handle reassign hand_up cancel force_close split
desk     handled    verify send_back cancel force_close send_to_inspect
desk     verified   feed_back send_back cancel force_close
desk     fed_back   close cancel force_close
desk     split
desk     closed     reopen recall
desk     void       reopen
street   fed_back   close cancel
street   closed     reopen recall
holder   dispatched accept decline hand_up
holder   accepted   arrive hand_up
holder   arrived    handle hand_up
holder   handled    verify send_back
holder   verified
holder   fed_back
holder   closed
unit     split
stranger dispatched
stranger handled
unit     dispatched decline pass_on
unit     accepted   arrive decline pass_on
unit     arrived    handle decline pass_on
unit     handled
auditor  dispatched
"""

# A case that somebody was sent to look at: whether it exists, before it is filed, and whether it is done ([D10]).
IN_THE_FIELD = """
desk      reported   confirm deny decline dispatch hand_up cancel void force_close split send_to_confirm
collector reported   confirm deny decline
stranger  reported
unit      reported
desk      handled    verify send_back decline cancel force_close send_to_inspect
collector handled    verify send_back decline
holder    handled
stranger  handled
unit      handled
"""

# A case that a worker reported and another one, or a department, has in hand.
OF_A_WORKER = """
desk     handled    send_back cancel force_close send_to_inspect
holder   handled
reporter dispatched
reporter arrived
reporter handled    verify send_back
reporter verified
finder   dispatched accept decline settle hand_up
finder   accepted   arrive settle hand_up
finder   arrived    handle settle hand_up
finder   handled    verify send_back
in_unit  dispatched accept decline pass_on hand_up
in_unit  accepted   arrive decline pass_on hand_up
in_unit  arrived    handle decline pass_on hand_up
in_unit  handled
"""

NEEDS_A_REASON = {
    ("desk", "cancel"),
    ("desk", "void"),
    ("desk", "hand_up"),
    ("desk", "send_back"),
    ("desk", "force_close"),
    ("unit", "decline"),
    ("unit", "pass_on"),
    ("holder", "hand_up"),
    ("reporter", "send_back"),
}
# The same for whoever is sent to look, in the states of their tasks.
LOOKING_NEEDS_A_REASON = {("collector", "reported", "deny"), ("collector", "handled", "send_back")}


def expectations(lines: str) -> list[tuple[str, str, frozenset[str]]]:
    """(who, state, the watched steps that may be taken) of each line."""
    rows = [line.split() for line in lines.strip().splitlines()]
    return [(who, state, frozenset(steps)) for who, state, *steps in rows]
