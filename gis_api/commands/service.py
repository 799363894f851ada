"""wangge serve, migrate, demo: the running service and its database."""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis_api.commands.database import open_database, run_cluster
from gis_api.commands.speaking import say, translate
from layers.moments import read_clock

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from gis_api.settings import Settings

DEMO_SEED = 130273
DEMO_DISTRICT = "130273"
# Sign-ins of the demo district: name → role. The reviewer is a second planner, who may publish the first one's plan.
DEMO_PEOPLE = {
    "planner": "planner",
    "reviewer": "planner",
    "dispatcher": "dispatcher",
    "leader": "leader",
    "worker": "worker",
    "unit": "unit",
    "admin": "admin",
    "auditor": "auditor",
}
PAGES_SHOWN = {"sign in": "/", "planner": "/planner", "heat": "/heat", "API": "/api/v1/docs"}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(serve)
    app.command()(migrate)
    app.command()(demo)


def serve(
    port: Annotated[int | None, typer.Option(help="The TCP port to listen on.", min=1, max=65535)] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    tls: Annotated[tuple[Path, Path] | None, typer.Option(metavar="CERT KEY", help="Serve HTTPS.")] = None,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Leave an empty database empty.")] = False,
    workers: Annotated[int | None, typer.Option(help="How many API processes.", min=1, max=64)] = None,
) -> None:
    """Start the private PostGIS where it is needed, migrate, load the demo district if empty, and serve."""
    from gis_api.settings import Settings

    cert, key = tls or (None, None)
    given = {"port": port, "host": host, "workers": workers, "tls_cert": cert, "tls_key": key}
    settings = Settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    run_service(settings, with_demo=not no_demo)


def run_service(settings: Settings, *, with_demo: bool) -> None:
    """Serve until told to end. What an operator has to mend is told before anything is started or stopped."""
    from gis_api import logs, supervisor
    from gis_api.folder_lock import lock_folder
    from gis_api.settings import command_language, list_unknown_variables
    from gis_api.texts import text

    logs.install()
    for name in list_unknown_variables():
        print(text("cli.unknown_variable", command_language(), name=name), file=sys.stderr)
    tls = certificate_of(settings)
    address = f"{'https' if tls else 'http'}://{_bracket_host(settings.host)}:{settings.port}"
    with ExitStack() as stack:
        stack.enter_context(lock_folder(settings.var, address=address))
        shared = stack.enter_context(_open_socket(settings.host, settings.port))
        cluster = stack.enter_context(run_cluster(settings))
        someone = prepare(settings, with_demo=with_demo)
        fd, numbers = shared.fileno(), range(1, settings.workers + 1)
        spare = supervisor.spare_child(fd)
        children = [supervisor.make_api_child(number, fd, spare=spare, tls=tls) for number in numbers]
        supervisor.run(
            [*children, supervisor.job_child()],
            spare=spare,
            cluster=cluster,
            when_started=lambda: welcome(address, settings, someone=someone),
        )


def certificate_of(settings: Settings) -> tuple[Path, Path] | None:
    """The certificate and its key, None for plain HTTP; raises Unacceptable for a pair that cannot be served."""
    import ssl

    from layers.errors import Unacceptable

    if settings.tls_cert is None and settings.tls_key is None:
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        raise Unacceptable("certificate_without_key")
    for path in (settings.tls_cert, settings.tls_key):
        path.open("rb").close()  # ssl would not say which of the two is missing
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # With an empty passphrase a protected key is an error, not a question on the terminal.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except ssl.SSLError as error:
        reason = error.reason or str(error)
        raise Unacceptable(
            "bad_certificate", certificate=str(settings.tls_cert), key=str(settings.tls_key), reason=reason
        ) from error
    return settings.tls_cert, settings.tls_key


def _open_socket(host: str, port: int) -> socket.socket:
    from gis_api import supervisor
    from layers.errors import Unavailable

    try:
        return supervisor.open_listening_socket(host, port)
    except OSError as error:
        raise Unavailable("cannot_listen", host=host, port=port, reason=error.strerror or str(error)) from error


def _bracket_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def migrate() -> None:
    """Bring the database to the newest revision; a new one gets categories, units and clocks."""
    from gis_api.settings import Settings

    with open_database(Settings()) as engine:
        furnish(engine)
        print(say("the database is at the newest revision"))


def demo(
    seed: Annotated[int, typer.Option(help="The number the town is made from.")] = DEMO_SEED,
) -> None:
    """Load the demo district into an empty database."""
    from gis_api.settings import Settings

    settings = Settings()
    with open_database(settings) as engine:
        if not is_empty(engine):
            print(say("the database already holds a district; nothing was loaded"), file=sys.stderr)
            raise typer.Exit(1)
        load(engine, settings, seed=seed)


