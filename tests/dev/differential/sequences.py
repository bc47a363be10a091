"""Edits written by hand: each needs one thing to be in the record, or to be checked."""

from tests.dev.differential import projects
from tests.dev.differential.projects import Blocks, Files


def entry(*blocks: str) -> Blocks:
    return (*blocks, projects.VIEW, projects.APPLICATION)


BELOW = (
    *("import shop.models as models", "LATER = models.VALUE"),
    *("import shop.views as views", "def answer_views():\n    return views.VALUE"),
)
"""Imports that follow on what a sequence changes: a snapshot may be taken before each."""
SHOP: Files = {
    "shop/__init__.py": (),
    "shop/models.py": ("import os", "VALUE = os.environ.get('SHOP_MODE')"),
    "shop/views.py": ("from shop.models import VALUE",),
}

TRIED = "try:\n    import local_settings\nexcept ImportError:\n    local_settings = None"
ENTRY_WITH_TRIED = entry(TRIED, "VALUE = getattr(local_settings, 'VALUE', 10)", *BELOW)
# In the second last state the entry changes as well, below what was imported before.
MISSING_NAMES: list[Files] = [
    {"run.py": ENTRY_WITH_TRIED, **SHOP},
    {"run.py": ENTRY_WITH_TRIED, "local_settings.py": ("VALUE = 20",), **SHOP},
    {"run.py": ENTRY_WITH_TRIED, **SHOP},
    {
        "run.py": ("# coding: utf-8", *ENTRY_WITH_TRIED),
        "local_settings.py": ("VALUE = 20",),
        **SHOP,
    },
    {
        "run.py": (*ENTRY_WITH_TRIED, "VALUE += 1"),
        "local_settings/__init__.py": ("VALUE = 30",),
        "local_settings.py": ("VALUE = 20",),
        **SHOP,
    },
    {"run.py": ENTRY_WITH_TRIED, **SHOP},
]

ENTRY_WITH_PLUGINS = entry(projects.PLUGIN_LOOP, *BELOW)
FIRST: Files = {"plugins/first.py": ("VALUE = 10",)}
SECOND: Files = {"plugins/second.py": ("VALUE = 20",)}
LISTINGS: list[Files] = [
    {"run.py": ENTRY_WITH_PLUGINS, **SHOP, **FIRST},
    {"run.py": ENTRY_WITH_PLUGINS, **SHOP, **FIRST, **SECOND},
    {"run.py": ENTRY_WITH_PLUGINS, **SHOP, **SECOND},
    {"run.py": (*ENTRY_WITH_PLUGINS, "VALUE = 1"), **SHOP, **FIRST, **SECOND},
    {"run.py": ENTRY_WITH_PLUGINS, **SHOP},
]

# What it asks for without listing it: a folder that is absent, a name in each folder.
GLOBS = (
    "from pathlib import Path",
    "from glob import glob",
    "NAMES = sorted(map(str, Path('plugins').glob('*.txt')))",
    "OTHERS = sorted(map(str, Path().glob('plugins/*/names.txt')))",
    "EACH = sorted(glob('*/names.txt'))",
)
ENTRY_WITH_GLOBS = entry(*GLOBS, *BELOW)
ABSENT_FOLDERS: list[Files] = [
    {"run.py": ENTRY_WITH_GLOBS, **SHOP},
    {"run.py": ENTRY_WITH_GLOBS, **SHOP, "plugins/first.txt": ("10",)},
    {"run.py": ENTRY_WITH_GLOBS, **SHOP, "plugins/names.txt": ("10",)},
    {"run.py": ENTRY_WITH_GLOBS, **SHOP, "plugins/more/names.txt": ("10",)},
    {"run.py": ENTRY_WITH_GLOBS, **SHOP, "shop/names.txt": ("10",)},
    {"run.py": ENTRY_WITH_GLOBS, **SHOP},
]

