"""The promises of a development session, for ASGI applications."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.dev.asgi_project import APP, REQUEST, connection, open_websocket, version
from tests.dev.harness import DevSession, process_status, processes_of_session, wait_until

pytestmark = pytest.mark.processes

KEEP = ("--on-error", "keep")
MANUAL = ("--reload", "manual")
SYNTAX_ERROR = "def app(:\n"
# Beside the build itself, which depends on the machine.
FRESH_WITHIN_S = 0.5


@pytest.fixture
def session(project: Path, request: pytest.FixtureRequest) -> Iterator[DevSession]:
    """One that serves the first version, with the options of the test's parameter."""
    (project / "app.py").write_text(APP)
    options: tuple[str, ...] = getattr(request, "param", ())
    with DevSession(project, "app:app", *options) as session:
        assert session.get().body == "000001"
        yield session


def beside(session: DevSession, name: str) -> Path:
    return session.project.parent / name


def save(session: DevSession, number: int) -> None:
    session.save("app.py", version(number))


@pytest.mark.both_strategies
def test_each_of_five_saves_is_in_the_next_answer_of_every_kind_of_connection(
    session: DevSession,
) -> None:
    answers, expected = [], []
    with ExitStack() as stack:
        kept = stack.enter_context(connection(session))
        kept.ask()
        for number in range(2, 7):
            idle, half = (stack.enter_context(connection(session)) for _ in range(2))
            half.send(REQUEST[:20])
            save(session, number)
            half.send(REQUEST[20:])
            answers.append({session.get().body, kept.ask(), idle.ask(), half.answer()})
            expected.append({f"{number:06d}"})

    assert answers == expected


@pytest.mark.both_strategies
def test_request_in_flight_is_finished_by_the_code_that_began_it(project: Path) -> None:
    waiting = APP.replace(
        "await GO_ON.wait()", "while not (BESIDE / 'go').exists(): await asyncio.sleep(0.01)"
    )
    (project / "app.py").write_text(waiting)
    with DevSession(project) as session, connection(session) as client:
        client.send(REQUEST.replace(b"/ ", b"/wait ") + REQUEST * 2)
        wait_until(beside(session, "began").exists, "the request did not begin")
        session.save("app.py", version(2, waiting))
        meanwhile = session.get().body
        beside(session, "go").touch()
        answers = [client.answer() for _ in range(3)]

    assert meanwhile == "000002"
    assert answers == ["000001", "000002", "000002"]


