"""Plans in the making: drafts, edits, reports, publication ([P1]-[P5], [S7], [S8], [S10]).

    plan = create(session, "130273", based_on="published", by=planner)
    edited = edit(session, plan.id, Split(code=..., line=...), version=plan.version, by=planner)
    submit(session, plan.id, version=edited.version, acknowledged=[...], by=planner)
    publish(session, plan.id, version=..., by=reviewer)

`board.py` is a draft on the table, `desk.py` keeps it in memory between requests, `sheet.py` its report, `steps.py` one
step of its history; `loading.py` is the way from and to the database.
"""

from layers.planning.drafting import BasedOn, ImportedGrid, create, import_draft
from layers.planning.editing import Edited, edit, redo, undo
from layers.planning.lifecycle import report_of, return_, submit, withdraw
from layers.planning.publishing import publish, settle

__all__ = [
    "BasedOn",
    "Edited",
    "ImportedGrid",
    "create",
    "edit",
    "import_draft",
    "publish",
    "redo",
    "report_of",
    "return_",
    "settle",
    "submit",
    "undo",
    "withdraw",
]
