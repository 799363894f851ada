"""How a person answers many decisions: one by one, by a rule for a kind, a size or a pair, or for all of a class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

MEND = "mend"
LEAVE = "leave"
SMALL = ("noise", "sliver")
USUAL = ("trim", "longest_border", "cut_out")
"""What `mend` comes to: the first of these that is possible."""
VERBS = frozenset({*USUAL, MEND, LEAVE, "split", "new", "outside", "allow", "give"})
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a decision asks: about which ground of whom, how large, and what may be answered."""

    id: str
    kind: str
    class_: str
    codes: tuple[str, ...]
    area_m2: float
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One answer to all decisions that fit: of a kind, of a class, among certain grids, up to a size in m².

    `choose` are options in the order of preference; a rule none of whose options is possible says nothing.
    """

    choose: tuple[str, ...]
    kind: str | None = None
    class_: str | None = None
    codes: tuple[str, ...] = ()
    most_m2: float = math.inf

    def answer(self, asked: Question) -> str | None:
        """The first of the rule's options that the decision allows; None where the rule is not about it."""
        fits = self.kind in (None, asked.kind) and self.class_ in (None, asked.class_)
        if not fits or asked.area_m2 > self.most_m2 or not set(self.codes) <= set(asked.codes):
            return None
        return next((found for one in self.choose if (found := _find_possible(one, asked)) is not None), None)


@dataclass(frozen=True)
class Choices:
    """All that was answered. The id of a decision goes before the rules, these before its class and its kind.

    `spared` are grids of which nothing would be left by answers for many: only what was said about a very place holds.
    """

    options: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    rules: Sequence[Rule] = ()
    spared: frozenset[str] = frozenset()

    def accepts(self, class_: str) -> bool:
        """Whether all that is so small may be mended, however much it adds up to."""
        return self.options.get(class_) == MEND

    def answer(self, asked: Question) -> str:
        """The option that was chosen for a decision, `leave` for none; raises ValueError for one that it has not."""
        told = self.options.get(asked.id)
        if told is not None:
            return _require_option(asked, told)
        if not self.spared.isdisjoint(asked.codes):
            return LEAVE
        by_rule = (rule.answer(asked) for rule in self.rules)
        return next((found for found in by_rule if found is not None), None) or self._choose_by_class(asked)

    def _choose_by_class(self, asked: Question) -> str:
        told = self.options.get(asked.class_) or self.options.get(asked.kind, LEAVE)
        if told == "split" and asked.class_ in SMALL:
            # Half of a strip as wide as a hand is of no use to anybody.
            told = MEND
        return _find_possible(told, asked) or (_find_possible(MEND, asked) if told == "split" else None) or LEAVE


def _require_option(asked: Question, told: str) -> str:
    found = _find_possible(told, asked)
    if found is None:
        raise ValueError(f"{told!r} is no option of {asked.id}: {', '.join(asked.options)}")
    return found


def _find_possible(option: str, asked: Question) -> str | None:
    if option == MEND:
        return MEND if MEND in asked.options else next((one for one in USUAL if one in asked.options), None)
    if option == "new" and "new" in asked.options:
        return f"new:{asked.id}"
    known = option in asked.options or option == LEAVE or (option.startswith("new:") and "new" in asked.options)
    return option if known else None
