"""`docs/workflow.md` is written from the table and says what it says: WANGGE_WRITE_DOCS=1 writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from gis_api import texts
from layers.incidents import AWAITED, ENDS, LIVING, STAGES, STATES, STEPS, WORKFLOW, Proof, Rule

PAGE = Path(__file__).parents[2] / "docs" / "workflow.md"
HEAD = """# The workflow of an incident

Written from `layers/incidents/workflow.py` by `tests/gis_api/test_workflow_document.py`; the service, the buttons of
the pages and the API document are made from the same table. An answer's `may` lists what its reader may do now.

Who: **desk** is a dispatcher or admin in whose area it lies, **supervisor** a desk of a whole district or more,
**holder** the worker (or, where none has it, the department) in whose hands it is, **reporter** the worker who
reported it, **finder** both at once, **collector** the worker who was sent to look (whether it exists, before it is
filed; whether it is done, before it is closed), **field_desk** a desk while somebody looks, **checker** who says on the
spot that it is done (the reporting worker or the collector, else desk or holder), **unit** the department in charge,
**called** a worker whom a run card has called to help, **watched** the worker while it is awaited that they say that
they are well, **watching_desk** a desk meanwhile,
**whole_desk** a desk where the case is no part of another, **timer** the service itself when the clock of an assignment
or of a field task has run out, a worker is not heard or the last part has come to its end.
A desk proves a place by the last position that the worker or their device has sent, never by what
it sends.

## Steps
| step | who | after | leads to | demands |
|---|---|---|---|---|
"""
STATES_HEAD = """
## States
| state | in words | stage told outside | waits for |
|---|---|---|---|
"""


def demands(rule: Rule) -> str:
    proof = {Proof.none: None, Proof.welcome: "position where known", Proof.demanded: "position on the spot"}
    told = ("reason" if rule.note else None, proof[rule.proof], rule.target and f"target: {rule.target}")
    return ", ".join(str(one) for one in told if one) or "–"


def after(rule: Rule) -> str:
    whole = {LIVING: "any living state", ENDS: "any end", STATES: "any state"}
    return whole.get(rule.after) or ", ".join(rule.after)


def leads_to(rule: Rule) -> str:
    to = rule.to or "as it is"
    return f"{to}, or {rule.otherwise}" if rule.otherwise else to


def written() -> str:
    steps = [
        f"| {rule.step} | {', '.join(rule.who)} | {after(rule)} | {leads_to(rule)} | {demands(rule)} |"
        for rule in WORKFLOW
    ]
    states = [
        f"| {state} | {texts.text(f'steps.{state}', 'en')} · {texts.text(f'steps.{state}', 'zh-CN')} | {STAGES[state]}"
        f" | {AWAITED.get(state, '–')} |"
        for state in STATES
    ]
    return HEAD + "\n".join(steps) + "\n" + STATES_HEAD + "\n".join(states) + "\n"


def test_the_page_of_the_workflow_says_what_the_table_says() -> None:
    if os.environ.get("WANGGE_WRITE_DOCS") == "1":
        PAGE.write_text(written(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written()


def test_every_step_has_words_in_both_languages() -> None:
    assert [step for step in STEPS if not texts.has(f"steps.do_{step}")] == []
