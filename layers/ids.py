"""Ids go out as opaque strings; what comes back is read here, and nowhere else."""

from __future__ import annotations

# Within what PostgreSQL's bigint holds, whatever the digits are.
MOST_DIGITS = 18


def find_id(sent: str) -> int | None:
    """The stored number behind an id, None for a text that can be none of ours."""
    is_whole = sent.isascii() and sent.isdigit() and len(sent) <= MOST_DIGITS
    return int(sent) if is_whole else None
