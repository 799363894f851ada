"""Child processes: what they return, what they refuse, and that they can be ended."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import shapely

from layers.errors import LayerError, NotFound, Unacceptable
from layers.sandbox import Room, SandboxLimits, run


def refusal(work: str, task: bytes = b"", *, room: Room | None = None) -> LayerError:
    with pytest.raises(LayerError) as caught:
        run(f"tests.sandbox_work:{work}", task, room=room)
    return caught.value


def test_the_answer_comes_back_byte_for_byte() -> None:
    assert run("tests.sandbox_work:echo", b"grid \x00\xff" * 100_000) == b"grid \x00\xff" * 100_000


def test_a_large_task_reaches_a_child_that_starts_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers.sandbox._POLL_S", 0.001)
    assert len(run("tests.sandbox_work:echo", bytes(5_000_000))) == 5_000_000


def test_an_error_keeps_its_kind_code_values_and_place() -> None:
    error = refusal("miss", b"130273")
    assert isinstance(error, NotFound)
    assert (error.code, error.details) == ("no_such_grid", {"grid": "130273"})
    assert error.where == shapely.Point(118.1, 39.6)


def test_a_bug_in_the_work_is_told_with_its_name_to_the_log_and_not_to_the_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = refusal("stumble")
    assert (error.code, error.details) == ("work_failed", {})
    assert "KeyError" in caplog.text


@pytest.mark.alone
def test_work_past_its_time_is_ended() -> None:
    began = time.monotonic()
    assert refusal("sleep", room=Room(limits=SandboxLimits(wall_s=1))).code == "work_took_too_long"
    assert time.monotonic() - began < 5


def test_work_past_its_processor_time_is_ended() -> None:
    assert refusal("spin", room=Room(limits=SandboxLimits(cpu_s=1, wall_s=30))).code == "work_took_too_long"


def test_work_that_is_called_off_is_ended() -> None:
    error = refusal("sleep", room=Room(should_stop=lambda: True))
    assert error.code == "work_stopped"


def test_work_that_wants_too_much_memory_is_refused() -> None:
    room = Room(limits=SandboxLimits(memory_bytes=512 * 2**20))
    assert refusal("hoard", str(2**30).encode(), room=room).code == "work_needs_too_much_memory"


def test_an_answer_that_is_too_large_is_refused() -> None:
    room = Room(limits=SandboxLimits(answer_bytes=2**20))
    assert refusal("hoard", str(2**21).encode(), room=room).code == "work_answer_too_large"


def test_a_crash_of_the_child_is_an_error_of_the_work() -> None:
    error = refusal("crash")
    assert isinstance(error, Unacceptable)
    assert (error.code, error.details["status"]) == ("work_crashed", -11)


def test_the_child_cannot_fill_the_disk(tmp_path: Path) -> None:
    target = tmp_path / "big"
    error = refusal("fill_the_disk", str(target).encode(), room=Room(limits=SandboxLimits(file_bytes=1000)))
    assert error.code == "work_failed"
    assert target.stat().st_size <= 1000


def test_the_child_has_no_network_and_nobody_hears_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        answer = run("tests.sandbox_work:call_out", str(listening.getsockname()[1]).encode())
        assert answer == b"Permission denied, Permission denied"
        with pytest.raises(TimeoutError):
            listening.accept()
