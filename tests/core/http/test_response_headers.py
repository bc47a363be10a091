"""Response headers: a multi-valued mapping that lets nothing dangerous in."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.exceptions import InvalidHeaderError
from wiverno.core.http.response_headers import ResponseHeaders


def test_headers_when_looked_up_ignore_case() -> None:
    headers = ResponseHeaders({"X-Number": "7"})

    assert headers["x-number"] == headers.get("X-NUMBER") == "7"
    assert "x-NUMBER" in headers
    assert "other" not in headers
    assert headers.get("other") is None
    assert headers.get("other", "x") == "x"
    with pytest.raises(KeyError):
        headers["other"]


def test_headers_when_added_keep_all_values_in_order() -> None:
    headers = ResponseHeaders([("Link", "a"), ("Vary", "b"), ("link", "c")])
    headers.add("LINK", "d")

    assert headers["Link"] == "a"
    assert headers.getlist("Link") == ["a", "c", "d"]
    assert headers.getlist("other") == []
    assert headers.items() == [("Link", "a"), ("Vary", "b"), ("link", "c"), ("LINK", "d")]
    assert (list(headers), len(headers)) == (["Link", "Vary", "link", "LINK"], 4)


def test_headers_when_set_replace_all_values_in_the_place_of_the_first() -> None:
    headers = ResponseHeaders([("Link", "a"), ("Vary", "b"), ("link", "c")])

    headers["LINK"] = "d"
    headers["New"] = "e"

    assert headers.items() == [("LINK", "d"), ("Vary", "b"), ("New", "e")]


def test_headers_when_deleted_lose_all_values() -> None:
    headers = ResponseHeaders([("Link", "a"), ("Vary", "b"), ("link", "c")])

    del headers["lINK"]
    headers.discard("other")

    assert headers.items() == [("Vary", "b")]
    with pytest.raises(KeyError):
        del headers["Link"]


def test_headers_when_updated_or_defaulted_set_what_is_missing() -> None:
    headers = ResponseHeaders({"A": "1"})
    headers.update({"a": "2", "B": "3"})

    assert headers.setdefault("b", "4") == "3"
    assert headers.setdefault("C", "5") == "5"
    assert headers.items() == [("a", "2"), ("B", "3"), ("C", "5")]


def test_headers_when_made_of_headers_are_independent_of_them() -> None:
    first = ResponseHeaders({"A": "1"})
    second = ResponseHeaders(first)
    second.add("A", "2")
    second.items().clear()

    assert (first.items(), len(second)) == ([("A", "1")], 2)


@pytest.mark.parametrize(
    "name", ["", " ", "A B", "A:", "A\r\n", "Ä", "A\x00", "A\n", None, b"A", 7]
)
def test_header_name_when_no_token_is_refused(name: Any) -> None:
    with pytest.raises(InvalidHeaderError, match="is not a token"):
        ResponseHeaders()[name] = "x"


@pytest.mark.parametrize(
    "value", ["a\r\nb", "a\nb", "a\rb", "\x00", "\t", "\x0b", "\x1f", "\x7f", "\x85", "☃", "\ud800"]
)
def test_header_value_when_it_could_split_the_response_is_refused(value: str) -> None:
    headers = ResponseHeaders()
    for change in (headers.add, headers.__setitem__, headers.setdefault):
        with pytest.raises(InvalidHeaderError, match="control character or one outside"):
            change("X-A", value)

    assert not len(headers)


@pytest.mark.parametrize("value", [None, 7, b"a", ["a"]])
def test_header_value_when_no_str_is_refused_with_its_type(value: Any) -> None:
    with pytest.raises(InvalidHeaderError, match=type(value).__name__):
        ResponseHeaders({"X-A": value})


@pytest.mark.parametrize("value", ["", " ", "a b", "ü", "\xff", '"q"', "a;b,c"])
def test_header_value_when_latin_1_is_kept(value: str) -> None:
    assert ResponseHeaders({"X-A": value})["X-A"] == value


@pytest.mark.parametrize(
    "name", ["Connection", "transfer-encoding", "Keep-Alive", "Upgrade", "TE", "Trailer"]
)
def test_header_when_it_is_the_servers_is_refused(name: str) -> None:
    with pytest.raises(InvalidHeaderError, match="belongs to the connection"):
        ResponseHeaders({name: "x"})


def test_header_status_when_set_is_refused() -> None:
    with pytest.raises(InvalidHeaderError, match="Set the status"):
        ResponseHeaders({"Status": "200 OK"})


@pytest.mark.parametrize("value", ["", "-1", "+1", "1 ", "1.0", "0x1", "²"])
def test_content_length_when_not_digits_is_refused(value: str) -> None:
    with pytest.raises(InvalidHeaderError, match="digits only"):
        ResponseHeaders({"Content-Length": value})


def test_content_length_when_added_twice_is_refused() -> None:
    with pytest.raises(InvalidHeaderError, match="second one"):
        ResponseHeaders([("Content-Length", "1"), ("content-length", "1")])


@pytest.mark.parametrize("items", ["Vary", b"Vary", ["Vary"], [("Vary",)], [("a", "b", "c")], [7]])
def test_headers_when_no_pairs_are_refused(items: Any) -> None:
    with pytest.raises(InvalidHeaderError):
        ResponseHeaders(items)


@settings(derandomize=True, deadline=None)
@given(st.text(), st.text())
def test_header_when_it_is_any_text_is_refused_or_one_line(name: str, value: str) -> None:
    try:
        [(name, value)] = ResponseHeaders({name: value}).items()
    except InvalidHeaderError:
        return
    line = f"{name}: {value}"

    assert line.encode("latin-1")
    assert len(line.splitlines()) == 1
    assert not {chr(code) for code in (*range(32), *range(127, 160))} & set(line)


@settings(derandomize=True, deadline=None)
@given(st.text(alphabet="ab\r\n\0\t \x1f\x7f\x85\u2028ü", min_size=1))
def test_header_value_when_of_odd_characters_never_holds_a_control(value: str) -> None:
    try:
        headers = ResponseHeaders([("X-A", value)])
    except InvalidHeaderError:
        assert set(value) & set("\r\n\0\t\x1f\x7f\x85\u2028")
    else:
        assert headers["X-A"] == value
        assert not set(value) & set("\r\n\0\t\x1f\x7f\x85\u2028")
