"""TestClient: sends requests to a WSGI application in this process, without a server."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from wiverno.core.exceptions import MissingExtraError
from wiverno.core.wsgi_types import WSGIApplication

try:
    import httpx
except ModuleNotFoundError as error:
    raise MissingExtraError("The test client", "httpx", "testing") from error

from wiverno.testing.transport import Transport


class TestClient(httpx.Client):
    """An `httpx.Client` whose requests end in `app`, which is any WSGI callable.

    Cookies are kept from one request to the next. In a `with` block the startup functions of
    the application run before, its shutdown functions after it. A view that raises is
    answered as it is for every client, with 500; `raise_app_exceptions` raises instead what
    the view raised, if that is no answer of its own, or what another application reports with
    `exc_info` (PEP 3333).

        with TestClient(app) as client:
            assert client.get("/").status_code == 200
    """

    __test__ = False  # The name looks to pytest like that of a class of tests.

    def __init__(
        self,
        app: WSGIApplication,
        *,
        base_url: str = "http://testserver",
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = False,
        raise_app_exceptions: bool = False,
    ) -> None:
        self.app = app
        super().__init__(
            base_url=base_url,
            headers=headers,
            follow_redirects=follow_redirects,
            transport=Transport(app, raise_app_exceptions=raise_app_exceptions),
        )

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._run("startup")
        except BaseException:
            super().__exit__()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        frames: TracebackType | None = None,
    ) -> None:
        try:
            self._run("shutdown")
        finally:
            super().__exit__(kind, error, frames)

    def _run(self, name: str) -> None:
        # Any WSGI callable will do: it need not have either.
        function: Any = getattr(self.app, name, None)
        if function is not None:
            function()
