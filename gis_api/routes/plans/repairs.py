"""Repairs of a draft over HTTP ([S6]): a proposal, its decisions answered one by one or by rules, then one edit."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from gis_api.answers import declare_answer
from gis_api.answers import plans as answers
from gis_api.dependencies import Drafts, Planner, Tx
from gis_api.errors import Problem
from gis_api.routes.plans.doors import JSON, PlanId, Seen
from gis_api.routes.plans.edits import tell_edit
from gis_api.routes.plans.once import Ticket_, find_answer
from gis_api.routes.plans.operations import Code
from gis_api.strict_routes import StrictRoute
from layers import planning
from tiling.repair import VERBS, Rule

router = APIRouter(tags=["plans"], route_class=StrictRoute)
Option = Annotated[str, Field(min_length=1, max_length=100)]


class RuleIn(BaseModel):
    """One answer to all decisions that fit: of a kind, of a class, among all of `codes` (a pair, say), up to a size.

    `choose` are options in the order of preference: the first that a decision has is taken. `mend` is the usual one.
    """

    model_config = ConfigDict(extra="forbid")
    kind: Literal["overlap", "gap", "overshoot", "nesting", "multipart", "unmatched_vertex"] | None = None
    class_: Literal["noise", "sliver", "real"] | None = Field(None, alias="class")
    codes: list[Code] = Field(default_factory=list, max_length=100)
    most_m2: Annotated[float, Field(gt=0, le=1e12)] | None = None
    choose: list[Option] = Field(min_length=1, max_length=20)

    @field_validator("choose")
    @classmethod
    def require_known_options(cls, value: list[str]) -> list[str]:
        """Options by name, `give:` with the code of a grid."""
        for option in value:
            verb, mark, code = option.partition(":")
            if verb not in VERBS or (verb == "give") != bool(mark and code):
                raise ValueError(f"{option!r} is none of {', '.join(sorted(VERBS))}")
        return value

    def rule(self) -> Rule:
        """The rule as the repair knows it."""
        most_m2 = math.inf if self.most_m2 is None else self.most_m2
        return Rule(
            choose=tuple(self.choose), kind=self.kind, class_=self.class_, codes=tuple(self.codes), most_m2=most_m2
        )


class Choices(BaseModel):
    """What a person decided: by the id of a decision, by kind or class for all of it, and by rules for the others.

    The id of a decision goes before the rules, the first rule that fits before its class and its kind.
    """

    model_config = ConfigDict(extra="forbid")
    options: dict[Annotated[str, Field(max_length=4_000)], Option] = Field(default_factory=dict, max_length=10_000)
    rules: list[RuleIn] = Field(default_factory=list, max_length=1_000)

    def to_repair(self) -> dict[str, Any]:
        """The same for the repair."""
        return {"options": self.options, "rules": [rule.rule() for rule in self.rules]}


@router.post("/api/v1/plans/{plan_id}/repair", responses=declare_answer(answers.Proposal), response_class=Response)
def repair_plan(
    tx: Tx,
    drafts: Drafts,
    by: Planner,
    plan_id: PlanId,
    version: Seen,
    ticket: Ticket_,
    body: Choices | None = None,
    apply: Annotated[bool, Query(description="do it, as one edit; needs If-Match")] = False,
) -> Response:
    """What a repair would do and what a person must decide; with `apply` it is done as one edit.

    `left` and `ok` are what a full check says after it; `open` counts the decisions that nobody made, by kind.
    """
    asked = (body or Choices()).to_repair()
    if not apply:
        proposal = planning.propose_repair(tx, drafts, plan_id, **asked, by=by)
        return Response(orjson.dumps(proposal), media_type=JSON)
    if version is None:
        raise Problem(428, "version_missing")
    made = find_answer(tx, drafts, plan_id, ticket, version=version, by=by)
    if made is not None:
        return made
    done, proposal = planning.repair(tx, drafts, plan_id, **asked, version=version, by=by, ticket=ticket)
    return tell_edit(done, repair=proposal)
