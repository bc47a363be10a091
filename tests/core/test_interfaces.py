"""Which interface an application has, told by looking at it."""

import ast
import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wiverno.core import asgi_types, interfaces
from wiverno.core.asgi_types import Message, Receive, Scope, Send
from wiverno.core.interfaces import (
    Interface,
    InterfaceChoiceError,
    as_asgi3,
    choose_interface,
    detect_interface,
)

WSGI, ASGI3, ASGI2 = Interface.WSGI, Interface.ASGI3, Interface.ASGI2


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    pass


async def takes_anything(*args: Any) -> None:
    pass


def sends_on(scope: Any, receive: Any, send: Any) -> Any:
    return asgi(scope, receive, send)


def double(scope: Any) -> Any:
    return functools.partial(asgi, scope)


class WSGIObject:
    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        return []


class WSGIClass:
    """As in PEP 3333: its objects are the answers."""

    def __init__(self, environ: Any, start_response: Any) -> None:
        pass

    def __iter__(self) -> Iterator[bytes]:
        return iter([])


class ASGIObject:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        pass

    async def method(self, scope: Any, receive: Any, send: Any) -> None:
        pass


class InheritedASGI(ASGIObject):
    pass


class DoubleObject:
    def __call__(self, scope: Any) -> Any:
        return functools.partial(asgi, scope)


class DoubleClass:
    def __init__(self, scope: Any) -> None:
        self.scope = scope

    async def __call__(self, receive: Any, send: Any) -> None:
        await send({"version": self.scope["asgi"]["version"]})


class InheritedDouble(DoubleClass):
    pass


class AwaitedClass:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        pass

    def __await__(self) -> Any:
        return iter(())


class AnswersAnyName(WSGIObject):
    def __getattr__(self, name: str) -> Any:
        return ASGIObject()


class StandsForNothing(WSGIObject):
    """As a proxy outside of its context."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def adapted_to_wsgi(function: Any) -> Any:
    @functools.wraps(function)
    def adapter(environ: Any, start_response: Any) -> list[bytes]:
        return []

    return adapter


def marked() -> Any:
    def application(scope: Any, other: Any, another: Any) -> Any:
        return asgi(scope, other, another)

    application._is_coroutine_mark = object()  # type: ignore[attr-defined]
    return application


def taking(first: int, scope: Any, receive: Any, send: Any) -> Any:
    return asgi(scope, receive, send)


CASES = {
    "function": (wsgi, WSGI),
    "object": (WSGIObject(), WSGI),
    "class of answers": (WSGIClass, WSGI),
    "bound method of WSGI": (WSGIObject().__call__, WSGI),
    "object that answers any name": (AnswersAnyName(), WSGI),
    "proxy that stands for nothing": (StandsForNothing(), WSGI),
    "built-in": (print, WSGI),
    "not even callable": (1, WSGI),
    "coroutine function": (asgi, ASGI3),
    "coroutine function of anything": (takes_anything, ASGI3),
    "function that sends on": (sends_on, ASGI3),
    "coroutine object": (ASGIObject(), ASGI3),
    "inherited": (InheritedASGI(), ASGI3),
    "bound method": (ASGIObject().method, ASGI3),
    "awaited class": (AwaitedClass, ASGI3),
    "marked": (marked(), ASGI3),
    "partial": (functools.partial(taking, 1), ASGI3),
    "partial of a partial": (functools.partial(functools.partial(takes_anything, 1), 2), ASGI3),
    "partial of an object": (functools.partial(ASGIObject()), ASGI3),
    "decorated": (decorated(asgi), ASGI3),
    "decorated twice": (decorated(decorated(asgi)), ASGI3),
    "decorated WSGI": (decorated(wsgi), WSGI),
    "decorated to be WSGI": (adapted_to_wsgi(asgi), WSGI),
    "double": (double, ASGI2),
    "double object": (DoubleObject(), ASGI2),
    "double class": (DoubleClass, ASGI2),
    "inherited double": (InheritedDouble, ASGI2),
    "decorated double": (decorated(double), ASGI2),
}


@pytest.mark.parametrize("name", CASES)
def test_interface_is_told_by_looking(name: str) -> None:
    application, expected = CASES[name]

    assert detect_interface(application) is expected


def test_wrapper_that_wraps_itself_is_an_answer() -> None:
    def application(*args: Any) -> None:
        pass

    application.__wrapped__ = application  # type: ignore[attr-defined]

    assert detect_interface(application) is WSGI


@pytest.mark.parametrize(
    ("choice", "application", "expected"),
    [
        ("auto", asgi, ASGI3),
        ("auto", wsgi, WSGI),
        ("wsgi", asgi, WSGI),
        ("asgi", print, ASGI3),
        ("asgi", double, ASGI2),
    ],
)
def test_choice_wins_over_looks(choice: str, application: Any, expected: Interface) -> None:
    assert choose_interface(choice, application) is expected


def test_choice_that_there_is_not_names_the_choices() -> None:
    with pytest.raises(InterfaceChoiceError, match=r"interface='cgi'.*'auto', 'wsgi', 'asgi'"):
        choose_interface("cgi", wsgi)


def run(application: Callable[[Scope, Receive, Send], Any], scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {}

    call = application(scope, receive, send)
    with pytest.raises(StopIteration):
        call.send(None)
    return sent


def test_double_callable_is_called_twice_and_told_its_version() -> None:
    application = as_asgi3(DoubleClass, detect_interface(DoubleClass))

    assert run(application, {"asgi": {"version": "3.0"}}) == [{"version": "2.0"}]


def test_application_of_today_stays_what_it_is() -> None:
    assert as_asgi3(asgi, ASGI3) is asgi


@pytest.mark.parametrize("module", [interfaces, asgi_types])
def test_looking_imports_nothing_that_a_wsgi_application_does_not_need(module: Any) -> None:
    tree = ast.parse(Path(inspect.getfile(module)).read_text())
    names = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert not names & {"inspect", "asyncio", "uvicorn"}
