"""For any request, valid or damaged, however its bytes are cut; `invariants` says what holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.server.reader.examples import ACCEPTED, CHUNKED, POST, REFUSED
from tests.core.server.reader.grammar import Sent, cuts, damaged_requests, valid_requests
from tests.core.server.reader.invariants import (
    DEFAULT,
    SMALL,
    Refusal,
    check_reader,
    cut,
    read_all,
    read_steps,
)
from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.request_head import RequestHead
from wiverno.core.server.request_reader import END_OF_REQUEST

SHORT_EXAMPLES = {
    name: data for name, (data, _) in (ACCEPTED | REFUSED).items() if len(data) < 1000
}
LIMITS = st.sampled_from([DEFAULT, SMALL])

sample = settings(
    max_examples=200, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
many = settings(max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def expected_from(sent: Sent) -> list[object]:
    fields = (sent.method, sent.target, sent.version, sent.headers)
    return [fields, *([sent.body] if sent.body else []), END_OF_REQUEST]


def judge_valid(requests: list[Sent]) -> None:
    steps = check_reader(b"".join(sent.data for sent in requests), DEFAULT)
    found: list[object] = [
        (event.method, event.target, event.version, event.headers)
        if isinstance(event, RequestHead)
        else event
        for event, _ in steps
    ]

    assert found == [event for sent in requests for event in expected_from(sent)]


def judge_cut(data: bytes, places: list[int], limits: RequestLimits) -> None:
    assert read_steps(cut(data, places), limits) == check_reader(data, limits)


def judge_drawn_cut(data: bytes, drawn: st.DataObject, limits: RequestLimits) -> None:
    judge_cut(data, drawn.draw(cuts(len(data))), limits)


@sample
@given(st.lists(valid_requests(), max_size=4))
def test_reader_with_valid_requests_gives_what_was_sent(requests: list[Sent]) -> None:
    judge_valid(requests)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
@many
@given(st.lists(valid_requests(), max_size=4))
def test_reader_with_five_thousand_valid_streams_gives_what_was_sent(
    requests: list[Sent],
) -> None:
    judge_valid(requests)


@sample
@given(damaged_requests(), st.data(), LIMITS)
def test_reader_with_damaged_requests_however_cut_gives_same_events(
    data: bytes, drawn: st.DataObject, limits: RequestLimits
) -> None:
    judge_drawn_cut(data, drawn, limits)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
@many
@given(damaged_requests(), st.data(), LIMITS)
def test_reader_with_five_thousand_damaged_streams_however_cut_gives_same_events(
    data: bytes, drawn: st.DataObject, limits: RequestLimits
) -> None:
    judge_drawn_cut(data, drawn, limits)


@sample
@given(st.sampled_from([b"", POST, CHUNKED, CHUNKED + b"5\r\nhello\r\n0\r\n"]), st.binary(), LIMITS)
def test_reader_with_random_bytes_raises_only_bad_request(
    start: bytes, noise: bytes, limits: RequestLimits
) -> None:
    check_reader(start + noise, limits)


@pytest.mark.parametrize("limits", [DEFAULT, SMALL], ids=["default", "small"])
@pytest.mark.parametrize("data", SHORT_EXAMPLES.values(), ids=SHORT_EXAMPLES)
def test_reader_at_every_single_cut_gives_same_events(data: bytes, limits: RequestLimits) -> None:
    whole = check_reader(data, limits)

    for place in range(len(data) + 1):
        assert read_steps([data[:place], data[place:]], limits) == whole, place


@sample
@given(valid_requests())
def test_reader_at_every_prefix_of_a_valid_request_waits(sent: Sent) -> None:
    for size in range(len(sent.data)):
        events = [event for event, _ in read_steps([sent.data[:size]], DEFAULT)]
        assert not [event for event in events if isinstance(event, Refusal)], size
        assert END_OF_REQUEST not in events, size


@dataclass(frozen=True, slots=True)
class Limit:
    """A request whose part of `size` the limit is about, and what answers one that is above."""

    smallest: int
    build: Callable[[int], bytes]
    status: int


LINE = len("GET / HTTP/1.1")
HEAD = len("GET / HTTP/1.0\r\nA:\r\n\r\n")
BOUNDARIES = {
    "max_head_bytes": Limit(HEAD, lambda n: b"GET / HTTP/1.0\r\nA:%b\r\n\r\n" % pad(n - HEAD), 431),
    "max_request_line_bytes": Limit(
        LINE, lambda n: b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % pad(n - LINE), 414
    ),
    "max_fields": Limit(1, lambda n: POST + b"A: b\r\n" * (n - 1) + b"\r\n", 431),
    "max_body_bytes": Limit(1, lambda n: POST + b"Content-Length: %d\r\n\r\n%b" % (n, pad(n)), 413),
    "max_chunk_line_bytes": Limit(
        3, lambda n: CHUNKED + b"1;%b\r\nx\r\n0\r\n\r\n" % pad(n - 2), 400
    ),
    "max_chunk_extension_bytes": Limit(
        4, lambda n: CHUNKED + b"1;%b\r\nx\r\n0;a\r\n\r\n" % pad(n - 3), 400
    ),
    "max_trailer_bytes": Limit(4, lambda n: CHUNKED + b"0\r\nA:%b\r\n\r\n" % pad(n - 4), 431),
    "max_leading_empty_lines": Limit(0, lambda n: b"\r\n" * n + POST + b"\r\n", 400),
}


def pad(size: int) -> bytes:
    return b"a" * size


def judge_boundary(name: str, above: int, maximum: int, cuts_of: st.DataObject) -> None:
    limit = BOUNDARIES[name]
    maximum += limit.smallest
    size = maximum + above
    if size < limit.smallest:
        return
    limits = replace(DEFAULT, **{name: max(1, maximum)})
    data = limit.build(size)
    judge_drawn_cut(data, cuts_of, limits)
    is_refused = size > max(1, maximum)

    assert read_all([data], limits)[-1] == (limit.status if is_refused else END_OF_REQUEST)


@pytest.mark.parametrize("name", BOUNDARIES)
@settings(sample, max_examples=60)
@given(above=st.integers(-2, 2), maximum=st.integers(0, 60), drawn=st.data())
def test_reader_at_a_limit_accepts_up_to_it_and_refuses_beyond(
    name: str, above: int, maximum: int, drawn: st.DataObject
) -> None:
    judge_boundary(name, above, maximum, drawn)


def test_every_limit_has_its_boundary_tested() -> None:
    assert set(BOUNDARIES) == set(RequestLimits.__dataclass_fields__)


@settings(sample, max_examples=100)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 60), st.data())
def test_reader_with_chunks_limits_their_sum(
    sizes: list[int], maximum: int, drawn: st.DataObject
) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, pad(size)) for size in sizes)
    data = CHUNKED + chunks + b"0\r\n\r\n"
    limits = replace(DEFAULT, max_body_bytes=maximum)
    judge_drawn_cut(data, drawn, limits)

    assert read_all([data], limits)[-1] == (END_OF_REQUEST if sum(sizes) <= maximum else 413)
