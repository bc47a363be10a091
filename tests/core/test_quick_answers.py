"""The short way: what it answers is what the long way would have answered."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.quick_answers import quick_answer
from wiverno.core.responses import response_from

BODIES = st.one_of(
    st.text(),
    st.binary(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(
        st.text(max_size=3),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        max_size=3,
    ),
)
CODES = st.integers(200, 599).filter(lambda code: code not in (204, 205, 304))
STATUSES = st.one_of(CODES, CODES.map(str))
HEADERS = st.dictionaries(
    st.sampled_from(["X-A", "x-a", "content-type", "Content-Length", "Vary", "ETag", "Connection"]),
    st.sampled_from(["a", "", "7", "é", "\u0142", "two\r\nlines", '"tag"']),
    max_size=3,
)


@settings(deadline=None)  # It is about results, not about time.
@given(
    st.one_of(BODIES, st.tuples(STATUSES, BODIES), st.tuples(STATUSES, BODIES, HEADERS)),
)
def test_quick_answer_when_there_is_one_is_that_of_the_long_way(result: Any) -> None:
    quick = quick_answer(result)

    if quick is not None:
        # POST: no condition of a request has a say.
        finished = response_from(result).finish({"REQUEST_METHOD": "POST"})
        assert quick == (finished.status, finished.headers, b"".join(finished.body))


@pytest.mark.parametrize(
    "result", ["", b"", {}, [], (201, "x"), ("201", "x"), ("404 Not Found", "")]
)
def test_quick_answer_when_the_result_is_a_usual_one_is_there(result: object) -> None:
    assert quick_answer(result) is not None


@pytest.mark.parametrize(
    "result",
    [
        *(None, 7, iter("x"), ("x",), (200, None), ([], "x")),
        *((204, "x"), (304, "x"), (205, "x"), (99, "x"), (True, "x"), ("299 Mine", "x")),
        "half of a character: \ud800",
    ],
)
def test_quick_answer_when_the_result_is_no_usual_one_is_for_the_long_way(result: object) -> None:
    assert quick_answer(result) is None
