"""What an operator can mend is told in one line, in the terminal's language, by whichever command meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.serving import command
from tests.ports import free_port

pytestmark = pytest.mark.slow
NO_CERTIFICATE = ("serve", "--tls", "missing.pem", "missing.key")


def test_a_missing_certificate_is_told_before_anything_is_started(tmp_path: Path) -> None:
    done = command(tmp_path, *NO_CERTIFICATE, "--port", str(free_port()))
    assert (done.returncode, done.stderr) == (1, "missing.pem: it is not there.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    done = command(tmp_path, "serve", "--tls", str(wrong), str(wrong), "--port", str(free_port()))
    assert done.returncode == 1
    assert done.stderr.startswith(f"The certificate {wrong} and the key {wrong} cannot be used") and is_line(
        done.stderr
    )


@pytest.mark.parametrize("words", [("serve",), ("migrate",), ("user", "list")], ids=" ".join)
def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "file"
    file.touch()
    done = command(file, *words)
    assert done.returncode == 1
    assert str(file) in done.stderr and "a file lies where a folder should be" in done.stderr and is_line(done.stderr)


@pytest.mark.parametrize("words", [("migrate",), ("key", "revoke", "hotline"), ("explain", "118", "39")], ids=" ".join)
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("mysql://user@host/wangge", "WANGGE_DATABASE_URL: no address of a PostgreSQL"),
        ("postgresql://nobody@127.0.0.1:1/wangge", "The database cannot be reached"),
    ],
    ids=["no PostgreSQL", "nobody there"],
)
def test_a_database_address_that_leads_nowhere_is_told(
    tmp_path: Path, words: tuple[str, ...], address: str, told: str
) -> None:
    done = command(tmp_path, *words, WANGGE_DATABASE_URL=address)
    assert done.returncode == 1
    assert told in done.stderr and is_line(done.stderr)


def test_no_rights_are_told_in_a_chinese_terminal_in_chinese(tmp_path: Path) -> None:
    done = command(tmp_path, "migrate", WANGGE_VAR="/sys/wangge", LC_ALL="zh_CN.UTF-8")
    assert (done.returncode, done.stderr) == (1, "/sys/wangge：当前用户没有权限。\n")


def is_line(told: str) -> bool:
    return told.count("\n") == 1 and "Traceback" not in told
