"""Forms with files: what is parsed, what is refused, and what is left behind."""

import gc
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.application.wsgi_client import environ_for
from wiverno.core.exceptions import ContentTooLargeError, RequestBodyError
from wiverno.core.http.body_limits import BodyLimits
from wiverno.core.multipart_forms import FormData, parse_multipart
from wiverno.core.requests import Request
from wiverno.core.uploads import UploadedFile, safe_filename

# No deadline: how long one example takes is up to what else the machine does.
SETTINGS = settings(derandomize=True, deadline=None)

FORM = "multipart/form-data; boundary=b"


class Drip:
    """A source that gives at most so many bytes at once."""

    def __init__(self, data: bytes, most: int) -> None:
        self._source = BytesIO(data)
        self._most = most

    def read(self, size: int, /) -> bytes:
        return self._source.read(min(size, self._most))


class Application:
    def __init__(self, limits: BodyLimits) -> None:
        self.body_limits = limits


def part(disposition: str, value: bytes = b"", *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + value


def form(*parts: bytes) -> bytes:
    return b"".join(b"--b\r\n" + each + b"\r\n" for each in parts) + b"--b--\r\n"


def request_with(body: bytes, content_type: str = FORM, /, **limits: int) -> Request:
    environ = environ_for("POST", body=body, CONTENT_TYPE=content_type)
    return Request(environ, app=Application(BodyLimits(**limits)))


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  Counted only.


def test_form_when_it_has_fields_and_files_has_both_as_values() -> None:
    request = request_with(
        form(
            part('name="title"', "Größe".encode()),
            part('name="tag"', b"a"),
            part('name="tag"', b"b"),
            part(
                'name="photo"; filename="Kätzchen.png"',
                b"\x89PNG\r\n--not the end\r\n",
                "Content-Type: image/png",
                "X-Own: 7",
            ),
        )
    )

    data = request.data
    photo = data["photo"]

    assert isinstance(data, FormData)
    assert isinstance(photo, UploadedFile)
    assert (data["title"], data.getlist("tag")) == ("Größe", ["a", "b"])
    assert (photo.name, photo.filename, photo.content_type) == (
        "photo",
        "Kätzchen.png",
        "image/png",
    )
    assert photo.headers["x-own"] == "7"
    assert photo.size == 21
    assert photo.read(4) == b"\x89PNG"
    assert photo.read() == b"\r\n--not the end\r\n"
    assert photo.seek(0) == 0
    assert photo.stream.read(1) == b"\x89"
    assert "Kätzchen.png" in repr(photo)
    request.close()


def test_form_when_a_field_has_a_charset_is_decoded_by_it() -> None:
    body = form(part('name="a"', b"\xfc", "Content-Type: text/plain; charset=iso-8859-1"))

    assert request_with(body).data == {"a": "ü"}


def test_form_when_a_file_input_was_left_empty_has_a_file_without_name() -> None:
    data = request_with(form(part('name="f"; filename=""'))).data

    assert (data["f"].filename, data["f"].size, data["f"].read()) == ("", 0, b"")
    assert data["f"].content_type == "application/octet-stream"


def test_form_when_the_body_is_empty_is_empty() -> None:
    assert request_with(b"").data == {}
    assert request_with(b"", "multipart/form-data").data == {}


def test_form_when_the_boundary_is_quoted_or_the_body_has_a_preamble_is_parsed() -> None:
    body = b"ignored\r\n" + form(part('name="a"', b"1")) + b"ignored, too"

    assert request_with(body, 'Multipart/Form-Data; Boundary="b"').data == {"a": "1"}


def test_form_when_the_body_was_read_is_parsed_from_it() -> None:
    request = request_with(form(part('name="a"', b"1")))

    assert request.body.startswith(b"--b")
    assert request.data == {"a": "1"}


def test_form_when_chunked_is_parsed() -> None:
    environ = environ_for("POST", CONTENT_TYPE=FORM)
    body = BytesIO(form(part('name="a"', b"1")))
    environ.update({"wsgi.input": body, "wsgi.input_terminated": True})

    assert Request(environ).data == {"a": "1"}


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        (r'name="f"; filename="a\"b.txt"', 'a"b.txt'),
        ('name="f"; filename="a%22b.txt"', 'a"b.txt'),
        ('name="f"; filename="; name=g"', "; name=g"),
        ('name="f"; filename="../../etc/passwd"', "passwd"),
        (r'name="f"; filename="C:\fakepath\cat.png"', "cat.png"),
        ('name="f"; filename="/etc/"', ""),
        ('name="f"; filename=".."', ""),
        ('name="f"; filename="a\x00.php\x1b[0m.png"', "a.php[0m.png"),
        ('name="f"; filename="a%0D%0Ab"', "ab"),
        ('name="f"; filename=plain.txt', "plain.txt"),
        ("name=\"f\"; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
        ("name=\"f\"; filename*=utf-8'en'%2e%2e%2fx", "x"),
        ("name=\"f\"; filename*=iso-8859-1''%fc", "ü"),
        ("name=\"f\"; filename*=utf-8''%ff", "\ufffd"),
        ("name=\"f\"; filename*=punycode''x", ""),
        ('name="f"; filename="a"; filename*=utf-8\'\'b', "a"),
    ],
)
def test_form_when_a_file_name_is_odd_keeps_a_bare_name(disposition: str, filename: str) -> None:
    upload = request_with(form(part(disposition, b"\xff"))).data["f"]

    assert isinstance(upload, UploadedFile)
    assert upload.filename == filename


