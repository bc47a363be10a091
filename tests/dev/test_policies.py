"""`--on-error keep` and `--reload manual`: what a user chooses instead of the promises."""

import contextlib
import http.client
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, Answer, DevSession

pytestmark = pytest.mark.processes

# The watcher cannot help: what heals at once was noticed by the request.
KEEP = ("--on-error", "keep", "--debounce", "30")
MANUAL = ("--reload", "manual", "--debounce", "0.1")
SYNTAX_ERROR = "def app(:\n"


def version(number: int) -> str:
    return VERSIONED_APP.format(version=number)


def told(answer: Answer) -> tuple[str, str | None]:
    """The body, and the failure that the answer was given in spite of."""
    return answer.body, answer.headers.get("X-Wiverno-Error")


def kept(session: DevSession, failed: int) -> None:
    session.wait_for("kept", failed=failed)


# --- The last good version -------------------------------------------------------------


@pytest.mark.both_strategies
def test_broken_save_when_kept_is_answered_by_the_last_good_version_and_says_so(
    project: Path,
) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP) as session:
        before = session.get()
        session.save("app.py", SYNTAX_ERROR)
        broken = session.get()
        session.save("app.py", "1 / 0\n")
        broken_otherwise = session.get()
        session.save("app.py", version(2))
        healed = session.get()
        session.stop()
        output = session.output

    assert told(before) == ("000001", None)
    assert told(broken) == ("000001", "SyntaxError")
    assert broken.status == 200
    assert broken.headers["X-Wiverno-Generation"] == "1"
    assert told(broken_otherwise) == ("000001", "ZeroDivisionError")
    assert told(healed) == ("000002", None)
    assert output.count("Restart #1 goes on and answers") == 2
    assert session.count("page") == 0
    assert session.wait_for("serving", generation=4)["restart"] == 2


def test_broken_save_when_kept_is_answered_on_kept_alive_and_pipelined_connections(
    project: Path,
) -> None:
    (project / "app.py").write_text(version(1))
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with DevSession(project, "app:app", *KEEP) as session:
        alive = http.client.HTTPConnection("127.0.0.1", session.port, timeout=5)
        pipelining = socket.create_connection(("127.0.0.1", session.port), timeout=5)
        with contextlib.closing(alive), pipelining:
            bodies = [ask(alive)]
            session.save("app.py", SYNTAX_ERROR)
            pipelining.sendall(request * 3)
            received = receive(pipelining, answers=3)
            bodies += [ask(alive), ask(alive)]
            session.save("app.py", version(2))
            bodies += [ask(alive)]
            pipelining.sendall(request)
            healed = receive(pipelining, answers=1)

    assert bodies == ["000001 None", *["000001 SyntaxError"] * 2, "000002 None"]
    assert received.count(b"X-Wiverno-Error: SyntaxError") == received.count(b"000001") == 3
    assert b"000002" in healed


def ask(connection: http.client.HTTPConnection) -> str:
    connection.request("GET", "/")
    response = connection.getresponse()
    return f"{response.read().decode()} {response.headers['X-Wiverno-Error']}"


def receive(connection: socket.socket, answers: int) -> bytes:
    data = b""
    while data.count(b"\r\n\r\n00") < answers or len(data.rpartition(b"\r\n\r\n")[2]) < 6:
        more = connection.recv(65536)
        assert more, data
        data += more
    return data


def test_broken_save_when_kept_and_nobody_asks_is_told_and_healed(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP, "--debounce", "0.1") as session:
        session.wait_until_serving()
        session.save("app.py", SYNTAX_ERROR)
        kept(session, failed=2)
        broken = session.get()
        session.save("app.py", version(2))
        session.wait_until_serving(2)

    assert told(broken) == ("000001", "SyntaxError")
    assert session.count("stale") == 0


