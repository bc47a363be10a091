"""Project files that are opened from Python: which are recorded, and which leave again."""

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wiverno.dev.loading.data_files import DataFiles
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import EntryKind, Record, RecordReader
from wiverno.dev.loading.signatures import ABSENT, LEFT, read_signature
from wiverno.dev.processes import memory_file


class Process:
    """What a worker has, without its hook: `read` and `write` say what the application opens."""

    def __init__(self, project: Path) -> None:
        self.record_fd = memory_file.create("test-record")
        self.record = Record(self.record_fd)
        self.reader = RecordReader(self.record_fd)
        self.data = DataFiles(self.record, [str(project)], [str(project / "assets")])
        self.gate = Gate(self.record)

    def read(self, path: object) -> None:
        self.data.notice("open", (path, "r", os.O_RDONLY | os.O_CLOEXEC))

    def write(self, path: object) -> None:
        self.data.notice("open", (path, "a", os.O_WRONLY | os.O_CREAT | os.O_APPEND))

    def recorded(self, kind: EntryKind = EntryKind.DATA) -> list[str]:
        """Paths, as another process sees them."""
        assert self.reader.refresh().entries() == self.record.entries()
        return [
            path
            for each, path, seen in self.reader.record.entries()
            if each is kind and seen != LEFT
        ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "public" / "project"
    project.mkdir(parents=True)
    return project


@pytest.fixture
def process(project: Path) -> Iterator[Process]:
    process = Process(project)
    yield process
    os.close(process.record_fd)


@pytest.fixture
def data(project: Path) -> Path:
    path = project / "settings.yaml"
    path.write_text("a: 1")
    return path


def save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_data_file_that_was_read_is_recorded_and_gated_on(process: Process, data: Path) -> None:
    process.read(str(data))
    fresh_before = process.gate.is_fresh()
    save(data, "a: 2")

    assert process.recorded() == [str(data)]
    assert fresh_before
    assert not process.gate.is_fresh()
    assert process.gate.stale_path == str(data)
    assert not Gate(process.reader.refresh()).is_fresh()


def test_deleted_data_file_is_stale(process: Process, data: Path) -> None:
    process.read(str(data))
    data.unlink()

    assert not process.gate.is_fresh()


@pytest.mark.parametrize("convert", [str, os.fsencode, Path])
def test_relative_path_of_any_type_is_recorded(
    process: Process, data: Path, monkeypatch: pytest.MonkeyPatch, convert: Callable[[str], Any]
) -> None:
    monkeypatch.chdir(data.parent)
    process.read(convert(data.name))

    assert process.recorded() == [str(data)]


def test_file_opened_in_vain_is_stale_when_it_appears(process: Process, project: Path) -> None:
    path = project / ".env"
    process.read(str(path))
    fresh_before = process.gate.is_fresh()
    path.touch()

    assert process.recorded(EntryKind.MISSING_DATA) == [str(path)]
    assert fresh_before
    assert not process.gate.is_fresh()


@pytest.mark.parametrize(
    "name",
    [
        *("static/app.css", "public/a.json", "media/a.png", "assets/a.css", ".git/config"),
        *("__pycache__/a.pyc", "node_modules/a/package.json", "lib/site-packages/a.txt"),
        "env/lib/a.txt",
    ],
)
def test_left_out_folders_are_not_recorded(process: Process, project: Path, name: str) -> None:
    save(project / "env" / "pyvenv.cfg", "")
    save(project / name, "")
    process.read(str(project / name))

    assert process.record.entries() == ()


def test_files_elsewhere_are_not_recorded(process: Process, tmp_path: Path) -> None:
    save(tmp_path / "elsewhere.txt", "")
    for path in (tmp_path / "elsewhere.txt", json.__file__, "/proc/self/status", "/etc/hosts"):
        process.read(str(path))

    assert process.record.entries() == ()


@pytest.mark.parametrize("file", [0, None, b"\0", "a\0b", object(), "", 3.5])
def test_strange_arguments_are_passed_over(process: Process, file: object) -> None:
    process.read(file)
    process.write(file)

    assert process.recorded() == []


def test_directories_and_devices_are_not_recorded(process: Process, project: Path) -> None:
    os.mkfifo(project / "fifo")
    (project / "folder").mkdir()
    process.read(str(project / "fifo"))
    process.read(str(project / "folder"))

    assert process.record.entries() == ()


def test_file_beside_a_loaded_module_is_recorded(process: Process, tmp_path: Path) -> None:
    sibling = tmp_path / "sibling" / "shop"
    save(sibling / "templates" / "a.html", "")
    process.read(str(sibling / "templates" / "a.html"))
    process.record.add(EntryKind.MODULE, str(sibling / "views.py"), ABSENT)
    process.read(str(sibling / "templates" / "a.html"))

    assert process.recorded() == [str(sibling / "templates" / "a.html")]


def test_data_file_that_is_written_leaves_for_good(process: Process, data: Path) -> None:
    process.read(str(data))
    process.write(str(data))
    save(data, "by the application")
    process.read(str(data))

    assert process.recorded() == []
    assert process.gate.is_fresh()


def test_file_that_is_written_first_is_never_recorded(process: Process, data: Path) -> None:
    process.write(str(data))
    process.read(str(data))

    assert process.record.entries() == ()


def test_missing_file_that_the_application_makes_itself_leaves(
    process: Process, project: Path
) -> None:
    path = project / "cache.json"
    process.read(str(path))
    process.write(str(path))
    path.touch()

    assert process.gate.is_fresh()


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("os.rename", ("/tmp/new", "{path}", -1, -1)),
        ("os.rename", ("{path}", "/tmp/new", -1, -1)),
        ("os.remove", ("{path}", -1)),
        ("os.truncate", ("{path}", 0)),
        ("sqlite3.connect", ("{path}",)),
    ],
)
def test_file_that_is_changed_otherwise_leaves(
    process: Process, data: Path, event: str, arguments: tuple[object, ...]
) -> None:
    process.read(str(data))
    process.data.notice(
        event, tuple(str(data) if argument == "{path}" else argument for argument in arguments)
    )

    assert process.recorded() == []


