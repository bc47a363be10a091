import json
from html.parser import HTMLParser
from typing import Any, cast
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from wiverno.dev.failure.excerpts import SourceLine
from wiverno.dev.failure.page import failure_app, negotiate
from wiverno.dev.failure.report import (
    ChainedError,
    FailureReport,
    Frame,
    report_death,
)
from wiverno.dev.failure.words import HEALING

NASTY = "<script>alert('x')</script>&\"'"


def report(**changes: Any) -> FailureReport:
    user = Frame(
        f"/p/{NASTY}.py",
        2,
        NASTY,
        is_user=True,
        source=(SourceLine(1, "a = 1"), SourceLine(2, f"b = {NASTY}", is_failing=True)),
        column=5,
        end_column=9,
    )
    library = Frame("/lib/site-packages/x.py", 7, "call", is_user=False)
    fields: dict[str, Any] = {
        "kind": "ValueError",
        "message": f"{NASTY}\nsecond line",
        "headline": f"ValueError: {NASTY}",
        "target": f"run:{NASTY}",
        "traceback": f"Traceback\n  {NASTY}\n",
        "frames": (library, user),
        "chain": (ChainedError("cause", "KeyError", NASTY, (user,)),),
    }
    return FailureReport(**{**fields, **changes})


def get(
    answer: FailureReport, accept: str = "", method: str = "GET", **options: Any
) -> tuple[str, dict[str, str], bytes]:
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "HTTP_ACCEPT": accept, "QUERY_STRING": ""}
    setup_testing_defaults(environ)
    answered: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        answered[:] = [status, dict(headers)]

    body = validator(cast(Any, failure_app(answer, 7, **options)))(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        body.close()  # type: ignore[attr-defined]  # the validator's iterator has it
    return answered[0], answered[1], content


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/*", "text/plain"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/vnd.api+json", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("application/*", "application/json"),
        ("text/plain, */*;q=0.1", "text/plain"),
        ("text/html;q=0, */*", "text/plain"),
        ("text/html;q=0", "text/plain"),
        ("TEXT/HTML", "text/html"),
        ("text/html;q=x, application/json;q=0.1", "application/json"),
        ("image/png", "text/plain"),
        (",;=,;q=nan", "text/plain"),
    ],
)
def test_negotiate(accept: str, kind: str) -> None:
    assert negotiate(accept) == kind


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_answer_is_a_500_that_names_the_error_and_is_not_stored(accept: str) -> None:
    status, headers, body = get(report(), accept)
    assert status == "500 Internal Server Error"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Cache-Control"] == "no-store"
    assert headers["Vary"] == "Accept"
    assert headers["X-Wiverno-Error"] == "ValueError"
    assert headers["X-Wiverno-Generation"] == "7"


def test_answer_to_head_has_the_length_of_get_and_no_body() -> None:
    _, headers, body = get(report(), "text/html", "HEAD")
    assert body == b""
    assert headers["Content-Length"] == get(report(), "text/html")[1]["Content-Length"]


def test_answer_with_another_status() -> None:
    assert get(report(), status="503 Service Unavailable")[0] == "503 Service Unavailable"


@pytest.mark.parametrize(
    ("kind", "value"), [("Ärger", r"\xc4rger"), ("A\r\nX: y", "AX:y"), ("", "?")]
)
def test_header_when_the_class_name_is_odd_stays_one_ascii_line(kind: str, value: str) -> None:
    assert get(report(kind=kind))[1]["X-Wiverno-Error"] == value


class Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.texts: dict[str, str] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        tag = self.open[-1] if self.open else ""
        self.texts[tag] = self.texts.get(tag, "") + data


def test_html_is_escaped_balanced_and_fetches_nothing() -> None:
    page = get(report(), "text/html")[2].decode()
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.addresses == []
    assert outline.tags.count("script") == 1  # ours, which copies
    assert "alert('x')" not in outline.texts["script"]
    assert outline.texts["h1"] == NASTY
    assert outline.texts["mark"] == "<scr" * 2  # in the error and in its cause
    assert HEALING in page


def test_html_shows_user_frames_first_and_folds_library_frames() -> None:
    page = get(report(), "text/html")[2].decode()
    assert page.index("Your code") < page.index("<details><summary>1 library frame")
    assert page.index("site-packages") > page.index("<details>")
    assert page.count('class="failing"') == 2


def test_html_opens_library_frames_when_there_is_nothing_else() -> None:
    library = Frame("/lib/site-packages/x.py", 7, "call", is_user=False)
    assert "<details open>" in get(report(frames=(library,), chain=()), "text/html")[2].decode()


def test_html_when_a_file_name_has_undecodable_bytes_is_still_utf_8() -> None:
    page = get(report(headline="ValueError: \udcff"), "text/html")[2]
    assert r"\udcff" in page.decode("utf-8")


def test_json_holds_the_whole_report() -> None:
    content = json.loads(get(report(), "application/json")[2])
    assert content["error"] == "ValueError"
    assert content["where"] == f"/p/{NASTY}.py:2"
    assert content["generation"] == 7
    assert content["chain"][0]["kind"] == "KeyError"


def test_text_has_headline_place_traceback_and_remedy() -> None:
    lines = get(report())[2].decode().splitlines()
    assert lines[0] == f"ValueError: {NASTY}"
    assert f"  at /p/{NASTY}.py:2" in lines
    assert "Traceback" in lines
    assert lines[-1] == HEALING


def test_text_of_a_death_is_its_sentence() -> None:
    body = get(report_death("The build was ended by SIGSEGV.", "run:app"))[2].decode()
    assert body.startswith("The build was ended by SIGSEGV.\n")
