"""What a process has imported, as plain data that two processes can be compared by.

Copied as `differential_dump` into a folder named `site-packages`, so that it counts as installed:
no part of the project, never in the record. It is imported by the first request, in the worker as
in the cold start, so whatever it imports itself is there in both.

Objects are compared by value, and by identity as well: the first place where a mutable object, a
function or a class is met becomes its name, every other place refers to it. So a class that is
there in two versions differs, even if both look alike.

Left out, because it is not the application's: `__main__` and wiverno's own modules, and the
variables `WIVERNO_*`; the code of a module's top level, which may be run in parts; loaders, and
the cached bytecode's path, which only say who compiled. Of the standard library what the cold
start has must be there; what else is, wiverno uses itself.
"""

import base64
import builtins
import decimal
import gc
import hashlib
import json
import logging
import marshal
import os
import random
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterable
from typing import Any

ROOT = os.environ["DIFFERENTIAL_PROJECT"]
# `__annotations__` and what else is not in `_OWN` is compared like any value.
_OWN = {"__builtins__", "__cached__", "__file__", "__loader__", "__spec__", "__path__"}
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_OF_TUPLES = {"count", "index"}
_calls = 0


def respond(
    view: Callable[[], Any], environ: dict[str, Any], start_response: Callable[..., Any]
) -> list[bytes]:
    """The WSGI answer: of the view, and what the process looks like after it."""
    body = json.dumps(answer(view)).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


def answer(view: Callable[[], Any]) -> dict[str, Any]:
    global _calls
    _calls += 1
    given = view()
    return {"calls": _calls, "answer": given, **Dump().of_process()}


class Dump:
    def __init__(self) -> None:
        self._places: dict[int, str] = {}
        # What is dumped must not be freed meanwhile: another object would get its id.
        self._alive: list[object] = []

    def of_process(self) -> dict[str, Any]:
        loaded = dict(sys.modules)
        user = {name: module for name, module in loaded.items() if is_user(module)}
        for name, module in user.items():
            self._places.setdefault(id(module), name)
        return {
            "order": list(user),
            "modules": {name: self._module(name, module) for name, module in user.items()},
            "installed": sorted(name for name, module in loaded.items() if is_installed(module)),
            "library": sorted(name for name in loaded if is_of_library(name)),
            "environment": {k: v for k, v in os.environ.items() if not k.startswith("WIVERNO_")},
            "path": list(sys.path),
            "argv": list(sys.argv),
            "cwd": relative(os.getcwd()),
            "world": self._world(user.values()),
        }

    def _world(self, user: Iterable[types.ModuleType]) -> dict[str, Any]:
        """State outside the modules of the project that their code can change."""
        names = (name for name in vars(builtins) if name.startswith("SHOP"))
        signals = sys.modules.get("blinker")
        receivers = signals.signal("ready").receivers.values() if signals is not None else ()
        is_seeded = any("ROLLS" in vars(module) for module in user)
        return {
            "filters": [repr(one) for one in warnings.filters],
            "random": digest(random.getstate()) if is_seeded else None,
            "builtins": {name: getattr(builtins, name) for name in names},
            "log level": logging.getLogger("shop").level,
            "precision": decimal.DefaultContext.prec,
            "receivers": [self.of(one, f"receiver {n}") for n, one in enumerate(receivers)],
            "sys": [getattr(sys, "shop_attribute", None), sys.getrecursionlimit()],
            "gc": [gc.isenabled(), gc.get_threshold()],
            "log handlers": [named(type(one)) for one in logging.getLogger().handlers],
            "root level": logging.getLogger().level,
            "umask": _umask(),
            "flags": _flags(),
        }

    def _module(self, name: str, module: types.ModuleType) -> dict[str, Any]:
        if self._places[id(module)] != name:
            return {"same as": self._places[id(module)]}
        # `__annotations__` is made by the first segment that has one, not by the first of all.
        ordered = sorted(vars(module).items(), key=lambda item: item[0].startswith("__"))
        names = {key: value for key, value in ordered if key not in _OWN}
        if "__warningregistry__" in names:
            # Its version counts how often anybody in the process has changed the filters.
            names["__warningregistry__"] = {**names["__warningregistry__"], "version": 0}
        spec = module.__spec__
        return {
            "names": [key for key in names if not key.startswith("__")],
            "values": {key: self.of(value, f"{name}.{key}") for key, value in names.items()},
            "file": relative(getattr(module, "__file__", None)),
            "path": [relative(path) for path in getattr(module, "__path__", ())],
            "spec": spec
            and [
                *(spec.name, spec.parent, relative(spec.origin), spec.has_location),
                *map(relative, spec.submodule_search_locations or ()),
                getattr(spec, "_initializing", False),
            ],
        }

    def of(self, value: object, place: str) -> Any:
        """`value` as plain data; `place` names it where it is met again."""
        if isinstance(value, _PLAIN) and type(value) in _PLAIN:
            return relative(value) if isinstance(value, str) else f"{value!r}"
        if type(value) is tuple and all(type(one) in _PLAIN for one in value):
            # Equal constants are one object in one compilation, which a module may be more of.
            return self._object(value, place)
        if id(value) in self._places:
            return f"-> {self._places[id(value)]}"
        self._places[id(value)] = place
        self._alive.append(value)
        if isinstance(value, types.FunctionType) and is_user_code(value.__code__):
            return self._function(value, place)
        if isinstance(value, type) and is_user_name(value.__module__):
            return self._class(value, place)
        if isinstance(value, type | types.ModuleType | types.FunctionType):
            return named(value)
        return self._object(value, place)

    def _function(self, function: types.FunctionType, place: str) -> dict[str, Any]:
        module = sys.modules.get(function.__module__)
        cells = function.__closure__ or ()
        return {
            "function": function.__qualname__,
            "code": {
                **code(function.__code__),
                # For a closer look where something of the above differs.
                "marshalled": base64.b64encode(marshal.dumps(function.__code__)).decode(),
            },
            "defaults": self.of(function.__defaults__, f"{place}()"),
            "keywords": self.of(function.__kwdefaults__, f"{place}(*)"),
            "annotations": self.of(function.__annotations__, f"{place}:"),
            "closure": [self.of(cell.cell_contents, f"{place} cell") for cell in cells],
            "dict": self.of(vars(function), f"{place} dict"),
            "is of its module": module is not None and vars(module) is function.__globals__,
        }

    def _class(self, kind: type, place: str) -> dict[str, Any]:
        own = {
            name: self.of(value, f"{place}.{name}")
            for name, value in vars(kind).items()
            # The one is a descriptor, the other made by garbage collection's order.
            if name not in {"__dict__", "__weakref__"}
        }
        mro = [self.of(base, f"{place} mro {n}") for n, base in enumerate(kind.__mro__)]
        return {"class": named(kind), "mro": mro, "own": own}

    def _object(self, value: object, place: str) -> Any:
        kind = named(type(value))
        if isinstance(value, dict):
            items = enumerate(value.items())
            pairs = [
                [self.of(k, f"{place} {n}k"), self.of(v, f"{place} {n}")] for n, (k, v) in items
            ]
            return {kind: pairs, **self._attributes(value, place)}
        if isinstance(value, list | tuple):
            return {kind: [self.of(one, f"{place}[{n}]") for n, one in enumerate(value)]}
        if isinstance(value, set | frozenset):
            return {kind: sorted(repr(one) for one in value)}
        if isinstance(value, str | bytes | int | re.Pattern):
            return {kind: str(value)}
        if isinstance(value, property):
            parts = (value.fget, value.fset, value.fdel)
            return {kind: [self.of(part, f"{place} {n}") for n, part in enumerate(parts)]}
        wrapped = getattr(value, "__wrapped__", None) or getattr(value, "__func__", None)
        if wrapped is not None:
            return {kind: self.of(wrapped, f"{place} wrapped")}
        return {kind: self._attributes(value, place)}

    def _attributes(self, value: object, place: str) -> dict[str, Any]:
        # Inside of what is not of the project is nothing that its code has made.
        if not is_user_name(type(value).__module__) and type(value).__name__ != "Field":
            return {}
        return {
            name: self.of(one, f"{place}.{name}")
            for name, one in getattr(value, "__dict__", {}).items()
        }


