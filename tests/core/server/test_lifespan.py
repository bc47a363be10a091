"""RunServer starts an application that has a lifespan, and ends it after the last answer."""

from collections.abc import Callable, Iterable

import pytest

from tests.core.server.serving import GET, ServerThread
from wiverno.core.lifespan import Lifespan
from wiverno.core.server import RunServer
from wiverno.core.wsgi_types import Environ, StartResponse

Serve = Callable[..., ServerThread]


class Application:
    """Tells what happens to it, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.lifespan = Lifespan()
        self.lifespan.on_startup(lambda: self.told.append("startup"))
        self.lifespan.on_shutdown(lambda: self.told.append("shutdown"))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self.told.append("request")
        start_response("200 OK", [("Content-Length", "0")])
        return []


def test_application_when_served_starts_before_the_first_request_and_ends_after_the_last(
    serve: Serve,
) -> None:
    application = Application()
    server = serve(application)
    with server.connect() as client:
        client.ask(GET)
        client.ask(GET)
    server.stop()

    assert application.told == ["startup", "request", "request", "shutdown"]


def test_application_when_it_cannot_start_ends_the_start_and_frees_the_port() -> None:
    application = Application()

    @application.lifespan.on_startup
    def fail() -> None:
        raise LookupError("no database")

    for _ in range(2):  # The second one needs what the first one held.
        server = RunServer(application, "127.0.0.1", 0)
        with pytest.raises(LookupError, match="no database"):
            server.start()

    assert application.told == ["startup", "shutdown"] * 2
