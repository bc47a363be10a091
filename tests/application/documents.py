"""The examples of a Markdown page, found and run.

A page says what is code and what must come out of it by how it is written:

- "Save this as `run.py`:" before a fenced block makes the block a file; "at the end of `run.py`:"
  adds to the file, and a block of the kind `diff` changes it.
- `python` is code. The code below one heading of the second level is one program.
- `pycon` is a session with that program. `client` is the test client of its `app`.
- `console` is commands with their output; who runs the page knows the commands.

In output, `...` stands for anything.
"""

import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Without whitespace at the ends of lines, which nobody sees on a page.
_checker = doctest.OutputChecker()
_FENCE = re.compile(r"```(\w*)")
_FILE_NAME = re.compile(r"`([\w/-]*[./][\w./-]*)`(?: is now)?:$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `line` is that of its first line in the page, from 1."""

    page: str
    heading: str
    kind: str
    text: str
    line: int
    file_name: str | None
    is_addition: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, whose path is below the root of the repository."""
    heading, before, kind, start = "", "", "", 0
    inside: list[str] | None = None
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        if inside is None:
            if fence := _FENCE.fullmatch(line):
                inside, kind, start = [], fence[1], number + 1
            elif line.startswith("## "):
                heading = line[3:]
            before = line if line and not fence else before
        elif line == "```":
            named = _FILE_NAME.search(before)
            text = "".join(f"{each}\n" for each in inside)
            file_name = named[1] if named else None
            yield Block(page, heading, kind, text, start, file_name, "the end of" in before)
            inside, before = None, ""
        else:
            inside.append(line)


def sections_of(page: str) -> list[tuple[str, list[Block]]]:
    """The headings of the second level that have blocks, with these."""
    return [
        (heading, list(blocks))
        for heading, blocks in groupby(blocks_of(page), key=lambda block: block.heading)
    ]


def write_file(block: Block, folder: Path) -> None:
    """Make the file of the block, or the change to it."""
    assert block.file_name, f"{block}: nothing says which file this is"
    path = folder / block.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    if block.kind != "diff":
        path.write_text(path.read_text() + block.text if block.is_addition else block.text)
        return
    text = path.read_text()
    for hunk in block.text.split("\n\n"):
        text = _changed(text, hunk, block)
    path.write_text(text)


def _changed(text: str, hunk: str, block: Block) -> str:
    lines = hunk.rstrip("\n").split("\n")
    assert all(line[:1] in ("+", "-", " ") for line in lines), f"{block}: no diff"
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] != "+")
    new = "".join(f"{line[1:]}\n" for line in lines if line[0] != "-")
    assert text.count(old) == 1, f"{block}: {old!r} stands {text.count(old)} times in the file"
    return text.replace(old, new)


class Program:
    """The code below one heading, run as it is read."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "run"}

    def run(self, block: Block) -> None:
        """Execute code, or check a session. An AssertionError says what came instead."""
        if block.kind == "python":
            # The line numbers are those of the page.
            code = "\n" * (block.line - 1) + block.text
            exec(compile(code, block.page, "exec"), self.names)
        elif block.kind == "pycon":
            self._check(block)

    def _check(self, block: Block) -> None:
        app, client = self.names.get("app"), self.names.get("client")
        if app is not None and getattr(client, "app", None) is not app:
            self.names["client"] = app.test_client()
        parser = doctest.DocTestParser()
        session = parser.get_doctest(block.text, {}, str(block), block.page, block.line - 1)
        assert session.examples, f"{block}: no session"
        session.globs = self.names
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
        told: list[str] = []
        result = runner.run(session, out=told.append, clear_globs=False)
        assert result.failed == 0, "".join(told)


def is_as_shown(wanted: str, got: str) -> bool:
    """Whether `got` is the output that a page shows."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return _checker.check_output(wanted, got, flags)
