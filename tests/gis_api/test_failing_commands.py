"""What an operator can mend is told in one line, in the terminal's language, by whichever command meets it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.journeys.serving import ROOT, WANGGE, command, surroundings
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


@pytest.mark.parametrize(
    ("disk", "told"), [("size=1m", "No space left on device"), ("ro", "the file system is read-only")]
)
@pytest.mark.parametrize("words", [("migrate",), ("serve",)], ids=" ".join)
def test_a_disk_without_room_and_one_that_is_read_only_are_told(
    tmp_path: Path, words: tuple[str, ...], disk: str, told: str
) -> None:
    """In a name space of its own, where a disk of that kind is mounted; skipped where this user may not do so."""
    tmp_path.chmod(0o755)
    mounted = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o {disk},mode=755 none "$0" && exec "$@"']
    tried = [*mounted, str(tmp_path), "true"]
    if subprocess.run(tried, capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing may be mounted here")
    asked = [*mounted, str(tmp_path), *WANGGE, *words]
    environment = surroundings(tmp_path / "var") | {"WANGGE_PORT": str(free_port())}
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 1
    assert told in done.stderr and is_line(done.stderr), done.stderr


def is_line(told: str) -> bool:
    return told.count("\n") == 1 and "Traceback" not in told
