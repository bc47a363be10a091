"""httpbin, a real Flask application, in development and in production.

Its source is copied into a project, driven over the wire and edited while requests run.
"""

import importlib.util
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.dev.harness import DevSession

pytestmark = pytest.mark.processes

Check = Callable[[requests.Session, str], None]


CHECKS: list[Check] = []
"""What a client must see, a function for each kind of route."""


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


@check
def get(session: requests.Session, url: str) -> None:
    data = session.get(f"{url}/get", params={"a": ["1", "2"]}, timeout=5).json()
    assert data["args"] == {"a": ["1", "2"]}


@check
def post(session: requests.Session, url: str) -> None:
    answer = session.post(f"{url}/post", data={"name": "v\u00e4lue"}, timeout=5).json()
    assert answer["form"] == {"name": "v\u00e4lue"}


@check
def put_json(session: requests.Session, url: str) -> None:
    answer = session.put(f"{url}/put", json={"list": [1, 2]}, timeout=5).json()
    assert answer["json"] == {"list": [1, 2]}


@check
def patch_large(session: requests.Session, url: str) -> None:
    body = "x" * 1_000_000
    answer = session.patch(f"{url}/patch", data=body, timeout=5).json()
    assert answer["data"] == body


@check
def chunked_post(session: requests.Session, url: str) -> None:
    chunks = (b"%d;" % number for number in range(1000))
    answer = session.post(f"{url}/post", data=chunks, timeout=5).json()
    assert answer["data"].startswith("0;1;2;")
    assert answer["data"].endswith("999;")


@check
def delete(session: requests.Session, url: str) -> None:
    assert session.delete(f"{url}/delete", timeout=5).status_code == 200


@check
def status(session: requests.Session, url: str) -> None:
    for code in (204, 304, 404, 418, 503):
        assert session.get(f"{url}/status/{code}", timeout=5).status_code == code


@check
def redirect(session: requests.Session, url: str) -> None:
    answer = session.get(f"{url}/redirect/3", timeout=5)
    assert answer.url == f"{url}/get"
    assert len(answer.history) == 3


@check
def cookies(session: requests.Session, url: str) -> None:
    answer = session.get(f"{url}/cookies/set", params={"k": "v", "l": "w"}, timeout=5)
    assert answer.json()["cookies"] == {"k": "v", "l": "w"}


@check
def gzip(session: requests.Session, url: str) -> None:
    assert session.get(f"{url}/gzip", timeout=5).json()["gzipped"] is True


@check
def stream(session: requests.Session, url: str) -> None:
    with session.get(f"{url}/stream/20", stream=True, timeout=5) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert len(list(answer.iter_lines())) == 20


@check
def stream_bytes(session: requests.Session, url: str) -> None:
    answer = session.get(f"{url}/stream-bytes/5000", params={"seed": 1}, timeout=5)
    assert len(answer.content) == 5000


@check
def head(session: requests.Session, url: str) -> None:
    answer = session.head(f"{url}/get", timeout=5)
    assert answer.content == b""
    assert int(answer.headers["Content-Length"]) > 0


@check
def basic_auth(session: requests.Session, url: str) -> None:
    path = f"{url}/basic-auth/me/secret"
    assert session.get(path, timeout=5).status_code == 401
    assert session.get(path, auth=("me", "secret"), timeout=5).status_code == 200


@check
def image(session: requests.Session, url: str) -> None:
    answer = session.get(f"{url}/image/png", timeout=5)
    assert answer.content.startswith(b"\x89PNG")


@check
def headers(session: requests.Session, url: str) -> None:
    answer = session.get(f"{url}/headers", headers={"X-Mine": "yes"}, timeout=5)
    assert answer.json()["headers"]["X-Mine"] == "yes"


@pytest.fixture
def httpbin(project: Path) -> Path:
    """A project with httpbin's source in it."""
    spec = importlib.util.find_spec("httpbin")
    assert spec is not None
    assert spec.origin is not None
    shutil.copytree(Path(spec.origin).parent, project / "httpbin")
    for cache in project.rglob("__pycache__"):
        shutil.rmtree(cache)
    return project


def drive(url: str) -> None:
    with requests.Session() as session:
        for check_route in CHECKS:
            check_route(session, url)


def test_routes_answer_in_development(httpbin: Path) -> None:
    assert len(CHECKS) >= 10
    with DevSession(httpbin, "httpbin:app") as session:
        drive(f"http://127.0.0.1:{session.port}")


def test_routes_answer_in_production(httpbin: Path) -> None:
    with production(httpbin, "httpbin:app") as url:
        drive(url)


def test_edit_while_requests_run_is_fresh_and_disturbs_nobody(httpbin: Path) -> None:
    """Each edit of the view is in the answer to the request that follows it at once."""
    core = httpbin / "httpbin" / "core.py"
    source = core.read_text()
    assert source.count("return ROBOT_TXT") == 0
    marked = "response.data = ROBOT_TXT"
    assert source.count(marked) == 1
    with DevSession(httpbin, "httpbin:app") as session:
        url = f"http://127.0.0.1:{session.port}"
        drive(url)
        with unceasing_requests(url) as failures:
            for version in range(6):
                core.write_text(source.replace(marked, f"response.data = 'version {version}'"))
                assert requests.get(f"{url}/robots.txt", timeout=5).text == f"version {version}"
            core.write_text(source)
            drive(url)

    assert failures == []


@contextmanager
def unceasing_requests(url: str) -> Iterator[list[str]]:
    """Two clients, one that keeps its connection, ask until the block ends."""
    failures: list[str] = []
    over = threading.Event()

    def ask(keep_alive: bool) -> None:
        with requests.Session() as session:
            while not over.is_set():
                try:
                    caller = session if keep_alive else requests
                    assert caller.get(f"{url}/get", timeout=5).status_code == 200
                    assert caller.post(f"{url}/post", data="x", timeout=5).status_code == 200
                except (AssertionError, requests.RequestException) as error:
                    failures.append(repr(error))
                    return

    threads = [threading.Thread(target=ask, args=(keep_alive,)) for keep_alive in (True, False)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        over.set()
        for thread in threads:
            thread.join(15)


@contextmanager
def production(project: Path, target: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "wiverno", "run", "prod", target, "--port", "0"],
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        try:
            # A line names the address once it is bound; the application logs before it.
            found = (re.search(r"http://localhost:\d+", line) for line in process.stderr)
            yield next(address[0] for address in found if address is not None)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
