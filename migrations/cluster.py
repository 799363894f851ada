"""A private PostgreSQL cluster in a folder: found, made, started, stopped; nothing listens on a network.

Used by the service when no database address is configured, and by the tests for a throw-away one. Works as an
ordinary user and as root (whose PostgreSQL runs as the system user `postgres`, because initdb refuses root).
The version is whatever the machine has, the newest first.

Several processes may use one cluster at once (`in_use`): a service and the commands beside it. Each holds a shared lock
for as long; whoever leaves last stops the server, and only one that was started by such a process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from layers.errors import Unavailable

# The kernel's limit for a socket path is 107 bytes; PostgreSQL adds "/.s.PGSQL.5432".
LONGEST_SOCKET_FOLDER = 90
SUPERUSER = "wangge"
START_TIMEOUT_S = 60
_REASON = re.compile(r"\b(PANIC|FATAL):")
# A server that a user of `in_use` has started says so in its command line, which it keeps in `postmaster.opts`.
OURS = "wangge.started_in_use=on"
# A cluster of one machine whose readers mostly ask memory: modest, and durable (fsync and synchronous_commit stay on).
SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "120",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_min_messages": "warning",
    "timezone": "'UTC'",
}


@dataclass(frozen=True)
class Cluster:
    """One cluster: its folder and the folder of its socket."""

    folder: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "pgdata"

    @property
    def socket_folder(self) -> Path:
        """Where the socket lies: in the cluster's folder, or under a hashed name where that path is too long."""
        near = self.folder / "socket"
        if len(str(near)) <= LONGEST_SOCKET_FOLDER:
            return near
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"wangge-{os.getuid()}-{name}"

    def url(self, database: str = "wangge", *, user: str = SUPERUSER) -> str:
        """The address of one database of this cluster, for its owner or another user."""
        return f"postgresql://{user}@/{database}?host={self.socket_folder}"

    @property
    def running(self) -> bool:
        """Whether the server answers on its socket."""
        return _run([_tool("pg_isready"), "-q", "-h", str(self.socket_folder)]).returncode == 0


def start(folder: Path, *, settings: Mapping[str, str] | None = None) -> Cluster:
    """The running cluster of this folder, made first where there is none, with `settings` beside the usual ones.

    Safe to call from several processes at once and over a stale pid file. Raises Unavailable with PostgreSQL's own
    words when it will not start.
    """
    cluster = Cluster(folder.resolve())
    cluster.folder.mkdir(parents=True, exist_ok=True)
    with _locked(cluster.folder / "start.lock"):
        _start_where_needed(cluster, settings or {})
    return cluster


def start_as_ours(folder: Path) -> Cluster:
    """The same; a server that had to be started is marked as one that the last of its users stops."""
    cluster = Cluster(folder.resolve())
    cluster.folder.mkdir(parents=True, exist_ok=True)
    with _locked(cluster.folder / "start.lock"):
        _start_where_needed(cluster, {}, mark=f" -c {OURS}")
    return cluster


@contextmanager
def in_use(folder: Path) -> Iterator[Cluster]:
    """The running cluster of this folder, which keeps running for as long as the block does.

    Waits while somebody who left is stopping it. A process that is killed leaves the server running; the next one that
    uses the folder stops it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        cluster = start_as_ours(folder)
        try:
            yield cluster
        finally:
            _leave(cluster, users)


def _leave(cluster: Cluster, users: IO[str]) -> None:
    """Stop the server where nobody else uses it and one of its users had started it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    written = cluster.data / "postmaster.opts"
    if written.exists() and OURS in written.read_text():
        stop(cluster)


def is_down(cluster: Cluster) -> bool:
    """Whether no server process runs, whatever ended it; one that starts or does not answer is not down."""
    return _server_pid(cluster) is None


def stop(cluster: Cluster) -> None:
    """Stop the server: running statements are ended, what was committed stays."""
    if (cluster.data / "postmaster.pid").exists():
        _run(_as_owner([_tool("pg_ctl"), "stop", "-D", str(cluster.data), "-m", "fast", "-w", "-t", "30"]))