@pytest.mark.parametrize("exists", [True, False])
def test_file_that_is_followed_from_the_start_is_stale_when_it_changes(
    process: Process, tmp_path: Path, exists: bool
) -> None:
    path = tmp_path / "elsewhere.env"
    if exists:
        save(path, "A=1")
    process.data.follow(str(path))
    fresh_before = process.gate.is_fresh()
    save(path, "A=2")

    assert fresh_before
    assert not process.gate.is_fresh()


def test_imported_source_never_leaves(process: Process, project: Path) -> None:
    source = project / "app.py"
    save(source, "1")
    process.record.add(EntryKind.MODULE, str(source), read_signature(str(source)))
    process.read(str(source))
    process.write(str(source))

    assert process.recorded(EntryKind.MODULE) == [str(source)]
    assert process.recorded() == []


def test_file_that_each_request_reads_leaves_at_the_second(process: Process, data: Path) -> None:
    recorded = []
    for _ in range(2):
        process.data.request_began()
        process.read(str(data))
        process.read(str(data))
        recorded.append(process.recorded())
    save(data, "a: 2")

    assert recorded == [[str(data)], []]
    assert process.gate.is_fresh()


def test_file_that_the_import_has_read_stays_whoever_reads_it_again(
    process: Process, data: Path
) -> None:
    process.read(str(data))
    for _ in range(2):
        process.data.request_began()
        process.read(str(data))

    assert process.recorded() == [str(data)]


def test_threads_have_requests_of_their_own(process: Process, data: Path) -> None:
    process.data.request_began()
    process.read(str(data))
    thread = threading.Thread(target=process.data.request_began)
    thread.start()
    thread.join(10)
    process.read(str(data))

    assert process.recorded() == [str(data)]


def test_file_that_changed_between_two_reads_is_stale(process: Process, data: Path) -> None:
    process.read(str(data))
    save(data, "a: 2")
    process.read(str(data))

    assert not process.gate.is_fresh()


def test_data_file_saved_again_within_the_tick_is_stale(project: Path, data: Path) -> None:
    """The second save leaves the signature as it was, which is done by hand here."""
    record, signature = Record(), read_signature(str(data))
    DataFiles(record, [str(project)], clock_ns=lambda: signature[3]).notice(
        "open", (str(data), "r", os.O_RDONLY)
    )
    gate = Gate(record)
    fresh_before = gate.is_fresh()
    save(data, "a: 2")
    again = Record()
    for kind, path, seen in record.entries():
        now = read_signature(path) if kind is not EntryKind.CONTENT else seen
        again.add(kind, path, now)

    assert fresh_before
    assert not Gate(again).is_fresh()


def test_beyond_the_limit_nothing_is_recorded_but_it_is_said(project: Path) -> None:
    record, full = Record(), []
    data = DataFiles(record, [str(project)], limit=3)
    for number in range(4):
        data.notice("open", (str(project / f"{number}"), "r", os.O_RDONLY))
        full.append(data.is_full)

    assert full == [False, False, False, True]
    assert len(record.entries()) == 3


