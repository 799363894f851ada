"""`script/check-dead` tells what nothing uses, and spares what is handed on or named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "script" / "check-dead"
CODE = """
from fastapi import APIRouter

router = APIRouter()


@router.get("/")
def read_home() -> str:
    return said()


def said() -> str:
    return "home"


def work(task: bytes) -> bytes:
    return task


WORK = "product.code:work"
"""


def told(folder: Path, code: str) -> tuple[int, str]:
    (folder / "code.py").write_text(code)
    done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_what_is_used_handed_on_or_named_is_spared(tmp_path: Path) -> None:
    assert told(tmp_path, CODE) == (0, "")


def test_what_nothing_uses_is_told_with_its_place(tmp_path: Path) -> None:
    status, words = told(tmp_path, CODE + "\n\ndef left_over() -> None:\n    return None\n")
    assert status == 1 and "code.py:23: unused function 'left_over'" in words
