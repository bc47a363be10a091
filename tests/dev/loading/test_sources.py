"""Sources in linecache and in a memory file, and what tracebacks then show."""

import contextlib
import importlib.util
import inspect
import linecache
import os
import struct
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from wiverno.dev.loading.code_cache import CodeCache
from wiverno.dev.loading.execution import Execution
from wiverno.dev.loading.loader import RecordedSources, RecordingLoader
from wiverno.dev.loading.record import Record
from wiverno.dev.loading.sources import Sources, read_sources
from wiverno.dev.processes import memory_file


def make_loader(name: str, path: Path) -> RecordingLoader:
    sources = RecordedSources(Record(), Sources())
    return RecordingLoader(name, str(path), sources, Execution(sources.read, CodeCache()))


@pytest.fixture
def fd() -> Iterator[int]:
    fd = memory_file.create("test-sources")
    yield fd
    with contextlib.suppress(OSError):
        os.close(fd)


@pytest.fixture(autouse=True)
def _linecache_as_it_was() -> Iterator[None]:
    before = dict(linecache.cache)
    yield
    linecache.cache.clear()
    linecache.cache.update(before)


@pytest.fixture
def loaded_module(tmp_path: Path) -> Iterator[ModuleType]:
    """A module whose file was rewritten after it was loaded."""
    path = tmp_path / "routes.py"
    source = "class Old:\n    '''Stays'''\n\n\ndef fail():\n    return 1 / 0  # ö, old\n"
    path.write_bytes(f"# coding: latin-1\n{source}".encode("latin-1"))
    loader = make_loader("routes", path)
    spec = importlib.util.spec_from_file_location("routes", path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules["routes"] = module
    path.write_text("# something\n# else\n" * 10)
    yield module
    del sys.modules["routes"]


def test_traceback_after_a_save_shows_the_line_that_ran(loaded_module: ModuleType) -> None:
    with pytest.raises(ZeroDivisionError) as failure:
        loaded_module.fail()

    assert "return 1 / 0  # ö, old" in "".join(traceback.format_exception(failure.value))


def test_traceback_still_shows_it_when_the_cache_was_checked(loaded_module: ModuleType) -> None:
    linecache.checkcache()
    assert loaded_module.__file__ is not None
    linecache.checkcache(loaded_module.__file__)

    assert linecache.getline(loaded_module.__file__, 7) == "    return 1 / 0  # ö, old\n"


def test_inspect_gives_the_source_that_was_loaded(loaded_module: ModuleType) -> None:
    assert inspect.getsource(loaded_module.fail) == "def fail():\n    return 1 / 0  # ö, old\n"
    assert inspect.getsource(loaded_module.Old) == "class Old:\n    '''Stays'''\n"
    assert inspect.getsource(loaded_module).startswith("# coding: latin-1\nclass Old")


def test_loader_gives_the_source_that_was_loaded(loaded_module: ModuleType) -> None:
    assert loaded_module.__spec__ is not None
    loader = loaded_module.__spec__.loader
    assert isinstance(loader, RecordingLoader)

    assert "# ö, old" in (loader.get_source("routes") or "")


def test_loader_that_has_loaded_nothing_gives_what_is_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    loader = make_loader("a", tmp_path / "a.py")

    assert loader.get_source("a") == "a = 1\n"


def test_sources_come_back_from_the_memory_file_and_the_last_of_a_path_counts(fd: int) -> None:
    odd = os.fsdecode(b"/p/\xff.py")
    sources = Sources(fd)
    sources.add("/p/a.py", b"a = 1\n")
    sources.add(odd, b"")
    sources.add("/p/a.py", b"a = \xff\n")

    assert read_sources(fd) == sources.loaded == {"/p/a.py": b"a = \xff\n", odd: b""}


def test_torn_tail_is_ignored(fd: int) -> None:
    Sources(fd).add("/p/a.py", b"a = 1\n")
    os.write(fd, struct.pack("<II", 7, 100) + b"/p/b.py" + b"b = ")

    assert read_sources(fd) == {"/p/a.py": b"a = 1\n"}


def test_source_beyond_the_limit_is_named_without_its_content(fd: int) -> None:
    sources = Sources(fd, limit_bytes=10)
    for name in "abc":
        sources.add(name, b"x = 1\n")

    assert read_sources(fd) == {"a": b"x = 1\n", "b": None, "c": None}
    assert sources.loaded["c"] == b"x = 1\n"


def test_inherited_sources_are_named_at_once_and_written_when_nobody_waits(fd: int) -> None:
    sources = Sources()
    sources.add("/p/kept.py", b"a = 1\n")
    sources.add("/p/again.py", b"b = 1\n")

    sources.go_on_in(fd, None, without={"/p/again.py"})
    sources.add("/p/again.py", b"b = 2\n")

    # Without its name a failure right behind this build would call the file a new one.
    assert read_sources(fd) == {"/p/kept.py": None, "/p/again.py": b"b = 2\n"}
    sources.write_inherited()
    assert read_sources(fd) == {"/p/kept.py": b"a = 1\n", "/p/again.py": b"b = 2\n"}


def test_descriptor_that_the_application_took_over_is_left_alone(fd: int, tmp_path: Path) -> None:
    sources = Sources(fd, memory_file.create("test-good", b""))
    assert sources.read_good() == {}
    with (tmp_path / "of the application").open("w+b") as file:
        os.dup2(file.fileno(), fd)
        os.dup2(file.fileno(), sources._good_fd)  # type: ignore[arg-type]  # it has one
        sources.add("/p/a.py", b"a = 1\n")

        assert os.fstat(fd).st_size == 0
        assert sources.read_good() is None
        good_fd = sources._good_fd
        sources.forget_good()
        assert good_fd is not None
        os.close(good_fd)  # It was not closed for the application.


def test_child_of_a_fork_writes_nothing(fd: int) -> None:
    script = (
        "import os, sys\n"
        "from wiverno.dev.loading.sources import Sources\n"
        "sources = Sources(int(sys.argv[1]))\n"
        "if os.fork() == 0:\n"
        "    sources.add('/p/child.py', b'')\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "sources.add('/p/parent.py', b'')\n"
    )
    subprocess.run([sys.executable, "-c", script, str(fd)], pass_fds=(fd,), check=True, timeout=30)

    assert read_sources(fd) == {"/p/parent.py": b""}
