import json
from html.parser import HTMLParser
from typing import Any, cast
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from wiverno.dev.failure.excerpts import SourceLine
from wiverno.dev.failure.last_good import ChangedFile, FileChange
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


def report_with_changes() -> FailureReport:
    source = (
        SourceLine(8, "def half(x):"),
        SourceLine(9, f"    y = {NASTY}", is_changed=True, removed_above=2),
        SourceLine(10, "    return y / 0", is_failing=True, is_changed=True, removed_below=1),
    )
    frame = Frame("/p/routes.py", 10, "half", is_user=True, source=source)
    return report(frames=(frame,), chain=())


def report_with_changes_elsewhere() -> FailureReport:
    source = (
        SourceLine(3, NASTY, is_changed=True),
        SourceLine(7, "b = 2", is_changed=True),
    )
    files = (
        ChangedFile(f"/p/{NASTY}.py", FileChange.CHANGED, source, more_lines=1),
        ChangedFile("/p/new.py", FileChange.NEW),
        ChangedFile("/p/gone.py", FileChange.REMOVED),
    )
    return report(chain=(), changed_files=files, more_changed_files=4)


def test_text_has_signs_in_the_gutter_and_says_what_they_mean() -> None:
    text = get(report_with_changes())[2].decode()

    assert "/p/routes.py:10\n      8   def half(x):\n" in text
    assert f"\n        - (2 lines removed here)\n      9 +     y = {NASTY}\n" in text
    assert "\n>    10 +     return y / 0\n        - (1 line removed here)\n" in text
    assert "\n+ changed since the last good version\n" in text


def test_text_lists_what_changed_elsewhere() -> None:
    text = get(report_with_changes_elsewhere())[2].decode()

    _, _, section = text.partition("Changed since the last good version:\n\n")
    assert section.startswith(
        f"/p/{NASTY}.py (changed)\n      3 + {NASTY}\n      7 + b = 2\n"
        "          and 1 more changed line\n\n"
        "/p/new.py (new, or not imported before)\n\n/p/gone.py (removed)\n\nand 4 more files\n"
    )


def test_text_without_changes_has_no_legend() -> None:
    assert "last good version" not in get(report())[2].decode()


def test_json_tells_which_lines_changed() -> None:
    answer = json.loads(get(report_with_changes(), "application/json")[2])

    assert [line["is_changed"] for line in answer["frames"][0]["source"]] == [False, True, True]
    assert answer["frames"][0]["source"][1]["removed_above"] == 2


def test_json_lists_what_changed_elsewhere() -> None:
    answer = json.loads(get(report_with_changes_elsewhere(), "application/json")[2])

    assert [file["change"] for file in answer["changed_files"]] == ["changed", "new", "removed"]
    assert answer["more_changed_files"] == 4


def test_html_marks_changed_lines_for_eyes_and_for_screen_readers() -> None:
    page = get(report_with_changes(), "text/html")[2].decode()
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert page.count('<span class="changed">') == 1
    assert page.count('<span class="changed failing">') == 1
    assert page.count('aria-label="changed:" title="changed since the last good version"') == 2
    assert "2 lines removed here" in page
    assert page.index("2 lines removed here") < page.index("<i>9</i>")
    assert page.index("<i>10</i>") < page.index("1 line removed here")
    assert '<p class="legend">' in page


def test_html_lists_what_changed_elsewhere_escaped_and_balanced() -> None:
    page = get(report_with_changes_elsewhere(), "text/html")[2].decode()
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.tags.count("script") == 1
    assert "<h2>Changed since the last good version</h2>" in page
    assert page.count("⋯") == 1  # between lines 3 and 7
    assert "and 1 more changed line" in page
    assert "and 4 more files" in page


def test_html_without_changes_has_no_sign_and_no_legend() -> None:
    page = get(report(), "text/html")[2].decode()

    assert "last good version" not in page
    assert "aria-label" not in page


def test_html_says_of_a_new_file_that_it_is_new() -> None:
    frame = Frame("/p/new.py", 1, "f", is_user=True, is_new=True)

    assert "not in the last good version" in get(report(frames=(frame,)), "text/html")[2].decode()
    assert "/p/new.py:1 (not in the last good version)" in get(report(frames=(frame,)))[2].decode()
