"""Hypothesis draws a project: files, each a sequence of blocks of source text.

Everything is deterministic, so that two starts of one project must agree exactly. Every module
defines some of the same few names (`VALUE`, `COUNT`, `register`, `total`, `Thing`), so that
whatever imports them still finds something after most edits, and two modules can be swapped.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

from hypothesis import strategies as st

from tests.dev.differential.installed import USES

T = TypeVar("T")

Blocks: TypeAlias = tuple[str, ...]
Files: TypeAlias = dict[str, Blocks]
"""Path below the project to the blocks of the file. Functions here return new ones."""

ENTRY = "run.py"


class Draw(Protocol):
    def __call__(self, strategy: st.SearchStrategy[T], /) -> T: ...


# Groups stay together and in order: a package before what lies in it.
GROUPS: tuple[tuple[str, ...], ...] = (
    ("alpha.py",),
    ("shop/__init__.py", "shop/models.py", "shop/views.py"),
    ("space/one.py", "space/two.py"),
    ("beta.py",),
    ("shop/parts/__init__.py", "shop/parts/deep.py"),
    ("gamma.py",),
    ("lib/extra.py",),
    ("delta.py", "epsilon.py"),
)
OPTIONAL = ("local_settings.py", "shop/local.py", "space/three.py", "optional/__init__.py")
"""Modules that are asked for while they are absent."""
PLUGINS = ("plugins/first.py", "plugins/second.py", "plugins/third.py")
DATA = ("data/settings.json", "data/words.txt", "shop/notes.txt", ".env")
ABSENT_DATA = ("data/extra.txt", "data/more/deep.txt")


def render(blocks: Blocks) -> str:
    return "\n".join(blocks) + "\n" if blocks else ""


def dotted(path: str) -> str:
    """The name by which `path` is imported; `lib` is put on `sys.path`."""
    name = path.removeprefix("lib/").removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


def is_module(path: str) -> bool:
    return path.endswith(".py") and path != ENTRY


def modules(files: Mapping[str, Blocks]) -> list[str]:
    return [path for path in files if is_module(path)]


def choose(draw: Draw, of: Sequence[T]) -> T:
    return draw(st.sampled_from(of))


def flip(draw: Draw, one_in: int) -> bool:
    """True once in `one_in`."""
    return draw(st.integers(0, one_in - 1)) == one_in - 1


def number(draw: Draw) -> int:
    """Always of two digits: edits keep the size of a file."""
    return draw(st.integers(10, 99))


def project(draw: Draw) -> Files:
    """A project of 3 to 15 modules whose entry is `run.py` and whose application `run:app`."""
    groups = draw(st.permutations(GROUPS))[: draw(st.integers(3, len(GROUPS)))]
    paths = [path for group in groups for path in group]
    if "shop/parts/__init__.py" in paths and "shop/__init__.py" not in paths:
        paths.insert(0, "shop/__init__.py")
    paths.sort(key=lambda path: path.startswith("shop/parts"))
    files: Files = {}
    for position, path in enumerate(paths):
        files[path] = module(draw, path, paths[position + 1 :], paths[:position])
    for path in PLUGINS[: draw(st.integers(0, 2))]:
        files[path] = plugin(draw, path)
    for path in DATA:
        if not flip(draw, 3):
            files[path] = data_file(draw, path)
    files[ENTRY] = entry(draw, paths)
    return files


def data_file(draw: Draw, path: str) -> Blocks:
    if path.endswith(".json"):
        return (f'{{"limit": {number(draw)}}}',)
    return (f"WORD={number(draw)}",)


def plugin(draw: Draw, path: str) -> Blocks:
    return (f"NAME = {dotted(path)!r}", f"VALUE = {number(draw)}")


def module(draw: Draw, path: str, later: Sequence[str], earlier: Sequence[str] = ()) -> Blocks:
    """A module that imports some of `later`, and at its end perhaps one of `earlier`."""
    blocks = [f'"""The module {dotted(path)}, {number(draw)}."""']
    if flip(draw, 3):
        blocks.append("from __future__ import annotations")
    body = own_names(draw)
    for other in draw(st.permutations(later))[: draw(st.integers(0, 3))]:
        imports, uses = dependency(draw, path, other)
        blocks.append(imports)
        body += uses
    for make in draw(st.lists(st.sampled_from(EXTRAS), max_size=2)):
        body.append(make(draw, path))
    if earlier and flip(draw, 4):
        other = dotted(choose(draw, earlier))
        body.append(f"import {other} as back_{alias(other)}")
    return (*blocks, *body)


def own_names(draw: Draw) -> list[str]:
    blocks = [
        f"VALUE = {number(draw)}",
        "COUNT = [0]\nREGISTRY = []",
        "def register(function):\n    REGISTRY.append(function)\n    return function",
        f"def total(more: int = {number(draw)}, *names: str, flag: bool = False) -> int:\n"
        f"    return VALUE + more * {number(draw)} + len(REGISTRY)",
        choose(draw, CLASSES).replace("NUMBER", str(number(draw))),
    ]
    if flip(draw, 3):
        blocks.insert(0, '__all__ = ["VALUE", "COUNT", "REGISTRY", "register", "total", "Thing"]')
    return blocks


CLASSES = (
    "class Thing:\n    size = NUMBER\n\n"
    "    def grow(self, by=size):\n        return self.size + by",
    "from dataclasses import dataclass, field\n\n@dataclass\nclass Thing:\n"
    "    size: int = NUMBER\n    parts: list[int] = field(default_factory=list)",
    "SUBCLASSES = []\n\nclass Thing:\n    size = NUMBER\n\n"
    "    def __init_subclass__(cls, **words):\n"
    "        super().__init_subclass__(**words)\n        SUBCLASSES.append(cls.__name__)",
    "class Mixin:\n    @property\n    def twice(self) -> int:\n        return self.size * 2\n\n"
    "class Thing(Mixin, dict):\n    size = NUMBER",
    "class Thing(Exception):\n    __slots__ = ('code',)\n    size = NUMBER",
)


def alias(name: str) -> str:
    return name.replace(".", "_")


def dependency(draw: Draw, path: str, other: str) -> tuple[str, list[str]]:
    """The import of `other` in `path`, and what is done with it."""
    name = dotted(other)
    form = choose(draw, FORMS)
    imports, uses = form(draw, name)
    folder = os.path.dirname(path).replace("/", ".")
    if folder and name.startswith(folder + ".") and folder != "lib" and flip(draw, 2):
        rest = name.removeprefix(folder + ".")
        imports = imports.replace(f"from {name} import", f"from .{rest} import")
        if "." not in rest:
            imports = imports.replace(f"import {name} as", f"from . import {rest} as")
    return imports, uses


def _whole(draw: Draw, name: str) -> tuple[str, list[str]]:
    short = alias(name)
    uses = [
        f"{short}.COUNT[0] += 1\nORDER_{short} = {short}.COUNT[0]",
        f"@{short}.register\ndef handle_{short}(value={short}.VALUE):\n"
        f"    return value + {number(draw)}",
        f"class Child_{short}({short}.Thing):\n    extra = {number(draw)}",
        f"def answer_{short}():\n    return {short}.total({number(draw)})",
    ]
    count = draw(st.integers(1, len(uses)))
    return f"import {name} as {short}", list(draw(st.permutations(uses))[:count])


def _names(draw: Draw, name: str) -> tuple[str, list[str]]:
    short = alias(name)
    return f"from {name} import VALUE as value_{short}, Thing as Thing_{short}", [
        f"SUM_{short}: int = value_{short} + {number(draw)}",
        f"class Sub_{short}(Thing_{short}):\n    size = value_{short}",
        f"THING_{short} = Thing_{short}()",
    ]


def _star(draw: Draw, name: str) -> tuple[str, list[str]]:
    return f"from {name} import *", [f"STAR_{alias(name)} = VALUE + {number(draw)}"]


def _late(draw: Draw, name: str) -> tuple[str, list[str]]:
    short = alias(name)
    text = f"def late_{short}():\n    from {name} import VALUE\n    return VALUE + {number(draw)}"
    return text, [f"LATE_{short} = late_{short}()"]


def _lazy(draw: Draw, name: str) -> tuple[str, list[str]]:
    short = alias(name)
    text = f"def answer_lazy_{short}():\n    import {name}\n    return {name}.VALUE"
    return text, [f"LAZY_{short} = {number(draw)}"]


def _tried(draw: Draw, name: str) -> tuple[str, list[str]]:
    short = alias(name)
    text = (
        f"try:\n    import {name} as tried_{short}\n    WHY_{short} = ''\n"
        f"except ImportError as error:\n    tried_{short} = None\n    WHY_{short} = str(error)"
    )
    return text, [f"HAS_{short} = getattr(tried_{short}, 'VALUE', {number(draw)})"]


def _if_mode(draw: Draw, name: str) -> tuple[str, list[str]]:
    short = alias(name)
    text = (
        f"import os\nif os.environ.get('SHOP_MODE', '') > '{number(draw)}':\n"
        f"    import {name} as mode_{short}\nelse:\n    mode_{short} = None"
    )
    return text, [f"MODE_{short} = mode_{short} is None"]


def _by_name(draw: Draw, name: str) -> tuple[str, list[str]]:
    short = alias(name)
    text = f"import importlib\n\nnamed_{short} = importlib.import_module({name!r})"
    return text, [f"def answer_named_{short}():\n    return named_{short}.VALUE"]


def _asked(draw: Draw, name: str) -> tuple[str, list[str]]:
    short = alias(name)
    text = (
        f"import importlib.util\n\nFOUND_{short} = importlib.util.find_spec({name!r}) is not None"
    )
    return text, []


Form: TypeAlias = Callable[[Draw, str], tuple[str, list[str]]]
FORMS: tuple[Form, ...] = (
    *(_whole, _whole, _names, _names, _star, _late, _lazy, _tried, _if_mode, _by_name, _asked),
)


def _optional(draw: Draw, path: str) -> str:
    return _tried(draw, dotted(choose(draw, OPTIONAL)))[0]


def _getattr(draw: Draw, path: str) -> str:
    return (
        "def __getattr__(name):\n    if name.startswith('dynamic_'):\n"
        f"        return name.upper() + '{number(draw)}'\n"
        "    raise AttributeError(name)\n\n"
        f"import {dotted(path)} as itself\nDYNAMIC = itself.dynamic_colour"
    )


def _read(draw: Draw, path: str) -> str:
    """A file that may be absent.

    Not asked for by `os.path.exists`, which raises no audit event: such a file that appears
    is a documented exception. `.env` is none, it is always followed.
    """
    name = choose(draw, (*DATA, *ABSENT_DATA))
    label = re.sub(r"\W", "_", name)
    if flip(draw, 4):
        # As a template: an import that has not read it can be resumed at its end.
        return (
            f"def answer_{label}():\n    with open({name!r}) as file:\n        return file.read()"
        )
    return (
        f"try:\n    with open({name!r}) as file:\n        DATA_{label} = file.read()\n"
        f"except OSError:\n    DATA_{label} = None"
    )


def _read_beside(draw: Draw, path: str) -> str:
    name = choose(draw, ("notes.txt", "settings.json"))
    return (
        "from pathlib import Path\n\ntry:\n"
        f"    BESIDE = (Path(__file__).parent / {name!r}).read_text()\n"
        "except FileNotFoundError:\n    BESIDE = ''"
    )


def _listing(draw: Draw, path: str) -> str:
    how = choose(
        draw,
        (
            "import os\nNAMES = sorted(os.listdir('plugins'))",
            "import glob\nNAMES = sorted(glob.glob('plugins/*.py'))",
            "from pathlib import Path\nNAMES = sorted(map(str, Path('plugins').glob('*.py')))",
            # Of a folder that is there: it asks first, by a call that leaves no trace.
            "import os, pkgutil\nFOLDERS = [os.path.dirname(__file__)]\n"
            "NAMES = sorted(one.name for one in pkgutil.iter_modules(FOLDERS))",
            "import os\nNAMES = sorted(entry.name for entry in os.scandir('data'))",
        ),
    )
    # A folder that is not there stops the scan, not the import.
    body = "\n".join("    " + line for line in how.splitlines())
    return f"try:\n{body}\nexcept FileNotFoundError:\n    NAMES = []"


def _environment(draw: Draw, path: str) -> str:
    return choose(
        draw,
        (
            "import os\nMODE = os.environ.get('SHOP_MODE', 'none')",
            f"import os\nos.environ.setdefault('SHOP_LATE', '{number(draw)}')",
            f"import os\nos.environ['SHOP_MODE'] = '{number(draw)}'",
        ),
    )


def _world(draw: Draw, path: str) -> str:
    """What is not in any module of the project, and must begin anew with each start."""
    value = number(draw)
    return choose(
        draw,
        (
            f"import random\nrandom.seed({value})\nROLLS = [random.random() for _ in range(3)]",
            f"import warnings\nwarnings.filterwarnings('ignore', message='shop {value}')",
            f"import logging\nlogging.getLogger('shop').setLevel({value})",
            f"import blinker\nblinker.signal('ready').connect(lambda sender: {value}, weak=False)",
            f"import builtins\nbuiltins.SHOP_{value} = {value}",
            f"import decimal\ndecimal.DefaultContext.prec = {value}",
            f"import functools\n\n@functools.lru_cache\ndef cached(x={value}):\n    return x",
            f"import sys\nsys.shop_attribute = {value}",
            f"import sys\nsys.setrecursionlimit(10{value})",
            f"import gc\ngc.set_threshold({value}0)",
            f"import logging\nlogging.basicConfig(level={value})",
            f"import os\nos.umask({value % 8})",
            f"import warnings\nwarnings.warn('shop {value}')",
            "import threading\nended = threading.Thread(target=list)\nended.start()\nended.join()",
        ),
    )


def _looks(draw: Draw, path: str) -> str:
    """Looks at what is there while it is imported, or at its own source."""
    return choose(
        draw,
        (
            "import run as entry_itself\n"
            "SEEN = sorted(name for name in vars(entry_itself) if name[0] != '_')",
            "import sys\nLOADED = 'shop.models' in sys.modules, 'shop.views' in sys.modules",
            "def answer_source():\n    import inspect\n    return inspect.getsource(total)",
            "import sys\nFRAMES = []\nframe = sys._getframe()\nwhile frame:\n"
            "    if frame.f_code.co_filename.startswith(__file__[:-9]):\n"
            "        FRAMES.append((frame.f_code.co_name, frame.f_lineno))\n"
            "    frame = frame.f_back\ndel frame",
            "def where():\n    import sys\n    return sys._getframe(1).f_lineno\nLINE = where()",
        ),
    )


def _installed(draw: Draw, path: str) -> str:
    return choose(draw, USES).replace("NUMBER", str(number(draw)))


EXTRAS: tuple[Callable[[Draw, str], str], ...] = (
    *(_optional, _getattr, _read, _read_beside, _listing, _environment, _world, _looks),
    *(_world, _looks, _optional, _installed, _installed),
)

LEADING = (
    "import json\nimport sys",
    "import os",
    "import markupsafe",
    "from blinker import signal",
    "import click",
    "import collections, itertools",
    "import itsdangerous",
    "import fractions",
    "import six\nfrom six.moves import configparser",
    "import fake_plain",
    "import fake_settings",
    "from fake_package import inner as fake_inner",
)
"""Import lines of the entry that need nothing of the project."""


def between(draw: Draw) -> str:
    """A statement of the kind that stands between the imports of an entry module."""
    value = number(draw)
    return choose(
        draw,
        (
            f"import os\nos.environ['SHOP_MODE'] = '{value}'",
            f"import os\nos.environ['SHOP_EARLY'] = '{value}'",
            f"STATE = [{value}]",
            f"import random\nrandom.seed({value})",
            f"import warnings\nwarnings.simplefilter('ignore', ResourceWarning, {value})",
            f"for position in range({value}):\n    LAST = position",
            "import sys\nsys.path.append('/nonexistent')",
            # What a cut into parts could take for a docstring, or tear apart.
            f"'A string between imports, {value}.'",
            f"import os; AFTER_{value} = os.sep; import string",
            f"from os.path import (  # {value}\n    join,\n    split as \\\n    split_path,\n)",
            f"LATER: list[int] = [{value}]",
            f"if STATE_{value} := {value}:\n    import string as text",
            f"with open(__file__) as itself: FIRST = itself.readline(); import string as s_{value}",
            _read(draw, ENTRY),
            _listing(draw, ENTRY),
            _installed(draw, ENTRY),
        ),
    )


LIB = (
    "import os, sys\n"
    "sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))"
)

PLUGIN_LOOP = (
    "import glob, importlib, os\n"
    "PLUGINS = [\n"
    "    importlib.import_module('plugins.' + os.path.basename(path)[:-3])\n"
    "    for path in sorted(glob.glob('plugins/[a-z]*.py'))\n"
    "]"
)

VIEW = """\
def view():
    import sys

    answers = []
    for name, module in sorted({**globals(), "run": sys.modules[__name__]}.items()):
        for key, function in sorted(getattr(module, "__dict__", {}).items()):
            if key.startswith("answer_") and hasattr(module, "__spec__"):
                try:
                    answers.append([name, key, str(function())])
                except Exception as error:
                    answers.append([name, key, f"{type(error).__name__}: {error}"])
    return answers"""

APPLICATION = """\
def app(environ, start_response):
    import differential_dump

    return differential_dump.respond(view, environ, start_response)"""


def entry(draw: Draw, paths: Sequence[str]) -> Blocks:
    """Leading imports, statements between imports, more imports, and the application."""
    blocks = ['"""The entry."""', LEADING[0]]
    if flip(draw, 4):
        blocks.insert(1, "from __future__ import annotations")
    blocks += draw(st.lists(st.sampled_from(LEADING[1:]), max_size=4, unique=True))
    if "lib/extra.py" in paths:
        blocks.append(LIB)
    if flip(draw, 3):
        blocks.append(f"import os\nos.environ['SHOP_MODE'] = '{number(draw)}'")
    for _ in range(draw(st.integers(0, 2))):
        blocks.append(_installed(draw, ENTRY))
    body: list[str] = []
    for position, path in enumerate(draw(st.permutations(paths))):
        if position and flip(draw, 3):
            blocks.append(between(draw))
        if flip(draw, 4):
            continue
        imports, uses = dependency(draw, ENTRY, path)
        blocks.append(imports)
        body += uses
    if not flip(draw, 3):
        blocks.append(PLUGIN_LOOP)
    if flip(draw, 4):
        body.append(_optional(draw, ENTRY))
    return (*blocks, f"VALUE = {number(draw)}", *body, VIEW, APPLICATION)