def test_form_when_file_name_is_only_within_a_name_is_a_field() -> None:
    body = form(part("name=\"a; filename*=utf-8''x\"", b"1"))

    assert request_with(body).data == {"a; filename*=utf-8''x": "1"}


@SETTINGS
@given(st.text())
def test_safe_filename_when_any_text_is_one_harmless_component(text: str) -> None:
    name = safe_filename(text)

    assert name not in (".", "..")
    assert not set(name) & set("/\\\x00\r\n\t\x7f")
    assert name == name.strip()


ONE = part('name="a"', b"1")


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("multipart/form-data", form(ONE), "boundary ''"),
        ("multipart/form-data; boundary=", form(ONE), "boundary ''"),
        ("multipart/form-data; boundary=" + "b" * 71, form(ONE), "boundary 'bbb"),
        ('multipart/form-data; boundary="b "', form(ONE), "boundary 'b '"),
        ('multipart/form-data; boundary="b\xfc"', form(ONE), "boundary"),
        (FORM, b"no form at all", "not a valid multipart form: "),
        (FORM, form(ONE)[:-6], "not a valid multipart form: Unexpected end"),
        (FORM, b"--b\r\n", "not a valid multipart form: Unexpected end"),
        (FORM, b"--b\n" + ONE, "not a valid multipart form: "),
        (FORM, form(b"\r\n1"), "Missing Content-Disposition"),
        (FORM, form(b"Content-Disposition: attachment; name=a\r\n\r\n1"), "Wrong type"),
        (FORM, form(part("x=1", b"1")), "has no name"),
        (FORM, form(part('name=""', b"1")), "has no name"),
        (FORM, form(b"no colon\r\n\r\n1"), "Malformed segment header"),
        (FORM, form(b"\xff: 1\r\n\r\n1"), "failed to decode"),
        (FORM, form(part("name=a", b"1", "Content-Length: 2")), "Content-Length"),
        (FORM, form(part("name=a", b"\xff")), "field 'a' of the form is not utf-8: byte 0"),
        (FORM, form(part("name=a", b"1", "Content-Type: a/b; charset=punycode")), "charset"),
    ],
)
def test_form_when_malformed_is_400(content_type: str, body: bytes, words: str) -> None:
    request = request_with(body, content_type)

    with pytest.raises(RequestBodyError, match=words) as caught:
        _ = request.data
    assert caught.value.status_code == 400
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("length", ["x", "-1", "9" * 5000, "1" * 300, "\xb2"])
def test_form_when_the_length_of_a_part_is_none_is_parsed_or_refused(length: str) -> None:
    # Releases of the library differ in which of the two it is.
    try:
        assert request_with(form(part("name=a", b"1", f"Content-Length: {length}"))).data
    except RequestBodyError:
        return


