"""The standard sheet as a thing: sub-classes in order, each with its conditions; and what differs between two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from layers.clocks import Limit

KINDS = ("component", "event")


@dataclass(frozen=True, slots=True)
class Condition:
    """What makes it a case, how long it may take, what closes it. Its code is the sub-class's and its number there."""

    code: str
    case: str
    limit: Limit
    closes: str = ""


@dataclass(frozen=True, slots=True)
class SubClass:
    """A sub-class of a class; `kind` is `component` (部件), `event` (事件), or empty where the city does not tell them
    apart. Units are names as the sheet writes them."""

    code: str
    class_name: str
    name: str
    kind: str = ""
    supervising: str = ""
    responsible: str = ""
    basis: str = ""
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class StandardSheet:
    """All sub-classes in the sheet's order."""

    sub_classes: tuple[SubClass, ...]

    @property
    def conditions(self) -> Iterator[Condition]:
        """The conditions of all sub-classes, in order."""
        return (condition for one in self.sub_classes for condition in one.conditions)

    @property
    def count(self) -> int:
        """How many conditions there are."""
        return sum(len(one.conditions) for one in self.sub_classes)


@dataclass(frozen=True, slots=True)
class SheetChanges:
    """The codes of sub-classes and of conditions that are new, are said otherwise, or are gone."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def code_of(sub_class: str, number: int) -> str:
    """The code of a sub-class's condition, numbered from 1."""
    return f"{sub_class}-{number}"


def compare_sheets(before: StandardSheet | None, after: StandardSheet) -> SheetChanges:
    """What a new sheet changes, by code: conditions and, where their own fields differ, sub-classes."""
    old, new = (_parts_of(sheet) for sheet in (before, after))
    return SheetChanges(
        added=tuple(code for code in new if code not in old),
        changed=tuple(code for code in new if code in old and old[code] != new[code]),
        removed=tuple(code for code in old if code not in new),
    )


def _parts_of(sheet: StandardSheet | None) -> dict[str, object]:
    if sheet is None:
        return {}
    own = {
        one.code: (one.class_name, one.name, one.kind, one.supervising, one.responsible, one.basis)
        for one in sheet.sub_classes
    }
    return {**own, **{one.code: one for one in sheet.conditions}}
