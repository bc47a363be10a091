"""Request headers, cookies, Accept, and media types: what a client may write in them."""

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.http.accept import best_match, parse_accept
from wiverno.core.http.cookies import parse_cookies
from wiverno.core.http.headers import Headers
from wiverno.core.http.media_types import parse_media_type

# No deadline: how long one example takes is up to what else the machine does.
SETTINGS = settings(derandomize=True, deadline=None)

LATIN_1 = st.text(st.characters(max_codepoint=255))


def test_headers_when_read_are_a_dict_that_ignores_case() -> None:
    headers = Headers({"CONTENT-TYPE": "text/plain"})

    assert isinstance(headers, dict)
    assert headers == {"Content-Type": "text/plain"}
    assert headers["content-type"] == headers.get("CONTENT-type") == "text/plain"
    assert "content-TYPE" in headers
    assert headers.get("Accept") is None
    assert headers.get("Accept", "x") == "x"
    assert Headers() == {}
    assert json.dumps(headers) == '{"Content-Type": "text/plain"}'


@pytest.mark.parametrize(
    "write",
    [
        lambda headers: headers.__setitem__("A", "b"),
        lambda headers: headers.__delitem__("A"),
        lambda headers: headers.update(A="b"),
        lambda headers: headers.setdefault("B", "b"),
        lambda headers: headers.pop("A"),
        lambda headers: headers.popitem(),
        lambda headers: headers.clear(),
        lambda headers: headers.__ior__({"A": "b"}),
    ],
)
def test_headers_when_written_to_refuse(write: Any) -> None:
    headers = Headers({"A": "1"})

    with pytest.raises(TypeError, match="read-only"):
        write(headers)
    assert headers == {"A": "1"}


def test_headers_when_copied_are_equal() -> None:
    headers = Headers({"A": "1"})

    assert headers.copy() == copy.deepcopy(headers) == pickle.loads(pickle.dumps(headers))
    headers.copy()["B"] = "2"
    assert headers == {"A": "1"}


def test_cookies_when_one_is_odd_keep_the_others() -> None:
    header = 'a=1; odd; =x; b="two"; a=second; c=x=y; d; e="; f=""'

    assert parse_cookies(header) == {"a": "1", "b": "two", "c": "x=y", "e": '"', "f": ""}


@SETTINGS
@given(LATIN_1)
def test_cookies_when_any_text_never_fail(text: str) -> None:
    assert "" not in parse_cookies(text)


@pytest.mark.parametrize(
    ("text", "media_type", "parameters"),
    [
        ("", "", {}),
        (" Text/HTML ", "text/html", {}),
        ('a/b; Charset="utf-8"; x=1', "a/b", {"charset": "utf-8", "x": "1"}),
        ('a/b;x="a;b=\\"c\\\\"; y=2', "a/b", {"x": 'a;b="c\\', "y": "2"}),
        ("a/b; x=1; x=2", "a/b", {"x": "1"}),
        ("a/b;; ; x=1;", "a/b", {"x": "1"}),
        ("a/b; x=", "a/b", {"x": ""}),
        ('a/b; x=1; y="open; z=3', "a/b", {"x": "1"}),
        ("a/b; no value; x=1", "a/b", {}),
    ],
)
def test_media_type_when_parsed_has_its_parameters(
    text: str, media_type: str, parameters: dict[str, str]
) -> None:
    assert parse_media_type(text) == (media_type, parameters)


@SETTINGS
@given(st.dictionaries(st.from_regex(r"[a-z0-9]+", fullmatch=True), LATIN_1, max_size=4))
def test_media_type_when_parameters_are_quoted_gives_them_back(parameters: dict[str, str]) -> None:
    quoted = (
        f'; {name}="' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for name, value in parameters.items()
    )

    assert parse_media_type("a/b" + "".join(quoted)) == ("a/b", parameters)


@pytest.mark.parametrize(
    "text",
    ["a/b" + ';a="\\"' * 50_000, "a/b" + "; " * 100_000, '"\\"' * 50_000, "a/b" + " ;a" * 50_000],
)
def test_media_type_and_accept_when_evil_are_read_once(text: str) -> None:
    parse_media_type(text)
    best_match(text, ["text/html"])


@pytest.mark.parametrize(
    ("header", "best"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("application/json", "application/json"),
        ("text/*;q=0.3, */*;q=0.5", "application/json"),
        ("text/html;q=0, */*", "application/json"),
        ("application/json, */*", "application/json"),
        ("text/html;q=0.9, application/json;q=0.900", "text/html"),
        ("image/png", None),
        ("*/*;q=0", None),
        ("text/html;q=0.000", None),
        # The closest range holds, however low its quality.
        ("application/*, application/json;q=0.1, text/html;q=0.2", "text/html"),
        ("TEXT/HTML;Q=0.1, Application/JSON;q=0.2", "application/json"),
        # Malformed elements say nothing.
        ("text, /, application/json;q=x, text/html;q=0.1", "text/html"),
        ("text/html;q=2, application/json;q=0.1", "application/json"),
        ("garbage", "text/html"),
        ('a/b;x="1,text/html;q=0", application/json', "application/json"),
    ],
)
def test_accept_when_two_are_offered_takes_the_better(header: str, best: str | None) -> None:
    assert best_match(header, ["text/html", "application/json"]) == best


def test_accept_when_parameters_are_named_prefers_the_closest() -> None:
    # The example of RFC 9110 12.5.1.
    header = (
        "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, "
        "text/plain;format=fixed;q=0.4, */*;q=0.5"
    )
    quality = {each: best_match(f"{header}, x/y;q={q}", [each, "x/y"]) for each, q in [
        ("text/plain;format=flowed", "0.999"),
        ("text/plain", "0.699"),
        ("text/html", "0.299"),
        ("image/jpeg", "0.499"),
        ("text/plain;format=fixed", "0.399"),
    ]}  # fmt: skip

    assert all(each == best for each, best in quality.items())


def test_accept_when_nothing_is_offered_is_nothing() -> None:
    assert best_match("*/*", []) is None
    assert best_match("", []) is None


@SETTINGS
@given(LATIN_1)
def test_accept_when_any_text_never_fails(text: str) -> None:
    assert all(0 <= each.quality <= 1 for each in parse_accept(text))
    assert best_match(text, ["a/b", "c/d"]) in ("a/b", "c/d", None)