def test_form_when_quoted_parameters_are_evil_is_refused_or_parsed_at_once() -> None:
    # CVE-2026-28356: exponential time for a few dozen backslashes.
    evil = [part('name=a; x="' + "\\" * 4000)] * 100

    assert len(request_with(form(*evil)).data.getlist("a")) == 100


def test_form_when_cut_short_says_where() -> None:
    body = form(ONE)
    environ = environ_for("POST", body=body[:-9], CONTENT_TYPE=FORM, CONTENT_LENGTH=str(len(body)))

    with pytest.raises(RequestBodyError, match=f"ended after {len(body) - 9} of {len(body)}"):
        _ = Request(environ).data


FILE_FORM_BYTES = len(form(part("name=a; filename=f")))
LIMITED_FORMS = [
    pytest.param("max_fields", 3, lambda n: form(*[part("name=a")] * n), id="fields"),
    pytest.param("max_files", 3, lambda n: form(*[part("name=a; filename=f")] * n), id="files"),
    pytest.param(
        "max_memory_bytes",
        7,
        lambda n: form(part("name=a", b"123"), part("name=a", b"x" * (n - 3))),
        id="memory",
    ),
    pytest.param(
        "max_part_header_bytes",
        8192,
        # "Content-Disposition: form-data; name=a", "X: ...", and two line ends.
        lambda n: form(part("name=a", b"", f"X: {'x' * (n - 45)}")),
        id="part header",
    ),
    pytest.param(
        "max_part_header_bytes",
        100,
        lambda n: form(part(f"name={'x' * (n - 39)}")),
        id="one line of a part header",
    ),
    pytest.param(
        "max_form_bytes",
        1000,
        lambda n: form(part("name=a; filename=f", b"x" * (n - FILE_FORM_BYTES))),
        id="form",
    ),
]


@pytest.mark.parametrize("most", [1, 7, 100_000])
@pytest.mark.parametrize(("name", "limit", "make"), LIMITED_FORMS)
def test_form_when_at_the_limit_is_parsed(name: str, limit: int, make: Any, most: int) -> None:
    data = parse_multipart(Drip(make(limit), most), {"boundary": "b"}, BodyLimits(**{name: limit}))

    assert set(data) <= {"a", "x" * 61}


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(("name", "limit", "make"), LIMITED_FORMS)
def test_form_when_one_over_the_limit_is_413(
    name: str, limit: int, make: Any, is_chunked: bool
) -> None:
    request = request_with(make(limit + 1), FORM, **{name: limit})
    if is_chunked:
        del request.environ["CONTENT_LENGTH"]
        request.environ["wsgi.input_terminated"] = True

    for _ in range(2):
        with pytest.raises(ContentTooLargeError, match=f"{limit} .*the limit `{name}`") as caught:
            _ = request.data
        assert caught.value.status_code == 413


def test_form_when_declared_too_large_is_refused_unread() -> None:
    request = request_with(b"x" * 11, max_form_bytes=10)

    with pytest.raises(ContentTooLargeError):
        _ = request.data
    assert request.environ["wsgi.input"].tell() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n" + b"x" * 1_000_000,
        b"--b\r\nX: " + b"x" * 1_000_000,
        form(part("name=a", b"1", *[f"X-{number}: 1" for number in range(8)])),
    ],
)
def test_form_when_a_part_header_never_ends_is_413(body: bytes) -> None:
    with pytest.raises(ContentTooLargeError, match="max_part_header_bytes"):
        _ = request_with(body).data


@pytest.mark.parametrize("most", [1 << 20, 5000])
def test_form_when_it_has_very_many_tiny_fields_is_parsed_in_one_pass(most: int) -> None:
    body = form(*[part("name=a", b"1")] * 100_000)
    source = Drip(body, most)

    data = parse_multipart(source, {"boundary": "b"}, BodyLimits(max_fields=100_000))

    assert data.getlist("a") == ["1"] * 100_000


def test_form_when_it_has_very_many_tiny_fields_stops_at_the_limit() -> None:
    body = form(*[part("name=a", b"1")] * 100_000)
    request = request_with(body)

    with pytest.raises(ContentTooLargeError, match="more than 1000 fields"):
        _ = request.data
    assert request.environ["wsgi.input"].tell() < 200_000


