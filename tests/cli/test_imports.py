"""`wiverno imports` as a process, on applications that import well and badly."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.application.running_program import WIVERNO
from tests.dev.harness import wait_until

pytestmark = pytest.mark.processes

APP = """
import importlib
import shop.model
importlib.import_module("decimal")

def app(environ, start_response):
    return []

def create():
    import xml.dom.minidom
    return app
"""


def run(project: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [*WIVERNO, "imports", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60)


def told(project: Path, *words: str) -> dict[str, Any]:
    done = run(project, *words, "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("print('hello from shop')\n")
    waits = "import threading; threading.Event().wait(0.05)\n"
    (tmp_path / "shop" / "model.py").write_text(
        f"{waits}import rich\ntry: import missing_one\nexcept ImportError: pass\n"
    )
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def test_imports_tell_each_module_with_time_and_importer(project: Path) -> None:
    found = told(project, "app:app")

    modules = {module["name"]: module for module in found["modules"]}
    assert found["failure"] is None
    assert list(modules)[:3] == ["app", "shop", "shop.model"]
    assert modules["shop.model"]["own_ms"] >= 50
    assert modules["app"]["total_ms"] >= modules["shop.model"]["total_ms"]
    assert modules["app"]["own_ms"] < 50
    whose = {name: (modules[name]["whose"], modules[name]["imported_by"]) for name in modules}
    assert whose["shop.model"] == ("yours", "app")
    assert whose["rich"] == ("third-party", "shop.model")
    # By `import_module`, which `-X importtime` does not see.
    assert whose["decimal"] == ("standard library", "app")
    assert modules["missing_one"]["error"] == "not found"
    assert modules["shop"]["file"] == str(project / "shop" / "__init__.py")
    assert "xml.dom.minidom" not in modules


def test_imports_of_a_factory_tell_what_is_imported_in_it(project: Path) -> None:
    modules = {each["name"]: each for each in told(project, "app:create()")["modules"]}

    assert modules["xml.dom.minidom"]["imported_by"] == "app:create()"


def test_imports_print_the_tree_alone_to_stdout(project: Path) -> None:
    done = run(project, "--app-module", "app", "--min-ms", "1", "--depth", "2")

    head, first, *_, sums = done.stdout.splitlines()
    assert done.returncode == 0
    assert head == " total ms   own ms  whose        module"
    assert first.endswith("  yours        app")
    assert "├ shop.model" in done.stdout or "└ shop.model" in done.stdout
    assert "rich" not in done.stdout.partition("\n\n")[0]
    assert ": yours " in sums
    assert done.stderr == "hello from shop\n"


def test_imports_give_the_application_the_environment_of_run_dev(project: Path) -> None:
    (project / "app.py").write_text(
        "import sys, __main__\n"
        "print(sys.path[0], __main__.__spec__.name, sys.argv[1:])\n"
        "app = lambda environ, start_response: []\n"
    )
    # What would stand for a module of ours, were the project first when ours are imported.
    (project / "dataclasses.py").write_text("raise SystemExit('shadowed')")
    script = str(Path(sys.executable).parent / "wiverno")
    command = [script, "imports", "app:app"]

    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60)

    assert done.stderr == f"{project} wiverno.__main__ ['run', 'dev', 'app:app']\n"


FAILURES = {
    "it raises": ("import json.tool\nimport broken\n", 'broken.py", line 1, in <module>'),
    "it ends": ("import json.tool, os\nos._exit(3)\n", "ended with exit code 3."),
    "it is no application": ("import json.tool\n", "Error: module 'failing' (file "),
}


@pytest.mark.parametrize("case", FAILURES)
def test_imports_when_they_fail_show_the_tree_up_to_there_and_why(project: Path, case: str) -> None:
    source, why = FAILURES[case]
    (project / "failing.py").write_text(source)
    (project / "broken.py").write_text("raise ValueError('no database')\n")

    done = run(project, "failing:app", "--min-ms", "0")

    assert done.returncode == 1
    assert "json.tool" in done.stdout
    assert why in done.stderr
    assert "wiverno" not in done.stdout
    assert "import_probe" not in done.stderr
    assert "importlib" not in done.stderr


def test_imports_when_there_is_no_such_module_are_one_line_and_1(project: Path) -> None:
    done = run(project, "shop.modle:app")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: No module named 'shop.modle'.")
    assert "Did you mean 'shop.model'?" in done.stderr


def test_imports_when_interrupted_say_where_they_stood(project: Path) -> None:
    (project / "app.py").write_text(
        "import shop, threading\nopen('stands', 'w').close()\nthreading.Event().wait(60)\n"
    )
    command = [*WIVERNO, "imports", "app:app"]
    with subprocess.Popen(
        command, cwd=project, text=True, stdout=-1, stderr=-1, start_new_session=True
    ) as process:
        wait_until((project / "stands").exists, "it does not begin", 20)
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=20)

    assert process.returncode == 1
    assert "app (KeyboardInterrupt)" in output
    assert 'app.py", line 3, in <module>' in errors


def test_imports_when_killed_leave_no_process(project: Path) -> None:
    (project / "app.py").write_text(
        "import os, threading\nopen('pid', 'w').write(str(os.getpid()))\n"
        "os.rename('pid', 'stands')\nthreading.Event().wait(60)\n"
    )
    with subprocess.Popen([*WIVERNO, "imports", "app:app"], cwd=project) as process:
        wait_until((project / "stands").exists, "it does not begin", 20)
        pid = int((project / "stands").read_text())
        process.kill()

    wait_until(lambda: not Path(f"/proc/{pid}/exe").exists(), "it goes on")


def test_imports_when_a_thread_never_ends_end_all_the_same(project: Path) -> None:
    (project / "app.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
        "app = lambda environ, start_response: []\n"
    )

    assert run(project, "app:app").returncode == 0


def test_imports_where_the_output_knows_no_lines_use_ascii(project: Path) -> None:
    done = subprocess.run(
        [*WIVERNO, "imports", "app:app"],
        cwd=project,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )

    assert (done.returncode, done.stdout.isascii()) == (0, True)
    assert b"` " in done.stdout


def test_help_of_imports_has_loaded_nothing_that_takes_time() -> None:
    program = (
        "import sys, atexit\n"
        "from wiverno.cli import main\n"
        "atexit.register(lambda: print(sorted({'rich', 'subprocess', 'wiverno.dev'} "
        "& set(sys.modules))))\n"
        "sys.argv = ['wiverno', 'imports', '--help']\n"
        "main()\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]")
