"""Edits of a project as pure functions on its files.

An edit may leave the project broken: then both sides must say the same about it.
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hypothesis import strategies as st

from tests.dev.differential import projects
from tests.dev.differential.disk import MANNERS
from tests.dev.differential.projects import (
    ENTRY,
    Blocks,
    Draw,
    Files,
    choose,
    dotted,
    flip,
    modules,
    number,
)

Edit: TypeAlias = Callable[[Draw, Files], Files]

FIXED_BLOCKS = (projects.VIEW, projects.APPLICATION)
BROKEN = "  # broken"
# With a letter that Latin-1 and UTF-8 write differently; not in the first line, which `linecache`
# cannot read then, while the sources of a worker can.
LATIN = "# -*- coding: latin-1 -*-\n# \xe9"


def is_import(block: str) -> bool:
    return block.startswith(("import ", "from ", "try:\n    import")) and "__future__" not in block


def put(files: Files, path: str, blocks: Blocks) -> Files:
    return {**files, path: blocks}


def without(files: Files, path: str) -> Files:
    return {name: blocks for name, blocks in files.items() if name != path}


def insert(draw: Draw, files: Files, path: str, block: str, at: int | None = None) -> Files:
    """`block` somewhere behind the docstring and `__future__` (which must come first)."""
    blocks = files[path]
    first = next(
        (n for n, b in enumerate(blocks) if not b.startswith((LATIN, '"""', "from __fut"))), 0
    )
    position = draw(st_between(first, len(blocks))) if at is None else at
    return put(files, path, (*blocks[:position], block, *blocks[position:]))


def st_between(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, max(low, high))


def any_python(draw: Draw, files: Files) -> str:
    """Any module; the entry as often as all modules together, nearly."""
    return ENTRY if flip(draw, 3) else choose(draw, [*modules(files), ENTRY])


def editable(files: Files, path: str) -> list[int]:
    return [n for n, block in enumerate(files[path]) if block not in FIXED_BLOCKS]


# Contents.


def change_number(draw: Draw, files: Files) -> Files:
    """Another constant, default or body, of the same size."""
    path = any_python(draw, files)
    places = [n for n in editable(files, path) if re.search(r"\b\d\d\b", files[path][n])]
    if not places:
        return add_statement(draw, files)
    at = choose(draw, places)
    return replace(
        files, path, at, re.sub(r"\b\d\d\b", str(number(draw)), files[path][at], count=1)
    )


def replace(files: Files, path: str, at: int, block: str) -> Files:
    blocks = files[path]
    return put(files, path, (*blocks[:at], block, *blocks[at + 1 :]))


