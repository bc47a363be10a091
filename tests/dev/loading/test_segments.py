"""Executing a module segment by segment is executing the module."""

import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.dev.loading.segments import PrefixChangedError, compile_rest, compile_segments

PATH = "module.py"
STATEMENTS = (
    '"""A text."""',
    "import os",
    "from math import pi",
    "import json as j; k = 1",
    "try:\n    import nowhere\nexcept ImportError:\n    nowhere = None",
    "if True:\n    import sys",
    "x: int = 5",
    "y = [n for n in range(3)]",
    "def f(a, b=2):\n    return a + b",
    "@staticmethod\ndef g():\n    import string\n    return string",
    "class A:\n    z: 'int' = 1\n    def m(self):\n        return __class__",
    "# a comment",
    "",
    "t = '''two\nimport lines'''",
    "import re; import io",
    "x += 1 if 'x' in globals() else 0",
    "del x",
)


def execute(source: bytes) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "module", "__doc__": None}
    exec(compile(source, PATH, "exec", dont_inherit=True), namespace)
    return namespace


def execute_segments(source: bytes, first: int | None = None) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "module", "__doc__": None}
    for segment in compile_segments(source, PATH)[:first]:
        exec(segment.code, namespace)
    return namespace


def dump(namespace: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in namespace.items() if name != "__builtins__"}


def _plain(value: Any) -> Any:
    if isinstance(value, staticmethod):
        value = value.__func__
    if hasattr(value, "__code__"):
        return (value.__code__.co_code, value.__code__.co_firstlineno, value.__qualname__)
    if isinstance(value, type):
        return (value.__qualname__, value.__annotations__, _plain(value.__dict__.get("m")))
    return value


sources = st.lists(st.sampled_from(STATEMENTS), max_size=12).map(
    lambda statements: ("\n".join(statements) + "\n").encode()
)


@given(sources)
def test_segments_executed_in_turn_give_what_the_module_gives(source: bytes) -> None:
    try:
        expected = execute(source)
    except NameError:
        with pytest.raises(NameError):
            execute_segments(source)
        return

    assert dump(execute_segments(source)) == dump(expected)


@given(sources, sources, sources)
def test_rest_of_another_file_with_the_same_beginning_gives_what_that_file_gives(
    beginning: bytes, old: bytes, new: bytes
) -> None:
    """Or it says that it cannot."""
    before, after = beginning + old, beginning + new
    for count, segment in enumerate(compile_segments(before, PATH), start=1):
        try:
            expected = execute(after)
            namespace = execute_segments(before, count)
        except NameError:
            return
        try:
            rest = compile_rest(after, PATH, before, segment.end)
        except PrefixChangedError:
            assert after[: segment.end] != before[: segment.end] or segment.end > len(beginning)
            continue
        for each in rest:
            exec(each.code, namespace)
        assert dump(namespace) == dump(expected)


def test_segments_end_where_runs_of_imports_do() -> None:
    source = b'"""Doc."""\nimport os\nimport re\nx = 1\nimport io\ny = 2\n'

    segments = compile_segments(source, PATH)

    assert [source[: each.end].splitlines()[-1] for each in segments] == [
        b'"""Doc."""',
        b"import re",
        b"x = 1",
        b"import io",
        b"y = 2",
    ]
    assert [each.imports for each in segments] == [False, True, False, True, False]


def test_future_import_holds_in_every_segment() -> None:
    source = b"from __future__ import annotations\nimport os\nx: Unknown = 1\n"

    assert execute_segments(source)["__annotations__"] == {"x": "Unknown"}


def test_text_behind_the_imports_is_no_docstring() -> None:
    assert execute_segments(b"import os\n'a text'\n")["__doc__"] is None


@pytest.mark.parametrize(
    "after",
    [
        "try:\n    import os\nexcept ImportError:\n    pass\nelse:\n    x = 2\n",
        "try:\n    import os\nexcept OSError:\n    pass\nx = 1\n",
        "# coding: latin-1\ntry:\n    import os\nexcept ImportError:\n    pass\nx = 1\n",
    ],
)
def test_other_beginning_is_refused(after: str) -> None:
    before = b"try:\n    import os\nexcept ImportError:\n    pass\nx = 1\n"
    end = compile_segments(before, PATH)[0].end

    with pytest.raises(PrefixChangedError):
        compile_rest(after.encode(), PATH, before, end)


def test_cookie_behind_an_import_is_a_comment() -> None:
    before = b"import os\n\nx = 'a'\n"
    after = "import os\n# coding: latin-1\nx = '\u00e9'\n".encode()

    rest = compile_rest(after, PATH, before, compile_segments(before, PATH)[0].end)

    assert "\u00e9" in rest[-1].code.co_consts


def test_error_in_a_later_segment_comes_before_anything_is_executed() -> None:
    with pytest.raises(SyntaxError):
        compile_segments(b"import os\nreturn 1\n", PATH)


@pytest.mark.parametrize(
    "source",
    [
        b"x = 1\nimport os\nglobal x\n",
        b"import os\nx: int\nimport sys\nif True:\n    global x\n",
    ],
)
def test_global_behind_the_name_is_the_error_that_it_is_in_the_whole(source: bytes) -> None:
    with pytest.raises(SyntaxError):
        compile_segments(source, PATH)


def test_module_with_a_global_in_a_function_is_cut() -> None:
    source = b"import os\nx = 1\ndef f():\n    global x\n"

    assert len(compile_segments(source, PATH)) == 2


def test_annotations_when_asked_for_before_the_first_one_are_there() -> None:
    source = b"import os\nempty = not __annotations__\nimport sys\nx: int = 1\n"

    assert dump(execute_segments(source)) == dump(execute(source))


def test_annotations_in_several_segments_are_all_there() -> None:
    source = b"import os\nx: int = 1\nimport sys\ny: str\n"

    assert execute_segments(source)["__annotations__"] == {"x": int, "y": str}


def test_late_future_import_is_the_error_that_it_is_in_the_whole() -> None:
    before = b"import os\nx = 1\n"
    after = b"import os\nfrom __future__ import annotations\n"

    with pytest.raises((SyntaxError, PrefixChangedError)):
        compile_rest(after, PATH, before, compile_segments(before, PATH)[0].end)


def test_module_of_the_library_keeps_its_meaning() -> None:
    source = Path(textwrap.__file__).read_bytes()

    assert dump(execute_segments(source)).keys() == dump(execute(source)).keys()
