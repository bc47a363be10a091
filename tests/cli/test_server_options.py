"""The options of `run prod`: made of the settings, shown in groups, one line for a bad value."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from wiverno.cli import production
from wiverno.cli.commands import prod, wiverno
from wiverno.cli.server_options import ServerCommand, shown_default
from wiverno.core.app_target import AppTarget
from wiverno.core.server.about import GROUPS, about
from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.settings import ServerSettings, all_settings

GUIDE = (Path(__file__).parents[2] / "docs" / "production.md").read_text()
SETTINGS = [each for each in all_settings() if about(each).option is not None]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ServerSettings, str, int]]:
    """What `run prod` would have served with."""
    calls: list[tuple[ServerSettings, str, int]] = []

    def serve(
        target: AppTarget, settings: ServerSettings, *, host: str, port: int, interface: str
    ) -> None:
        assert interface == "auto"
        calls.append((settings, host, port))

    monkeypatch.setattr(production, "serve", serve)
    return calls


def run(*words: str) -> Result:
    return CliRunner().invoke(wiverno, ["run", "prod", *words])


def test_prod_without_options_has_the_defaults(served: list[Any]) -> None:
    assert run("run:app").exit_code == 0
    assert served == [(ServerSettings(), "localhost", 8000)]


def test_prod_hands_over_what_its_options_say(served: list[Any]) -> None:
    words = (
        "--threads 3 --backlog 64 --timeout-head 1.5 --limit-body 10 --limit-connections 9 "
        "--access-log --access-log-format json --access-log-skip /healthz --access-log-skip /ready "
        "--log-level warning --root-path /shop --forwarded-allow-ips 10.0.0.0/8 --uds /run/x.sock"
    )
    result = run("run:app", *words.split())
    assert result.output == ""
    assert served[0][0] == ServerSettings(
        threads=3,
        backlog=64,
        head_timeout_s=1.5,
        limits=RequestLimits(max_body_bytes=10),
        max_connections=9,
        access_log=True,
        access_log_format="json",
        access_log_skip=("/healthz", "/ready"),
        log_level="warning",
        root_path="/shop",
        forwarded_allow_ips="10.0.0.0/8",
        uds="/run/x.sock",
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--threads 0", "--threads 0 cannot work. Use a whole number above 0."),
        ("--threads many", "Invalid value for '--threads': 'many' is not a valid integer."),
        ("--timeout-head nan", "--timeout-head nan cannot work. Use seconds above 0, 86400 (a"),
        ("--limit-body -5", "--limit-body -5 cannot work."),
        ("--root-path shop", "--root-path 'shop' is no path. Write it as /shop"),
        ("--forwarded-allow-ips me", "--forwarded-allow-ips 'me' has 'me', which is neither"),
        ("--access-log-format w3c", "Invalid value for '--access-log-format': 'w3c' is not one of"),
        ("--access-log-skip x", "--access-log-skip 'x' is no path."),
        ("--uds /x --port 9", "Both --uds ('/x') and --port (9) say where to listen. Give one."),
        ("--uds /x -h localhost", "Both --uds ('/x') and --host (localhost) say where to listen."),
    ],
)
def test_prod_with_a_bad_value_is_one_line_and_2(served: list[Any], words: str, line: str) -> None:
    result = run("run:app", *words.split())
    assert result.exit_code == 2
    assert result.output.startswith(f"Error: {line}")
    assert result.output.count("\n") == 1
    assert not served


def test_help_shows_each_option_with_its_default_in_its_group() -> None:
    text = run("--help").output
    groups = dict.fromkeys(about(each).group for each in SETTINGS)
    positions = [text.index(f"\n{group}:\n") for group in GROUPS if group in groups]
    assert positions == sorted(positions)
    flat = " ".join(text.split())
    for each in SETTINGS:
        assert f"{about(each).option} ".replace("/--no", " / --no") in flat
        assert not shown_default(each) or f"[default: {shown_default(each)}]" in flat


def test_prod_has_an_option_for_each_setting_that_says_so() -> None:
    assert isinstance(prod, ServerCommand)
    names = {each.name for each in prod.get_params(click.Context(prod))}
    assert {each.name for each in SETTINGS} <= names


def test_commands_of_the_production_guide_are_understood(served: list[Any]) -> None:
    unit = re.search(r"^ExecStart=\S*/wiverno run prod (.+)$", GUIDE, re.M)
    image = re.search(r"^CMD (\[.+?\])$", GUIDE.replace("\\\n", ""), re.M)
    assert unit is not None
    assert image is not None
    for words in (unit[1].split(), json.loads(image[1])[3:]):
        assert run(*words).output == ""
    assert served[0][0].uds == "/run/shop/wiverno.sock"
    assert (served[1][1], served[1][0].forwarded_allow_ips) == ("0.0.0.0", "172.16.0.0/12")


def test_options_in_the_production_guide_exist() -> None:
    of_docker = {"--init", "--time"}
    there = {option for each in prod.get_params(click.Context(prod)) for option in each.opts}
    named = set(re.findall(r"`(?:\w+ \w+ )?(--[a-z-]+)", GUIDE)) - of_docker
    assert len(named) > 15
    assert named <= there


@pytest.mark.processes
def test_help_of_wiverno_imports_no_server() -> None:
    program = (
        "import sys; sys.argv = ['wiverno', '--help']\n"
        "from wiverno.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    modules = done.stdout.splitlines()[-1].split()
    assert "click" in modules
    assert not [each for each in modules if each.startswith("wiverno.core")]
