"""Flask, Django and Bottle answer byte for byte alike under RunServer and waitress."""

import gzip
import importlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.applications import servers
from tests.applications.sample_requests import REQUESTS
from tests.applications.servers import Address
from tests.applications.wire import (
    OF_THE_SERVER,
    Fields,
    Request,
    Response,
    answer_of,
    as_waitress_writes,
    parse_response,
)
from wiverno.core.wsgi_types import (
    Environ,
    ExcInfo,
    HeaderList,
    StartResponse,
    WriteCallable,
    WSGIApplication,
)

FRAMEWORKS = ("flask", "bottle", "django")
CASES = [
    (framework, name)
    for framework in FRAMEWORKS
    for name in REQUESTS
    # Bottle opens the file before it refuses the range, and does not close it.
    if (framework, name) != ("bottle", "range out of bounds")
]


class Recorder:
    """An application that notes what another one says in its last `start_response`."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self.status = ""
        self.fields: Fields = ()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def noting(
            status: str, headers: HeaderList, exc_info: ExcInfo | None = None, /
        ) -> WriteCallable:
            self.status, self.fields = status, tuple(headers)
            return start_response(status, headers, exc_info)

        return self._application(environ, noting)


@dataclass(frozen=True, slots=True)
class Sample:
    """One application under both servers."""

    ours: Address
    waitress: Address
    said: Recorder


@pytest.fixture(scope="module", params=FRAMEWORKS)
def sample(request: Any) -> Iterator[Sample]:
    module = importlib.import_module(f"tests.applications.samples.{request.param}_sample")
    said = Recorder(module.application)
    with (
        servers.run_server(said) as ours,
        servers.waitress(module.application) as waitress,
    ):
        yield Sample(ours, waitress, said)


def ask(address: Address, request: Request) -> Response:
    return parse_response(servers.exchange(address, request.encode()), request.method)


def without_padding(response: Response) -> Response:
    """Django hides the length of what it compresses in a file name of random length."""
    if response.values("content-encoding") != ["gzip"]:
        return response
    return replace(response, pieces=(gzip.decompress(response.body),))


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize(("sample", "name"), CASES, indirect=["sample"])
def test_route_when_asked_answers_byte_for_byte_as_under_waitress(
    sample: Sample, name: str, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    request = replace(REQUESTS[name], version=version)
    if version == "HTTP/1.0" and request.chunks:
        request = replace(request, chunks=(), body=b"".join(request.chunks))

    ours = without_padding(ask(sample.ours, request))
    theirs = without_padding(ask(sample.waitress, request))

    assert ours.surplus == b""
    if request.method == "HEAD":
        # RFC 9110 section 9.3.2: no content. waitress sends what the application returned.
        theirs = replace(theirs, surplus=b"")
    assert answer_of(theirs) == answer_of(ours, order=as_waitress_writes)
    # The same pieces in the same kind of frame, not only the same sum.
    assert (theirs.pieces, theirs.framing) == (ours.pieces, ours.framing)
    assert ours.version == "HTTP/1.1"  # RFC 9110 section 2.5; waitress says the client's.
    assert written_by_application(ours) == written_by_application_of(sample.said)
    assert [record.getMessage() for record in caplog.records if is_complaint(record)] == []


def written_by_application(response: Response) -> tuple[str, Fields]:
    """Status and fields as sent: each name in its case, each field in its place."""
    return response.status, _without(response.fields, {*OF_THE_SERVER, "content-length"})


def written_by_application_of(said: Recorder) -> tuple[str, Fields]:
    return said.status, _without(said.fields, {*OF_THE_SERVER, "content-length"})


def _without(fields: Fields, names: Iterable[str]) -> Fields:
    return tuple(each for each in fields if each[0].lower() not in names)


def is_complaint(record: logging.LogRecord) -> bool:
    return record.name.startswith(("wiverno", "waitress")) and record.levelno >= logging.ERROR


def test_requests_reach_each_kind_of_answer(sample: Sample) -> None:
    answers = [ask(sample.ours, REQUESTS[name]) for each, name in CASES if each == "bottle"]
    assert {each.status[:3] for each in answers} >= {
        "200",
        "204",
        "303",
        "304",
        "404",
        "405",
        "500",
    }
    assert {each.framing for each in answers} == {"length", "chunked", "none"}
