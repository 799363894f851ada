"""The load generator knows when an answer is whole, however it is sent."""

from __future__ import annotations

import pytest

from bench.http_load import _Answer, at_share
from bench.http_peers import words_of

STATED = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        (STATED + b"0123456789",),
        (STATED, b"01234", b"56789"),
        (CHUNKED + b"2\r\nab\r\n0\r\n\r\n",),
        (CHUNKED, b"2\r\nab\r\n", b"1\r\nc\r\n0\r\n\r\n"),
    ],
)
def test_an_answer_is_whole_with_its_last_part_and_not_before(parts: tuple[bytes, ...]) -> None:
    answer = _Answer()
    for _ in range(2):  # the next answer on the same connection begins anew
        assert [answer.complete(part) for part in parts] == [False] * (len(parts) - 1) + [True]


def test_a_refusal_and_a_closed_connection_end_the_bench() -> None:
    for data in (b"", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"):
        with pytest.raises(RuntimeError):
            _Answer().complete(data)


def test_a_code_is_found_anywhere_in_an_answer() -> None:
    assert words_of({"a": [{"code": "x"}, 1, None], "b": "y"}) == {"x", "y"}


def test_a_door_that_answered_once_has_its_figures_too() -> None:
    assert (at_share([0.4], 0.5), at_share([0.4], 0.99)) == (0.4, 0.4)
    assert (at_share([3, 1, 2], 0.5), at_share(list(range(1_000)), 0.99)) == (2, 990)
