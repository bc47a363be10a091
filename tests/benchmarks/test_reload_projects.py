"""What is generated, and what the answers mean."""

import ast
import statistics

import pytest

from benchmarks.reload.django_project import APPS
from benchmarks.reload.forms import entry_of
from benchmarks.reload.framework_projects import FRAMEWORK_PROJECTS
from benchmarks.reload.freshness import Attempt, Kind, count, judge
from benchmarks.reload.many_modules import LEAF, MODULES, imported_by, module_text, modules
from benchmarks.reload.peers import PEERS, Form, Peer, wiverno_peers
from benchmarks.reload.project import Application, Project
from benchmarks.reload.projects import PROJECTS
from benchmarks.reload.suites import FRAMEWORKS, RELOAD, SUITES

ALL = (*PROJECTS, *FRAMEWORK_PROJECTS)
IDS = [project.name for project in ALL]
DJANGO = [project for project in ALL if project.application is Application.DJANGO]
EVERYBODY = (*wiverno_peers("--reload-strategy [auto|fork|spawn]"), *PEERS)


def runs(peer: Peer, project: Project) -> bool:
    return entry_of(peer.form, project.application) is not None


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


@pytest.mark.parametrize("project", ALL, ids=IDS)
def test_project_is_python_in_every_version(project: Project) -> None:
    edited = [(project.edited, project.text(version)) for version in (1, 2, 51)]
    for path, text in [*edited, *project.other_files().items()]:
        if path.endswith(".py"):
            ast.parse(text)


@pytest.mark.parametrize("project", ALL, ids=IDS)
def test_edit_changes_the_version_and_keeps_the_size_unless_it_adds_a_line(
    project: Project,
) -> None:
    before, after = project.text(1), project.text(2)

    assert before != after
    added_lines = 1 if project.name == "heavy-import" else 0
    assert after.count("\n") - before.count("\n") == added_lines
    assert len(before) == len(after) or added_lines


@pytest.mark.parametrize("project", ALL, ids=IDS)
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


def test_edits_of_the_django_project_are_on_one_and_the_same() -> None:
    view, *others = [
        {**project.other_files(), project.edited: project.text(1)} for project in DJANGO
    ]

    assert [project.edited.rpartition(".")[2] for project in DJANGO] == ["py", "txt", "py"]
    assert all(files == view for files in others)
    assert not [path for path, text in view.items() if "@" in text and path.endswith(".html")]


def test_django_project_has_thirty_apps_with_what_apps_have() -> None:
    files = {**DJANGO[0].other_files(), DJANGO[0].edited: DJANGO[0].text(1)}

    assert len(set(APPS)) == 30
    for app in APPS:
        modules = ("models", "forms", "admin", "views", "urls", "apps")
        assert all(f"{app}/{module}.py" in files for module in modules)
        assert f"{app}/templates/{app}/list.html" in files
        assert f"{app}/static/{app}/entries.css" in files


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("application", Application)
def test_what_leads_a_server_to_an_application_is_python(
    form: Form, application: Application
) -> None:
    entry = entry_of(form, application)

    for text in entry.files.values() if entry else ():
        ast.parse(text)


@pytest.mark.parametrize("project", ALL, ids=IDS)
def test_servers_of_a_project_know_what_to_run(project: Project) -> None:
    for peer in EVERYBODY:
        entry = entry_of(peer.form, project.application)
        assert entry is None or entry.app or "{app}" not in peer.command


@pytest.mark.parametrize("project", FRAMEWORK_PROJECTS, ids=lambda project: project.name)
def test_framework_is_measured_beside_its_own_servers_and_each_wiverno(project: Project) -> None:
    names = {peer.name for peer in EVERYBODY if runs(peer, project)}

    assert project.own_servers
    assert project.promised
    assert names >= {*project.own_servers, "wiverno-auto", "wiverno-fork", "wiverno-spawn"}


def test_servers_without_a_framework_run_no_application_of_one() -> None:
    names = {peer.name for peer in PEERS for project in DJANGO if runs(peer, project)}

    assert names == {"django"}


def test_suites_have_files_marks_and_projects_of_their_own() -> None:
    for part in ("results", "profile", "plot_name", "begin", "end", "projects"):
        assert getattr(RELOAD, part) != getattr(FRAMEWORKS, part), part
    names = [project.name for suite in SUITES.values() for project in suite.projects]
    assert len(set(names)) == len(names)


def test_project_of_another_suite_is_refused_with_those_there_are() -> None:
    assert FRAMEWORKS.chosen(["fastapi"]) == [FRAMEWORK_PROJECTS[0]]
    assert FRAMEWORKS.chosen([]) == list(FRAMEWORK_PROJECTS)
    with pytest.raises(SystemExit, match=r"'light' is not a project\. There are: fastapi"):
        FRAMEWORKS.chosen(["light"])


def test_every_peer_is_started_on_a_port_that_is_given() -> None:
    assert all("{port}" in peer.command for peer in PEERS)
    assert len({peer.name for peer in PEERS}) == len(PEERS)


def test_wiverno_without_strategies_is_the_one_that_spawns() -> None:
    assert [peer.name for peer in wiverno_peers("Options:\n  --port INTEGER")] == ["wiverno-spawn"]


def test_wiverno_with_strategies_is_measured_with_each_and_as_it_comes() -> None:
    peers = wiverno_peers("  --reload-strategy [fork|spawn|auto]\n     How.")

    assert [peer.name for peer in peers] == ["wiverno-auto", "wiverno-fork", "wiverno-spawn"]
    assert "--reload-strategy" not in peers[0].command
    assert peers[1].command.endswith("--reload-strategy fork")
