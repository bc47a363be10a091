"""JSON out of a request body: what is refused, and what the client is told."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.exceptions import RequestBodyError
from wiverno.core.http.json_text import MAX_DEPTH, parse_json

# No deadline: how long one example takes is up to what else the machine does.
SETTINGS = settings(derandomize=True, deadline=None)

DIGITS = sys.get_int_max_str_digits()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


@SETTINGS
@given(VALUES, st.booleans())
def test_json_when_valid_is_its_value(value: object, is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)

    assert parse_json(text.encode("utf-8", "surrogatepass")) == value


def test_json_when_empty_is_an_empty_object() -> None:
    assert parse_json(b"") == {}


def test_json_when_it_begins_with_a_byte_order_mark_ignores_it() -> None:
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{\n  "a": tru\n}', "Expecting value at line 2, column 8"),
        (b"[1] 2", "Extra data at line 1, column 5"),
        (b"[1]\n\xff", "line 2 is not UTF-8"),
        ("[1]".encode("utf-16"), "line 1 is not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested too deep"),
        (b'[{"a":' * 200 + b"1" + b"}]" * 200, "nested too deep"),
        (b'"\\ud83d"', r"the escape \\ud83d is half of a character"),
        (b'{"a": ["\\\\", {"\\uDE00\\ud83d": 1}]}', r"the escape \\ude00 is half"),
        (b"[1,\n NaN]", "the number NaN at line 2, column 2 is refused"),
        (b'["NaN", Infinity]', "the number Infinity at line 1, column 9"),
        (b"[1e999--", "the number 1e999 at line 1, column 2"),
        (b"[NaN.5e1", "the number NaN at line 1, column 2"),
        (b"9" * (DIGITS + 1) + b"..", "the number 9999999999"),
        (b"-Infinity", "the number -Infinity at line 1, column 1"),
        (b'["1e999", "a\\"1e999", 1, -2.5, 1e999]', "the number 1e999 at line 1, column 32"),
        (b"[7,\n\n" + b"9" * (DIGITS + 1) + b"]", r"9999999999\.\.\. \(.*\) at line 3, column 1"),
        (b"[" + b"8" * 400 + b", -" + b"9" * (DIGITS + 1), "column 404"),
    ],
)
def test_json_when_bad_says_what_and_where(body: bytes, words: str) -> None:
    with pytest.raises(RequestBodyError, match=f"not valid JSON: .*{words}") as caught:
        parse_json(body)
    assert caught.value.status_code == 400
    assert len(str(caught.value)) < 200
    assert caught.value.__context__ is None


def test_json_when_as_deep_as_allowed_is_its_value() -> None:
    for opening, inside, closing in ((b"[", b"", b"]"), (b'{"a":', b"1", b"}")):
        body = opening * MAX_DEPTH + inside + closing * MAX_DEPTH

        assert json.dumps(parse_json(body)).encode().replace(b" ", b"") == body
    assert len(parse_json(b"[" + b"[]," * 1000 + b"{}]")) == 1001
    assert parse_json(b'"' + b"[" * 1000 + b'"') == "[" * 1000


def test_json_when_a_character_is_escaped_in_two_halves_is_that_character() -> None:
    assert parse_json(b'["\\ud83d\\ude00", "\\\\ud83d", "\\ud7ff"]') == ["😀", "\\ud83d", "\ud7ff"]


def test_json_when_an_integer_has_as_many_digits_as_python_takes_is_its_value() -> None:
    assert parse_json(b"9" * DIGITS) == int("9" * DIGITS)


def test_json_when_a_long_string_precedes_a_bad_number_is_refused_at_once() -> None:
    with pytest.raises(RequestBodyError, match="the number NaN at line 1"):
        parse_json(b'["' + b"\\\\" * 1_000_000 + b'", NaN]')
