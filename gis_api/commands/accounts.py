"""wangge user, wangge key: who may come in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from gis_api.commands.database import open_database
from gis_api.commands.speaking import say

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Area = Annotated[str, typer.Option(help="Code prefix of the area; empty for everywhere.")]
RoleName = Annotated[str, typer.Option("--role", help="planner dispatcher leader worker unit admin auditor")]


Department = Annotated[str | None, typer.Option("--unit", help="The department's code, for the role unit.")]


def register(app: typer.Typer) -> None:
    """Add `wangge user …` and `wangge key …`."""
    users = typer.Typer(help="People who can sign in.", no_args_is_help=True)
    users.command("add")(add_user)
    users.command("password")(reset_password)
    users.command("list")(list_users)
    app.add_typer(users, name="user")
    keys = typer.Typer(help="Keys of machines.", no_args_is_help=True)
    keys.command("add")(add_key)
    keys.command("revoke")(revoke_key)
    app.add_typer(keys, name="key")


@contextmanager
def _session() -> Iterator[Session]:
    from layers.db import transaction

    with open_database() as engine, transaction(engine) as session:
        yield session


def _require_role(role: str) -> str:
    from layers.access import Role

    if role not in set(Role):
        raise typer.BadParameter(say("{given} is not one of {known}", given=role, known=", ".join(Role)))
    return role


def add_user(
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    role: RoleName,
    area: Area = "",
    unit: Department = None,
    worker: Annotated[str | None, typer.Option(help="The staff number of the worker whose account it is.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it from standard input.")] = False,
) -> None:
    """Add a person; without --password-stdin a password is made and printed once."""
    from gis_api.auth import hash_password
    from layers import access, history
    from layers.units import require_unit
    from layers.workers import ids_of

    password = _ask_password(password_stdin)
    by = access.service_actor("wangge user add")
    with _session() as session:
        require_unit(session, unit)
        worker_id = None if worker is None else ids_of(session, [worker], by=by)[worker]
        access.add_user(
            session,
            name,
            role=_require_role(role),
            area=area,
            password_hash=hash_password(password),
            worker_id=worker_id,
            unit=unit,
        )
        told = {"role_given": role} | ({} if worker is None else {"worker": worker})
        history.note(session, "add_user", subject=f"user:{name}", area=area, by=by, **told)
    told_with = "added {name}" if password_stdin else "added {name} with the password {password}"
    print(say(told_with, name=name, password=password))


def _ask_password(told: bool) -> str:
    import secrets

    from gis_api.auth import SHORTEST_PASSWORD

    password = sys.stdin.readline().rstrip("\n") if told else secrets.token_urlsafe(12)
    if len(password) < SHORTEST_PASSWORD:
        raise typer.BadParameter(say("a password has at least {count} characters", count=SHORTEST_PASSWORD))
    return password


def reset_password(
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it from standard input.")] = False,
) -> None:
    """Give a person a new password and end every session; without --password-stdin it is made and printed once."""
    from gis_api.auth import hash_password
    from layers import access, history

    password = _ask_password(password_stdin)
    by = access.service_actor("wangge user password")
    with _session() as session:
        user = access.get_user(session, name, by=by)
        user.password_hash = hash_password(password)
        access.end_sign_ins(session, name)
        history.note(session, "change_user", subject=f"user:{name}", area=user.area, by=by, changed=["password"])
    told_with = "changed {name}" if password_stdin else "{name} has the password {password} now"
    print(say(told_with, name=name, password=password))


def list_users() -> None:
    """Print every person with role and area."""
    from layers import access

    with _session() as session:
        for user in access.list_users(session, by=access.service_actor("wangge")):
            print(f"{user.name}\t{user.role}\t{user.area or '*'}\t{say('active') if user.active else say('inactive')}")


def add_key(
    name: Annotated[str, typer.Argument(help="The name of the machine.")],
    role: RoleName,
    area: Area = "",
    datum: Annotated[str | None, typer.Option(help="wgs84 cgcs2000 gcj02 bd09: the datum this machine sends.")] = None,
    unit: Department = None,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="Workers' own devices report through it: their positions are proof.")
    ] = False,
) -> None:
    """Add a machine's key and print it, this one time."""
    from layers import access, history
    from layers.units import require_unit

    if datum is not None and datum not in access.DATUMS:
        raise typer.BadParameter(say("{given} is not one of {known}", given=datum, known=", ".join(access.DATUMS)))
    with _session() as session:
        require_unit(session, unit)
        token = access.add_key(
            session, name, role=_require_role(role), area=area, datum=datum, unit=unit, gateway=gateway
        )
        by = access.service_actor("wangge key add")
        told = {"role_given": role} | ({"gateway": True} if gateway else {})
        history.note(session, "add_key", subject=f"key:{name}", area=area, by=by, **told)
    print(token)


def revoke_key(name: Annotated[str, typer.Argument(help="The name of the machine.")]) -> None:
    """End a machine's key; every process knows within seconds."""
    from layers import access, history

    by = access.service_actor("wangge key revoke")
    with _session() as session:
        area = access.revoke_key(session, name, by=by)
        history.note(session, "revoke_key", subject=f"key:{name}", area=area, by=by)
    print(say("revoked {name}", name=name))
