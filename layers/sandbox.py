"""Work on input from outside, in a child process that can be ended: limits on memory, processor time and the clock.

A vector file can make GDAL crash, a polygon can make GEOS run for hours; no time-out inside the process helps against
either. So such work is named ("module:function", bytes in, bytes out), started as a fresh interpreter with a bare
environment, and its answer comes back through a pipe. Errors of this project keep their code and their place.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import shapely

from layers import errors
from layers.errors import LayerError, Unacceptable
from layers.no_network import leave_the_network

_ROOT = Path(__file__).resolve().parent.parent
_POLL_S = 0.2
# Exit status of a child that said what went wrong, as against one that died.
_SAID_WHY = 3
_MIB = 2**20
# What geometry takes at most: honest grids pass at 80,000 vertices a second, repairs at some 20,000.
LEAST_S, VERTICES_PER_S, WALL_TIMES = 30.0, 2_000, 2.0
LEAST_MEMORY_BYTES, BYTES_PER_VERTEX = 2560 * _MIB, 2048
_LOGGED = 4_000
_log = logging.getLogger("wangge.sandbox")
# The last words of a crashed child that are kept for the message.
_LAST_WORDS = 300


@dataclass(frozen=True, kw_only=True)
class SandboxLimits:
    """What a child may use. Memory is address space: GDAL, Arrow and numba reserve much more than they touch."""

    memory_bytes: int = 4096 * _MIB
    cpu_s: int = 600
    wall_s: float = 900.0
    answer_bytes: int = 1024 * _MIB
    # A child writes its answer to a pipe; files are only ever small caches.
    file_bytes: int = 64 * _MIB
    open_files: int = 128

    def scale_to_vertices(self, count: int) -> SandboxLimits:
        """These limits for work on so many vertices: what any may take and what each adds, never more than these."""
        seconds = LEAST_S + count / VERTICES_PER_S
        memory = LEAST_MEMORY_BYTES + count * BYTES_PER_VERTEX
        return replace(
            self,
            memory_bytes=min(self.memory_bytes, memory),
            cpu_s=min(self.cpu_s, round(seconds)),
            wall_s=min(self.wall_s, WALL_TIMES * seconds),
        )


@dataclass(frozen=True, kw_only=True)
class Room:
    """Where the child lives: its limits, settings for its environment, and who may call it off."""

    limits: SandboxLimits = field(default_factory=SandboxLimits)
    environment: Mapping[str, str] = field(default_factory=dict)
    should_stop: Callable[[], bool] = lambda: False


def run(work: str, task: bytes, *, room: Room | None = None) -> bytes:
    """The bytes that the function named `work` ("layers.files:read_bytes") returns for `task`, from a child process.

    A LayerError in the child is raised here again with its code, values and place. Raises Unacceptable
    `work_took_too_long`, `work_needs_too_much_memory`, `work_crashed`, `work_failed` or `work_stopped` when the child
    is ended by a limit, dies, raises anything else, or is called off. Costs the start of an interpreter,
    0.1-0.9 s by what the work imports. Limits hold on Linux; the child is not kept from reading files that this
    user may read.
    """
    room = room or Room()
    with _start_child(work, task, room) as child:
        answer, words = _conversation(child, room)
        return _judge(child.returncode, answer, words)


@contextlib.contextmanager
def _start_child(work: str, task: bytes, room: Room) -> Iterator[subprocess.Popen[bytes]]:
    limits = room.limits
    figures = (limits.memory_bytes, limits.cpu_s, limits.file_bytes, limits.open_files, limits.answer_bytes)
    # The task goes in as an unlinked file: what `communicate` has not yet written when its time-out ends is lost.
    with tempfile.TemporaryFile() as file:
        file.write(task)
        file.seek(0)
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-m", "layers.sandbox", work, *map(str, figures)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=_ROOT,
            env=_build_environment(room.environment),
            start_new_session=True,
        )
    try:
        yield child
    finally:
        _end(child)


def _build_environment(extra: Mapping[str, str]) -> dict[str, str]:
    # One thread each: every pool of threads reserves address space that the limit would count.
    quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    own = {"LANG": "C.UTF-8", "PATH": os.defpath, "TMPDIR": tempfile.gettempdir()}
    return own | {"PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "2"} | quiet | dict(extra)


def _conversation(child: subprocess.Popen[bytes], room: Room) -> tuple[bytes, bytes]:
    deadline = time.monotonic() + room.limits.wall_s
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=_POLL_S)
        if room.should_stop():
            raise Unacceptable("work_stopped")
        if time.monotonic() > deadline:
            raise Unacceptable("work_took_too_long", seconds=round(room.limits.wall_s))


def _judge(status: int, answer: bytes, words: bytes) -> bytes:
    if status == 0:
        return answer
    if status == _SAID_WHY:
        said = _error_of(answer)
        if said.code == "work_failed":
            _log.error("work failed: %s", words.decode(errors="replace").strip()[-_LOGGED:])
        raise said
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        raise Unacceptable("work_took_too_long", seconds=0)
    last = words.decode(errors="replace").strip()[-_LAST_WORDS:]
    if "MemoryError" in last or "bad_alloc" in last or "Unable to allocate" in last:
        raise Unacceptable("work_needs_too_much_memory")
    raise Unacceptable("work_crashed", status=status)


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def _error_of(answer: bytes) -> LayerError:
    told = json.loads(answer)
    kind = getattr(errors, told["kind"], Unacceptable)
    where = shapely.from_wkt(told["where"]) if told["where"] else None
    raised: LayerError = kind(told["code"], where=where, **told["details"])
    return raised


def _write_error(error: LayerError) -> bytes:
    where = error.where.wkt if error.where is not None else None
    told = {"kind": type(error).__name__, "code": error.code, "details": error.details, "where": where}
    return json.dumps(told, default=str).encode()


def _limit_oneself(memory_bytes: int, cpu_s: int, file_bytes: int, open_files: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))


def _work_of(name: str) -> Callable[[bytes], bytes]:
    module, _, function = name.partition(":")
    found: Callable[[bytes], bytes] = getattr(importlib.import_module(module), function)
    return found


def _attempt(work: str, task: bytes, answer_bytes: int) -> tuple[int, bytes]:
    try:
        answer = _work_of(work)(task)
    except LayerError as error:
        return _SAID_WHY, _write_error(error)
    except MemoryError:
        return _SAID_WHY, _write_error(Unacceptable("work_needs_too_much_memory"))
    except Exception:
        # The names of classes are for the log (standard error, which the parent passes on), not for a person.
        traceback.print_exc()
        return _SAID_WHY, _write_error(Unacceptable("work_failed"))
    if len(answer) > answer_bytes:
        return _SAID_WHY, _write_error(Unacceptable("work_answer_too_large", megabytes=answer_bytes // _MIB))
    return 0, answer


def _child(arguments: list[str]) -> int:
    work = arguments[0]
    memory_bytes, cpu_s, file_bytes, open_files, answer_bytes = map(int, arguments[1:])
    _limit_oneself(memory_bytes, cpu_s, file_bytes, open_files)
    if not leave_the_network():
        print("this machine does not let a process leave the network", file=sys.stderr)
    # Libraries print; their words must not get into the answer.
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    status, answer = _attempt(work, sys.stdin.buffer.read(), answer_bytes)
    pipe.write(answer)
    pipe.close()
    return status


if __name__ == "__main__":
    # Leave at once: what hostile input did to a library shall not be unwound.
    status = _child(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
