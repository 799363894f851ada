"""What a division says of itself, in words: its remarks and what can be done about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gis_api import texts


def remark_in_words(remark: Mapping[str, Any], lang: str) -> str:
    """What a remark says."""
    details = {name: value for name, value in remark.items() if name not in ("code", "where", "ways")}
    return texts.text(f"dividing.remark_{remark['code']}", lang, **details)


def way_in_words(way: str, lang: str) -> str:
    """What can be done about a remark."""
    return texts.text(f"dividing.way_{way}", lang)


def refusal_in_words(details: Mapping[str, Any], lang: str) -> str:
    """Why ground cannot be divided, by the stable word in `details["why"]`, and what can be done."""
    return texts.text(f"errors.cannot_divide_{details['why']}", lang, **details)