def add_statement(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    make = choose(draw, projects.EXTRAS)
    return insert(draw, files, path, make(draw, path))


def add_function(draw: Draw, files: Files) -> Files:
    text = f"def answer_{number(draw)}(x=VALUE):\n    return x + {number(draw)}"
    return insert(draw, files, any_python(draw, files), text)


def remove_block(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    if not (places := editable(files, path)):
        return files
    at = choose(draw, places)
    return put(files, path, files[path][:at] + files[path][at + 1 :])


def move_block(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    if not (places := editable(files, path)):
        return files
    at = choose(draw, places)
    rest = put(files, path, files[path][:at] + files[path][at + 1 :])
    return insert(draw, rest, path, files[path][at])


def shift_lines(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    return insert(draw, files, path, f"# A comment, {number(draw)}.\n")


def toggle_future_annotations(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    line = "from __future__ import annotations"
    blocks = files[path]
    if line in blocks:
        return put(files, path, tuple(block for block in blocks if block != line))
    at = 1 if blocks and blocks[0].startswith('"""') else 0
    return put(files, path, (*blocks[:at], line, *blocks[at:]))


def toggle_encoding(draw: Draw, files: Files) -> Files:
    """A file whose text is not what its bytes are in UTF-8; `disk` writes it accordingly."""
    path = any_python(draw, files)
    blocks = files[path]
    if blocks[:1] == (LATIN,):
        return put(files, path, blocks[1:])
    return put(files, path, (LATIN, *blocks))


def toggle_line_ends(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    has_carriage = any("\r\n" in block for block in files[path])
    return put(
        files,
        path,
        tuple(
            block
            if block in FIXED_BLOCKS
            else block.replace("\r\n", "\n")
            if has_carriage
            else block.replace("\n", "\r\n")
            for block in files[path]
        ),
    )


# Imports.


def add_import(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    if flip(draw, 3):
        return insert(draw, files, path, choose(draw, projects.LEADING))
    others = [*modules(files), *projects.OPTIONAL]
    imports, uses = projects.dependency(draw, path, choose(draw, others))
    for use in uses:
        files = insert(draw, files, path, use, len(files[path]) - 2 if path == ENTRY else None)
    return insert(draw, files, path, imports, at_import(draw, files, path))


def at_import(draw: Draw, files: Files, path: str) -> int:
    """Before or behind a present import; else behind the docstring."""
    places = [n for n, block in enumerate(files[path]) if is_import(block)]
    return choose(draw, places) + draw(st_between(0, 1)) if places else min(1, len(files[path]))


def remove_import(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    places = [n for n in editable(files, path) if is_import(files[path][n])]
    if not places:
        return files
    at = choose(draw, places)
    return put(files, path, files[path][:at] + files[path][at + 1 :])


def insert_between_imports(draw: Draw, files: Files) -> Files:
    path = any_python(draw, files)
    return insert(draw, files, path, projects.between(draw), at_import(draw, files, path))


def change_leading_part(draw: Draw, files: Files) -> Files:
    """In the entry, above what it imports of the project."""
    text = projects.between(draw) if flip(draw, 2) else choose(draw, projects.LEADING)
    return insert(draw, files, ENTRY, text, at=1)


# Broken and fixed.


def break_syntax(draw: Draw, files: Files) -> Files:
    return insert(draw, files, any_python(draw, files), f"def broken(:{BROKEN}")


def break_name(draw: Draw, files: Files) -> Files:
    return insert(draw, files, any_python(draw, files), f"undefined_{number(draw)}{BROKEN}")


def break_import(draw: Draw, files: Files) -> Files:
    text = choose(
        draw,
        (
            f"import absent_{number(draw)}",
            f"from run import absent_{number(draw)}",
            f"from {dotted(choose(draw, [*modules(files), ENTRY]))} import absent",
            f"import json.absent_{number(draw)}",
        ),
    )
    return insert(draw, files, any_python(draw, files), text + BROKEN)


def break_value(draw: Draw, files: Files) -> Files:
    return insert(draw, files, any_python(draw, files), f"int('x{number(draw)}'){BROKEN}")


def fix(draw: Draw, files: Files) -> Files:
    return {
        path: tuple(block for block in blocks if not block.endswith(BROKEN))
        for path, blocks in files.items()
    }


# Files.


def add_module(draw: Draw, files: Files) -> Files:
    paths = [path for group in projects.GROUPS for path in group if path not in files]
    paths += [path for path in projects.OPTIONAL if path not in files]
    if not paths:
        return change_number(draw, files)
    path = choose(draw, paths)
    return put(files, path, projects.module(draw, path, modules(files)[:3]))


def toggle_optional(draw: Draw, files: Files) -> Files:
    path = choose(draw, projects.OPTIONAL)
    if path in files:
        return without(files, path)
    return put(files, path, (f"VALUE = {number(draw)}", "COUNT = [0]"))


def remove_module(draw: Draw, files: Files) -> Files:
    if not (paths := modules(files)):
        return add_module(draw, files)
    return without(files, choose(draw, paths))


def rename_alone(draw: Draw, files: Files) -> Files:
    """The importers still ask for the old name."""
    if not (paths := modules(files)):
        return add_module(draw, files)
    old = choose(draw, paths)
    new = os.path.join(os.path.dirname(old), f"renamed_{number(draw)}.py")
    return {new if path == old else path: blocks for path, blocks in files.items()}


def rename_with_importers(draw: Draw, files: Files) -> Files:
    paths = [path for path in modules(files) if not path.endswith("__init__.py")]
    if not paths:
        return add_module(draw, files)
    old = choose(draw, paths)
    new = os.path.join(os.path.dirname(old), f"renamed_{number(draw)}.py")
    stem = re.compile(rf"\b{Path(old).stem}\b")
    return {
        new if path == old else path: tuple(stem.sub(Path(new).stem, block) for block in blocks)
        for path, blocks in files.items()
    }


def toggle_package(draw: Draw, files: Files) -> Files:
    """A module becomes a package of one file, or back."""
    flat = [path for path in modules(files) if not path.endswith("__init__.py")]
    lone = [
        path
        for path in modules(files)
        if path.endswith("/__init__.py")
        and sum(other.startswith(os.path.dirname(path) + "/") for other in files) == 1
    ]
    if not (flat or lone):
        return add_module(draw, files)
    old = choose(draw, lone) if lone and (not flat or flip(draw, 2)) else choose(draw, flat)
    is_package = old.endswith("/__init__.py")
    new = os.path.dirname(old) + ".py" if is_package else old.removesuffix(".py") + "/__init__.py"
    return {new if path == old else path: blocks for path, blocks in files.items()}


def toggle_init(draw: Draw, files: Files) -> Files:
    """A namespace package becomes a regular one, or back; or a package hides a module."""
    folders = sorted({os.path.dirname(path) for path in modules(files)} - {"", "lib"})
    folders += [path.removesuffix(".py") for path in modules(files) if "/" not in path][:2]
    if not folders:
        return add_module(draw, files)
    path = choose(draw, folders) + "/__init__.py"
    if path in files:
        return without(files, path)
    return put(files, path, (f"VALUE = {number(draw)}",))


def swap_files(draw: Draw, files: Files) -> Files:
    paths = modules(files)
    if len(paths) < 2:
        return add_module(draw, files)
    one, other = draw(st.permutations(paths))[:2]
    return {**files, one: files[other], other: files[one]}


def change_data(draw: Draw, files: Files) -> Files:
    path = choose(draw, (*projects.DATA, *projects.ABSENT_DATA))
    if path in files and flip(draw, 3):
        return without(files, path)
    return put(files, path, projects.data_file(draw, path))


def change_listing(draw: Draw, files: Files) -> Files:
    path = choose(draw, projects.PLUGINS)
    if path in files:
        return (
            without(files, path) if flip(draw, 2) else files | {path: projects.plugin(draw, path)}
        )
    return put(files, path, projects.plugin(draw, path))


def add_noise(draw: Draw, files: Files) -> Files:
    """What nobody imports or reads."""
    path = choose(draw, ("README.txt", "shop/4913", "alpha.py~", "plugins/notes.txt", "unused.py"))
    return put(files, path, (f"NOISE = {number(draw)}",))


def touch(draw: Draw, files: Files) -> Files:
    """The same bytes again: `Step.touched`."""
    return files


EDITS: dict[str, Edit] = {
    edit.__name__: edit
    for edit in (
        *(change_number, add_statement, add_function, remove_block, move_block, shift_lines),
        *(toggle_future_annotations, add_import, remove_import, insert_between_imports),
        *(change_leading_part, break_syntax, break_name, break_import, break_value, fix),
        *(add_module, toggle_optional, remove_module, rename_alone, rename_with_importers),
        *(
            toggle_encoding,
            toggle_line_ends,
            toggle_package,
            toggle_init,
            swap_files,
            change_data,
            change_listing,
            add_noise,
            touch,
        ),
    )
}
# These make the usual day of somebody who writes code.
OFTEN = (
    *("change_number", "change_number", "add_import", "insert_between_imports", "change_data"),
    *("toggle_optional", "rename_with_importers", "remove_module", "change_listing"),
)
KINDS = (*EDITS, *OFTEN, "revert_all", "revert_file", "several")
REPAIRS = ("fix", "revert_all", "revert_all")


@dataclass(frozen=True)
class Step:
    kind: str
    files: Files
    """The project after it."""
    manner: str
    touched: str | None = None
    """Is written again with the same bytes."""
    is_asked: bool = True
    """Is there a request after it, or only the next step?"""


def draw_step(draw: Draw, files: Files, good: Sequence[Files], is_broken: bool) -> Step:
    """An edit of `files`; `good` are earlier states that could be imported, at least one."""
    kind = choose(draw, REPAIRS if is_broken and not flip(draw, 3) else KINDS)
    manner = choose(draw, MANNERS)
    if kind == "touch":
        return Step(kind, files, manner, touched=choose(draw, sorted(files)))
    after = _apply(draw, kind, files, good)
    return Step(kind, after, manner, is_asked=not flip(draw, 8))


def _apply(draw: Draw, kind: str, files: Files, good: Sequence[Files]) -> Files:
    if kind == "revert_all":
        return choose(draw, good)
    if kind == "revert_file":
        earlier = choose(draw, good)
        path = choose(draw, sorted(earlier))
        return put(files, path, earlier[path])
    if kind == "several":
        for _ in range(draw(st_between(2, 4))):
            files = EDITS[choose(draw, tuple(EDITS))](draw, files)
        return files
    return EDITS[kind](draw, files)
