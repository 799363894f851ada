"""`script/check --commits` tells which commits lack a test or a line in the changelog."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "script" / "check-commits"
ROUTE, TEST = "gis_api/routes/new.py", "tests/gis_api/test_new.py"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for words in (["init", "-q"], ["config", "user.name", "A"], ["config", "user.email", "a@example.org"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    commit(tmp_path, "README.md", "CHANGELOG.md")
    return tmp_path


def commit(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + "a line\n")
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-q", "-m", "Change " + names[0]], cwd=folder, check=True)


def told(folder: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, SCRIPT, "HEAD~1..HEAD"], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_code_without_a_test_is_told(repository: Path) -> None:
    commit(repository, "layers/new.py")
    status, words = told(repository)
    assert status == 1 and "Change layers/new.py: code without a test" in words


def test_what_a_user_sees_wants_a_line_in_the_changelog(repository: Path) -> None:
    commit(repository, ROUTE, TEST)
    assert "without a line in the changelog" in told(repository)[1]


def test_a_whole_commit_is_not_told(repository: Path) -> None:
    commit(repository, ROUTE, TEST, "CHANGELOG.md")
    assert told(repository) == (0, "")


def test_taking_code_away_wants_nothing(repository: Path) -> None:
    commit(repository, ROUTE, TEST, "CHANGELOG.md")
    (repository / ROUTE).unlink()
    subprocess.run(["git", "commit", "-q", "-am", "Delete what is dead"], cwd=repository, check=True)
    assert told(repository) == (0, "")
