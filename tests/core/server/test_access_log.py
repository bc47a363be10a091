"""The access log: its formats, which no client can forge, and a writer that nobody waits for."""

import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from io import StringIO
from queue import Queue
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.server.serving import DEADLINE_S, ServerThread, get, hello
from wiverno.core.server import RunServer
from wiverno.core.server.access_log import AccessLog, combined_line, common_line, write_to
from wiverno.core.server.access_log_json import json_line
from wiverno.core.server.gateway import ResponseSummary
from wiverno.core.server.limits import ServerSettingsError
from wiverno.core.wsgi_types import Environ, StartResponse

Serve = Callable[..., ServerThread]

TIME = r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"
# An Apache log as its readers split it: fields end at a quote without a backslash before it.
COMBINED = re.compile(
    rf'(\S+) - - {TIME} "((?:[^"\\]|\\.)*)" (\d{{3}}|-) (\d+|-) '
    r'"((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"\n'
)


def summary(**changes: Any) -> ResponseSummary:
    values: dict[str, Any] = {
        "method": "GET",
        "target": "/path?q",
        "status": 200,
        "body_bytes": 5,
        "duration_s": 0.25,
        "remote_address": "9.9.9.9",
        "protocol": "HTTP/1.1",
        "referer": "",
        "user_agent": "curl/8",
    }
    return ResponseSummary(**values | changes)


def test_common_line_is_the_common_log_format() -> None:
    line = common_line(summary()).decode()
    assert re.fullmatch(rf'9\.9\.9\.9 - - {TIME} "GET /path\?q HTTP/1\.1" 200 5\n', line)


def test_common_line_when_nothing_is_known_has_dashes() -> None:
    line = common_line(
        summary(remote_address="", status=0, body_bytes=0, method="", target="", protocol="")
    ).decode()
    assert re.fullmatch(rf'- - - {TIME} "-" - -\n', line)


def test_common_line_has_the_local_time_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    try:
        monkeypatch.setattr("time.time", lambda: 86400.0 * 365 + 1.0)
        line = common_line(summary(duration_s=1.0)).decode()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "[31/Dec/1970:20:30:00 -0330]" in line


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ('a"b', r"a\"b"),
        ("a\\b", r"a\\b"),
        ("a\nb\r\t\0", r"a\x0ab\x0d\x09\x00"),
        ("é\x7f", r"\xe9\x7f"),
        ("\u2028", "?"),
        (" plain ", " plain "),
    ],
)
def test_combined_line_escapes_as_apache_does(text: str, escaped: str) -> None:
    found = COMBINED.fullmatch(combined_line(summary(user_agent=text, referer=text)).decode())
    assert found is not None
    assert (found[5], found[6]) == (escaped, escaped)


@given(text=st.text(st.characters(max_codepoint=255), min_size=1))
def test_combined_line_whatever_a_client_sends_is_one_line_with_its_fields(text: str) -> None:
    line = combined_line(summary(target=text, referer=text, user_agent=text)).decode("ascii")
    found = COMBINED.fullmatch(line)
    assert found is not None
    assert [unescaped(found[5]), unescaped(found[6])] == [text, text]
    assert unescaped(found[2]) == f"GET {text} HTTP/1.1"


def unescaped(text: str) -> str:
    return re.sub(
        r"\\(x[0-9a-f]{2}|.)",
        lambda found: chr(int(found[1][1:], 16)) if found[1][1:] else found[1],
        text,
    )


@given(text=st.text(st.characters(max_codepoint=255), min_size=1))
def test_json_line_whatever_a_client_sends_is_one_object_in_one_line(text: str) -> None:
    line = json_line(summary(target=text, referer=text, user_agent=text)).decode("ascii")
    assert len(line.splitlines()) == 1
    found = json.loads(line)
    assert set(found) == set(json.loads(json_line(summary())))
    assert found["status"] == 200


def test_json_line_has_every_field() -> None:
    agent = "Käse".encode().decode("latin-1")
    found = json.loads(json_line(summary(user_agent=agent, target="/\xff")))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found == {
        "remote_address": "9.9.9.9",
        "method": "GET",
        "target": "/\\xff",
        "protocol": "HTTP/1.1",
        "status": 200,
        "body_bytes": 5,
        "duration_ms": 250.0,
        "referer": None,
        "user_agent": "Käse",
    }


def test_log_when_closed_has_written_every_line_in_few_writes() -> None:
    written: list[bytes] = []
    log = AccessLog(written.append, "common")
    log.start()
    for number in range(500):
        log(summary(target=f"/{number}"))
    log.close()
    lines = b"".join(written).decode().splitlines()
    assert [line.split()[6] for line in lines] == [f"/{number}" for number in range(500)]
    assert len(written) < 100


def test_log_skips_a_path_with_any_query_and_nothing_else() -> None:
    written: list[bytes] = []
    log = AccessLog(written.append, "common", ("/healthz",))
    log.start()
    for target in ("/healthz", "/healthz?x", "/healthz/x", "/x?/healthz"):
        log(summary(target=target))
    log.close()
    lines = b"".join(written).decode().splitlines()
    assert [line.split()[6] for line in lines] == ["/healthz/x", "/x?/healthz"]


