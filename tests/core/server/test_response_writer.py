"""The writer: framing by RFC 9112, and what an application may not say."""

from typing import Any

import pytest

from wiverno.core.server.response_writer import ResponseError, ResponseWriter, plain_answer

DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"


def writer(
    *, is_http_1_1: bool = True, is_head_request: bool = False, keep_alive: bool = True
) -> ResponseWriter:
    return ResponseWriter(
        is_http_1_1=is_http_1_1, is_head_request=is_head_request, keep_alive=keep_alive
    )


def test_open_with_known_body_gives_head_and_body_in_one_piece() -> None:
    response = writer()
    response.start("200 OK", [("A", "b")])
    assert response.open(b"hello", DATE, 5) == (
        b"HTTP/1.1 200 OK\r\nA: b\r\nDate: " + DATE + b"\r\nServer: wiverno"
        b"\r\nContent-Length: 5\r\n\r\nhello"
    )
    assert response.finish() == b""
    assert response.keep_alive


def test_open_with_date_and_server_from_application_adds_none() -> None:
    response = writer()
    response.start("200 OK", [("dAte", "now"), ("server", "mine")])
    sent = response.open(b"", DATE, 0)
    assert sent.lower().count(b"date:") == 1
    assert b"wiverno" not in sent


def test_open_with_unknown_length_and_http_1_1_is_chunked() -> None:
    response = writer()
    response.start("200 OK", [])
    sent = response.open(b"hello", DATE, None)
    assert b"\r\nTransfer-Encoding: chunked\r\n" in sent
    assert sent.endswith(b"\r\n\r\n5\r\nhello\r\n")
    assert response.data(b"") == b""
    assert response.finish() == b"0\r\n\r\n"


def test_open_with_unknown_length_and_http_1_0_ends_with_the_connection() -> None:
    response = writer(is_http_1_1=False)
    response.start("200 OK", [])
    sent = response.open(b"hello", DATE, None)
    assert b"Transfer-Encoding" not in sent
    assert b"\r\nConnection: close\r\n" in sent
    assert not response.keep_alive


def test_open_with_http_1_0_keep_alive_says_so() -> None:
    response = writer(is_http_1_1=False)
    response.start("200 OK", [])
    assert b"\r\nConnection: keep-alive\r\n" in response.open(b"hello", DATE, 5)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_open_with_status_without_body_sends_none(status: str) -> None:
    response = writer()
    response.start(status, [])
    sent = response.open(b"hello", DATE, 5)
    assert sent.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in sent
    assert b"Transfer-Encoding" not in sent
    assert response.data(b"more") + response.finish() == b""
    assert response.keep_alive


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_start_with_status_without_body_and_content_length_drops_the_length(status: str) -> None:
    response = writer()
    response.start(status, [("A", "b"), ("Content-LENGTH", "0")])
    sent = response.open(b"", DATE, 0)
    assert b"content-length" not in sent.lower()
    assert b"\r\nA: b\r\n" in sent


def test_open_with_head_request_tells_length_and_sends_no_body() -> None:
    response = writer(is_head_request=True)
    response.start("200 OK", [])
    sent = response.open(b"hello", DATE, 5)
    assert b"\r\nContent-Length: 5\r\n" in sent
    assert sent.endswith(b"\r\n\r\n")
    assert response.finish() == b""
    assert response.keep_alive


def test_data_beyond_content_length_is_cut_and_counted() -> None:
    response = writer()
    response.start("200 OK", [("Content-Length", "3")])
    assert response.open(b"hello", DATE, None).endswith(b"\r\n\r\nhel")
    assert response.data(b"more") == b""
    assert (response.excess_bytes, response.missing_bytes) == (6, 0)
    assert response.keep_alive


def test_finish_with_short_body_costs_the_connection() -> None:
    response = writer()
    response.start("200 OK", [("Content-Length", "9")])
    response.open(b"hello", DATE, None)
    response.finish()
    assert response.missing_bytes == 4
    assert not response.keep_alive


BAD_HEADS: dict[str, tuple[Any, Any]] = {
    "status as int": (200, []),
    "status without reason": ("200", []),
    "status of two digits": ("20 OK", []),
    "status 100": ("100 Continue", []),
    "status with CRLF": ("200 OK\r\nX: y", []),
    "status not latin-1": ("200 \u20ac", []),
    "headers as tuple": ("200 OK", ()),
    "name with colon": ("200 OK", [("A:", "b")]),
    "name with LF": ("200 OK", [("A\nB", "c")]),
    "empty name": ("200 OK", [("", "c")]),
    "name as bytes": ("200 OK", [(b"A", "b")]),
    "value as int": ("200 OK", [("A", 1)]),
    "value with CR": ("200 OK", [("A", "b\rc")]),
    "value with LF": ("200 OK", [("A", "b\nc")]),
    "value with CRLF": ("200 OK", [("A", "b\r\nSet-Cookie: c")]),
    "value with NUL": ("200 OK", [("A", "b\0")]),
    "value not latin-1": ("200 OK", [("A", "\u20ac")]),
    "Content-Length no number": ("200 OK", [("Content-Length", "+5")]),
    "Content-Length twice": ("200 OK", [("Content-Length", "5"), ("content-length", "5")]),
    "Transfer-Encoding": ("200 OK", [("Transfer-Encoding", "chunked")]),
    "Connection": ("200 OK", [("connection", "close")]),
}


@pytest.mark.parametrize(("status", "headers"), BAD_HEADS.values(), ids=BAD_HEADS)
def test_start_with_head_that_breaks_pep_3333_raises(status: Any, headers: Any) -> None:
    with pytest.raises(ResponseError):
        writer().start(status, headers)


def test_plain_answer_has_exact_length_and_closes() -> None:
    head, _, body = plain_answer(431, "Too many.", DATE).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Connection: close" in head
