"""What a session costs beside the application: processes, memory, the processor while idle."""

import sys
import threading
from pathlib import Path

import pytest

from tests.dev.harness import (
    VERSIONED_APP,
    DevSession,
    application_processes,
    processes_of_session,
    wait_until,
    wait_until_calm,
)
from tests.dev.installed_packages import SiteDirectory
from tests.dev.process_costs import processor_s, proportional_memory_kb
from tests.dev.test_template import last_serving, ready_template

pytestmark = pytest.mark.processes

MOST_PROCESSES = 8
FILES = 2000
# Of a core, with so many files.
IDLE_SHARE = 0.002
IDLE_S = 30.0
SUPERVISOR_KB = 40 * 1024
# What template, snapshots and pages add to a small application, and to one with pandas.
ADDED_KB = 30 * 1024
ADDED_SHARE = 0.2

SLOW = "__import__('threading').Event().wait(0.06)\n"
HEAVY_IMPORTS = """\
import pandas
import sklearn.ensemble
import sklearn.linear_model
import sqlalchemy.orm


"""


def all_processes(session: DevSession) -> list[int]:
    return [session.process.pid, *processes_of_session(session.session_id)]


def restart(session: DevSession, source: str, count: int) -> None:
    for version in range(2, 2 + count):
        session.save("app.py", source.replace("000001", f"{version:06d}"))
        assert session.get().body == f"{version:06d}"
    wait_until_calm(session)


def write_modules(project: Path) -> str:
    """Many small modules; returns the lines that import them."""
    names = [f"package_{number // 100}.module_{number % 100}" for number in range(FILES)]
    for name in names:
        path = project / (name.replace(".", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"NAME = {name!r}\n\n\ndef name():\n    return NAME\n")
    return "".join(f"import {name}\n" for name in names)


# Processes.


def test_session_when_its_import_is_long_has_eight_processes(project: Path) -> None:
    for number in range(8):
        (project / f"slow_{number}.py").write_text(SLOW)
    source = "".join(f"import slow_{number}\n" for number in range(8))
    source += VERSIONED_APP.format(version=1)
    (project / "app.py").write_text(source)
    with DevSession(project) as session:
        session.wait_until_serving()
        restart(session, source, 2)

        # More than are kept.
        assert session.count("snapshot_taken", generation=1) > MOST_PROCESSES - 4
        wait_until(lambda: len(all_processes(session)) <= MOST_PROCESSES, "at most eight processes")


# Memory.


@pytest.fixture
def site(tmp_path: Path) -> SiteDirectory:
    return SiteDirectory(tmp_path)


@pytest.mark.parametrize(
    ("megabytes", "level"), [(1, "snapshot"), (40, "template")], ids=["little", "much"]
)
def test_snapshot_from_elsewhere_when_the_template_holds_the_same_is_kept_if_that_is_little(
    project: Path, site: SiteDirectory, megabytes: int, level: str
) -> None:
    site.install("fake_library", SLOW + f"HELD = b'x' * ({megabytes} << 20)\n")
    source = "import fake_library\n" + VERSIONED_APP.format(version=1)
    (project / "app.py").write_text(source)
    with DevSession(project, environment=site.environment) as session:
        session.wait_until_serving()
        assert session.count("snapshot_taken", generation=1) == 1
        ready_template(session, "fake_library")

        restart(session, source, 1)

        assert last_serving(session)["level"] == level


def supervisor_kb(session: DevSession) -> int:
    return proportional_memory_kb(session.process.pid)


def others_kb(session: DevSession) -> int:
    return sum(map(proportional_memory_kb, processes_of_session(session.session_id)))


def lone_worker_kb(project: Path) -> int:
    """A worker that shares nothing, since it was not forked."""
    with DevSession(project, "app:app", "--reload-strategy", "spawn") as session:
        # The slowest import there is.
        session.wait_for("serving", within_s=90.0)
        session.get()
        (worker,) = application_processes(session.session_id)
        return proportional_memory_kb(worker)


def report_memory(session: DevSession, worker_kb: int) -> int:
    """What is added to the worker; kept with the result of `make test-thorough`."""
    added_kb = others_kb(session) - worker_kb
    sys.stdout.write(
        f"supervisor {supervisor_kb(session)} KB, worker {worker_kb} KB, added {added_kb} KB "
        f"by {len(all_processes(session)) - 2} processes\n"
    )
    return added_kb


@pytest.mark.thorough
def test_memory_of_a_small_application_s_session_is_within_its_budget(project: Path) -> None:
    source = VERSIONED_APP.format(version=1)
    (project / "app.py").write_text(source)
    worker_kb = lone_worker_kb(project)
    with DevSession(project) as session:
        session.wait_until_serving()
        restart(session, source, 20)
        added_kb = report_memory(session, worker_kb)

        assert supervisor_kb(session) <= SUPERVISOR_KB
        assert added_kb <= ADDED_KB


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_memory_of_a_large_application_s_session_is_within_its_budget(project: Path) -> None:
    """Once it has been saved: the first worker was there before the template."""
    source = HEAVY_IMPORTS + VERSIONED_APP.format(version=1)
    (project / "app.py").write_text(source)
    worker_kb = lone_worker_kb(project)
    with DevSession(project) as session:
        session.wait_for("serving", within_s=90.0)
        session.wait_until(
            lambda: next((each for each in session.events if each.get("roots")), None),
            "a template with modules",
            within_s=90.0,
        )
        restart(session, source, 20)
        added_kb = report_memory(session, worker_kb)

        assert supervisor_kb(session) <= SUPERVISOR_KB
        assert added_kb <= ADDED_SHARE * worker_kb


# The processor.


@pytest.mark.thorough
@pytest.mark.timeout(180)
@pytest.mark.parametrize("are_loaded", [True, False], ids=["loaded", "watched"])
def test_idle_session_with_two_thousand_files_takes_a_five_hundredth_of_a_core(
    project: Path, *, are_loaded: bool
) -> None:
    imports = write_modules(project)
    source = VERSIONED_APP.format(version=1)
    source = imports + source if are_loaded else source
    (project / "app.py").write_text(source)
    with DevSession(project) as session:
        session.wait_for("serving", within_s=60.0)
        # What the process that waits copies is known from the first restart on.
        restart(session, source, 1)
        # What is left of the build, and the worker's tidying up.
        threading.Event().wait(3.0)
        pids = all_processes(session)
        before_s = processor_s(pids)
        threading.Event().wait(IDLE_S)
        share = (processor_s(pids) - before_s) / IDLE_S
        sys.stdout.write(
            f"{share:.4%} of a core, supervisor {supervisor_kb(session)} KB, "
            f"{len(pids)} processes\n"
        )

        assert share < IDLE_SHARE
        assert supervisor_kb(session) <= SUPERVISOR_KB
        assert len(pids) <= MOST_PROCESSES
