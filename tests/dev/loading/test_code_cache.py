"""What the cache gives is what compiling would give, however its files look."""

import marshal
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from wiverno.dev.loading import code_cache
from wiverno.dev.loading.code_cache import CodeCache
from wiverno.dev.loading.contents import digest_bytes
from wiverno.dev.loading.segments import Segment

SOURCE = b"import os\nVALUE = 1\n"
FOUR_STATEMENTS = b"import os\nA = 1\nimport sys\nB = 2\n"


def saved(directory: Path, source: bytes = SOURCE, path: str = "/app.py") -> Path:
    """The file of one source."""
    before = set(directory.iterdir()) if directory.exists() else set()
    cache = CodeCache(str(directory))
    cache.segments(source, path)
    cache.save()
    (file,) = set(directory.iterdir()) - before
    return file


def value_of(segments: Sequence[Segment]) -> object:
    namespace: dict[str, object] = {}
    for segment in segments:
        exec(segment.code, namespace)
    return namespace["VALUE"]


def forged(value: int) -> tuple[Segment, ...]:
    """A code that no source stands for: whoever runs it has taken it from the cache."""
    return (Segment(compile(f"VALUE = {value}", "/app.py", "exec"), 0, imports=False),)


def forge(file: Path, value: int) -> None:
    payload = marshal.dumps([(each.code, each.end, each.imports) for each in forged(value)])
    file.write_bytes(digest_bytes(payload, 16) + payload)


def test_source_that_was_saved_is_not_compiled_again(tmp_path: Path) -> None:
    forge(saved(tmp_path), 99)

    assert value_of(CodeCache(str(tmp_path)).segments(SOURCE, "/app.py")) == 99


def test_segments_that_were_saved_are_those_that_were_compiled(tmp_path: Path) -> None:
    saved(tmp_path, FOUR_STATEMENTS)

    read = CodeCache(str(tmp_path)).segments(FOUR_STATEMENTS, "/app.py")

    assert read == CodeCache().segments(FOUR_STATEMENTS, "/app.py")
    assert [each.imports for each in read] == [True, False, True, False]


@pytest.mark.parametrize(
    ("source", "path"),
    [(SOURCE, "/other.py"), (SOURCE.replace(b"1", b"2"), "/app.py"), (SOURCE + b"\n", "/app.py")],
)
def test_source_of_another_path_or_content_is_compiled(
    tmp_path: Path, source: bytes, path: str
) -> None:
    forge(saved(tmp_path), 99)

    segments = CodeCache(str(tmp_path)).segments(source, path)

    assert value_of(segments) != 99
    assert segments[0].code.co_filename == path


def test_source_under_another_optimisation_is_compiled(tmp_path: Path) -> None:
    script = (
        "import sys; from wiverno.dev.loading.code_cache import CodeCache\n"
        "cache = CodeCache(sys.argv[1]); names = {}\n"
        "for each in cache.segments(b'VALUE = __debug__', '/app.py'): exec(each.code, names)\n"
        "cache.save(); print(names['VALUE'])"
    )

    def run(*flags: str) -> str:
        command = [sys.executable, *flags, "-c", script, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert [run(), run("-O"), run("-OO"), run()] == ["True", "False", "False", "True"]


@pytest.mark.parametrize("cut", [0, 1, 15, 16, 17, -1])
def test_file_that_is_torn_is_compiled_again(tmp_path: Path, cut: int) -> None:
    file = saved(tmp_path)
    file.write_bytes(file.read_bytes()[:cut])

    assert value_of(CodeCache(str(tmp_path)).segments(SOURCE, "/app.py")) == 1


@pytest.mark.parametrize("position", [0, 15, 16, 40, -1])
def test_file_with_a_bent_byte_is_compiled_again(tmp_path: Path, position: int) -> None:
    file = saved(tmp_path)
    content = bytearray(file.read_bytes())
    content[position] ^= 0xFF
    file.write_bytes(content)

    assert value_of(CodeCache(str(tmp_path)).segments(SOURCE, "/app.py")) == 1


def test_file_that_is_torn_is_replaced(tmp_path: Path) -> None:
    file = saved(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(b"rubbish")

    cache = CodeCache(str(tmp_path))
    cache.segments(SOURCE, "/app.py")
    cache.save()

    assert file.read_bytes() == whole


def test_file_that_others_could_have_written_is_not_executed(tmp_path: Path) -> None:
    file = saved(tmp_path)
    forge(file, 99)
    file.chmod(0o666)

    assert value_of(CodeCache(str(tmp_path)).segments(SOURCE, "/app.py")) == 1


@pytest.mark.parametrize("source", [b"def", b"x = '\x00'", b"# coding: nonsense\n"])
def test_source_that_does_not_compile_is_no_entry(tmp_path: Path, source: bytes) -> None:
    cache = CodeCache(str(tmp_path / "cache"))

    with pytest.raises((SyntaxError, ValueError)):
        cache.segments(source, "/app.py")

    cache.save()
    assert not (tmp_path / "cache").exists()


def test_save_writes_only_what_was_compiled_since(tmp_path: Path) -> None:
    cache = CodeCache(str(tmp_path))
    cache.segments(SOURCE, "/app.py")
    cache.save()
    for file in tmp_path.iterdir():
        file.unlink()

    cache.segments(SOURCE, "/app.py")
    cache.segments(SOURCE, "/new.py")
    cache.save()

    assert len(list(tmp_path.iterdir())) == 1


def test_child_that_goes_on_elsewhere_saves_only_what_it_compiles_itself(tmp_path: Path) -> None:
    cache = CodeCache(str(tmp_path))
    of_parent = cache.segments(SOURCE, "/parent.py")
    cache.leave_to_parent()
    cache.segments(SOURCE, "/own.py")
    cache.save()

    assert len(list(tmp_path.iterdir())) == 1
    assert cache.segments(SOURCE, "/parent.py") is of_parent


def test_save_when_nothing_can_be_written_is_harmless(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    cache = CodeCache(str(tmp_path / "cache"))

    segments = cache.segments(SOURCE, "/app.py")
    cache.save()

    assert value_of(segments) == 1


def test_cache_beyond_its_limit_loses_what_is_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = saved(tmp_path, path="/old.py")
    os.utime(old, (1000, 1000))
    monkeypatch.setattr(code_cache, "_LIMIT_BYTES", old.stat().st_size + 50)
    monkeypatch.setattr(code_cache, "_PRUNED_EVERY", 1)

    new = saved(tmp_path, path="/new.py")

    assert set(tmp_path.iterdir()) == {new}


def test_cache_is_not_looked_through_at_each_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    monkeypatch.setattr(code_cache, "prune", lambda directory, limit: looks.append(directory))

    for number in range(160):
        saved(tmp_path, path=f"/app{number}.py")

    assert 0 < len(looks) < 40


def test_two_processes_that_save_at_once_leave_whole_files(tmp_path: Path) -> None:
    script = (
        "import sys; from wiverno.dev.loading.code_cache import CodeCache\n"
        "for turn in range(20):\n"
        "    cache = CodeCache(sys.argv[1])\n"
        "    for number in range(10):\n"
        "        cache.segments(b'VALUE = %d' % (turn * 10 + number), '/app.py')\n"
        "    cache.save()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(2)]

    assert [process.wait(60) for process in processes] == [0, 0]

    files = list(tmp_path.iterdir())
    assert len(files) == 200
    for file in files:
        content = file.read_bytes()
        assert digest_bytes(content[16:], 16) == content[:16]