READ = "try:\n    VALUE = open('data/words.txt').read()\nexcept OSError:\n    VALUE = None"
ENTRY_WITH_DATA = entry("import os", READ, "os.environ['SHOP_MODE'] = str(VALUE)", *BELOW)
DATA: list[Files] = [
    {"run.py": ENTRY_WITH_DATA, **SHOP},
    {"run.py": ENTRY_WITH_DATA, **SHOP, "data/words.txt": ("10",)},
    {"run.py": ENTRY_WITH_DATA, **SHOP, "data/words.txt": ("20",)},
    {"run.py": (*ENTRY_WITH_DATA, "LAST = 1"), **SHOP, "data/words.txt": ("30",)},
    {"run.py": ENTRY_WITH_DATA, **SHOP},
]


def leading(*blocks: str) -> Files:
    """The project whose entry begins with `blocks`; everything below stays."""
    return {"run.py": entry(*blocks, *BELOW), **SHOP}


# Each step would be told by nothing but the bytes of the entry above its imports.
LEADING_PART: list[Files] = [
    leading("import os", "os.environ['SHOP_MODE'] = '10'", "import markupsafe"),
    leading("import os", "os.environ['SHOP_MODE'] = '20'", "import markupsafe"),
    leading("import os", "os.environ['SHOP_MODE'] = '20'", "import blinker"),
    leading("import os", "import blinker"),
    leading("import os", "import blinker", "STATE = [30]"),
    leading("import os", "import random", "random.seed(30)", "ROLLS = [random.random()]"),
    leading("import os", "import random", "ROLLS = [random.seed(31), random.random()]"),
    leading("import os", "import blinker", "blinker.signal('ready').connect(len, weak=False)"),
    leading("import os", "import blinker", "blinker.signal('ready')"),
    leading("import os", "import warnings", "warnings.simplefilter('ignore')"),
    leading("from __future__ import annotations", "import os"),
    # Right only where a part is compiled for itself, and no docstring.
    leading("import os", "from __future__ import annotations"),
    leading("import os", "'A string that is no docstring.'"),
    leading("import os"),
]


def between(*, above: str = "", below: str = "", models: str = "", views: str = "") -> Files:
    """A stack of imports three modules deep, with statements above and below each import."""
    return {
        "run.py": entry(
            *("import os", "import markupsafe", f"os.environ['SHOP_MODE'] = '10'{above}"),
            *("import shop.models as models", f"STATE = [10]{below}", "import shop.views as views"),
            "def answer_all():\n    return [models.VALUE, views.VALUE, models.COUNT]",
        ),
        "shop/__init__.py": ("COUNT = [0]", "from shop.parts import deep", "COUNT[0] += 1"),
        "shop/parts.py": (f"import os\nMODE = os.environ['SHOP_MODE']{models}", "deep = [MODE]"),
        "shop/models.py": (
            *("import shop", "shop.COUNT[0] += 1", "def above(by=10):\n    return by"),
            # Equal constants above and below an import are one object in a cold start only.
            *("import shop.parts as parts", "def below(by=10):\n    return by"),
            *(f"VALUE = parts.MODE{models}", "from shop.late import LATE", "COUNT = shop.COUNT"),
        ),
        "shop/late.py": ("import shop\nLATE = shop.COUNT[0]",),
        "shop/views.py": ("import shop", "shop.COUNT[0] += 1", f"VALUE = 10{views}"),
    }


# Back and forth over the same places, so that what was kept of one state meets the next one.
MIDDLE_OF_THE_STACK: list[Files] = [
    between(),
    between(views=" + 1"),
    between(views=" + 2"),
    between(models=" + '1'"),
    between(models=" + '1'", views=" + 2"),
    between(below=" * 2"),
    between(below=" * 2", views=" + 3"),
    between(above=" + '1'", below=" * 2", views=" + 3"),
    between(above=" + absent", views=" + 3"),
    between(views=" + 3"),
    between(views=" + absent"),
    between(),
]

TRIED_BEFORE = (
    "try:\n    import shop.late as tried\nexcept ImportError:\n    tried = None",
    "import shop.late as late",
)


def executed_twice(rest: str) -> Files:
    """A module whose import fails is tried again, further below."""
    late = ("import os", "VALUE = 10", "import markupsafe", rest)
    return {"run.py": entry(*TRIED_BEFORE, *BELOW), **SHOP, "shop/late.py": late}


EXECUTED_TWICE: list[Files] = [
    executed_twice("from os import absent"),
    executed_twice("OTHER = 10"),
    executed_twice("from os import absent"),
    executed_twice("OTHER = 20"),
]

