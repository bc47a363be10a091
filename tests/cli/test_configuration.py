"""`[tool.wiverno]`, and what the command line makes of it."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wiverno.cli.commands import wiverno
from wiverno.cli.configuration import INTERFACES, Configuration, read
from wiverno.cli.failures import UserError
from wiverno.cli.words import DevelopmentOptions
from wiverno.core.app_target import AppTarget
from wiverno.core.interfaces import INTERFACE_CHOICES
from wiverno.core.server.settings import ServerSettings

WHOLE = """\
[tool.wiverno]
app = "shop.web:app"
host = "0.0.0.0"
port = 9000
interface = "asgi"
env_file = [".env", "dev.env"]
watch = ["shop", "shared"]
ignore = "*.log"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `run dev` or `run prod` would have served."""
    calls: list[Any] = []

    def serve_prod(
        target: AppTarget, settings: ServerSettings, *, host: str, port: int, interface: str
    ) -> None:
        calls.append((str(target), settings.uds, host, port, interface))

    monkeypatch.setattr("wiverno.cli.development.serve", calls.append)
    monkeypatch.setattr("wiverno.cli.production.serve", serve_prod)
    return calls


def run(*words: str) -> Result:
    return CliRunner().invoke(wiverno, words)


def write(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)


@pytest.mark.parametrize(
    ("text", "configuration"),
    [
        ("", Configuration()),
        ("[project]\nname = 'wiverno-shop'", Configuration()),
        ("[tool.wiverno]", Configuration()),
        ("[tool]\nwiverno.port = 1", Configuration(defaults={"port": 1})),
        ("[tool.wiverno]\nenv-file = '.env'", Configuration(defaults={"env_file": [".env"]})),
        (
            WHOLE,
            Configuration(
                "shop.web:app",
                {
                    "host": "0.0.0.0",
                    "port": 9000,
                    "interface": "asgi",
                    "env_file": [".env", "dev.env"],
                    "watch": "shop,shared",
                    "ignore": "*.log",
                },
            ),
        ),
    ],
)
def test_read_when_it_is_good_has_what_it_says(
    tmp_path: Path, text: str, configuration: Configuration
) -> None:
    write(tmp_path, text)

    assert read(tmp_path) == configuration


def test_read_when_there_is_no_file_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path) == Configuration()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "'prot' below [tool.wiverno] in pyproject.toml is not known. Did you mean 'p"),
        (
            "colour = 1",
            "is not known. There are: app, host, port, interface, env_file, watch, ignore.",
        ),
        ("port = '80'", "port = '80' below [tool.wiverno] in pyproject.toml has to be a number"),
        ("port = true", "has to be a number from 0 to 65535"),
        ("port = 70000", "has to be a number from 0 to 65535"),
        (
            "interface = 'http'",
            "interface = 'http' below [tool.wiverno] in pyproject.toml has to be one",
        ),
        ("interface = 'http'", "has to be one of 'auto', 'wsgi', 'asgi'."),
        ("interface = ['asgi']", "has to be one of 'auto', 'wsgi', 'asgi'."),
        ("app = 1", "has to be a text, as 'module:attribute'"),
        ("watch = [1]", "watch = [1] below [tool.wiverno] in pyproject.toml has to be a text or a"),
        ("port = =", "pyproject.toml cannot be read: Invalid value (at line 2, column 8)"),
    ],
)
def test_read_when_it_is_bad_is_one_line_that_says_why(
    tmp_path: Path, text: str, said: str
) -> None:
    write(tmp_path, f"[tool.wiverno]\n{text}")

    with pytest.raises(UserError) as caught:
        read(tmp_path)

    assert said in caught.value.message


def test_interfaces_when_the_core_knows_others_are_the_same() -> None:
    assert INTERFACES == INTERFACE_CHOICES


def test_read_when_it_is_no_table_says_so(tmp_path: Path) -> None:
    write(tmp_path, "[tool]\nwiverno = 1")

    with pytest.raises(UserError, match="is no table"):
        read(tmp_path)


def test_dev_when_the_project_has_defaults_takes_them(project: Path, served: list[Any]) -> None:
    write(project, WHOLE)

    assert run("run", "dev").output == ""
    assert served == [
        DevelopmentOptions(
            AppTarget("shop.web"),
            "0.0.0.0",
            9000,
            ["shop", "shared"],
            ["*.log"],
            1.0,
            interface="asgi",
            env_files=(".env", "dev.env"),
        )
    ]


def test_dev_when_words_are_given_prefers_them(project: Path, served: list[Any]) -> None:
    write(project, WHOLE)
    (project / "a.env").touch()

    words = ("-p", "1", "-w", ".", "--env-file", "a.env", "--interface", "wsgi")
    run("run", "dev", "other:site", *words)

    assert (served[0].target, served[0].port) == (AppTarget("other", "site"), 1)
    assert (served[0].watch_dirs, served[0].env_files) == (["."], ("a.env",))
    assert served[0].interface == "wsgi"


def test_prod_when_the_project_has_defaults_takes_them_unless_a_socket_is_given(
    project: Path, served: list[Any]
) -> None:
    write(project, WHOLE)

    run("run", "prod")
    run("run", "prod", "--uds", "s.sock")

    assert served == [
        ("shop.web:app", None, "0.0.0.0", 9000, "asgi"),
        ("shop.web:app", "s.sock", "0.0.0.0", 9000, "asgi"),
    ]


@pytest.mark.parametrize("words", [["run", "dev"], ["run", "prod"], ["routes"], ["imports"]])
def test_command_when_a_default_is_bad_is_one_line_and_2(project: Path, words: list[str]) -> None:
    write(project, "[tool.wiverno]\nprot = 1")

    result = run(*words)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert run(*words, "--help").exit_code == 0


def test_command_when_the_configured_app_is_none_says_where_it_is_written(project: Path) -> None:
    write(project, "[tool.wiverno]\napp = 'run.py'")

    assert run("run", "dev").stderr == (
        "Error: app = 'run.py' below [tool.wiverno] in pyproject.toml: "
        "App module 'run.py' is a file name. Write 'run'.\n"
    )


def test_command_when_a_named_environment_file_is_missing_is_one_line_and_2(
    project: Path, served: list[Any]
) -> None:
    result = run("run", "dev", "run:app", "--env-file", "none.env")

    assert (result.exit_code, served) == (2, [])
    assert result.stderr == (
        f"Error: --env-file 'none.env': there is no such file in {str(project)!r}.\n"
    )


def test_command_when_an_environment_file_is_bad_is_one_line_and_2(
    project: Path, served: list[Any]
) -> None:
    (project / ".env").write_text("A=1\nB")

    result = run("run", "prod", "run:app", "--env-file", ".env")

    assert (result.exit_code, served) == (2, [])
    assert result.stderr.startswith("Error: .env, line 2: no variable with a value can be read")


def test_restart_without_words_looks_for_no_application(project: Path) -> None:
    # Nothing is here to be found; that no session runs is all that counts.
    result = run("restart", "--pid-file", "dev.pid")

    assert result.exit_code == 3


def test_restart_with_words_looks_for_the_application(project: Path) -> None:
    result = run("restart", "--pid-file", "dev.pid", "-p", "0")

    assert result.exit_code == 2
    assert "No application found in" in result.stderr


def test_start_when_it_finds_an_application_says_so_and_hands_it_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setattr("wiverno.cli.background.start", lambda words, *_: started.append(words))
    (project / "main.py").write_text("app = make()")

    result = run("start", "--pid-file", "dev.pid")

    assert result.stderr == "Found main:app (app = make(…) in main.py:1).\n"
    assert started[0][0] == "main:app"
