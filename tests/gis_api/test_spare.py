"""The spare process: loaded before it is needed, it becomes the process whose command it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gis_api import supervisor
from gis_api.supervisor import Child, Spare

# It stands for the spare's loading and waiting, which `tests/journeys/test_the_service.py` sees at the whole service.
WAITER = "import sys; line = sys.stdin.readline(); print(line, end='', flush=True); sys.exit(0 if line else 7)"


@pytest.fixture
def spare() -> Iterator[Spare]:
    made = Spare("spare", [sys.executable, "-c", WAITER])
    yield made
    supervisor.stop([made])


def test_a_process_that_ended_is_replaced_by_the_spare_and_that_by_a_new_one(spare: Spare) -> None:
    child = Child("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], spare=spare)
    child.start()
    spare.start()
    assert child.process is not None and spare.process is not None
    waiting = spare.process.pid
    child.process.kill()
    child.process.wait()
    now = child.started_at + supervisor.WELL_AFTER_S + 1
    child.look_after(now)
    assert child.process is not None and child.process.pid == waiting
    assert child.process.wait(20) == 0  # it was told a command
    assert spare.process is None and spare.not_before > time.monotonic()
    spare.look_after(spare.not_before)
    assert spare.process is not None and spare.process.pid != waiting


def test_without_a_spare_that_lives_a_new_process_is_started(spare: Spare) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    spare.start()
    assert spare.process is not None
    ended = spare.process
    ended.kill()
    ended.wait()
    child = Child("sleeper", sleeper, spare=spare)
    child.start()
    assert child.process is not None and child.process.pid != ended.pid
    supervisor.stop([child])


def test_the_spare_ends_with_its_supervisor(spare: Spare) -> None:
    spare.start()
    assert spare.process is not None and spare.process.stdin is not None
    spare.process.stdin.close()
    assert spare.process.wait(20) == 7


def test_ctrl_c_at_the_terminal_is_not_for_the_spare(spare: Spare) -> None:
    spare.start()
    assert spare.process is not None
    assert os.getpgid(spare.process.pid) == spare.process.pid != os.getpgid(0)


@pytest.mark.slow
def test_a_loaded_spare_bears_the_name_of_what_it_became(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", NAMED, "some", "room", "for", "a", "longer", "name"]
    process = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "named\n"
    words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert words[:4] == [b"python", b"-m", b"uvicorn", b"app"]


NAMED = """
import time
from gis_api.spare import take_name
take_name(["python", "-m", "uvicorn", "app"])
print("named", flush=True)
time.sleep(60)
"""
