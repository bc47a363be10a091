"""The command line without a server: options, errors, help."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wiverno import __version__
from wiverno.cli.commands import wiverno
from wiverno.cli.failures import UserError
from wiverno.cli.words import DevelopmentOptions, choose_target, split_words
from wiverno.core.app_target import AppTarget


def _invoke(*words: str) -> Result:
    return CliRunner().invoke(wiverno, words, prog_name="wiverno")


@pytest.mark.parametrize(
    ("app", "module", "name", "target"),
    [
        (None, "myapp.main", None, AppTarget("myapp.main", "app")),
        (None, None, "application", AppTarget("run", "application")),
        (None, "myapp", "create_app()", AppTarget("myapp", "create_app()")),
        ("myapp", None, None, AppTarget("myapp", "app")),
        ("pkg.wsgi:application", None, None, AppTarget("pkg.wsgi", "application")),
    ],
)
def test_choose_target_when_named_once_is_that(
    app: str | None, module: str | None, name: str | None, target: AppTarget
) -> None:
    assert choose_target(app, module, name) == target


@pytest.mark.parametrize(
    ("app", "module", "name", "said"),
    [
        ("a:b", "c", None, "Both APP ('a:b') and --app-module ('c') name the application."),
        ("a:b", "c", "d", "Both APP ('a:b') and --app-module ('c') name the application."),
        ("a:b", None, "c", "--app-name ('c') belongs to --app-module. Write it into APP: 'a:c'."),
        ("run.py", None, None, "Write 'run'."),
        (None, "./run.py", None, "App module './run.py' is not a module name."),
    ],
)
def test_choose_target_when_unclear_says_what_to_give(
    app: str | None, module: str | None, name: str | None, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        choose_target(app, module, name)

    assert said in caught.value.message


def test_split_words_when_separated_by_commas_drops_blanks() -> None:
    assert split_words(None) is None
    assert split_words("./myapp, ./shared,") == ["./myapp", "./shared"]


def test_words_of_a_flag_are_the_flag_alone() -> None:
    options = DevelopmentOptions(AppTarget("run", "app"), "localhost", 8000, None, None, 1.0)

    assert "--verbose" not in options.words()
    assert replace(options, verbose=True).words() == (*options.words(), "--verbose")


@pytest.mark.parametrize("command", ["dev", "prod"])
def test_run_when_app_and_module_are_given_is_one_line_and_2(command: str) -> None:
    # The impossible port ends it at once, should the check ever be missing.
    result = _invoke("run", command, "run:app", "--app-module", "run", "--port", "70000")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "Error: Both APP ('run:app') and --app-module ('run') name the application. Give one.\n"
    )


@pytest.mark.parametrize("command", ["dev", "prod"])
def test_run_when_asked_for_help_shows_the_documented_options(command: str) -> None:
    result = _invoke("run", command, "--help")

    assert result.exit_code == 0
    for words in ("-h, --host", "-p, --port", "-m, --app-module", "-a, --app-name", "[APP]"):
        assert words in result.stdout
    for default in ("[default: localhost]", "[default: 8000]", "[default: run]", "[default: app]"):
        assert default in result.stdout
    assert ("-w, --watch" in result.stdout) is (command == "dev")


def test_run_dev_when_on_windows_is_one_line_that_names_wsl(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")

    result = _invoke("run", "dev")

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "WSL" in result.stderr
    assert result.stderr.count("\n") == 1


def test_version_when_asked_for_is_printed() -> None:
    result = _invoke("--version")

    assert (result.exit_code, result.stdout) == (0, f"wiverno {__version__}\n")


@pytest.mark.processes
@pytest.mark.parametrize(
    "command",
    [[sys.executable, "-m", "wiverno"], [str(Path(sys.executable).parent / "wiverno")]],
    ids=["module", "script"],
)
def test_command_when_started_either_way_is_the_same(command: list[str]) -> None:
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=30)

    assert (done.returncode, done.stdout) == (0, f"wiverno {__version__}\n")


@pytest.mark.processes
def test_help_when_shown_has_loaded_nothing_that_takes_time() -> None:
    program = (
        "import sys, atexit\n"
        "from wiverno.cli import main\n"
        "heavy = {'rich', 'watchdog', 'logging', 'socket', 'http', 'importlib.metadata', 'asyncio',"
        " 'wiverno.core.server', 'wiverno.dev', 'wiverno.main'}\n"
        "atexit.register(lambda: print('heavy:', sorted(heavy & set(sys.modules))))\n"
        "sys.argv = ['wiverno', 'run', 'dev', '--help']\n"
        "main()\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("heavy: []\n")
