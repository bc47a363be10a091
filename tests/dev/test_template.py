"""Restarts from installed modules that were imported beforehand are restarts all the same."""

import json
from pathlib import Path

import pytest

from tests.dev.harness import DevSession, Event
from tests.dev.installed_packages import SiteDirectory

pytestmark = pytest.mark.processes

ANSWERING = """

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str({what}).encode()]
"""
# Longer than the import time from which on a snapshot pays.
SLOW = "import threading; threading.Event().wait(0.05)\n"
# Where an import of nothing takes ten milliseconds, as it may beside other tests, a snapshot
# stands behind it already.
WARM = ("template", "snapshot")


@pytest.fixture
def site(tmp_path: Path) -> SiteDirectory:
    return SiteDirectory(tmp_path)


@pytest.fixture
def sessions(project: Path, site: SiteDirectory) -> "Sessions":
    return Sessions(project, site)


class Sessions:
    """One project, and what is installed for it."""

    def __init__(self, project: Path, site: SiteDirectory) -> None:
        self.project = project
        self.site = site

    def save(self, source: str, answers: str, name: str = "app.py") -> None:
        (self.project / name).write_text(source + ANSWERING.replace("{what}", answers))

    def start(self, *options: str) -> DevSession:
        return DevSession(self.project, "app:app", *options, environment=self.site.environment)

    def cold_answer(self) -> str:
        """What a process of its own answers."""
        with self.start("--reload-strategy", "spawn") as session:
            return session.get().body


def ready_template(session: DevSession, *roots: str) -> Event:
    """The event of the template that has these."""
    return session.wait_until(
        lambda: next(
            (
                event
                for event in session.events
                if event["event"] == "template_ready" and event["roots"] == list(roots)
            ),
            None,
        ),
        f"template with {roots}",
    )


def last_serving(session: DevSession) -> Event:
    return [event for event in session.events if event["event"] == "serving"][-1]


def test_first_restart_of_the_next_session_when_roots_are_known_is_made_from_them(
    sessions: Sessions,
) -> None:
    sessions.site.install("fake_library", "LOADED = __import__('time').monotonic_ns()\n")
    sessions.save("import fake_library", "fake_library.LOADED")
    with sessions.start() as session:
        ready_template(session, "fake_library")

    with sessions.start() as session:
        session.wait_until_serving()
        ready_template(session, "fake_library")
        first = session.get().body
        sessions.save("import os, fake_library", "fake_library.LOADED")
        second = session.get().body
        sessions.save("import io, fake_library", "fake_library.LOADED")

        # The one that answers first was forked before the template was ready.
        assert session.get().body == second != first
        assert last_serving(session)["level"] in WARM
        assert session.count("began_again") == 0


def test_first_build_when_roots_are_known_does_not_share_the_machine_with_them(
    sessions: Sessions,
) -> None:
    sessions.site.install("fake_library", "import time\n")
    sessions.save("import fake_library", "1")
    with sessions.start() as session:
        ready_template(session, "fake_library")

    with sessions.start() as session:
        ready_template(session, "fake_library")
        names = [event["event"] for event in session.events]

    assert names.index("built") < len(names) - names[::-1].index("template_ready")
    assert session.count("forked", level="bare template") == 1


def test_build_that_heals_a_broken_start_when_roots_are_known_is_made_from_them(
    sessions: Sessions,
) -> None:
    sessions.site.install("fake_library", "VALUE = 'healed'\n")
    sessions.save("import fake_library", "1")
    with sessions.start() as session:
        ready_template(session, "fake_library")
    sessions.save("import fake_library\nnonsense(", "1")

    with sessions.start() as session:
        session.wait_for("page")
        ready_template(session, "fake_library")
        sessions.save("import fake_library", "fake_library.VALUE")

        assert session.get().body == "healed"
        assert last_serving(session)["level"] in WARM


def test_root_that_was_refused_is_not_tried_again_by_the_next_session(sessions: Sessions) -> None:
    """Only this refusal lasts: the other one is about the project, which may change."""
    sessions.site.install("fake_printer", "print('hello')\n")
    sessions.site.install("fake_reader", "open('data.txt').close()\n")
    (sessions.project / "data.txt").write_text("")
    sessions.save("import fake_printer, fake_reader, flask", "1")
    with sessions.start() as session:
        refused = [each["name"] for each in ready_template(session, "flask")["refused"]]
        assert refused == ["fake_printer", "fake_reader"]

    with sessions.start() as session:
        refused = [each["name"] for each in ready_template(session, "flask")["refused"]]
        assert refused == ["fake_reader"]
        assert "fake_printer is imported at each restart" in session.output


