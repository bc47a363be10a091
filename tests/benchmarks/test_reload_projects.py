"""What is generated, and what the answers mean."""

import ast
import statistics

import pytest

from benchmarks.reload.forms import files_of
from benchmarks.reload.freshness import Attempt, Kind, count, judge
from benchmarks.reload.many_modules import LEAF, MODULES, imported_by, module_text, modules
from benchmarks.reload.peers import PEERS, Form, wiverno_peers
from benchmarks.reload.projects import PROJECTS, Project

IDS = [project.name for project in PROJECTS]


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (Attempt(0, 200, "000007"), Kind.FRESH),
        (Attempt(0, 200, "000008\n"), Kind.FRESH),
        (Attempt(0, 200, "000006"), Kind.STALE),
        (Attempt(0, 200, "<h1>debugger</h1>"), Kind.ERROR),
        (Attempt(0, 500, "000007"), Kind.ERROR),
        (Attempt(0, failure=Kind.RESET), Kind.RESET),
    ],
)
def test_answer_is_judged_by_the_version_it_shows(attempt: Attempt, kind: Kind) -> None:
    assert judge(attempt, 7) is kind


def test_kinds_are_counted_in_their_order() -> None:
    counted = count([Kind.REFUSED, Kind.STALE, Kind.REFUSED])

    assert list(counted.items()) == [("stale", 1), ("refused", 2)]


@pytest.mark.parametrize("project", PROJECTS, ids=IDS)
def test_project_is_python_in_every_version(project: Project) -> None:
    for version in (1, 2, 51):
        ast.parse(project.text(version))
    for text in project.other_files().values():
        ast.parse(text)


@pytest.mark.parametrize("project", PROJECTS, ids=IDS)
def test_edit_changes_the_version_and_keeps_the_size_unless_it_adds_a_line(
    project: Project,
) -> None:
    before, after = project.text(1), project.text(2)

    assert before != after
    added_lines = 1 if project.name == "heavy-import" else 0
    assert after.count("\n") - before.count("\n") == added_lines
    assert len(before) == len(after) or added_lines


@pytest.mark.parametrize("project", PROJECTS, ids=IDS)
def test_edited_file_is_not_among_those_that_stay(project: Project) -> None:
    assert project.edited not in project.other_files()


def test_many_modules_are_as_large_as_grown_projects_have_them() -> None:
    texts = [text for path, text in modules().items() if path != "shop/__init__.py"]

    assert len(texts) == MODULES
    assert 80 <= statistics.mean(text.count("\n") for text in texts) <= 100
    assert 2200 <= statistics.mean(map(len, texts)) <= 2800


def test_many_modules_import_only_earlier_ones_and_nothing_the_leaf() -> None:
    for number in range(MODULES):
        assert all(other < number for other in imported_by(number))
        assert LEAF not in imported_by(number)
        assert f"shop.part_{LEAF:03}" not in module_text(number, 1)


@pytest.mark.parametrize("form", Form)
def test_form_is_python(form: Form) -> None:
    for is_flask in (True, False):
        for text in files_of(form, is_flask=is_flask).values():
            ast.parse(text)


def test_every_peer_is_started_on_a_port_that_is_given() -> None:
    assert all("{port}" in peer.command for peer in PEERS)
    assert len({peer.name for peer in PEERS}) == len(PEERS)


def test_wiverno_without_strategies_is_the_one_that_spawns() -> None:
    assert [peer.name for peer in wiverno_peers("Options:\n  --port INTEGER")] == ["wiverno-spawn"]


def test_wiverno_with_strategies_is_measured_with_each() -> None:
    peers = wiverno_peers("  --reload-strategy [fork|spawn|auto]\n     How.")

    assert [peer.name for peer in peers] == ["wiverno-fork", "wiverno-spawn"]
    assert peers[0].command.endswith("--reload-strategy fork")