def test_log_when_its_reader_is_slow_drops_counts_and_says_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go, entered = threading.Event(), threading.Event()
    written: list[bytes] = []

    def write(batch: bytes) -> None:
        entered.set()
        assert go.wait(DEADLINE_S)
        written.append(batch)

    log = AccessLog(write, "common", max_waiting_lines=10)
    log.start()
    log(summary())
    assert entered.wait(DEADLINE_S)
    for _ in range(25):
        log(summary())  # Would wait here for ever, if it waited.
    go.set()
    log.close()
    assert b"".join(written).count(b"\n") == 11
    assert "15 lines were dropped" in caplog.text


def test_log_when_nobody_reads_ends_in_time_and_says_what_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go, entered = threading.Event(), threading.Event()

    def write(batch: bytes) -> None:
        entered.set()
        assert go.wait(DEADLINE_S)

    log = AccessLog(write, "common")
    log.start()
    log(summary())
    assert entered.wait(DEADLINE_S)
    log(summary())
    log.close(timeout_s=0.01)
    assert "at least 1 lines are lost" in caplog.text
    go.set()
    log.close()


def test_log_when_the_stream_fails_says_it_once_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = threading.Semaphore(0)

    def write(batch: bytes) -> None:
        tries.release()
        raise BrokenPipeError("gone")

    log = AccessLog(write, "common")
    log.start()
    for _ in range(2):
        log(summary())
        assert tries.acquire(timeout=DEADLINE_S)
    log.close()
    assert [record.message for record in caplog.records] == [
        "The access log cannot be written: gone"
    ]


def test_write_to_a_stream_without_a_file_writes_text() -> None:
    stream = StringIO()
    write_to(stream)(b"line\n")
    assert stream.getvalue() == "line\n"


def test_write_to_a_pipe_that_does_not_block_writes_all() -> None:
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    received: list[bytes] = []

    def read() -> None:
        while data := os.read(readable, 65536):
            received.append(data)

    batch = b"x" * 1_000_000
    with os.fdopen(writable, "w") as stream, os.fdopen(readable):
        reader = threading.Thread(target=read)
        reader.start()
        write_to(stream)(batch)
        stream.close()
        reader.join(DEADLINE_S)
    assert b"".join(received) == batch


def test_server_with_access_log_writes_a_line_for_each_answer(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        environ.update(REMOTE_ADDR="1.1.1.1", HTTP_REFERER="none")
        return hello(environ, start_response)

    server = serve(
        application, access_log=True, access_log_format="json", access_log_skip=("/healthz",)
    )
    with server.connect() as client:
        client.ask(get("/healthz"))
        client.ask(get("/a?b", "X-Forwarded-For: 9.9.9.9", "Referer: /r", "User-Agent: u"))
        client.ask(get("/c", method="HEAD"), is_head=True)
    server.stop()
    first, second = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert (first["target"], first["remote_address"], first["body_bytes"]) == ("/a?b", "9.9.9.9", 2)
    assert (first["referer"], first["user_agent"]) == ("/r", "u")
    assert (second["method"], second["remote_address"]) == ("HEAD", "127.0.0.1")


def test_server_with_access_log_writes_what_it_refuses_itself(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serve(hello, access_log=True, access_log_format="json", body_timeout_s=0.05)
    with server.connect() as client:
        assert client.ask(b"BAD\r\n\r\n").status == 400
    with server.connect() as client:
        fields = ("Content-Length: 5", "X-Forwarded-For: 9.9.9.9", "User-Agent: slow")
        answer = client.ask(get("/upload", *fields, method="POST"))
        assert answer.status == 408
    server.stop()
    bad, slow = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert (bad["status"], bad["method"], bad["remote_address"]) == (400, None, "127.0.0.1")
    assert (slow["status"], slow["target"], slow["remote_address"]) == (408, "/upload", "9.9.9.9")
    assert (slow["user_agent"], slow["body_bytes"]) == ("slow", len(answer.body))


def test_server_with_access_log_and_without_stdout_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(ServerSettingsError, match="access_log=True needs a stdout"):
        RunServer(hello, "127.0.0.1", 0, access_log=True).start()


def test_server_with_access_log_still_calls_on_response(
    capfd: pytest.CaptureFixture[str],
) -> None:
    summaries: Queue[ResponseSummary] = Queue()
    server = ServerThread(
        RunServer(hello, "127.0.0.1", 0, access_log=True, on_response=summaries.put)
    )
    with server.connect() as client:
        client.ask(get("/both"))
        assert summaries.get(timeout=DEADLINE_S).target == "/both"
    server.stop()
    assert '"GET /both HTTP/1.1" 200' in capfd.readouterr().out


def test_server_without_access_log_writes_nothing(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serve(hello)
    with server.connect() as client:
        client.ask(get("/"))
    server.stop()
    assert capfd.readouterr().out == ""


@pytest.fixture(autouse=True)
def _logs_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "wiverno.core.server")
