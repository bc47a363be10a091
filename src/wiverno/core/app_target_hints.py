"""Texts for app targets that lead nowhere: what was looked for, where, and what is there.

Imported only when a target has failed. It looks at files, it never imports them.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

_LISTED_NAMES_MAX = 10  # Longer lists hide the name that the reader looks for.
_SEARCHED_FILES_MAX = 200  # A hint may not take longer to find than the mistake took to make.
_PACKAGE_FILE = "__init__"
# Who looks for one of them takes the first other one that is there.
_USUAL_NAMES = ("app", "application")
_USUAL_FACTORIES = ("create_app", "make_app")


def describe_missing_module(module: str, attribute: str, error: ModuleNotFoundError) -> str:
    """Say where the module was looked for, and which one may be meant."""
    first, *others = sys.path or [""]
    places = f"Looked in {Path(first).absolute()} (first on sys.path)"
    if others:
        places += f" and {len(others)} more places"
    text = f"No module named {error.name!r}"
    if error.name != module:
        text += f" (needed for {module!r})"
    if target := _meant_with_colon(module, Path(first)):
        return f"{text}. {places}. Did you mean {target!r}?"
    # A folder in it, as `src`, may be on the path for the project's sake.
    inner = [each for each in others if Path(each).parent == Path(first)]
    candidates = [name for each in (first, *inner) for name in _module_names_below(Path(each))]
    return f"{text}. {places}. {_suggest_module(module, attribute, candidates)}"


def describe_missing_attribute(module: ModuleType, owner: object, name: str) -> str:
    """Say what the module (or the object in it) has instead of `name`."""
    place = f"module {module.__name__!r} ({_location(module)})"
    if owner is not module:
        return f"{place}: a {type(owner).__name__} has no attribute {name!r}."
    offered = list(_application_names(module))
    listed = ", ".join(offered[:_LISTED_NAMES_MAX]) if offered else "nothing that can be called"
    text = f"{place} has no attribute {name!r}; it has: {listed}."
    if meant := _meant(name, offered):
        return f"{text} Did you mean '{module.__name__}:{meant}'?"
    defining = _submodule_that_defines(module, name)
    return f"{text} Did you mean '{defining}:{name}'?" if defining else text


def describe_function(target: str, function: FunctionType) -> str:
    """Say why a function with fewer than two parameters is no WSGI application."""
    verb = "returned" if target.endswith(")") else "is"
    text = f"{target} {verb} a function that cannot take the two arguments of a WSGI application. "
    code, defaults = function.__code__, function.__kwdefaults__ or {}
    by_name = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    by_name = tuple(each for each in by_name if each not in defaults)
    required = (*code.co_varnames[: code.co_argcount - len(function.__defaults__ or ())], *by_name)
    if verb == "is" and not required:
        return f"{text}If it makes the application, write '{target}()'."
    text += "A WSGI application is called with (environ, start_response)."
    if verb == "is":
        from wiverno.core.app_target_calls import sample_call

        call = sample_call(target, required, by_name)
        text += f" If it makes the application, write it with literals as arguments: '{call}'."
    return text


def _meant(name: str, offered: list[str]) -> str | None:
    """What of this somebody may have meant who wrote `name`."""
    usual = (*_USUAL_NAMES, *_USUAL_FACTORIES)
    others = [each for each in usual if each in offered] if name in usual else []
    close = others or get_close_matches(name, offered, n=1)
    if not close:
        return None
    return f"{close[0]}()" if close[0] in _USUAL_FACTORIES else close[0]


def _meant_with_colon(module: str, folder: Path) -> str | None:
    """`main:app` for `main.app`, as Django's settings and others write it."""
    parent, _, attribute = module.rpartition(".")
    if parent and folder.joinpath(*parent.split(".")).with_suffix(".py").is_file():
        return f"{parent}:{attribute}"
    return None


def _suggest_module(module: str, attribute: str, candidates: list[str]) -> str:
    close = get_close_matches(module, candidates, n=1)
    same_ending = [name for name in candidates if name.split(".")[-1] == module.split(".")[-1]]
    if close or same_ending:
        return f"Did you mean {(close or same_ending)[0]!r}?"
    return (
        "Start wiverno in the folder that holds it, or name another module: "
        f"'myapp.main:{attribute}'."
    )


def _module_names_below(folder: Path) -> Iterator[str]:
    """Modules and packages of a folder, and the modules of those packages."""
    for entry in _source_entries(folder):
        yield entry.stem
        if entry.is_dir():
            for inner in _source_entries(entry):
                if inner.stem != _PACKAGE_FILE:
                    yield f"{entry.name}.{inner.stem}"


def _source_entries(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:  # Unreadable, or a zip on sys.path: then there is nothing to suggest.
        return []
    named = [entry for entry in entries if entry.stem.isidentifier()]
    files = [entry for entry in named if entry.suffix == ".py"]
    folders = [entry for entry in named if entry.suffix == "" and entry.is_dir()]
    return (files + folders)[:_SEARCHED_FILES_MAX]


def _location(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    if file:
        return f"file {file}"
    return f"folder {', '.join(_folders(module))}, without __init__.py"


def _folders(module: ModuleType) -> Iterable[str]:
    return list(getattr(module, "__path__", []))


def _application_names(module: ModuleType) -> Iterator[str]:
    """Public callables that belong to the module, in the order of their definition."""
    for name, value in vars(module).items():
        if not name.startswith("_") and callable(value) and not _is_imported(value, module):
            yield name


def _is_imported(value: Any, module: ModuleType) -> bool:
    # Only classes and functions know their home; an instance names the module of its class.
    if isinstance(value, type | FunctionType):
        return value.__module__ != module.__name__
    return False


def _submodule_that_defines(module: ModuleType, name: str) -> str | None:
    definition = re.compile(rf"^(?:{name}\s*[:=]|def {name}\b|class {name}\b)", re.MULTILINE)
    for folder in _folders(module):
        for entry in _source_entries(Path(folder)):
            if entry.suffix == ".py" and definition.search(_text_of(entry)):
                return f"{module.__name__}.{entry.stem}"
    return None


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # A file that cannot be read is a file that cannot be suggested.
        return ""
