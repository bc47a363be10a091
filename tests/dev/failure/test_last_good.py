"""Versions compared by their sources, as bytes."""

from pathlib import Path

from wiverno.dev.failure.last_good import (
    MAX_CHANGED_FILES,
    MAX_LINES_OF_A_FILE,
    NOTHING_KNOWN,
    FileChange,
    SinceLastGood,
)


def marked(before: bytes, now: bytes) -> set[int]:
    since = SinceLastGood({"/p/a.py": now}, {"/p/a.py": before})
    return set(since.lines("/p/a.py").changed)


def test_same_text_in_another_encoding_is_not_changed_but_for_the_cookie() -> None:
    before = "# coding: latin-1\nname = 'Jürgen'\n".encode("latin-1")

    assert marked(before, "# coding: utf-8\nname = 'Jürgen'\n".encode()) == {1}


def test_same_bytes_in_another_encoding_are_changed() -> None:
    text = b"name = '\xc3\xbc'\n"

    assert marked(b"# coding: utf-8\n" + text, b"# coding: latin-1\n" + text) == {1, 2}


def test_other_line_ends_and_a_byte_order_mark_are_no_change() -> None:
    assert marked(b"a = 1\nb = 2\n", b"\xef\xbb\xbfa = 1\r\nb = 2\r") == set()


def test_lines_are_those_of_the_compiler_when_they_hold_form_feeds() -> None:
    source = b"a = 1\n\x0c\nb = '\xe2\x80\xa8'\nc = %d\n"

    assert marked(source % 1, source % 2) == {4}


def test_source_that_cannot_be_decoded_is_compared_all_the_same() -> None:
    assert marked(b"a = 1\nb = 2\n", b"a = 1\nb = '\xff'\n") == {2}
    assert marked(b"a = 1\n", b"# coding: nonsense\na = 1\n") == {1}


def test_without_a_good_version_nothing_is_changed() -> None:
    since = SinceLastGood({"/p/a.py": b"a = 1\n"}, None)

    assert not since.lines("/p/a.py")
    assert not since.is_new("/p/a.py")
    assert since.changed_files() == NOTHING_KNOWN.changed_files() == ()


def test_file_that_was_too_large_to_keep_is_neither_new_nor_changed() -> None:
    since = SinceLastGood({"/p/a.py": b"a = 1\n"}, {"/p/a.py": None})

    assert not since.lines("/p/a.py")
    assert not since.is_new("/p/a.py")
    assert since.changed_files() == ()


def test_changed_files_are_the_changed_the_new_and_the_removed(tmp_path: Path) -> None:
    kept = tmp_path / "not_imported_this_time.py"
    kept.touch()
    before = {"/p/same.py": b"1\n", "/p/a.py": b"a\nb\nc\n", "/p/gone.py": b"", str(kept): b""}
    now = {"/p/same.py": b"1\n", "/p/a.py": b"a\nB\nc\n", "/p/new.py": b"x\n"}

    changed, new, removed = SinceLastGood(now, before).changed_files()

    assert (changed.file, changed.change) == ("/p/a.py", FileChange.CHANGED)
    assert [(line.number, line.text, line.is_changed) for line in changed.source] == [
        (2, "B", True)
    ]
    assert (new.file, new.change, new.source) == ("/p/new.py", FileChange.NEW, ())
    assert (removed.file, removed.change) == ("/p/gone.py", FileChange.REMOVED)


def test_changed_file_shows_where_lines_were_removed() -> None:
    since = SinceLastGood({"/p/a.py": b"a\nd\n"}, {"/p/a.py": b"a\nb\nc\nd\ne\n"})
    (file,) = since.changed_files()

    assert [(line.text, line.removed_above, line.removed_below) for line in file.source] == [
        ("d", 2, 1)
    ]
    assert file.more_lines == 0


def test_changed_files_and_lines_are_bounded_and_tell_how_many_more() -> None:
    names = [f"/p/{number}.py" for number in range(10)]
    since = SinceLastGood(dict.fromkeys(names, b"new\n" * 50), dict.fromkeys(names, b"old\n"))
    files = since.changed_files()

    assert [file.file for file in files] == names[: -MAX_CHANGED_FILES - 1 : -1]
    assert since.more_changed_files() == 10 - MAX_CHANGED_FILES
    assert {len(file.source) for file in files} == {MAX_LINES_OF_A_FILE}
    assert {file.more_lines for file in files} == {50 - MAX_LINES_OF_A_FILE}


def test_file_that_is_empty_now_is_listed_without_lines() -> None:
    (file,) = SinceLastGood({"/p/a.py": b""}, {"/p/a.py": b"a\n"}).changed_files()

    assert (file.change, file.source) == (FileChange.CHANGED, ())