@pytest.mark.parametrize("first_line", ["import os", "import fake_library"])
def test_package_that_is_upgraded_while_the_session_runs_is_new_after_the_next_save(
    sessions: Sessions, first_line: str
) -> None:
    """The entry changes at its beginning (template) or behind its imports (snapshot)."""
    sessions.site.install("fake_library", SLOW + "VERSION = 'old'\n")
    sessions.save("import fake_library", "fake_library.VERSION")
    with sessions.start() as session:
        assert session.get().body == "old"
        ready_template(session, "fake_library")

        sessions.site.install("fake_library", SLOW + "VERSION = 'upgraded'\n", "2.0")
        sessions.save(first_line + "\nimport fake_library", "fake_library.VERSION + '!'")

        assert session.get().body == "upgraded!"
        assert session.count("installation_changed") == 1
        assert last_serving(session)["level"] == "bare template"


def test_upgrade_when_nothing_is_saved_is_seen_by_the_next_session(sessions: Sessions) -> None:
    sessions.site.install("fake_library", "VERSION = 'old'\n")
    sessions.save("import fake_library", "fake_library.VERSION")
    with sessions.start() as session:
        ready_template(session, "fake_library")
    sessions.site.install("fake_library", "VERSION = 'upgraded'\n", "2.0")

    with sessions.start() as session:
        session.wait_until_serving()
        ready_template(session, "fake_library")
        sessions.save("import os, fake_library", "fake_library.VERSION")

        assert session.get().body == "upgraded"


def test_root_that_is_asked_for_no_more_is_in_no_module_list(sessions: Sessions) -> None:
    sessions.site.install("fake_library", "")
    sessions.save("import sys, fake_library", "'fake_library' in sys.modules")
    with sessions.start() as session:
        ready_template(session, "fake_library")
        assert session.get().body == "True"

        sessions.save("import sys", "'fake_library' in sys.modules")

        assert session.get().body == "False"
        assert session.count("began_again") == 1


@pytest.mark.parametrize(
    ("change", "library", "expected"),
    [
        ("os.environ['FAKE'] = 'new'", "import os\nSEEN = os.environ.get('FAKE')\n", "new"),
        ("sys.path.append('/added')", "import sys\nSEEN = '/added' in sys.path\n", "True"),
        ("os.chdir('/')", "import os\nSEEN = os.getcwd()\n", "/"),
        (
            "warnings.simplefilter('error')",
            "import warnings\nSEEN = warnings.filters[0][0]\n",
            "error",
        ),
    ],
    ids=["environment", "path", "directory", "warnings"],
)
def test_root_when_the_world_is_changed_before_its_import_sees_the_change(
    sessions: Sessions, change: str, library: str, expected: str
) -> None:
    sessions.site.install("fake_library", library)
    sessions.save("import fake_library", "fake_library.SEEN")
    with sessions.start() as session:
        ready_template(session, "fake_library")
        session.get()

        sessions.save(
            f"import os, sys, warnings\n{change}\nimport fake_library", "fake_library.SEEN"
        )

        assert session.get().body == expected
        assert session.count("began_again") == 1

        # It is not a root any more: nothing is repeated for it again.
        sessions.save(
            f"import sys, os, warnings\n{change}\nimport fake_library", "fake_library.SEEN"
        )
        assert session.get().body == expected
        assert session.count("began_again") == 1


def test_submodule_when_its_package_was_set_up_before_sees_that(sessions: Sessions) -> None:
    """As `matplotlib.use()` decides what `matplotlib.pyplot` does at its import."""
    site = sessions.site
    site.write("fake_plots/__init__.py", "backend = 'auto'\n")
    site.write("fake_plots/pyplot.py", "import fake_plots\nBACKEND = fake_plots.backend\n")
    sessions.save("import fake_plots\nimport fake_plots.pyplot", "fake_plots.pyplot.BACKEND")
    with sessions.start() as session:
        ready_template(session, "fake_plots", "fake_plots.pyplot")
        assert session.get().body == "auto"

        sessions.save(
            "import fake_plots\nfake_plots.backend = 'agg'\nimport fake_plots.pyplot",
            "fake_plots.pyplot.BACKEND",
        )

        assert session.get().body == "agg"