PROGRAM = """
import json, os, pathlib, sys
from wiverno.dev.loading.data_files import DataFiles
from wiverno.dev.loading.finder import RecordingFinder
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.signatures import LEFT
from wiverno.dev.loading.user_code import UserCode
record = Record()
gate = Gate(record)
data = DataFiles(record, [os.getcwd()])
RecordingFinder(record, UserCode()).install()
data.install()
sys.path.insert(0, os.getcwd())
def entries(kind):
    return sorted(
        os.path.relpath(path) for k, path, seen in record.entries() if k is kind and seen != LEFT
    )
"""


def run(project: Path, code: str) -> Any:
    """Run `code` behind the hook; it leaves its answer in `answer`."""
    program = PROGRAM + textwrap.dedent(code) + "\nprint(json.dumps(answer))"
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=project,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_database_that_dbm_looks_into_is_no_dependency(project: Path) -> None:
    """gdbm and ndbm write in C, which tells nobody, and `shelve` opens anew each time."""
    (project / "shelf").write_bytes(b"\xce\x9a\x57\x13" + bytes(100))

    answer = run(
        project,
        """
        import dbm
        answer = [dbm.whichdb("shelf"), entries(EntryKind.DATA)]
        open("shelf", "rb").close()
        answer.append(entries(EntryKind.DATA))
        """,
    )

    assert answer == ["dbm.gnu", [], []]


def test_database_that_sqlite_connects_to_by_uri_leaves(project: Path) -> None:
    answer = run(
        project,
        """
        import sqlite3
        pathlib.Path("data.db").touch()
        pathlib.Path("data.db").read_bytes()
        sqlite3.connect(f"file:{os.getcwd()}/data.db?mode=rwc", uri=True).close()
        sqlite3.connect("file:other.db", uri=True).close()
        pathlib.Path("other.db").read_bytes()
        answer = entries(EntryKind.DATA)
        """,
    )

    assert answer == []


def test_source_that_the_process_writes_is_known_as_its_own(project: Path) -> None:
    answer = run(
        project,
        """
        pathlib.Path("page_html.py").write_text("x = 1")
        pathlib.Path("page.tmp").write_text("x = 2")
        os.replace("page.tmp", "moved.py")
        answer = [entries(EntryKind.WRITTEN), gate.is_fresh()]
        """,
    )

    assert answer == [["moved.py", "page_html.py"], True]


def test_hook_sees_every_way_to_open(project: Path) -> None:
    for name in "abcdef":
        save(project / name, name)

    answer = run(
        project,
        """
        import io
        open("a").close()
        pathlib.Path("b").read_text()
        os.close(os.open("c", os.O_RDONLY))
        io.FileIO(os.fsencode("d")).close()
        open("f", "r+").close()
        try:
            open("missing")
        except FileNotFoundError:
            pass
        answer = [entries(EntryKind.DATA), entries(EntryKind.MISSING_DATA)]
        """,
    )

    assert answer == [["a", "b", "c", "d"], ["missing"]]


def test_imports_record_no_data(project: Path) -> None:
    save(project / "app.py", "import json, click, shop.views\n")
    save(project / "shop" / "views.py", "import inspect\nclass A: pass\ninspect.getsource(A)\n")

    answer = run(project, "import app; answer = [entries(EntryKind.DATA), gate.is_fresh()]")

    assert answer == [[], True]


def test_atomic_rewrite_by_the_application_is_fresh(project: Path) -> None:
    save(project / "cache.json", "1")

    answer = run(
        project,
        """
        pathlib.Path("cache.json").read_text()
        before = entries(EntryKind.DATA)
        pathlib.Path("cache.tmp").write_text("2")
        os.replace("cache.tmp", "cache.json")
        answer = [before, entries(EntryKind.DATA), gate.is_fresh()]
        """,
    )

    assert answer == [["cache.json"], [], True]


def test_open_in_a_finalizer_while_the_record_is_written_stops_nobody(project: Path) -> None:
    """A garbage collection inside `Record.add` runs code of the application."""
    answer = run(
        project,
        """
        class Closing:
            def __del__(self):
                open("late.log", "r") if os.path.exists("late.log") else None
                record.add(EntryKind.DATA, "/p/x", (1, 1, 1, 1))
        with record._lock:
            Closing()
        answer = "/p/x" in record
        """,
    )

    assert answer is True
