"""What may not be imported before a fork is found out in a process that may be spoiled."""

import sys
from pathlib import Path

import pytest

from tests.dev.installed_packages import SiteDirectory
from tests.dev.processes.scripts import run_json
from wiverno.dev.processes.messages import RefusedRoot

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only"),
]

TRIAL = """
import json, os, sys
os.environ["WIVERNO_SESSION"] = "s.template."
project, site, import_s, *names = sys.argv[1:]
os.chdir(project)
sys.path.insert(0, site)
from wiverno.dev.processes import life_line
from wiverno.dev.processes.preloading import as_in_a_candidate, try_out

ours, theirs = life_line.create()
with as_in_a_candidate(["app"], [os.path.join(project, "src")]) as asked_for:
    verdict = try_out(names, ours, (), float(import_s))
print(json.dumps([verdict.good, verdict.refused]))
print(json.dumps([name for name in sys.modules if name.startswith("fake_")]))
os._exit(0)
"""
NEVER = "import threading; threading.Event().wait()\n"
REFUSED = {
    "fails": ("1 / 0", "its import fails here (ZeroDivisionError)"),
    "is no Python": ("1 +", "its import fails here (SyntaxError)"),
    "leaves": ("import sys; sys.exit(3)", "its import fails here (SystemExit)"),
    "ends the process": ("import os; os._exit(0)", "its import ends the process"),
    "is killed": ("import os; os.kill(os.getpid(), 9)", "its import ends the process"),
    "hangs": (NEVER, "its import takes longer than 1 s"),
    "prints": ("print('hello')", "it prints when it is imported"),
    "prints by C": ("import os; os.write(2, b'x')", "it prints when it is imported"),
    "warns": ("import warnings; warnings.warn('old', stacklevel=2)", "it prints when"),
    "starts a thread": ("import threading; threading.Timer(99, print).start()", "a Python thread"),
    "opens a socket": ("import socket; s = socket.socket()", "a socket"),
    "starts a program": ("import os; p = os.posix_spawn('/bin/sleep', ['s', '9'], {})", "a child"),
    "reads a project file": ("open('data.txt').close()", "it reads "),
    "looks for a project file": ("try: open('no.txt')\nexcept OSError: pass", "it reads "),
    "lists the project": ("import os; os.listdir('.')", "it reads "),
    "imports user code": ("import mine", "it imports mine, which is your code"),
    "imports user code in src": ("import inner", "it imports inner, which is your code"),
    "tries user code": ("try: import mine\nexcept ImportError: pass", "it imports mine, which"),
    "tries a user folder": ("try: import folder\nexcept ImportError: pass", "it imports folder"),
}


@pytest.fixture
def site(tmp_path: Path) -> SiteDirectory:
    return SiteDirectory(tmp_path)


@pytest.fixture(autouse=True)
def user_files(project: Path) -> None:
    (project / "mine.py").write_text("import fake_first\n")
    (project / "src").mkdir()
    (project / "src" / "inner.py").write_text("")
    (project / "folder").mkdir()
    (project / "data.txt").write_text("")


def try_out(
    project: Path, site: SiteDirectory, *names: str, import_s: float = 20.0
) -> tuple[list[str], list[RefusedRoot]]:
    verdict, left_behind = run_json(TRIAL, str(project), str(site.path), str(import_s), *names)
    assert left_behind == []
    good, refused = verdict
    return good, [RefusedRoot(*each) for each in refused]


@pytest.mark.parametrize(("source", "why"), REFUSED.values(), ids=REFUSED)
def test_module_that_does_more_than_define_is_refused_and_the_others_are_not(
    project: Path, site: SiteDirectory, source: str, why: str
) -> None:
    site.write("fake_first.py", "")
    site.write("fake_bad.py", source)
    site.write("fake_last.py", "import fake_first\n")

    good, refused = try_out(
        project,
        site,
        *("fake_first", "fake_bad", "fake_last"),
        import_s=1.0 if source == NEVER else 20.0,
    )

    assert good == ["fake_first", "fake_last"]
    assert [name for name, *_ in refused] == ["fake_bad"]
    assert refused[0].reason.startswith(why)


def test_refusals_when_they_are_about_project_or_machine_do_not_last(
    project: Path, site: SiteDirectory
) -> None:
    site.write("fake_hang.py", NEVER)
    site.write("fake_user.py", "import mine\n")
    site.write("fake_reader.py", "open('data.txt').close()\n")
    site.write("fake_printer.py", "print(1)\n")
    names = ("fake_user", "fake_reader", "fake_printer", "fake_hang")

    _, refused = try_out(project, site, *names, import_s=1.0)

    assert [each.is_lasting for each in refused] == [False, False, True, False]


def test_package_submodule_and_namespace_are_good(project: Path, site: SiteDirectory) -> None:
    site.write("fake_package/__init__.py", "from . import inner\n")
    site.write("fake_package/inner.py", "import fake_package\n")
    site.write("fake_space/part.py", "")
    names = ("fake_package", "fake_package.inner", "fake_space", "fake_space.part")

    assert try_out(project, site, *names) == ([*names], [])


def test_extension_module_is_good(project: Path, site: SiteDirectory) -> None:
    names = ("markupsafe", "markupsafe._speedups")

    assert try_out(project, site, *names) == ([*names], [])


def test_module_that_reads_its_own_files_is_good(project: Path, site: SiteDirectory) -> None:
    site.write("fake_data/__init__.py", "open(__file__).close()\nopen('/etc/passwd').close()\n")

    assert try_out(project, site, "fake_data") == (["fake_data"], [])


def test_all_modules_when_each_spoils_its_process_have_their_verdict(
    project: Path, site: SiteDirectory
) -> None:
    names = [f"fake_{number}" for number in range(4)]
    for name in names:
        site.write(f"{name}.py", "import os; os._exit(1)\n")

    good, refused = try_out(project, site, *names)

    assert (good, [name for name, *_ in refused]) == ([], names)