def test_file_of_the_user_when_it_takes_the_place_of_a_package_is_imported(
    sessions: Sessions,
) -> None:
    sessions.site.install("fake_library", "import fake_dependency as d\nWHOSE = d.WHOSE\n")
    sessions.site.install("fake_dependency", "WHOSE = 'installed'\n")
    sessions.save("import fake_library", "fake_library.WHOSE")
    with sessions.start() as session:
        ready_template(session, "fake_library")
        session.wait_until_serving()
        sessions.save("import os, fake_library", "fake_library.WHOSE")
        assert session.get().body == "installed"
        assert last_serving(session)["level"] in WARM

        # Nothing that was loaded has changed.
        (sessions.project / "fake_dependency.py").write_text("WHOSE = 'mine'\n")

        assert session.get().body == "mine"

        (sessions.project / "fake_dependency.py").unlink()

        assert session.get().body == "installed"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import settings\n", "it imports settings, which is your code"),
        (
            "try:\n    import settings\nexcept ImportError:\n    settings = None\n",
            "it imports settings, which is your code",
        ),
        ("open('data.txt').read()\n", "it reads "),
    ],
    ids=["imports", "tries to import", "reads"],
)
def test_package_that_depends_on_the_project_is_not_imported_beforehand(
    sessions: Sessions, source: str, why: str
) -> None:
    sessions.site.install("fake_library", "DATA = ''\n" + source)
    (sessions.project / "settings.py").write_text("X = 1\n")
    (sessions.project / "data.txt").write_text("1")
    sessions.save("import fake_library", "fake_library.__dict__.get('settings')")
    with sessions.start() as session:
        ready = session.wait_until(
            lambda: next((each for each in session.events if each.get("refused")), None),
            "a refusal",
        )

        assert ready["roots"] == []
        assert ready["refused"][0]["reason"].startswith(why)
        assert "fake_library is imported at each restart" in session.output


def test_preloaded_module_looks_as_after_a_cold_start(sessions: Sessions) -> None:
    sessions.site.write("fake_package/__init__.py", "from . import inner\n")
    sessions.site.write("fake_package/inner.py", "")
    sessions.site.write("fake_space/part.py", "VALUE = 1\n")
    looks = """
import sys, flask, markupsafe._speedups
import fake_package.inner
import fake_space.part
from fake_package import inner

def look(name):
    module = sys.modules[name]
    spec = module.__spec__
    return (
        module.__name__, module.__package__, type(module.__loader__).__name__,
        spec.loader is module.__loader__ or type(spec.loader).__name__,
        spec.name, spec.origin, spec.cached, spec.parent, spec.has_location,
        getattr(module, "__file__", ""), getattr(module, "__cached__", ""),
        list(getattr(module, "__path__", [])), sys.modules[name.partition(".")[0]].__name__,
        getattr(spec, "_initializing", False),
    )

NAMES = ("flask", "flask.app", "markupsafe", "markupsafe._speedups", "fake_package",
         "fake_package.inner", "fake_space", "fake_space.part")
LOOKS = [look(name) for name in NAMES]
"""
    sessions.save(looks, "LOOKS")
    with sessions.start() as session:
        session.wait_until(
            lambda: next((each for each in session.events if each.get("roots")), None),
            "a template with modules",
        )
        session.get()
        sessions.save("import os\n" + looks, "LOOKS")
        answer = session.get().body

        assert last_serving(session)["level"] in WARM
    assert answer == sessions.cold_answer()


def test_modules_of_a_restart_when_preloaded_are_those_of_a_cold_start(
    sessions: Sessions,
) -> None:
    source = "import sys\nimport flask\nOURS = 'wiverno.'\n"
    answers = (
        "sorted(name for name in sys.modules if name.startswith(('flask', 'jinja2', 'click')))"
    )
    sessions.save(source, answers)
    with sessions.start() as session:
        ready_template(session, "flask")
        session.get()
        sessions.save("import os\n" + source, answers)
        answer = session.get().body

        assert last_serving(session)["level"] in WARM
    assert answer == sessions.cold_answer()


