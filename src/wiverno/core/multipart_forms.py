"""Forms with files: a `multipart/form-data` body (RFC 7578), parsed as it is read.

The library `multipart` finds the parts; what becomes of them, and how much may come, is
decided here.
"""

import re
from io import BytesIO
from typing import Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes

from wiverno.core.bodies import ByteSource
from wiverno.core.exceptions import ContentTooLargeError, RequestBodyError
from wiverno.core.http.body_limits import BodyLimits
from wiverno.core.http.charsets import checked_charset, decode
from wiverno.core.http.headers import Headers
from wiverno.core.http.media_types import parse_media_type
from wiverno.core.http.query import MultiDict
from wiverno.core.uploads import UploadedFile

_BLOCK_BYTES = 64 * 1024
# RFC 2046 5.1.1 has fewer characters, but no fewer ways to write one wrong.
_BOUNDARY = re.compile(r"[ -~]{0,69}[!-~]")
_EXTENDED_VALUE = re.compile(r"(?i:(utf-8|iso-8859-1))'[^']*'(.*)", re.DOTALL)
# RFC 7578 4.8 names three.
_MAX_PART_HEADERS = 8


class FormData(MultiDict[str | UploadedFile]):
    """Names and first values of a form with files: text, or an `UploadedFile`."""

    def close(self) -> None:
        """Give back what its files occupy."""
        for values in self._lists.values():
            for value in values:
                if isinstance(value, UploadedFile):
                    value.close()


def parse_multipart(source: ByteSource, parameters: dict[str, str], limits: BodyLimits) -> FormData:
    """Read the form to the end of `source`; `parameters` are those of its Content-Type.

    Raises `RequestBodyError` for what is no such form, `ContentTooLargeError` for more than
    `limits` allow. No file is left open then.
    """
    parts = _Parts(limits)
    try:
        _feed(parts, source, parameters, limits)
        return FormData(parts.pairs)
    except BaseException:
        parts.close()
        raise


def _boundary(parameters: dict[str, str]) -> bytes:
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise RequestBodyError(
            f"The boundary {boundary[:80]!r} in the Content-Type of the form is none. "
            "Send 1 to 70 printable ASCII characters (RFC 2046 5.1.1)."
        )
    return boundary.encode("ascii")


def _feed(
    parts: "_Parts", source: ByteSource, parameters: dict[str, str], limits: BodyLimits
) -> None:
    block = source.read(_BLOCK_BYTES)
    if not block:
        return  # No body: clients that send one type with everything mean no form by it.
    # Here, so that an application without forms does not pay for it.
    from multipart import MultipartError, ParserLimitReached, PushMultipartParser

    parser = PushMultipartParser(
        _boundary(parameters),
        # The exact limit is ours. This one sees a line with its end, before it is whole.
        max_header_size=limits.max_part_header_bytes + 2,
        max_header_count=_MAX_PART_HEADERS,
    )
    received = 0
    try:
        while block:
            received += len(block)
            if received > limits.max_form_bytes:
                raise _too_large("The form", limits.max_form_bytes, "bytes", "max_form_bytes")
            for event in parser.parse(block):
                parts.take(event)
            block = source.read(_BLOCK_BYTES)
        parser.close()
    except ParserLimitReached:
        raise _headers_too_large(limits) from None
    except MultipartError as error:
        raise RequestBodyError(
            f"The request body is not a valid multipart form: {error.args[0]}."
        ) from None


