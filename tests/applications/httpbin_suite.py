"""httpbin's own tests, with werkzeug's test client or over the wire.

They are part of httpbin's source distribution, not of its wheel and not of this repository:
pip fetches them once into the environment that runs the tests. They run in a process of their
own, because they change what a process has once, and wait much, so that several run at a time.
"""

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import tarfile
import tempfile
import unittest
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from httpbin import app
from werkzeug.datastructures import Headers

from tests.applications.servers import Address, exchange
from tests.applications.wire import Request, parse_response
from wiverno.core.wsgi_types import Environ

# One file and what pip needs to read its metadata; a network that drops packets ends here.
DOWNLOAD_TIMEOUT_S = 60.0


class SuiteNotAvailableError(Exception):
    """The source distribution cannot be had, for example without a network."""


def fetch_suite() -> Path:
    """The file of httpbin's tests, of the version that is installed."""
    version = importlib.metadata.version("httpbin")
    path = Path(sys.prefix, "cache-of-tests", f"test_httpbin_{version}.py")
    if not path.exists():
        source = _download(version)
        path.parent.mkdir(exist_ok=True)
        # By rename: another process may be at the same.
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as unfinished:
            unfinished.write(source)
        Path(unfinished.name).rename(path)
    return path


def _download(version: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = (
            *(sys.executable, "-m", "pip", "download", f"httpbin=={version}", "--dest", folder),
            *("--no-deps", "--no-binary", "httpbin", "--quiet", "--disable-pip-version-check"),
            *("--retries", "1", "--timeout", "10"),
        )
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S
            )
        except subprocess.CalledProcessError as error:
            [*lines] = error.stderr.strip().splitlines() or ["no reason given"]
            raise SuiteNotAvailableError(lines[-1]) from error
        except subprocess.TimeoutExpired as error:
            raise SuiteNotAvailableError(f"not within {DOWNLOAD_TIMEOUT_S:.0f} s") from error
        [archive] = Path(folder).glob("*.tar.gz")
        return _member(archive, "/tests/test_httpbin.py")


def _member(archive: Path, ending: str) -> bytes:
    with tarfile.open(archive) as files:
        [name] = (name for name in files.getnames() if name.endswith(ending))
        member = files.extractfile(name)
        if member is None:
            raise SuiteNotAvailableError(f"{name} in {archive.name} is no file")
        return member.read()


def run_suite(path: Path, address: Address | None) -> dict[str, str]:
    """What becomes of each test; `address` is where the application is served, if it is."""
    spec = importlib.util.spec_from_file_location("httpbin_suite_of_its_own", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    case: type[unittest.TestCase] = module.HttpbinTestCase
    if address is not None:
        case = _over_the_wire(case, address)
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    outcomes = {_name(test): "passed" for test in suite}
    result = unittest.TestResult()
    suite.run(result)
    for test, text in (*result.failures, *result.errors, *result.skipped):
        outcomes[_name(test)] = text.strip().splitlines()[-1]
    return outcomes


def _name(test: unittest.TestCase | unittest.TestSuite) -> str:
    assert isinstance(test, unittest.TestCase)
    return test.id().rpartition(".")[2]


def _over_the_wire(case: Any, address: Address) -> type[unittest.TestCase]:
    class OverTheWire(case):  # type: ignore[misc]  # Known only when it is downloaded.
        def setUp(self) -> None:
            super().setUp()
            self.app = WireClient(app, app.response_class)
            self.app.address = address

    return OverTheWire


class WireClient(FlaskClient):
    """werkzeug's test client, except that its requests go to a server."""

    address: Address

    def run_wsgi_app(
        self, environ: Environ, buffered: bool = False
    ) -> tuple[Iterable[bytes], str, Headers]:
        """Send what a client would have sent for this environ, and read the answer."""
        self._add_cookies_to_wsgi(environ)
        request = request_of(environ)
        response = parse_response(exchange(self.address, request.encode()), request.method)
        if response.surplus:
            raise ValueError(f"bytes after the response: {response.surplus!r}")
        self._update_cookies_from_response(
            urlsplit(f"//{environ['HTTP_HOST']}").hostname or "",
            environ["PATH_INFO"],
            [value for name, value in response.fields if name == "Set-Cookie"],
        )
        return [response.body], response.status, Headers(response.fields)


def request_of(environ: Environ) -> Request:
    """The request that an environ of werkzeug's test client stands for."""
    fields = [
        (key[5:].replace("_", "-").title(), value)
        for key, value in environ.items()
        # One test sends a field without a name, which cannot be written down.
        if key.startswith("HTTP_") and key not in ("HTTP_", "HTTP_TRANSFER_ENCODING")
    ]
    if environ.get("CONTENT_TYPE"):
        fields.append(("Content-Type", environ["CONTENT_TYPE"]))
    body = environ["wsgi.input"].read()
    is_chunked = "HTTP_TRANSFER_ENCODING" in environ
    return Request(
        environ["RAW_URI"],
        environ["REQUEST_METHOD"],
        tuple(fields),
        b"" if is_chunked else body,
        chunks=(body,) if is_chunked else (),
        is_chunked=is_chunked,
    )


def main(path: str, port: str = "") -> None:
    """Print what becomes of each test, over the wire where a port is given."""
    address = ("127.0.0.1", int(port)) if port else None
    sys.stdout.write(json.dumps(run_suite(Path(path), address)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
