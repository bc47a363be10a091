"""What judges the answers of the server does find fault."""

import pytest

from tests.abuse.wire import parse_answers

_CL = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "received",
    [
        _CL + b"hello!",
        _CL + b"hello" + b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nno length",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\nX-A: c\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
        _CHUNKED + b"2\r\nhello\r\n0\r\n\r\n",
        _CHUNKED + b"0\r\n\r\nmore",
        b"<html>an answer of HTTP/0.9</html>",
    ],
)
def test_answers_when_their_framing_is_wrong_are_refused(received: bytes) -> None:
    with pytest.raises(AssertionError):
        parse_answers(received, is_head=False)


@pytest.mark.parametrize(
    "received",
    [
        _CL + b"hell",
        _CHUNKED,
        _CHUNKED + b"5\r\nhel",
        _CHUNKED + b"5\r\nhello\r\n",
        _CHUNKED + b"5",
    ],
)
def test_answers_when_cut_are_not_whole(received: bytes) -> None:
    assert [each.is_whole for each in parse_answers(received, is_head=False)] == [False]


def test_answers_when_one_is_to_head_has_no_body_there() -> None:
    answers = parse_answers(_CL + _CL + b"hello", is_head=True)

    assert [(each.body, each.is_whole) for each in answers] == [(b"", True), (b"hello", True)]
