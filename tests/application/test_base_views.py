"""BaseView, called as a view is."""

from typing import Any

import pytest

from tests.application.wsgi_client import environ_for
from wiverno.core.exceptions import MethodNotAllowedError
from wiverno.core.requests import Request
from wiverno.views.base_views import BaseView


class Notes(BaseView):
    secret = "not a method"

    def get(self, request: Request) -> Any:
        return f"notes by {request.method}"

    def post(self, request: Request) -> Any:
        return 201, "made"


class Probe(BaseView):
    def head(self, request: Request) -> Any:
        return "own head"

    def options(self, request: Request) -> Any:
        return "own options"


def _request(method: str) -> Request:
    return Request(environ_for(method))


def test_view_when_it_has_the_method_gives_what_that_returns() -> None:
    assert Notes()(_request("GET")) == "notes by GET"
    assert Notes()(_request("POST")) == (201, "made")


def test_head_when_only_get_is_written_is_answered_by_get() -> None:
    assert Notes()(_request("HEAD")) == "notes by HEAD"


def test_head_when_written_answers_itself() -> None:
    assert Probe()(_request("HEAD")) == "own head"


def test_allowed_methods_when_read_are_what_is_written_and_head_with_get() -> None:
    assert Notes().allowed_methods == ("GET", "HEAD", "POST")
    assert Probe().allowed_methods == ("HEAD", "OPTIONS")
    assert BaseView().allowed_methods == ()


def test_method_when_missing_is_an_error_that_names_the_allowed_ones() -> None:
    with pytest.raises(MethodNotAllowedError) as caught:
        Notes()(_request("DELETE"))

    assert caught.value.allowed == ("GET", "HEAD", "POST")
    assert caught.value.headers == {"Allow": "GET, HEAD, POST"}


@pytest.mark.parametrize("method", ["SECRET", "__CLASS__", "ALLOWED_METHODS", "_HANDLER", ""])
def test_method_when_it_is_the_name_of_something_else_is_not_called(method: str) -> None:
    with pytest.raises(MethodNotAllowedError):
        Notes()(_request(method))


def test_method_when_a_subclass_adds_one_is_allowed_beside_the_inherited() -> None:
    class Note(Notes):
        def delete(self, request: Request) -> Any:
            return "gone"

        post = None  # type: ignore[assignment]  # How a subclass takes a method back.

    assert Note().allowed_methods == ("DELETE", "GET", "HEAD")