class _Parts:
    """Takes the events of the parser, in their order, and makes names and values of them."""

    def __init__(self, limits: BodyLimits) -> None:
        self.pairs: list[tuple[str, str | UploadedFile]] = []
        self._limits = limits
        self._fields = 0
        self._files = 0
        self._memory_bytes = 0
        self._name = ""
        self._filename: str | None = None
        self._headers: list[tuple[str, str]] = []
        self._text = bytearray()
        self._file: BinaryIO | None = None
        self._file_bytes = 0

    def take(self, event: Any) -> None:
        """A part begins, with its headers; bytes of it; None at its end."""
        if event is None:
            self._end()
        elif isinstance(event, (bytes, bytearray)):
            self._write(event)
        else:
            self._begin(event.name or "", event.filename, event.headerlist)

    def close(self) -> None:
        """Close the files of a form that nobody gets."""
        if self._file is not None:
            self._file.close()
        for _, value in self.pairs:
            if isinstance(value, UploadedFile):
                value.close()

    def _begin(self, name: str, filename: str | None, headers: list[tuple[str, str]]) -> None:
        # A part is a file if it has a file name, be it an empty one.
        if not name:
            raise RequestBodyError("A part of the form has no name. Each field needs one.")
        size_bytes = sum(len(f"{key}: {value}\r\n".encode()) for key, value in headers)
        if size_bytes > self._limits.max_part_header_bytes:
            raise _headers_too_large(self._limits)
        self._name = name
        self._headers = headers
        self._filename = self._extended_filename() if filename is None else filename
        if self._filename is None:
            self._begin_field()
        else:
            self._begin_file()

    def _write(self, data: bytes | bytearray) -> None:
        file = self._file
        if file is not None:
            self._file_bytes += len(data)
            if isinstance(file, BytesIO) and self._file_bytes > self._limits.memory_file_bytes:
                file = self._move_to_disk(file)
            file.write(data)
            return
        self._memory_bytes += len(data)
        limit = self._limits.max_memory_bytes
        if self._memory_bytes > limit:
            raise _too_large("The text of the form", limit, "bytes", "max_memory_bytes")
        self._text += data

    def _end(self) -> None:
        self.pairs.append((self._name, self._field() if self._file is None else self._upload()))

    def _begin_field(self) -> None:
        self._fields += 1
        if self._fields > self._limits.max_fields:
            raise _too_large("The form", self._limits.max_fields, "fields", "max_fields")
        self._text = bytearray()

    def _begin_file(self) -> None:
        self._files += 1
        if self._files > self._limits.max_files:
            raise _too_large("The form", self._limits.max_files, "files", "max_files")
        self._file_bytes = 0
        self._file = BytesIO()

    def _move_to_disk(self, memory: BytesIO) -> BinaryIO:
        # Here, because few forms need it and the import costs more than a request.
        from tempfile import TemporaryFile

        file = cast(BinaryIO, TemporaryFile(prefix="wiverno-upload-"))  # noqa: SIM115  Kept.
        self._file = file  # Before the first write: the disk may be full.
        file.write(memory.getbuffer())
        return file

    def _field(self) -> str:
        charset = checked_charset(self._parameter("Content-Type", "charset") or "utf-8")
        return decode(bytes(self._text), charset, f"The field {self._name[:80]!r} of the form")

    def _upload(self) -> UploadedFile:
        stream = cast(BinaryIO, self._file)
        stream.seek(0)
        upload = UploadedFile(
            self._name, self._filename or "", stream, self._file_bytes, Headers(dict(self._headers))
        )
        self._file = None
        return upload

    def _extended_filename(self) -> str | None:
        """The value of `filename*`, which RFC 7578 4.2 forbids and old clients send (RFC 8187)."""
        value = self._parameter("Content-Disposition", "filename*")
        if value is None:
            return None
        found = _EXTENDED_VALUE.fullmatch(value)
        # A name that cannot be read makes the part no field: its bytes are a file's.
        return unquote_to_bytes(found[2]).decode(found[1], "replace") if found else ""

    def _parameter(self, header: str, name: str) -> str | None:
        for key, value in self._headers:
            # A form may have thousands of fields, and few of them have such a parameter.
            if key == header and name in value.lower():
                return parse_media_type(value)[1].get(name)
        return None


def _headers_too_large(limits: BodyLimits) -> ContentTooLargeError:
    return ContentTooLargeError(
        f"A part of the form has headers of more than {limits.max_part_header_bytes} bytes, the "
        f"limit `max_part_header_bytes`, or more than {_MAX_PART_HEADERS} of them."
    )


def _too_large(what: str, limit: int, unit: str, limit_name: str) -> ContentTooLargeError:
    return ContentTooLargeError(f"{what} has more than {limit} {unit}, the limit `{limit_name}`.")
