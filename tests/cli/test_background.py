"""The commands for a session in the background, without one: options, help, words."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wiverno.cli.background import (
    NotRunningError,
    TooLateError,
    _default_log,
    _duration,
    _wait_for_generation,
)
from wiverno.cli.commands import wiverno
from wiverno.cli.words import DevelopmentOptions
from wiverno.core.app_target import AppTarget
from wiverno.dev.control.process_identity import start_mark
from wiverno.dev.control.session_file import Serving, SessionDetails, SessionFile

COMMANDS = ["start", "stop", "restart", "status"]


def _invoke(*words: str) -> Result:
    return CliRunner().invoke(wiverno, words, prog_name="wiverno")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_when_asked_for_names_the_pid_file_and_the_exit_codes(command: str) -> None:
    result = _invoke(command, "--help")

    assert result.exit_code == 0
    assert "--pid-file FILE" in result.stdout
    assert "Exit codes: 0 " in result.stdout
    assert ("-p, --port" in result.stdout) is (command in ("start", "restart"))


@pytest.mark.parametrize("words", [(), ("run",)])
def test_help_when_asked_for_says_each_command_in_one_whole_line(words: tuple[str, ...]) -> None:
    assert "..." not in _invoke(*words, "--help").stdout.replace("[OPTIONS] COMMAND [ARGS]...", "")


def test_help_when_asked_for_hides_what_is_not_for_people() -> None:
    assert "background-session" not in _invoke("--help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_command_when_no_pid_file_is_named_is_2(command: str) -> None:
    result = _invoke(command)

    assert result.exit_code == 2
    assert "--pid-file" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_command_when_on_windows_is_one_line_that_names_wsl(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")

    result = _invoke(command, "--pid-file", "dev.pid")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "WSL" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_command_when_the_file_is_no_pid_file_is_one_line_and_2(
    command: str, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n")

    app = ["run:app"] if command == "start" else []
    result = _invoke(command, *app, "--pid-file", str(path))

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "its first line is 'buy milk'" in result.stderr
    assert path.read_text() == "buy milk\n"


@pytest.mark.parametrize(
    ("pid_file", "log"),
    [("dev.pid", "dev.log"), ("pid", "pid.log"), ("pid.txt", "pid.log"), ("a.log", "a.log.log")],
)
def test_log_when_not_named_stands_beside_the_pid_file(pid_file: str, log: str) -> None:
    assert _default_log(Path("/run") / pid_file) == Path("/run") / log


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3720, "1 h 2 min"), (90_000, "1 d 1 h")],
)
def test_duration_when_shown_has_two_units_at_most(seconds: float, text: str) -> None:
    assert _duration(seconds) == text


@pytest.mark.parametrize(
    "later",
    [
        {},
        {
            "on_error": "keep",
            "reload": "manual",
            "wait_timeout_seconds": 0.25,
            "build_timeout_seconds": 7.0,
            "watch_files": ("a b", "-c"),
            "static_dirs": ("assets",),
            "unwatch_files": ("x,y",),
            # It has to be there.
            "env_files": ("/dev/null",),
            "interface": "asgi",
        },
    ],
)
@pytest.mark.parametrize(
    ("watch", "ignore"), [(None, None), ([], []), (["./a", "b"], ["*.log", "static/"])]
)
def test_words_when_read_again_mean_the_same(
    watch: list[str] | None,
    ignore: list[str] | None,
    later: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = AppTarget("shop.site", "make()")
    options = DevelopmentOptions(target, "::1", 0, watch, ignore, 0.123456789, **later)
    served: list[DevelopmentOptions] = []
    monkeypatch.setattr("wiverno.cli.development.serve", served.append)

    result = _invoke("run", "dev", *options.words())

    assert (result.exit_code, served) == (0, [options])


@pytest.mark.processes
@pytest.mark.parametrize(
    ("before", "error"),
    # A plain process ends at SIGHUP: that tells whether it got one.
    [(0, NotRunningError), (1, TooLateError)],
)
def test_restart_when_an_older_build_comes_to_serve_asks_again(
    before: int, error: type[Exception], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        mark = start_mark(process.pid)
        assert mark is not None
        details = SessionDetails(
            pid=process.pid,
            start_mark=mark,
            directory="/project",
            words=("run:app",),
            log="/log",
            began_at_s=1.0,
            serving=Serving.APPLICATION,
            generation=1,
            build_began_at_s=1.0,
        )
        file = SessionFile(tmp_path / "dev.pid")
        file.create(details)

        with pytest.raises(error):
            _wait_for_generation(file, before, asked_at=time.monotonic(), timeout_s=1.0)

        process.kill()