def test_change_that_the_failed_build_had_seen_when_kept_starts_no_other(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP, "--debounce", "0.1") as session:
        session.get()
        session.save("app.py", SYNTAX_ERROR)
        session.get()
        kept(session, failed=2)
        before = session.count("changed")
        # The same bytes: the watcher rings, and they are in the failed build's record.
        session.save("app.py", SYNTAX_ERROR)
        session.wait_until(lambda: session.count("changed") > before or None, "the ring")

        with pytest.raises(AssertionError, match="did not come"):
            session.wait_for("build_started", within_s=0.5, generation=3)


def test_request_in_flight_when_its_worker_is_kept_is_finished(project: Path) -> None:
    (project / "app.py").write_text(
        "import threading\nGO_ON = threading.Event()\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    if environ['PATH_INFO'] == '/wait':\n"
        "        assert GO_ON.wait(10)\n"
        "    if environ['PATH_INFO'] == '/go':\n"
        "        GO_ON.set()\n"
        "    return [b'old']\n"
    )
    with DevSession(project, "app:app", *KEEP) as session:
        connection = socket.create_connection(("127.0.0.1", session.port), timeout=5)
        with connection:
            connection.sendall(b"GET /wait HTTP/1.0\r\n\r\n")
            assert session.get().body == "old"
            session.save("app.py", SYNTAX_ERROR)
            assert told(session.get("/go")) == ("old", "SyntaxError")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "not read"])
def test_fix_when_kept_heals_also_in_a_file_that_the_failed_build_had_not_read(
    project: Path, is_read: bool
) -> None:
    # `stat` tells nothing: only the worker's own record knows of the file.
    look = "open('switch').read()" if is_read else "os.stat('switch').st_size * 'x'"
    good = "open('switch').close()\n" + version(1)
    broken = f"import os\nif {look} != 'xx': raise ValueError\n" + version(2)
    (project / "switch").write_text("x")
    (project / "app.py").write_text(good)
    with DevSession(project, "app:app", *KEEP) as session:
        before = session.get()
        session.save("app.py", broken)
        kept_on = session.get()
        session.save("switch", "xx")
        healed = session.get()

    assert [told(before), told(kept_on), told(healed)] == [
        ("000001", None),
        ("000001", "ValueError"),
        ("000002", None),
    ]


def test_missing_module_when_kept_that_appears_broken_is_told_and_its_fix_heals(
    project: Path,
) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP) as session:
        session.get()
        session.save("app.py", "import part\n" + version(2))
        missing = session.get()
        session.save("part.py", SYNTAX_ERROR)
        broken = session.get()
        session.save("part.py", "")
        healed = session.get()

    assert told(missing) == ("000001", "ModuleNotFoundError")
    assert told(broken) == ("000001", "SyntaxError")
    assert told(healed) == ("000002", None)


def test_death_at_the_import_when_kept_ends_nothing_first(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP) as session:
        session.get()
        session.save("app.py", "import os\nos._exit(3)\n")
        dead = session.get()
        session.save("app.py", version(2))
        healed = session.get()

    assert told(dead) == ("000001", "ProcessDied")
    assert told(healed) == ("000002", None)
    # It was neither retired nor replaced before the good one came.
    assert session.wait_for("exited", generation=2)["status"] == 3
    assert session.count("built", outcome="failed") == 0


def test_held_port_when_kept_is_never_taken_from_the_old_worker(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    source = (
        f"import socket\nheld = socket.create_server(('127.0.0.1', {port}), reuse_port=False)\n"
        + VERSIONED_APP
    )
    (project / "app.py").write_text(source.format(version=1))
    with DevSession(project, "app:app", *KEEP) as session:
        session.get()
        session.save("app.py", source.format(version=2))
        answer = session.get()
        pid = session.wait_for("serving")["pid"]
        os.kill(pid, 0)
        session.stop()

    assert told(answer) == ("000001", "OSError")
    assert "ended first" not in session.output


def test_hanging_import_when_kept_is_answered_at_the_wait_timeout_and_the_fix_heals(
    project: Path,
) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP, "--wait-timeout", "1") as session:
        session.get()
        session.save("app.py", "import threading\nthreading.Event().wait(60)\n" + version(2))
        begun = time.monotonic()
        waited = session.get()
        took_s = time.monotonic() - begun
        begun = time.monotonic()
        at_once = session.get()
        second_took_s = time.monotonic() - begun
        session.save("app.py", version(3))
        healed = session.get()

    assert told(waited) == told(at_once) == ("000001", "StillImporting")
    assert 0.9 < took_s < 2.0
    assert second_took_s < 0.9
    assert told(healed) == ("000003", None)