REQUESTS = (
    *(
        "COUNT = [0]",
        "def answer_page():\n    COUNT[0] += 1\n    return open('data/page.html').read()",
    ),
    "def answer_late():\n    import late\n    return [late.VALUE, COUNT]",
    "import random\nrandom.seed(10)\nROLLS = [random.random()]",
    "def answer_roll():\n    return random.random()",
)


def asked(page: str, *, late: str = "10", words: str = "10", below: str = "") -> Files:
    """A page and a module that only requests read, and a file that the import reads as well."""
    blocks = ("import os", READ, *REQUESTS, *BELOW, "def answer_words():\n    return VALUE")
    return {
        "run.py": entry(*blocks, f"LAST = 10{below}"),
        "late.py": ("import os", f"VALUE = {late}", "os.environ['LATE'] = str(VALUE)"),
        "data/page.html": (page,),
        "data/words.txt": (words,),
        **SHOP,
    }


# All is imported when the first of them is read: a snapshot at the end meets each other edit.
READ_BY_REQUESTS: list[Files] = [
    asked("one"),
    asked("two"),
    asked("three"),
    asked("three", late="20"),
    asked("four", late="30"),
    asked("four", late="30", words="20"),
    asked("five", late="30", words="20"),
    asked("five", late="30", words="20", below=" + 1"),
    asked("six", late="30", words="20", below=" + 1"),
    {key: value for key, value in asked("six").items() if key != "data/page.html"},
    asked("seven"),
]

SEQUENCES: dict[str, list[Files]] = {
    "missing names": MISSING_NAMES,
    "listings": LISTINGS,
    "absent folders": ABSENT_FOLDERS,
    "data": DATA,
    "leading part": LEADING_PART,
    "middle of the stack": MIDDLE_OF_THE_STACK,
    "executed twice": EXECUTED_TWICE,
    "read by requests": READ_BY_REQUESTS,
}

# What a worker could have that a cold start has not, each done in the worker alone: "left" is
# left over from an earlier version. The comparison must tell every one.
DAMAGES: dict[str, str] = {
    "environment left": "os.environ['LEFT'] = '1'",
    "environment lost": "del os.environ['SHOP_MODE']",
    "path left": "sys.path.append('/left')",
    "directory": "os.chdir('shop')",
    "installed module left": "import blinker",
    "library module lost": "del sys.modules['fractions']",
    "module left": "import shop.left; del shop.left",
    "order": "sys.modules['shop.models'] = sys.modules.pop('shop.models')",
    "attribute of a package lost": "del shop.views",
    "module in two versions": "importlib.reload(models)",
    "class in two versions": "views.Thing = type('Thing', (), dict(vars(views.Thing)))",
    "code": "models.grow.__code__ = (lambda by=10: by + 11).__code__",
    "line": "models.grow.__code__ = models.grow.__code__.replace(co_firstlineno=99)",
    "default": "models.grow.__defaults__ = (11,)",
    "annotation": "models.grow.__annotations__['by'] = 'int'",
    "value": "models.VALUE += 1",
    "state": "models.REGISTRY.append(models.grow)",
    "order of names": "models.VALUE = vars(models).pop('VALUE')",
    "method": "models.Thing.more = lambda self: 10",
    "warnings": "warnings.simplefilter('ignore')",
    "random": "random.seed()",
    "recursion of imports": "models.__spec__._initializing = True",
}


def damaged(damage: str) -> Files:
    return {
        "run.py": entry(
            "import fractions, importlib, os, random, sys, warnings",
            "os.environ['SHOP_MODE'] = '10'\nrandom.seed(10)\nROLLS = [random.random()]",
            "import shop, shop.models as models, shop.views as views",
            f"def damage():\n    {damage}",
            "if 'WIVERNO_SESSION' in os.environ:\n    damage()",
        ),
        "shop/__init__.py": (),
        "shop/models.py": (
            *("VALUE = 10", "REGISTRY = []", "def grow(by: float = 10):\n    return by + 10"),
            "class Thing:\n    size = VALUE",
        ),
        "shop/views.py": ("from shop.models import Thing",),
        "shop/left.py": (),
    }
