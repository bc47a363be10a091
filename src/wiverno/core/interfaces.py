"""Which interface an application has: WSGI, or one of the two forms of ASGI. Pure.

Told by looking, never by calling: to call an application is to send it a request. The dev
worker runs this at every restart, so it names no module that only ASGI needs, and `inspect`
neither.
"""

from enum import Enum
from functools import partial
from types import FunctionType, MethodType
from typing import Any, assert_never

from wiverno.core.asgi_types import ASGIApplication, Receive, Scope, Send
from wiverno.core.exceptions import WivernoError

INTERFACE_CHOICES = ("auto", "wsgi", "asgi")

# Flags of code objects, by the names that `inspect` has for them.
_CO_VARARGS = 0x04
_CO_COROUTINE = 0x80
_CO_ITERABLE_COROUTINE = 0x100
# What `inspect.markcoroutinefunction` sets, and asgiref and asyncio before Python 3.12.
_MARKS = ("_is_coroutine_mark", "_is_coroutine")
# Partials of wrappers of partials: nobody nests them deeper on purpose.
_MOST_LAYERS = 50


class Interface(Enum):
    """How a server calls an application."""

    WSGI = "WSGI"
    """`application(environ, start_response)`, PEP 3333."""
    ASGI3 = "ASGI"
    """`await application(scope, receive, send)`."""
    ASGI2 = "ASGI 2"
    """`await application(scope)(receive, send)`, the form before 2019."""


class InterfaceChoiceError(WivernoError, ValueError):
    """An interface was named that there is not."""


def choose_interface(choice: str, application: object) -> Interface:
    """What `--interface` says; `auto` is what the application looks like."""
    if choice not in INTERFACE_CHOICES:
        wanted = ", ".join(map(repr, INTERFACE_CHOICES))
        raise InterfaceChoiceError(f"interface={choice!r} is not a choice. Use one of {wanted}.")
    if choice == "wsgi":
        return Interface.WSGI
    found = detect_interface(application)
    # Named by the user: what cannot be told by looking is the form of today.
    return Interface.ASGI3 if choice == "asgi" and found is Interface.WSGI else found


def detect_interface(application: object) -> Interface:
    """ASGI for what is called to be awaited; anything else is WSGI.

    The rules of uvicorn, and with them those of most frameworks: a coroutine function, an
    object whose `__call__` is one, a class whose objects are awaited; through partials and
    decorators. The older form is told by its one parameter, `scope`.
    """
    one: Any = application
    for _ in range(_MOST_LAYERS):
        # By its type: an object may be a proxy that has nothing to stand for, and say so with
        # an error whatever it is asked.
        kind = type(one)
        if issubclass(kind, partial):
            one = one.func
            continue
        if issubclass(kind, type):
            return _interface_of_class(one)
        function = _function_of(one)
        found = _interface_of_function(function)
        wrapped = function.__dict__.get("__wrapped__") if type(function) is FunctionType else None
        if found is not Interface.WSGI or wrapped is None or not _takes_anything(function):
            return found
        # A decorator that passes on whatever it is called with is what it decorates.
        one = wrapped
    return Interface.WSGI


def as_asgi3(application: Any, interface: Interface) -> ASGIApplication:
    """The application in the form of today."""
    match interface:
        case Interface.ASGI3:
            chosen: ASGIApplication = application
            return chosen
        case Interface.ASGI2:
            return _FromASGI2(application)
        case Interface.WSGI:
            raise TypeError("A WSGI application is not served as ASGI.")
        case _:
            assert_never(interface)


class _FromASGI2:
    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        versions = {**scope.get("asgi", {}), "version": "2.0"}
        await self._application({**scope, "asgi": versions})(receive, send)


def _function_of(one: Any) -> Any:
    """What runs when it is called."""
    kind = type(one)
    if issubclass(kind, MethodType):
        return one.__func__
    # As Python calls it: by its class.
    return one if issubclass(kind, FunctionType) else kind.__call__


def _interface_of_function(function: Any) -> Interface:
    if _is_coroutine_function(function):
        return Interface.ASGI3
    names = _required_names(function)
    if names[-3:] == ("scope", "receive", "send"):
        return Interface.ASGI3
    # Whether a method or not: `self` stands before it, if anything does.
    if names in (("scope",), ("self", "scope")):
        return Interface.ASGI2
    return Interface.WSGI


def _interface_of_class(cls: type) -> Interface:
    if hasattr(cls, "__await__"):
        return Interface.ASGI3
    takes_scope = _required_names(_method(cls, "__init__"))[1:] == ("scope",)
    is_called = _is_coroutine_function(_method(cls, "__call__"))
    return Interface.ASGI2 if takes_scope and is_called else Interface.WSGI


def _method(cls: type, name: str) -> Any:
    """Of its objects, inherited or not: asked for it, a class answers with its own `__call__`."""
    return next((vars(each)[name] for each in cls.__mro__ if name in vars(each)), None)


def _is_coroutine_function(function: Any) -> bool:
    if type(function) is not FunctionType:
        return False
    if function.__code__.co_flags & (_CO_COROUTINE | _CO_ITERABLE_COROUTINE):
        return True
    return any(mark in function.__dict__ for mark in _MARKS)


def _takes_anything(function: FunctionType) -> bool:
    return bool(function.__code__.co_flags & _CO_VARARGS)


def _required_names(function: Any) -> tuple[str, ...]:
    """The positional parameters without defaults."""
    if type(function) is not FunctionType:
        return ()
    code = function.__code__
    return code.co_varnames[: code.co_argcount - len(function.__defaults__ or ())]