def test_hanging_import_when_kept_is_ended_at_the_build_timeout(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    options = (*KEEP, "--build-timeout", "1.5")
    with DevSession(project, "app:app", *options) as session:
        session.get()
        session.save("app.py", "while True: pass\n")
        hung = session.get()

    assert told(hung) == ("000001", "ImportHangs")


def test_slow_import_when_kept_serves_once_it_is_done(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP, "--wait-timeout", "0.5") as session:
        session.get()
        session.save("app.py", "import threading\nthreading.Event().wait(1.5)\n" + version(2))
        waited = session.get()
        session.wait_until_serving(2)
        done = session.get()

    assert told(waited) == ("000001", "StillImporting")
    assert told(done) == ("000002", None)


def test_first_start_when_broken_shows_the_page_though_it_would_keep(project: Path) -> None:
    (project / "app.py").write_text(SYNTAX_ERROR)
    with DevSession(project, "app:app", *KEEP) as session:
        page = session.get()
        session.save("app.py", version(1))
        healed = session.get()

    assert page.status == 500
    assert told(healed) == ("000001", None)


def test_kept_worker_when_it_dies_leaves_the_page(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP) as session:
        session.get()
        session.save("app.py", "1 / 0\n")
        session.get()
        os.kill(session.wait_for("serving")["pid"], signal.SIGKILL)
        session.wait_for("page")
        page = session.get()
        session.save("app.py", version(2))
        healed = session.get()

    assert (page.status, page.headers["X-Wiverno-Error"]) == (500, "ZeroDivisionError")
    assert told(healed) == ("000002", None)


def test_failure_that_the_world_repairs_when_kept_heals_by_itself(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *KEEP) as session:
        session.get()
        session.save(
            "app.py",
            "import os\nif not os.path.exists('../database'): raise ConnectionError\n" + version(2),
        )
        down = session.get()
        (project.parent / "database").touch()
        deadline = time.monotonic() + 10
        while (answer := session.get()).body != "000002":
            assert time.monotonic() < deadline
            session.wait_for("build_started", generation=session.count("build_started"))
        session.stop()
        output = session.output

    assert told(down) == ("000001", "ConnectionError")
    assert told(answer) == ("000002", None)
    assert output.count("goes on and answers") == 1


def test_saves_when_kept_are_in_the_next_answer_broken_or_good(project: Path) -> None:
    """Strict: right after the worker was told to go on, the gate is there again."""
    (project / "app.py").write_text(version(0))
    answers, expected = [], []
    with DevSession(project, "app:app", *KEEP) as session:
        session.get()
        for number in range(1, 21):
            session.save("app.py", f"raise_{number}()\n")
            answers.append(told(session.get()))
            session.save("app.py", version(number))
            answers.append(told(session.get()))
            expected += [(f"{number - 1:06d}", "NameError"), (f"{number:06d}", None)]

    assert answers == expected


# --- By hand ---------------------------------------------------------------------------


def stale(answer: Answer) -> tuple[str, str | None]:
    return answer.body, answer.headers.get("X-Wiverno-Stale")


@pytest.mark.both_strategies
def test_changes_when_manual_are_counted_and_a_signal_brings_them_in(project: Path) -> None:
    (project / "part.py").write_text("")
    (project / "app.py").write_text("import part\n" + version(1))
    with DevSession(project, "app:app", *MANUAL) as session:
        counts = [stale(session.get())]
        session.save("app.py", "import part\n" + version(2))
        counts.append(stale(session.get()))
        session.save("part.py", "x = 1\n")
        counts.append(stale(session.get()))
        session.wait_until(lambda: len(waiting(session)) == 2 or None, "both changes told")
        session.save("part.py", "")
        counts.append(stale(session.get()))
        session.process.send_signal(signal.SIGUSR1)
        session.wait_until_serving(2)
        counts.append(stale(session.get()))
        session.stop()
        output = session.output

    assert counts == [
        ("000001", None),
        ("000001", "1"),
        ("000001", "2"),
        ("000001", "1"),
        ("000002", None),
    ]
    assert "2 files changed since the restart" in output
    assert f"kill -USR1 {session.process.pid}" in output
    assert session.count("build_started") == 2


def waiting(session: DevSession) -> list[str]:
    """The files of the last line about changes that wait."""
    told = [event["changed"] for event in session.events if event["event"] == "waiting"]
    return told[-1] if told else []


def test_names_that_appear_and_vanish_when_manual_are_counted(project: Path) -> None:
    (project / "app.py").write_text(
        "try:\n    import extra\nexcept ImportError:\n    pass\n"
        "import os, part\nos.listdir('plugs')\nopen('data').close()\n" + version(1)
    )
    (project / "part.py").write_text("")
    (project / "data").write_text("1")
    (project / "plugs").mkdir()
    with DevSession(project, "app:app", *MANUAL) as session:
        counts = [stale(session.get())[1]]
        for change in (
            lambda: session.save("extra.py", ""),
            lambda: session.save("plugs/one", ""),
            lambda: session.save("data", "22"),
            lambda: (project / "part.py").unlink(),
            lambda: (project / "extra.py").unlink(),
        ):
            change()
            counts.append(stale(session.get())[1])

    assert counts == [None, "1", "2", "3", "4", "3"]


def test_page_when_manual_heals_by_the_next_save(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *MANUAL) as session:
        session.get()
        session.save("app.py", SYNTAX_ERROR)
        unharmed = session.get()
        session.process.send_signal(signal.SIGUSR1)
        session.wait_for("page")
        page = session.get()
        session.save("app.py", version(2))
        healed = session.get()

    assert stale(unharmed) == ("000001", "1")
    assert page.status == 500
    assert stale(healed) == ("000002", None)


def test_worker_that_dies_when_manual_is_replaced(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *MANUAL) as session:
        session.get()
        session.save("app.py", version(2))
        os.kill(session.wait_until_serving()["pid"], signal.SIGKILL)
        session.wait_until_serving(2)

        assert stale(session.get()) == ("000002", None)


def test_broken_restart_when_manual_and_kept_has_both_headers(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project, "app:app", *MANUAL, *KEEP) as session:
        session.get()
        session.save("app.py", SYNTAX_ERROR)
        session.process.send_signal(signal.SIGUSR1)
        kept(session, failed=2)
        broken = session.get()
        session.save("app.py", version(2))
        still = session.get()
        session.process.send_signal(signal.SIGUSR1)
        session.wait_until_serving(2)
        healed = session.get()

    assert (told(broken), stale(broken)[1]) == (("000001", "SyntaxError"), "1")
    assert (told(still), stale(still)[1]) == (("000001", "SyntaxError"), "1")
    assert (told(healed), stale(healed)[1]) == (("000002", None), None)


def test_signal_to_the_whole_group_restarts_once_and_ends_nobody(project: Path) -> None:
    (project / "app.py").write_text(version(1))
    with DevSession(project) as session:
        session.wait_until_serving()
        session.get()
        os.killpg(session.process.pid, signal.SIGUSR1)
        session.wait_until_serving(2)
        answer = session.get()

    assert answer.body == "000001"
    assert session.count("build_started") == 2
    # Those that ended did so because they were told to.
    assert {event["status"] for event in session.events if event["event"] == "exited"} <= {0, -9}
