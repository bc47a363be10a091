"""The documented examples as text, and the only two things that a run replaces in them.

The files in `examples/` are the documents' own words with the indentation restored. Nobody
edits them to make a test pass.
"""

import ast
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent / "examples"

_SERVING_CALLS = ("DevServer.serve", "RunServer", "serve")
_WAIT = re.compile(r"time\.sleep\(\d+\)")
# A wait for a fact instead: the end of standard input, which the test decides.
_WAIT_FOR_THE_TEST = '__import__("sys").stdin.read()'


def read_example(name: str) -> str:
    """The example as it stands in the document."""
    return (FOLDER / name).read_text(encoding="utf-8")


def python_example(name: str, next_port: Callable[[], int]) -> tuple[str, list[int]]:
    """The example with a free port in every call that serves, and these ports in order."""
    source = _WAIT.sub(_WAIT_FOR_THE_TEST, read_example(name))
    nodes = ast.walk(ast.parse(source))
    calls = [node for node in nodes if isinstance(node, ast.Call) and _is_serving(node)]
    calls.sort(key=lambda call: call.lineno)
    ports = [next_port() for _ in calls]
    lines = source.splitlines(keepends=True)
    for call, port in reversed(list(zip(calls, ports, strict=True))):
        _put_port(lines, call, port)
    return "".join(lines), ports


def shell_example(name: str, next_port: Callable[[], int]) -> list[tuple[list[str], int]]:
    """Each command of the example as words to execute, with the free port put into it."""
    text = read_example(name).replace("\\\n", " ")
    commands = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [_with_port(words, next_port()) for words in commands if words]


def _is_serving(call: ast.Call) -> bool:
    return ast.unparse(call.func) in _SERVING_CALLS


def _put_port(lines: list[str], call: ast.Call, port: int) -> None:
    documented = next((word.value for word in call.keywords if word.arg == "port"), None)
    if documented is not None:
        row, start, end = documented.lineno - 1, documented.col_offset, documented.end_col_offset
        lines[row] = f"{lines[row][:start]}{port}{lines[row][end:]}"
        return
    # The default port, which other tests may hold: the call says another one.
    row, end = (call.func.end_lineno or 1) - 1, call.func.end_col_offset or 0
    assert lines[row][end] == "("
    separator = ", " if call.keywords and not call.args else ""
    assert not call.args, "the port cannot stand before a positional argument"
    lines[row] = f"{lines[row][: end + 1]}port={port}{separator}{lines[row][end + 1 :]}"


def _with_port(words: list[str], port: int) -> tuple[list[str], int]:
    words = [re.sub(r":8000$", f":{port}", word) for word in words]
    if words[0] == "wiverno":
        words[:1] = [sys.executable, "-m", "wiverno"]
        if "--port" in words:
            words[words.index("--port") + 1] = str(port)
        else:
            words += ["--port", str(port)]
    return words, port