@SETTINGS
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.binary(max_size=30)), max_size=5),
    st.integers(1, 40),
)
def test_form_when_cut_anywhere_gives_the_same_parts(
    parts: list[tuple[str, bool, bytes]], most: int
) -> None:
    safe = [(name, is_file, value.replace(b"--b", b"")) for name, is_file, value in parts]
    body = form(
        *[
            part(f"name={name}; filename=f", value)
            if is_file
            else part(f"name={name}", value, "Content-Type: text/plain; charset=latin-1")
            for name, is_file, value in safe
        ]
    )

    data = parse_multipart(Drip(body, most), {"boundary": "b"}, BodyLimits(memory_file_bytes=40))

    for name in "abc":
        found = [
            each.read() if isinstance(each, UploadedFile) else each.encode("latin-1")
            for each in data.getlist(name)
        ]
        assert found == [value for key, _, value in safe if key == name]


@pytest.mark.parametrize(("size", "is_on_disk"), [(9, False), (10, False), (11, True)])
def test_file_when_larger_than_the_memory_for_it_lies_on_disk(size: int, is_on_disk: bool) -> None:
    body = form(part("name=f; filename=f", b"x" * size))
    before = open_descriptors()
    request = request_with(body, memory_file_bytes=10)

    upload = request.data["f"]

    assert open_descriptors() - before == (1 if is_on_disk else 0)
    assert upload.read() == b"x" * size
    request.close()
    assert open_descriptors() == before
    with pytest.raises(ValueError, match="closed"):
        upload.read()


def test_close_when_nothing_was_read_or_twice_does_nothing() -> None:
    request = request_with(form(part("name=f; filename=f", b"x"), part("name=f; filename=g")))
    request.close()

    files = request.data.getlist("f")

    request.close()
    request.close()
    assert [each.stream.closed for each in files] == [True, True]


@pytest.mark.parametrize("tail", [b"", part("name=f; filename=f", b"y" * 100)[:-50], ONE])
def test_form_when_it_fails_leaves_no_file_open(tail: bytes) -> None:
    body = b"--b\r\n" + part("name=f; filename=f", b"x" * 100) + b"\r\n--b\r\n" + tail
    before = open_descriptors()

    with pytest.raises(RequestBodyError):
        _ = request_with(body, memory_file_bytes=1).data
    gc.collect()
    assert open_descriptors() == before


def test_file_when_saved_is_written_whole_wherever_it_stood(tmp_path: Path) -> None:
    request = request_with(form(part("name=f; filename=f", b"0123456789")), memory_file_bytes=4)
    upload = request.data["f"]
    upload.seek(5)

    upload.save(tmp_path / "f")
    upload.save(str(tmp_path / "g"))

    assert (tmp_path / "f").read_bytes() == (tmp_path / "g").read_bytes() == b"0123456789"
    assert upload.read(1) == b"5"
    request.close()


def test_file_when_saved_over_another_is_refused_unless_asked(tmp_path: Path) -> None:
    upload = request_with(form(part("name=f; filename=f", b"new"))).data["f"]
    target = tmp_path / "f"
    target.write_bytes(b"old and longer")

    with pytest.raises(FileExistsError):
        upload.save(target)
    assert target.read_bytes() == b"old and longer"
    upload.save(target, overwrite=True)
    assert target.read_bytes() == b"new"


def test_file_when_it_cannot_be_saved_whole_leaves_nothing(tmp_path: Path) -> None:
    request = request_with(form(part("name=f; filename=f", b"x")))
    upload = request.data["f"]
    request.close()

    with pytest.raises(ValueError, match="closed"):
        upload.save(tmp_path / "f")
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("name", ["name", "filename", "size", "stream", "headers", "made_up"])
def test_file_when_written_to_refuses(name: str) -> None:
    upload = request_with(form(part("name=f; filename=f"))).data["f"]

    with pytest.raises(AttributeError):
        setattr(upload, name, "x")


def test_requests_when_imported_load_neither_multipart_nor_tempfile() -> None:
    code = (
        "import sys, wiverno.core.requests;"
        "sys.exit(sorted({'multipart', 'tempfile'} & set(sys.modules)) or 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)

    assert done.returncode == 0, done.stderr
