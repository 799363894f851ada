"""One folder, one service: the second one hears who is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gis_api.folder_lock import lock_folder
from gis_api.texts import text
from layers.errors import Conflict

ROOT = Path(__file__).parent.parent.parent


def test_the_second_service_hears_who_holds_the_folder(tmp_path: Path) -> None:
    address = "http://127.0.0.1:8000"
    with lock_folder(tmp_path, address=address), pytest.raises(Conflict) as refused:
        lock_folder(tmp_path, address="http://127.0.0.1:8001").__enter__()
    told = text("errors.folder_in_use", "en", **refused.value.details)
    assert str(tmp_path) in told and f"process {os.getpid()} at {address}" in told


def test_a_folder_is_free_again_when_its_service_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_folder(tmp_path, address="http://127.0.0.1:8000"):
            pass


def test_a_folder_is_free_again_when_its_service_was_killed(tmp_path: Path) -> None:
    held = f"held = lock_folder(Path({str(tmp_path)!r}), address='x'); held.__enter__()"
    script = f"import os; from pathlib import Path; from gis_api.folder_lock import lock_folder; {held}; os._exit(9)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 9
    with lock_folder(tmp_path, address="http://127.0.0.1:8000"):
        pass
