"""A session in the background: started, restarted, stopped, and what is left of it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cli.background_command import Background, port_of
from tests.dev.harness import VERSIONED_APP, get, processes_of_session
from wiverno.dev.control.process_identity import KnownProcess, start_mark

pytestmark = pytest.mark.processes

GOOD_APP = VERSIONED_APP.format(version=1)
BROKEN_APP = "import nothing_of_this_name\n"
# Imports at the first time, hangs at the second.
HANGING_APP = (
    """\
import pathlib, threading
if pathlib.Path("hang").exists():
    threading.Event().wait(60)
"""
    + GOOD_APP
)
STUBBORN_APP = (
    "import signal, subprocess, sys\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait(60)'])\n"
    "import atexit, threading\n"
    "atexit.register(lambda: threading.Event().wait(60))\n" + GOOD_APP
)


@pytest.fixture
def background(project: Path) -> Iterator[Background]:
    (project / "run.py").write_text(GOOD_APP)
    with Background(project) as background:
        yield background


def wait_for_end(details: dict[str, Any]) -> None:
    try:
        with KnownProcess(details["pid"], details["start_mark"]) as process:
            assert process.has_ended(10)
    except ProcessLookupError:
        pass


def known(background: Background) -> dict[str, Any]:
    details = background.details()
    assert details is not None
    return details


# Start.


def test_start_when_it_returns_answers_from_a_session_of_its_own(background: Background) -> None:
    done = background.run("start", "--port", "0")

    assert (done.returncode, done.stderr) == (0, "")
    status = background.status()
    expected = f"Started: {status['url']} (pid {status['pid']}), log dev.log.\n"
    assert done.stdout == expected
    assert get(port_of(status)).body == "000001"
    assert background.pid_file.read_text() == f"{status['pid']}\n"
    assert os.getsid(status["pid"]) == status["pid"]
    assert Path(f"/proc/{status['pid']}/fd/0").readlink() == Path("/dev/null")
    assert background.left() == {"dev.pid", "dev.pid.session", "dev.log"}


def test_start_when_the_application_is_broken_serves_the_page(background: Background) -> None:
    (background.folder / "run.py").write_text(BROKEN_APP)

    status = background.start()

    assert get(port_of(status)).status == 500


def test_start_when_a_session_runs_says_which_and_4(background: Background) -> None:
    status = background.start()

    done = background.run("start", "--port", "0")

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        f"Error: A session is running already: {status['url']} (pid {status['pid']}). "
        "Use wiverno restart or wiverno stop.\n"
    )
    assert background.status()["pid"] == status["pid"]


def test_start_when_the_port_is_taken_is_one_line_and_2_and_leaves_nothing(
    background: Background,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = background.run("start", "--port", str(taken.getsockname()[1]))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: Address already in use")
    assert done.stderr.count("\n") == 1
    assert background.left() == set()


def test_start_when_it_fails_after_a_stale_session_leaves_no_pid_file(
    background: Background,
) -> None:
    background.start()
    details = known(background)
    os.kill(details["pid"], signal.SIGKILL)
    wait_for_end(details)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = background.run("start", "--port", str(taken.getsockname()[1]))

    assert done.returncode == 2
    assert background.left() == {"dev.log"}


@pytest.mark.parametrize("words", [["run.py"], ["--port", "70000"], ["run:app", "-m", "run"]])
def test_start_when_the_words_are_wrong_is_one_line_and_2(
    background: Background, words: list[str]
) -> None:
    done = background.run("start", *words)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("Error: ")
    assert background.left() == set()


def test_start_when_the_folder_of_the_pid_file_is_missing_is_one_line_and_2(
    background: Background,
) -> None:
    done = background.run("start", "--pid-file", "absent/dev.pid")

    assert done.returncode == 2
    assert "No such file or directory" in done.stderr
    assert done.stderr.count("\n") == 1


def test_start_when_it_dies_before_it_listens_names_the_log(background: Background) -> None:
    # The session's interpreter imports it, before any line of ours.
    site = background.folder.parent / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os, sys\nif '--ready-fd' in sys.orig_argv:\n    print('boom')\n"
        "    sys.stdout.flush()\n    os._exit(9)\n"
    )

    done = subprocess.run(
        background.command("start", "--port", "0"),
        cwd=background.folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "The session ended with exit code 9 before it listened." in done.stderr
    assert "Its last line: boom" in done.stderr
    assert background.left() == {"dev.log"}


def test_start_when_many_do_it_at_once_starts_one(background: Background) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: background.run("start", "--port", "0"), range(4)))

    assert sorted(each.returncode for each in done) == [0, 4, 4, 4]
    [started] = [each.stdout for each in done if each.returncode == 0]
    status = background.status()
    assert f"(pid {status['pid']})" in started
    assert background.left() == {"dev.pid", "dev.pid.session", "dev.log"}


def test_start_when_the_session_was_killed_replaces_the_stale_file(background: Background) -> None:
    first = background.start()
    details = known(background)
    os.kill(first["pid"], signal.SIGKILL)
    wait_for_end(details)

    assert background.run("status").returncode == 3
    done = background.run("start", "--port", "0")

    assert done.returncode == 0
    assert f"process {first['pid']} is gone. 'dev.pid' is replaced." in done.stderr
    assert get(port_of(background.status())).body == "000001"


def test_start_when_the_pid_was_given_out_again_leaves_that_process_alone(
    background: Background,
) -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as foreign:
        first = background.start()
        text = (background.folder / "dev.pid.session").read_text()
        background.run("stop")
        # As if the session had been killed and its pid been given to the other process.
        reused = text.replace(f'"pid": {first["pid"]},', f'"pid": {foreign.pid},')
        (background.folder / "dev.pid.session").write_text(reused)
        background.pid_file.write_text(f"{foreign.pid}\n")

        status = background.run("status")
        stopped = background.run("stop")
        (background.folder / "dev.pid.session").write_text(reused)
        background.pid_file.write_text(f"{foreign.pid}\n")
        started = background.run("start", "--port", "0")

        assert (status.returncode, stopped.returncode, started.returncode) == (3, 3, 0)
        assert f"pid {foreign.pid} belongs to another process now" in status.stdout
        assert "'dev.pid' is removed." in stopped.stderr
        assert "'dev.pid' is replaced." in started.stderr
        assert foreign.poll() is None
        foreign.kill()


def test_start_when_a_project_has_modules_of_our_names_uses_our_own(background: Background) -> None:
    for name in ("click", "queue", "wiverno"):
        (background.folder / f"{name}.py").write_text("raise RuntimeError('the wrong one')\n")
    script = str(Path(sys.executable).parent / "wiverno")
    done = subprocess.run(
        [script, "start", "--port", "0", "--pid-file", "dev.pid"],
        cwd=background.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_start_when_the_application_looks_at_its_command_sees_the_foregrounds(
    background: Background,
) -> None:
    (background.folder / "run.py").write_text(
        "import os, sys\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [repr((sys.argv[1:], 'WIVERNO_EVENTS_FD' in os.environ)).encode()]\n"
    )

    status = background.start()

    words = ["run:app", "--host", "localhost", "--port", "0", "--debounce", "1.0"]
    assert get(port_of(status)).body == repr((["run", "dev", *words], False))


# Stop.


def test_stop_when_it_returns_nothing_is_left(background: Background) -> None:
    status = background.start()
    get(port_of(status))

    done = background.run("stop")

    assert (done.returncode, done.stdout) == (0, f"Stopped: pid {status['pid']}.\n")
    assert processes_of_session(status["session"]) == []
    assert background.left() == {"dev.log"}
    with pytest.raises(ConnectionRefusedError):
        get(port_of(status))


def test_stop_when_nothing_runs_is_one_line_and_3(background: Background) -> None:
    done = background.run("stop")

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "Error: No session is running: there is no 'dev.pid'.\n"
    assert background.left() == set()


def test_stop_when_the_application_ignores_sigterm_ends_it_all_the_same(
    background: Background,
) -> None:
    (background.folder / "run.py").write_text(STUBBORN_APP)
    status = background.start()
    get(port_of(status))

    done = background.run("stop")

    assert done.returncode == 0
    assert processes_of_session(status["session"]) == []


def test_stop_when_the_session_does_not_react_kills_it(background: Background) -> None:
    status = background.start()
    get(port_of(status))
    os.kill(status["pid"], signal.SIGSTOP)

    done = background.run("stop", "--timeout", "0.2")

    assert (done.returncode, done.stdout) == (0, f"Killed after 0.2 s: pid {status['pid']}.\n")
    assert start_mark(status["pid"]) is None
    assert background.left() == {"dev.log"}


def test_session_when_it_gets_sigterm_from_anybody_removes_its_files(
    background: Background,
) -> None:
    background.start()
    details = known(background)

    # What the old scripts do.
    os.kill(int(background.pid_file.read_text()), signal.SIGTERM)
    wait_for_end(details)

    assert background.left() == {"dev.log"}


# Restart.


def test_restart_when_nothing_has_changed_is_a_new_generation(background: Background) -> None:
    status = background.start()
    first = get(port_of(status))

    done = background.run("restart")

    answer = get(port_of(status))
    assert done.returncode == 0
    assert done.stdout == f"Restart #2 serves: {status['url']} (pid {status['pid']}).\n"
    generations = [int(each.headers["X-Wiverno-Generation"]) for each in (first, answer)]
    assert generations[1] > generations[0]
    assert background.status()["restart"] == 2


def test_restart_when_the_code_is_broken_is_1_and_the_next_good_one_0(
    background: Background,
) -> None:
    status = background.start()
    (background.folder / "run.py").write_text(BROKEN_APP)

    broken = background.run("restart")
    said = background.run("status")
    (background.folder / "run.py").write_text(GOOD_APP)
    healed = background.run("restart")

    assert (broken.returncode, broken.stdout, broken.stderr.count("\n")) == (1, "", 1)
    assert "ModuleNotFoundError: No module named 'nothing_of_this_name'" in broken.stderr
    assert "page for" in said.stdout
    assert said.returncode == 0
    assert healed.returncode == 0
    assert get(port_of(status)).body == "000001"


def test_restart_when_the_last_good_version_is_kept_is_1_and_says_what_goes_on(
    background: Background,
) -> None:
    assert background.run("start", "--port", "0", "--on-error", "keep").returncode == 0
    port = port_of(background.status())
    get(port)
    (background.folder / "run.py").write_text(BROKEN_APP)

    broken = background.run("restart")
    said = background.run("status")
    answer = get(port)
    (background.folder / "run.py").write_text(GOOD_APP)
    healed = background.run("restart")

    assert (broken.returncode, broken.stdout, broken.stderr.count("\n")) == (1, "", 1)
    assert "nothing_of_this_name" in broken.stderr
    assert "restart #1 goes on" in broken.stderr
    assert 'restart #1 in spite of "ModuleNotFoundError' in said.stdout
    assert (answer.body, answer.headers["X-Wiverno-Error"]) == ("000001", "ModuleNotFoundError")
    assert healed.returncode == 0


def test_restart_when_by_hand_only_brings_the_changes_into_the_next_answer(
    background: Background,
) -> None:
    assert background.run("start", "--port", "0", "--reload", "manual").returncode == 0
    port = port_of(background.status())
    answers = []
    for version in (1, 2, 3):
        (background.folder / "run.py").write_text(VERSIONED_APP.format(version=version))
        answers.append(get(port).body)
        assert background.run("restart").returncode == 0
        answers.append(get(port).body)

    assert answers == ["000001", "000001", "000001", "000002", "000002", "000003"]


def test_restart_when_the_import_hangs_is_5_and_a_stop_ends_it(background: Background) -> None:
    (background.folder / "run.py").write_text(HANGING_APP)
    status = background.start()
    get(port_of(status))
    (background.folder / "hang").touch()

    late = background.run("restart", "--timeout", "0.5")
    (background.folder / "hang").unlink()
    # The build that hangs does not stand in the way.
    again = background.run("restart")

    assert late.returncode == 5
    assert "After 0.5 s neither the new code nor a page serves" in late.stderr
    assert again.returncode == 0
    assert background.run("stop").returncode == 0
    assert processes_of_session(status["session"]) == []


def test_restart_when_several_are_asked_for_at_once_each_gets_a_generation(
    background: Background,
) -> None:
    status = background.start()

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: background.run("restart"), range(3)))

    assert [each.returncode for each in done] == [0, 0, 0]
    assert background.status()["pid"] == status["pid"]


def test_restart_when_no_session_runs_starts_what_it_is_told(background: Background) -> None:
    done = background.run("restart", "run:app", "--port", "0")

    assert done.returncode == 0
    assert done.stdout.startswith("Started: ")
    assert "Restart #1 serves: " in done.stdout


def test_restart_when_the_session_was_killed_starts_what_ran_before(
    background: Background, tmp_path: Path
) -> None:
    background.start("--ignore", "*.log")
    details = known(background)
    os.kill(details["pid"], signal.SIGKILL)
    wait_for_end(details)

    # From elsewhere: directory and options are the recorded ones.
    command = [*background.command("restart"), "--pid-file", str(background.pid_file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    again = known(background)
    assert again["words"] == details["words"]
    assert again["directory"] == str(background.folder)
    assert get(port_of(background.status())).body == "000001"


def test_restart_when_nothing_is_known_is_3(background: Background) -> None:
    done = background.run("restart")

    assert (done.returncode, done.stdout) == (3, "")
    assert "Name the application, or use wiverno start." in done.stderr
    assert background.left() == set()


def test_restart_when_told_other_options_refuses(background: Background) -> None:
    background.start()

    done = background.run("restart", "--port", "0", "--debounce", "3")

    assert done.returncode == 2
    assert "Use wiverno stop first" in done.stderr
    assert background.run("restart", "--port", "0").returncode == 0


def test_hangup_when_sent_by_hand_restarts_even_below_nohup(background: Background) -> None:
    command = background.command("start", "--port", "0")
    subprocess.run(["nohup", *command], cwd=background.folder, timeout=60, check=True)
    status = background.status()
    first = get(port_of(status)).headers["X-Wiverno-Generation"]

    os.kill(status["pid"], signal.SIGHUP)
    done = background.run("restart")

    assert done.returncode == 0
    assert background.status()["pid"] == status["pid"]
    assert get(port_of(status)).headers["X-Wiverno-Generation"] != first


# Status and log.


def test_status_when_running_says_what_and_0(background: Background) -> None:
    status = background.start()
    get(port_of(status))  # Otherwise the restart takes the place of the first build.
    background.run("restart")

    done = background.run("status")

    assert done.returncode == 0
    assert done.stdout.startswith(f"Running: {status['url']} (pid {status['pid']}), for ")
    assert done.stdout.endswith(" s, restart #2, log dev.log.\n")


def test_status_when_not_running_is_3_in_words_and_in_json(background: Background) -> None:
    assert background.run("status").stdout == "No session is running: there is no 'dev.pid'.\n"
    assert background.status() == {"running": False, "reason": "absent", "pid": None}
    assert background.run("status", "--json").returncode == 3


def test_log_when_started_twice_holds_both_sessions(background: Background) -> None:
    (background.folder / "run.py").write_text("print('imported')\n" + GOOD_APP)
    for _ in range(2):
        get(port_of(background.start("--log-file", "out.log")))
        background.run("stop")

    text = (background.folder / "out.log").read_text()
    assert text.count("imported") == 2
    assert text.count("│ Restart: #1 ") == 2
    assert text.count("Stopping.") == 2


def test_session_when_its_files_are_removed_goes_on_and_makes_none(background: Background) -> None:
    status = background.start()
    details = known(background)
    background.pid_file.unlink()
    (background.folder / "dev.pid.session").unlink()
    os.kill(status["pid"], signal.SIGHUP)

    assert get(port_of(status)).body == "000001"
    os.kill(status["pid"], signal.SIGTERM)
    wait_for_end(details)
    assert background.left() == {"dev.log"}