def code(of: types.CodeType) -> dict[str, Any]:
    consts = [
        code(one) if isinstance(one, types.CodeType) else constant(one) for one in of.co_consts
    ]
    parts = (of.co_code, of.co_names, of.co_varnames, of.co_freevars, of.co_cellvars, of.co_flags)
    shape = (of.co_argcount, of.co_posonlyargcount, of.co_kwonlyargcount, of.co_qualname)
    lines = (of.co_firstlineno, list(of.co_positions()))
    return {
        "code": digest((parts, shape)),
        "consts": consts,
        "file": relative(of.co_filename),
        "line": of.co_firstlineno,
        "lines": digest(lines),
    }


def constant(value: object) -> str:
    """`repr`, but of a frozenset in an order that does not hang on the seed of hashes."""
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value)


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def named(value: Any) -> str:
    name = getattr(value, "__qualname__", None) or value.__name__
    return f"{getattr(value, '__module__', '')}:{name}"


def relative(path: Any) -> Any:
    return path.replace(ROOT, "PROJECT") if isinstance(path, str) else path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flags() -> dict[str, Any]:
    # The cold start writes no bytecode: it would take it for the next save's.
    names = [name for name in dir(sys.flags) if name[0] != "_" and name != "dont_write_bytecode"]
    flags = {name: repr(getattr(sys.flags, name)) for name in names if name not in _OF_TUPLES}
    return {**flags, "-W": sys.warnoptions, "-X": sorted(sys._xoptions)}


def _places(module: Any) -> list[str]:
    if module is sys.modules["__main__"]:
        return []
    paths: list[object] = [getattr(module, "__file__", None)]
    # A path of a namespace package looks for its parent when it is read.
    try:
        paths += list(getattr(module, "__path__", ()))
    except KeyError:
        return []
    return [path for path in paths if isinstance(path, str)]


def is_user(module: Any) -> bool:
    return any(path.startswith(ROOT + os.sep) for path in _places(module))


def is_installed(module: Any) -> bool:
    return any("/site-packages/" in path for path in _places(module))


def is_of_library(name: str) -> bool:
    # `runpy` is what `python -m` itself uses.
    return name.partition(".")[0] in sys.stdlib_module_names and name != "runpy"


def is_user_code(of: types.CodeType) -> bool:
    return of.co_filename.startswith((ROOT + os.sep, "<string>"))


def is_user_name(name: str) -> bool:
    return name in sys.modules and is_user(sys.modules[name])
