"""Run cards: how many of which role are called to a case, level by level, by category, urgency and time of day."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from gis_api.dependencies import Admin, Read, Tx, etag, role_door, version_of
from gis_api.strict_routes import StrictRoute
from layers import run_cards
from layers.access import Role
from layers.run_cards import EnteredCards

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
AnyRole = Depends(role_door(*Role))
Code = Annotated[str | None, Field(min_length=1, max_length=60, pattern=r"^[^\x00]*$")]
TimeOfDay = Annotated[str | None, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]


class WantedIO(BaseModel):
    """So many people of a role; whoever has the case is one of them."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["grid_worker", "grid_leader", "building_leader", "patrol_team", "service_team"]
    people: Annotated[int, Field(ge=1, le=50)]


class RunCardIO(BaseModel):
    """A card for a category, an urgency and hours of the day (they may cross midnight), or for all of them."""

    model_config = ConfigDict(extra="forbid")

    category: Code = None
    urgency: Literal["low", "normal", "high", "critical"] | None = None
    since: TimeOfDay = None
    until: TimeOfDay = None
    levels: Annotated[
        list[Annotated[list[WantedIO], Field(min_length=1, max_length=5)]],
        Field(min_length=1, max_length=5, description="the first is called when somebody is sent, others by hand"),
    ]


class RunCardsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cards: Annotated[list[RunCardIO], Field(max_length=200)]


class RunCardsOut(BaseModel):
    """The list in force; version 0 where nobody has entered any."""

    version: int
    cards: list[RunCardIO]
    by: str | None
    at: datetime | None


@router.get("/api/v1/settings/run-cards", summary="Who is called beside whoever is sent", dependencies=[AnyRole])
def read_cards(tx: Read, response: Response) -> RunCardsOut:
    """The cards in force; the version is the ETag."""
    return _answer(response, run_cards.get_run_cards(tx))


@router.put("/api/v1/settings/run-cards", summary="Change who is called beside whoever is sent")
def put_cards(
    tx: Tx,
    by: Admin,
    response: Response,
    sent: RunCardsIn,
    if_match: Annotated[str | None, Header(description='The version seen, quoted: "3"; not needed.')] = None,
) -> RunCardsOut:
    """A new version of the whole list; from the next report on it counts. What was called stays as it was wanted."""
    seen = None if if_match is None else version_of(if_match)
    cards = [card.model_dump(mode="json", exclude_none=True) for card in sent.cards]
    return _answer(response, run_cards.put_run_cards(tx, cards, seen=seen, by=by))


def _answer(response: Response, entered: EnteredCards) -> RunCardsOut:
    response.headers["ETag"] = etag(entered.version)
    cards = [RunCardIO.model_validate(card) for card in entered.cards]
    return RunCardsOut(version=entered.version, cards=cards, by=entered.by, at=entered.at)