def test_forked_worker_imports_nothing_of_ours_for_its_first_answer(sessions: Sessions) -> None:
    """Each restart would: the server alone takes ten milliseconds."""
    source = "import sys, fake_library\nBEFORE = set(sys.modules)\n"
    sessions.site.install("fake_library", "")
    sessions.save(source, "sorted(set(sys.modules) - BEFORE)")
    with sessions.start() as session:
        ready_template(session, "fake_library")
        session.get()
        sessions.save("import os\n" + source, "sorted(set(sys.modules) - BEFORE)")
        answer = session.get().body

        assert last_serving(session)["level"] in WARM
    assert answer == "[]"


def test_forked_worker_of_an_asgi_application_imports_nothing_for_its_first_answer(
    sessions: Sessions,
) -> None:
    """Each restart would: uvicorn's protocols, and what FastAPI asks for only when it is used."""
    source = (
        "import sys\n"
        "from fastapi import FastAPI\n"
        "BEFORE = set(sys.modules)\n"
        "app = FastAPI()\n"
        "@app.get('/')\n"
        "def show(more: int = 0):\n"
        "    return sorted(set(sys.modules) - BEFORE)\n"
    )
    # What was imported beforehand and comes to sight when it is used; a module of five lines.
    seen_later = {"wiverno.dev.serving.asgi", "fastapi.telemetry._runtime"}
    (sessions.project / "app.py").write_text(source)
    with sessions.start() as session:
        ready_template(session, "fastapi", "wiverno.dev.serving.asgi")
        session.get()
        (sessions.project / "app.py").write_text("import os\n" + source)
        answer = session.get().body

        assert last_serving(session)["level"] in WARM
    assert set(json.loads(answer)) <= seen_later


def test_root_that_only_a_request_imports_is_imported_by_that_request(sessions: Sessions) -> None:
    sessions.site.install("fake_library", "VALUE = 'lazy'\n")
    sessions.save("import fake_library, sys", "fake_library.VALUE")
    with sessions.start() as session:
        ready_template(session, "fake_library")
        session.get()

        sessions.save(
            "import sys", "('fake_library' in sys.modules, __import__('fake_library').VALUE)"
        )

        assert session.get().body == "(False, 'lazy')"
        assert session.get().body == "(True, 'lazy')"


def test_package_that_starts_a_thread_is_left_to_the_candidates(sessions: Sessions) -> None:
    sessions.site.install("fake_library", "VALUE = 1\n")
    sessions.site.install(
        "fake_starter",
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
    )
    sessions.save("import fake_starter, fake_library", "fake_library.VALUE")
    with sessions.start() as session:
        ready = ready_template(session, "fake_library")

        assert "a Python thread runs" in ready["refused"][0]["reason"]
        session.wait_until_serving()
        sessions.save("import os, fake_starter, fake_library", "fake_library.VALUE + 1")
        assert session.get().body == "2"
        assert session.count("template_ready", roots=["fake_library"]) == 1


def test_snapshot_outlives_the_template_and_the_worker_that_it_came_from(
    sessions: Sessions,
) -> None:
    sessions.site.install("fake_library", SLOW)
    sessions.save("import fake_library", "1")
    with sessions.start() as session:
        taken = session.wait_for("snapshot_taken")
        ready_template(session, "fake_library")
        sessions.save("import fake_library", "22")
        assert session.get().body == "22"
        session.wait_for("exited", process="worker", generation=taken["generation"])
        session.wait_for("exited", process="origin")

        sessions.save("import fake_library", "333")

        assert session.get().body == "333"
        assert last_serving(session)["level"] == "snapshot"


CONFIGURED = """\
import logging.config
logging.config.dictConfig({{"version": 1}})
{function} app(*_):
    raise LookupError("of the application")
"""


@pytest.mark.parametrize(
    ("function", "roots"), [("def", []), ("async def", ["wiverno.dev.serving.asgi"])]
)
def test_traceback_of_a_request_when_the_application_configures_logging_is_seen(
    sessions: Sessions, function: str, roots: list[str]
) -> None:
    """The template has made the server's loggers, and `dictConfig` disables what is there."""
    source = CONFIGURED.format(function=function)
    (sessions.project / "app.py").write_text(source)
    with sessions.start() as session:
        ready_template(session, "logging.config", *roots)
        session.get()
        (sessions.project / "app.py").write_text("import os\n" + source)
        assert session.get().status == 500
        assert last_serving(session)["level"] in WARM
        session.stop()

        assert session.output.count("LookupError: of the application") == 2
