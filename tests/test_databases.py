"""What a killed test run left in memory is cleared away by the next, also by two at once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.databases import PREFIX, clear_orphans


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def left_behind(base: Path, pid: int, number: int) -> Path:
    folder = base / f"{PREFIX}{pid}-{number}"
    (folder / "data").mkdir(parents=True)
    return folder


def test_the_folder_of_a_run_that_lives_is_kept_and_that_of_a_killed_one_goes(tmp_path: Path, dead: int) -> None:
    mine, gone, foreign = left_behind(tmp_path, os.getpid(), 1), left_behind(tmp_path, dead, 2), tmp_path / "other"
    foreign.mkdir()
    clear_orphans(tmp_path)
    assert (mine.exists(), gone.exists(), foreign.exists()) == (True, False, True)


def test_two_runs_may_clear_the_same_folders_at_once(tmp_path: Path, dead: int) -> None:
    for number in range(300):
        left_behind(tmp_path, dead, number)
    with ThreadPoolExecutor(4) as runs:
        for done in [runs.submit(clear_orphans, tmp_path) for _ in range(4)]:
            done.result()
    assert list(tmp_path.iterdir()) == []