def prepare(settings: Settings, *, with_demo: bool) -> bool:
    """Whether anybody has an account, after all that a start does: migrate, give a new city its categories, units and
    clocks, and load the demo district where that is wanted."""
    with open_database(settings) as engine:
        furnish(engine)
        if with_demo and is_empty(engine):
            load(engine, settings, seed=DEMO_SEED)
        return has_people(engine)


def furnish(engine: Engine) -> None:
    """The categories, units and clocks that a new city starts with, so that its first report is taken.

    Only where there is no category at all: what somebody has taken away does not come back with the next start.
    """
    from layers.access import service_actor
    from layers.categories import ensure_defaults, list_categories
    from layers.db import transaction
    from layers.history import note

    with transaction(engine) as session:
        if list_categories(session):
            return
        rows = ensure_defaults(session)
        note(session, "defaults", subject="city", by=service_actor("wangge serve"), rows=rows)


def is_empty(engine: Engine) -> bool:
    """Whether no district is stored."""
    from layers.areas import has_districts
    from layers.db import transaction

    with transaction(engine) as session:
        return not has_districts(session)


def has_people(engine: Engine) -> bool:
    """Whether anybody can sign in."""
    from layers.access import has_users
    from layers.db import transaction

    with transaction(engine) as session:
        return has_users(session)


def load(engine: Engine, settings: Settings, *, seed: int) -> None:
    """Make and load the demo district with its sign-ins, in one transaction: all of it or nothing."""

    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from layers.db import transaction
    from migrations.demo.load import load_demo

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=False) as progress, transaction(engine) as session:
        task = progress.add_task("demo district", total=None)
        load_demo(
            session,
            seed=seed,
            now=read_clock(),
            progress=lambda words: progress.update(task, description=f"demo district: {words}"),
        )
        passwords = add_demo_people(session)
        keep_passwords(settings, passwords)


def add_demo_people(session: Session) -> dict[str, str]:
    """The new sign-ins' passwords, made now; none is built in."""
    from gis_api.auth import hash_password
    from layers.access import add_user, service_actor
    from layers.history import note
    from migrations.demo.busiest import find_busiest_unit, find_busy_worker

    passwords = {name: secrets.token_urlsafe(9) for name in DEMO_PEOPLE}
    worker = find_busy_worker(session)
    for name, role in DEMO_PEOPLE.items():
        add_user(
            session,
            name,
            role=role,
            area=worker.area if worker is not None and role == "worker" else DEMO_DISTRICT,
            password_hash=hash_password(passwords[name]),
            worker_id=worker.id if worker is not None and role == "worker" else None,
            unit=find_busiest_unit(session) if role == "unit" else None,
        )
        by = service_actor("wangge demo")
        note(session, "add_user", subject=f"user:{name}", area=DEMO_DISTRICT, by=by, role_given=role)
    return passwords


def keep_passwords(settings: Settings, passwords: Mapping[str, str]) -> None:
    """Write them down, mode 0600, so that a second start can show them again."""
    path = settings.demo_passwords
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(dict(passwords), indent=1) + "\n")


def welcome(address: str, settings: Settings, *, someone: bool, patience_s: float = 60.0) -> None:
    """Wait until the service answers, however long that takes a busy machine, then print the pages and how to sign in.

    Called in a thread that ends with the service: one that never answers is told of again and again, not given up.
    """
    from gis_api.settings import command_language
    from gis_api.texts import text

    lang, waited_s = command_language(), 0.0
    while not answers(address, timeout_s=patience_s):
        waited_s += patience_s
        print(text("cli.not_yet", lang, address=address, seconds=f"{waited_s:.0f}"), file=sys.stderr, flush=True)
    kept = settings.demo_passwords
    passwords = json.loads(kept.read_text()) if kept.exists() else {}
    print("\n" + "\n".join(greeting(address, passwords, someone=someone, lang=lang)), flush=True)


def greeting(address: str, passwords: Mapping[str, str], *, someone: bool, lang: str) -> Iterator[str]:
    """What the operator is told when the service answers, a line each; `someone`: there is an account already."""
    from gis_api.texts import text

    yield translate("Wangge serves on {address}", lang).format(address=address)
    for name, page in PAGES_SHOWN.items():
        yield f"  {name:<10} {address}{page}"
    if passwords:
        yield "\n" + translate("Demo sign-ins (name, role, password):", lang)
    for name, password in passwords.items():
        yield f"  {name:<11} {DEMO_PEOPLE.get(name, ''):<11} {password}"
    if not someone:
        yield "\n" + text("cli.nobody_yet", lang)
        yield "  wangge user add NAME --role admin"
    yield "\n" + translate("Ctrl-C stops it.", lang)


def answers(address: str, *, timeout_s: float) -> bool:
    """Whether the service is ready within the time."""
    import ssl
    import time
    import urllib.request

    # Its own certificate on its own machine: what is asked is only whether it answers.
    context = ssl._create_unverified_context() if address.startswith("https") else None  # noqa: S323
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2, context=context):  # noqa: S310
                return True
        except OSError:
            time.sleep(0.1)
    return False