def add_database(cluster: Cluster, name: str, *, template: str = "template1") -> str:
    """The address of a database that exists when this returns."""
    asked = [_tool("psql"), "-h", str(cluster.socket_folder), "-U", SUPERUSER, "-d", "postgres", "-tAc"]
    if _checked([*asked, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"]).strip() != "1":  # noqa: S608
        _checked([_tool("createdb"), "-h", str(cluster.socket_folder), "-U", SUPERUSER, "-T", template, name])
    return cluster.url(name)


def find_bin() -> Path | None:
    """The folder of the newest PostgreSQL server programs of this machine, None where there are none."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    for pattern in (
        "/usr/lib/postgresql/*/bin/initdb",
        "/usr/pgsql-*/bin/initdb",
        "/opt/homebrew/opt/postgresql*/bin/initdb",
    ):
        found += [path.parent for path in Path("/").glob(pattern.lstrip("/"))]
    return max(found, key=_version_in_path, default=None)


def _version_in_path(folder: Path) -> int:
    digits = "".join(character for character in folder.parent.name if character.isdigit())
    return int(digits or 0)


def _tool(name: str) -> str:
    folder = find_bin()
    if folder is None:
        raise Unavailable("postgresql_missing", hint="apt-get install postgresql postgresql-15-postgis-3")
    return str(folder / name)


def _owner() -> pwd.struct_passwd | None:
    """The system user PostgreSQL runs as: None for "me", `postgres` where I am root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _as_owner(command: Sequence[str]) -> list[str]:
    if _owner() is None:
        return list(command)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]


def _start_where_needed(cluster: Cluster, settings: Mapping[str, str], *, mark: str = "") -> None:
    _make_folders(cluster)
    if not (cluster.data / "PG_VERSION").exists():
        _initialise(cluster, {**SETTINGS, **settings})
    if not cluster.running:
        _start_server(cluster, mark)


def _make_folders(cluster: Cluster) -> None:
    for folder in (cluster.data, cluster.socket_folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = _owner()
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            _let_through(folder.parent)
        folder.chmod(0o700)


def _let_through(folder: Path) -> None:
    """Let the system user pass (not read) every folder on the way to its own."""
    for step in (folder, *folder.parents):
        mode = step.stat().st_mode
        if not mode & 0o001 and step.stat().st_uid == os.geteuid():
            step.chmod(mode | 0o001)


def _initialise(cluster: Cluster, settings: Mapping[str, str]) -> None:
    _checked(
        _as_owner(
            [_tool("initdb"), "-D", str(cluster.data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        )
    )
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    lines += f"unix_socket_directories = '{cluster.socket_folder}'\nunix_socket_permissions = 0700\n"
    with (cluster.data / "postgresql.conf").open("a") as config:
        config.write("\n# Written by wangge\n" + lines)


def _start_server(cluster: Cluster, mark: str) -> None:
    _forget_stale_pid(cluster)
    log = cluster.data / "server.log"
    options = f"-c unix_socket_directories='{cluster.socket_folder}' -c listen_addresses=''{mark}"
    command = [_tool("pg_ctl"), "start", "-D", str(cluster.data), "-l", str(log), "-w", "-t", str(START_TIMEOUT_S)]
    done = _run(_as_owner([*command, "-o", options]))
    if done.returncode != 0 or not _answers_soon(cluster):
        told = find_last_words(log.read_text(errors="replace")) if log.exists() else done.stderr
        raise Unavailable("postgresql_will_not_start", log=told)


def find_last_words(log: str) -> str:
    """What a server that does not start said of the reason; where it named none, the end of its log.

    Whoever asks in vain meanwhile fills the log with lines of their own, which say nothing of the reason.
    """
    lines = log.splitlines()[-40:]
    reasons = [line for line in lines if _REASON.search(line) and "the database system is" not in line]
    return "\n".join(reasons[-2:] or lines[-8:])


def _answers_soon(cluster: Cluster) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if cluster.running:
            return True
        time.sleep(0.05)
    return False


def _forget_stale_pid(cluster: Cluster) -> None:
    """Remove the pid file of a server that is gone.

    After a power cut its number may by now belong to an unrelated process, and PostgreSQL then refuses to start.
    """
    pid_file = cluster.data / "postmaster.pid"
    if pid_file.exists() and _server_pid(cluster) is None:
        pid_file.unlink(missing_ok=True)
        (cluster.socket_folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _server_pid(cluster: Cluster) -> int | None:
    """The living server process that the pid file names.

    One that nobody waited for, as where this service is the first process of a container, is dead though it has a name.
    """
    try:
        pid = int((cluster.data / "postmaster.pid").read_text().splitlines()[0])
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(") ")
    except (OSError, ValueError, IndexError):
        return None
    return pid if name.startswith("postgres") and not rest.startswith(("Z", "X")) else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # In the folder "/": the system user may not be allowed to enter the present one. Without our descriptors, or the
    # server would hold them open. The environment is not handed on but for the path, so PGHOST and its like are gone.
    surroundings = {"PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(  # noqa: S603
            list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd="/", env=surroundings, check=False
        )
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


def _checked(command: Sequence[str]) -> str:
    done = _run(command)
    if done.returncode != 0:
        raise Unavailable("postgresql_command_failed", command=Path(command[0]).name, log=done.stderr[-2000:])
    return done.stdout
