"""What the documents list is what there is: modules, messages, events, options, links."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import click
import pytest

from tests.reference_page import PAGE, with_settings
from wiverno.cli.commands import wiverno
from wiverno.dev.processes.messages import Message

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "wiverno"
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md"))]
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work|tmp/wt)/")


def section(document: str, heading: str) -> str:
    text = (ROOT / "docs" / document).read_text()
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def listed_modules() -> Iterator[str]:
    folder = ""
    for line in section("architecture.md", "The modules").splitlines():
        if match := re.match(r"    (\S+)/", line):
            folder = match[1]
        elif match := re.match(r"      (\w+)  ", line):
            yield f"{folder}/{match[1]}"


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def commands(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from commands(command)
        elif not command.hidden:
            yield command


def test_architecture_lists_every_module_once() -> None:
    modules = [path.relative_to(SOURCE) for path in SOURCE.rglob("*.py")]
    inside = [path for path in modules if path.parts[1:] and path.stem != "__init__"]

    assert sorted(listed_modules()) == sorted(str(path.with_suffix("")) for path in inside)


@pytest.mark.parametrize("message", get_args(Message), ids=lambda message: str(message.name))
def test_protocol_lists_the_message_with_its_fields(message: type[Message]) -> None:
    rows = [
        line
        for line in section("protocol.md", "The messages").splitlines()
        if line.startswith(f"| `{message.name}` |")
    ]
    names = {each.name for each in fields(message)} - {"payload", "fds"}

    assert rows
    assert not [name for name in names if not any(f"`{name}`" in row for row in rows)]


def test_protocol_lists_every_event() -> None:
    sources = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    emitted = set(re.findall(r"\bemit\(\s*\"(\w+)\"", sources)) | {"dropped"}
    listed = re.findall(r"^\| `(\w+)` \|", section("protocol.md", "The event stream"), re.M)

    assert sorted(listed) == sorted(emitted)


@pytest.mark.parametrize("command", list(commands(wiverno)), ids=lambda command: str(command.name))
def test_reference_names_every_option(command: click.Command) -> None:
    reference = (ROOT / "docs" / "reference.md").read_text()
    parameters = command.get_params(click.Context(command))
    options = {option for each in parameters for option in each.opts} - {"--help"}

    assert not [each for each in options if each.startswith("--") and f"`{each}" not in reference]


def test_reference_has_the_settings_as_they_are() -> None:
    assert PAGE.read_text() == with_settings(PAGE.read_text()), "make docs"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document

        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_path_of_one_machine(document: Path) -> None:
    assert not MACHINE_PATH.findall(document.read_text())