def test_upload_that_a_save_overtakes_is_answered_by_the_code_that_took_its_head(
    session: DevSession,
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n"
    with connection(session) as client:
        assert client.ask(head + b"1234" * 2) == "000001"
        client.send(head + b"1234")
        # On the same worker behind it: it has read that head.
        assert session.get().body == "000001"
        save(session, 2)
        assert session.get().body == "000002"
        client.send(b"5678" + REQUEST)

        assert [client.answer(), client.answer()] == ["000001", "000002"]


def test_chunked_upload_is_told_from_what_follows_it(session: DevSession) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connection(session) as client:
        client.send(head + b"4\r\n1234\r\n0\r\n\r\n" + REQUEST + head + b"2\r\n")
        first = [client.answer(), client.answer()]
        client.send(b"12\r\n0\r\n\r\n")

        assert [*first, client.answer()] == ["000001"] * 3


def test_stream_delays_no_request_and_is_cut_at_the_deadline(session: DevSession) -> None:
    with connection(session) as client:
        client.send(REQUEST.replace(b"/ ", b"/events "))
        wait_until(lambda: b"data" in client.line(), "the stream did not begin")
        begun = time.monotonic()
        save(session, 2)
        assert session.get().body == "000002"
        took_s = time.monotonic() - begun
        built = session.wait_for("built", generation=2)
        build_s = sum(built[name] for name in ("interpreter_ms", "import_ms", "verify_ms")) / 1000
        assert took_s - build_s < FRESH_WITHIN_S
        asked_at = time.monotonic()
        assert session.stop() == 0

        assert time.monotonic() - asked_at < 2.0
        assert not client.rest().endswith(b"0\r\n\r\n")
        assert beside(session, "finally").exists()
        assert processes_of_session(session.session_id) == []
    assert "Traceback" not in session.output


@pytest.mark.both_strategies
def test_websocket_is_closed_for_a_restart_and_finds_new_code_when_it_comes_back(
    session: DevSession,
) -> None:
    answers, codes = [], []
    for number in range(2, 5):
        with open_websocket(session) as client:
            answers.append(client.recv(5))
            save(session, number)
            assert session.get().body == f"{number:06d}"
            codes.append(close_code(client))
    wait_until(beside(session, "disconnected").exists, "the application was not told")

    assert answers == ["000001", "000002", "000003"]
    assert codes == [1012, 1012, 1012]
    assert "Traceback" not in session.output


def test_websocket_whose_messages_nobody_reads_hears_why_it_is_closed(session: DevSession) -> None:
    """A close while bytes are unread is a reset, and would eat its own reason."""
    codes = []
    for number in range(2, 5):
        with open_websocket(session, "/deaf") as client:
            client.recv(5)
            for _ in range(20):
                client.send("x" * 1000)
            save(session, number)
            assert session.get().body == f"{number:06d}"
            codes.append(close_code(client))

    assert codes == [1012, 1012, 1012]


@pytest.mark.both_strategies
def test_websocket_that_the_application_has_not_answered_yet_is_answered_then_closed(
    session: DevSession,
) -> None:
    """The code that began it ends its handshake, as it ends other requests."""
    waiting = APP.replace(
        '    await send({"type": "websocket.accept"})\n',
        '    (BESIDE / "began").touch()\n'
        '    while not (BESIDE / "go").exists(): await asyncio.sleep(0.01)\n'
        '    await send({"type": "websocket.accept"})\n',
    )
    session.save("app.py", version(2, waiting))
    assert session.get().body == "000002"
    with ThreadPoolExecutor() as pool:
        opening = pool.submit(open_websocket, session)
        wait_until(beside(session, "began").exists, "the handshake did not begin")
        session.save("app.py", version(3, waiting))
        assert session.get().body == "000003"
        beside(session, "go").touch()
        with opening.result(5) as client:
            assert client.recv(5) == "000002"
            assert close_code(client) == 1012


def close_code(client: ClientConnection) -> int | None:
    """Of the end that comes behind what it has not read yet."""
    try:
        while True:
            client.recv(5)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_websocket_does_not_hold_up_the_end_of_a_session(session: DevSession) -> None:
    with open_websocket(session) as client:
        client.recv(5)
        begun = time.monotonic()
        assert session.stop() == 0
        took_s = time.monotonic() - begun

    assert took_s < 1.5
    assert "GET / 101" in session.output


def test_websocket_request_is_gated_like_any_other(session: DevSession) -> None:
    save(session, 2)
    with open_websocket(session) as client:
        assert client.recv(5) == "000002"
        headers = client.response.headers if client.response else {}

    assert headers["X-Wiverno-Generation"] == "2"


@pytest.mark.both_strategies
def test_lifespan_begins_before_the_first_request_and_ends_with_its_worker(
    session: DevSession,
) -> None:
    told = beside(session, "told")
    assert told.read_text().splitlines() == ["000001 startup"]
    save(session, 2)
    assert session.get().body == "000002"
    wait_until(lambda: "000001 shutdown" in told.read_text(), "the old one was not ended")
    session.stop()

    assert sorted(told.read_text().splitlines()) == [
        "000001 shutdown",
        "000001 startup",
        "000002 shutdown",
        "000002 startup",
    ]


def test_shutdown_that_hangs_is_cut_short_and_told(project: Path) -> None:
    (project / "app.py").write_text(
        APP.replace(
            '        await send({"type": kind + ".complete"})\n',
            '        if kind == "lifespan.shutdown":\n            await asyncio.sleep(600)\n'
            '        await send({"type": kind + ".complete"})\n',
        )
    )
    with DevSession(project) as session:
        assert session.get().body == "000001"
        assert session.stop() == 0

    assert "shutdown of the application takes too long" in session.output


@pytest.mark.parametrize(
    "line",
    [
        'await send({"type": "lifespan.startup.failed", "message": "no database"}); return',
        'raise RuntimeError("no database")',
        "raise SystemExit('no database')",
    ],
)
def test_lifespan_that_fails_is_a_page_that_heals(session: DevSession, line: str) -> None:
    begins = '        kind = (await receive())["type"]\n'
    session.save("app.py", APP.replace(begins, f"{begins}        {line}\n"))
    page = session.get(headers={"Accept": "text/plain"})
    save(session, 3)

    assert page.status == 500
    assert "no database" in page.body
    assert "asyncio/" not in page.body
    assert session.get().body == "000003"


def test_lifespan_that_hangs_is_a_page_that_heals(project: Path) -> None:
    hanging = APP.replace("await lifespan(receive, send)", "await asyncio.sleep(600)")
    (project / "app.py").write_text(hanging)
    with DevSession(project, "app:app", "--wait-timeout", "1") as session:
        page = session.get()
        save(session, 2)

        assert page.status == 503
        assert session.get().body == "000002"


def test_page_of_a_start_up_that_awaits_says_where(project: Path) -> None:
    """The thread stands in the event loop, which tells nobody anything."""
    hanging = APP.replace(
        "    while True:\n        kind", "    await dial()\n    while True:\n        kind"
    )
    dial = "\n\nasync def dial():\n    await asyncio.sleep(600)\n"
    (project / "app.py").write_text(hanging + dial)
    # Asked half a second before; an interpreter and uvicorn have to be there by then.
    with DevSession(project, "app:app", "--wait-timeout", "3") as session:
        page = session.get(headers={"Accept": "text/plain"})
        save(session, 2)

        assert page.status == 503
        assert "in dial" in page.body
        assert session.get().body == "000002"


@pytest.mark.parametrize("line", ["assert scope['type'] == 'http'", "scope['path']", "return"])
def test_application_without_lifespan_is_served(project: Path, line: str) -> None:
    (project / "app.py").write_text(APP.replace("await lifespan(receive, send)", line))
    with DevSession(project) as session:
        assert session.get().body == "000001"


def test_exception_of_a_request_is_the_applications_own_500(session: DevSession) -> None:
    answer = session.get("/error")
    after = session.get()
    session.stop()

    assert (answer.status, answer.body) == (500, "Internal Server Error")
    assert answer.headers["x-wiverno-generation"] == "1"
    assert after.body == "000001"
    assert "LookupError: of the application" in session.output
    assert "GET /error 500" in session.output


@pytest.mark.both_strategies
def test_broken_save_is_a_page_until_it_is_mended_on_kept_connections_too(
    session: DevSession,
) -> None:
    with connection(session) as client:
        client.ask()
        session.save("app.py", SYNTAX_ERROR)
        page = client.ask()
        save(session, 3)

        assert "SyntaxError" in page
        assert client.ask() == "000003"


@pytest.mark.both_strategies
def test_application_that_changes_its_interface_is_served_either_way(session: DevSession) -> None:
    wsgi = (
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [b'wsgi']\n"
    )
    with connection(session) as client:
        answers = [client.ask()]
        session.save("app.py", wsgi)
        response = client.ask()
        save(session, 3)
        answers += [response, client.ask()]

    assert answers == ["000001", "wsgi", "000003"]


def test_crash_names_the_requests_that_were_being_answered(project: Path) -> None:
    (project / "app.py").write_text(APP)
    with DevSession(project) as session, connection(session) as client:
        client.send(REQUEST.replace(b"/ ", b"/wait "))
        wait_until(beside(session, "began").exists, "the request did not begin")
        for crash in range(1, 4):
            with connection(session) as other:
                other.send(REQUEST.replace(b"/ ", b"/exit?%d " % crash))
                session.wait_until(
                    lambda crash=crash: session.count("exited", status=7) == crash or None,  # type: ignore[misc]
                    "a crash",
                )
        session.wait_for("page", kind="ProcessDied")
        page = session.get(headers={"Accept": "text/plain"})

    assert page.status == 500
    assert "GET /exit?3" in page.body


def test_worker_that_is_stale_and_cannot_be_replaced_rests(session: DevSession) -> None:
    """Its listener has connections that it must not take."""
    pid = session.wait_for("serving")["pid"]
    with connection(session) as client:
        client.send(REQUEST.replace(b"/ ", b"/events "))
        wait_until(lambda: b"data" in client.line(), "the stream did not begin")
        session.save("app.py", "import threading\nthreading.Event().wait(2)\n" + version(2))
        with ThreadPoolExecutor() as pool:
            waiting = [pool.submit(session.get) for _ in range(8)]
            session.wait_for("build_started", generation=2)
            before = cpu_ticks(pid)
            answers = {each.result(10).body for each in waiting}
            used = cpu_ticks(pid) - before

    assert answers == {"000002"}
    # Of about two seconds; a loop that spins uses all of them.
    assert used / os.sysconf("SC_CLK_TCK") < 0.5


def cpu_ticks(pid: int) -> int:
    """User and system time of a process: proc(5), counted behind the name."""
    status = process_status(pid)
    return int(status[11]) + int(status[12])


@pytest.mark.parametrize("session", [KEEP], indirect=True)
def test_broken_save_when_kept_leaves_websockets_and_lifespan_alone(session: DevSession) -> None:
    with open_websocket(session) as client, connection(session) as kept:
        client.recv(5)
        kept.ask()
        for number in range(2):
            session.save("app.py", f"broken_{number}()\n")
            answer = session.get()
            assert (answer.body, answer.headers["x-wiverno-error"]) == ("000001", "NameError")
            assert kept.ask() == "000001"
            client.send("still there?")
            assert client.recv(5) == "000001"
        assert beside(session, "told").read_text() == "000001 startup\n"
        save(session, 9)

        assert (session.get().body, kept.ask()) == ("000009", "000009")
        with pytest.raises(ConnectionClosed):
            client.recv(5)


@pytest.mark.parametrize("session", [KEEP], indirect=True)
def test_websocket_from_before_a_broken_save_waits_for_no_stream_that_came_after_it(
    session: DevSession,
) -> None:
    with open_websocket(session) as client, connection(session) as streamed:
        client.recv(5)
        session.save("app.py", SYNTAX_ERROR)
        assert session.get().headers["x-wiverno-error"] == "SyntaxError"
        streamed.send(REQUEST.replace(b"/ ", b"/events "))
        wait_until(lambda: b"data" in streamed.line(), "the stream did not begin")
        save(session, 2)
        assert session.get().body == "000002"

        assert close_code(client) == 1012


@pytest.mark.parametrize("session", [MANUAL], indirect=True)
def test_changes_when_manual_are_counted_and_a_signal_brings_them_in(session: DevSession) -> None:
    save(session, 2)
    before = session.get()
    session.process.send_signal(signal.SIGUSR1)
    session.wait_until_serving(2)
    after = session.get()

    assert (before.body, before.headers["x-wiverno-stale"]) == ("000001", "1")
    assert (after.body, after.headers.get("x-wiverno-stale")) == ("000002", None)


@pytest.mark.both_strategies
def test_request_that_blocks_the_loop_for_ever_ends_with_the_session(project: Path) -> None:
    (project / "app.py").write_text(
        APP.replace("await GO_ON.wait()", "while True: pass")
        + "\nimport atexit\natexit.register((BESIDE / f'atexit-{VERSION}').touch)\n"
    )
    with DevSession(project) as session, connection(session) as client:
        session.get()
        client.send(REQUEST.replace(b"/ ", b"/wait "))
        wait_until(beside(session, "began").exists, "the request did not begin")
        save(session, 2)
        # Told by the watcher: the loop can tell nobody.
        assert session.get().body == "000002"
        begun = time.monotonic()
        assert session.stop() == 0

        assert time.monotonic() - begun < 2.0
        assert beside(session, "atexit-000001").exists()
        assert processes_of_session(session.session_id) == []


@pytest.mark.both_strategies
def test_connection_of_import_and_start_up_may_be_used_in_requests(project: Path) -> None:
    """As under uvicorn, all of it is one thread: SQLite and signal handlers insist on that."""
    (project / "app.py").write_text(
        "import signal, sqlite3\nEARLY = sqlite3.connect(':memory:')\n"
        + APP.replace(
            '        kind = (await receive())["type"]\n',
            '        kind = (await receive())["type"]\n'
            "        global LATER; LATER = sqlite3.connect(':memory:')\n"
            "        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, print)\n",
        ).replace(
            '    if path == "/error":',
            '    EARLY.execute("select 1"); LATER.execute("select 1")\n    if path == "/error":',
        )
    )
    with DevSession(project) as session:
        assert session.get().body == "000001"


@pytest.mark.both_strategies
def test_loop_that_an_import_has_set_is_the_one_that_serves(project: Path) -> None:
    """As under uvicorn, which imports applications in its loop."""
    early = "import asyncio\nLOOP = asyncio.new_event_loop()\nasyncio.set_event_loop(LOOP)\n"
    app = early + APP.replace(
        '    if path == "/error":',
        '    await LOOP.run_in_executor(None, int)\n    if path == "/error":',
    )
    (project / "app.py").write_text(app)
    with DevSession(project) as session:
        first = session.get().body
        session.save("app.py", version(2, app))

        assert (first, session.get().body) == ("000001", "000002")


def test_fork_of_the_application_holds_no_connection_of_its_worker(project: Path) -> None:
    forking = APP.replace(
        '    if path == "/go":',
        "    if path == '/fork' and not os.fork():\n"
        "        import threading\n        threading.Event().wait(60)\n        os._exit(0)\n"
        '    if path == "/go":',
    )
    (project / "app.py").write_text(forking)
    with DevSession(project) as session, connection(session) as client:
        fork = b"GET /fork HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert client.ask(fork) == "000001"
        # The fork lives on for longer than the client waits.
        assert client.rest() == b""
        session.save("app.py", version(2, forking))
        assert session.get().body == "000002"


def test_threads_of_the_application_hear_of_the_same_request(session: DevSession) -> None:
    """A data file that each request reads afresh is no reason for a restart."""
    session.save("data.txt", "one")
    session.save(
        "app.py",
        APP.replace(
            '    if path == "/error":',
            "    text = await asyncio.to_thread(pathlib.Path('data.txt').read_text)\n"
            '    if path == "/error":',
        ).replace("VERSION.encode()", "text.ljust(6).encode()"),
    )
    answers = [session.get().body.strip(), session.get().body.strip()]
    builds = session.count("build_started")
    session.save("data.txt", "two")
    answers.append(session.get().body.strip())

    assert answers == ["one", "one", "two"]
    assert session.count("build_started") == builds


def test_answer_that_is_still_being_sent_and_the_next_one_are_whole(project: Path) -> None:
    """Two processes write to one connection, one after the other."""
    large = APP.replace("VERSION.encode()})", "VERSION.encode() * 1_000_000})").replace(
        'b"content-length", b"6"', 'b"content-length", b"6000000"'
    )
    (project / "app.py").write_text(large)
    with DevSession(project) as session, connection(session, receive_bytes=4096) as client:
        session.get()
        client.send(REQUEST)
        assert client.line().startswith(b"HTTP/1.1 200")
        session.save("app.py", version(2, large))
        client.send(REQUEST)
        assert session.get().body == "000002" * 1_000_000
        while client.line() != b"\r\n":
            pass

        assert client.read(6_000_000) == b"000001" * 1_000_000
        assert client.answer() == "000002" * 1_000_000


@pytest.mark.both_strategies
@pytest.mark.parametrize("module", ["asyncio", "uvicorn"])
def test_worker_of_a_wsgi_application_has_not_imported(project: Path, module: str) -> None:
    (project / "app.py").write_text(
        "import sys\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        f"    return [b'%d' % ({module!r} in sys.modules)]\n"
    )
    with DevSession(project) as session:
        assert session.get().body == "0"


def test_application_without_uvicorn_is_a_page_that_names_the_extra(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['uvicorn'] = None\n")
    (project / "app.py").write_text(APP)
    with DevSession(project, environment={"PYTHONPATH": str(tmp_path)}) as session:
        page = session.get(headers={"Accept": "text/plain"})
        session.stop()

    assert page.status == 500
    assert "pip install 'wiverno[asgi]'" in page.body
    assert "pip install 'wiverno[asgi]'" in session.output


@pytest.mark.parametrize("session", [("--interface", "asgi")], indirect=True)
def test_interface_that_is_named_is_believed(session: DevSession) -> None:
    hidden = APP + "\nhidden = app\ndef app(*args):\n    return hidden(*args)\n"
    session.save("app.py", hidden.replace("000001", "000002"))

    assert session.get().body == "000002"
