"""From what a view returns to status, headers and bytes."""

import os
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self, Unpack, cast

from wiverno.core.exceptions import HTTPError, InvalidViewResultError
from wiverno.core.files import OpenFile, media_type, open_regular, safe_join
from wiverno.core.http.attachments import attachment
from wiverno.core.http.conditions import (
    Preconditions,
    Validators,
    range_is_current,
    unmet_status,
)
from wiverno.core.http.ranges import UNSATISFIABLE, requested_range
from wiverno.core.http.redirects import checked_redirect_status, encoded_location, redirect_page
from wiverno.core.http.response_headers import HeaderItems, ResponseHeaders
from wiverno.core.http.set_cookie import CookieAttributes, CookieScope, SetCookie
from wiverno.core.http.statuses import status_line
from wiverno.core.response_bodies import (
    JSON,
    TEXT,
    Body,
    EncodedStream,
    FileBlocks,
    Stream,
    close_stream,
    json_bytes,
    read_body,
    streamed,
)
from wiverno.core.wsgi_types import Environ, HeaderList

# They describe content: without it, or with other content, they would say what is not true.
_ABOUT_CONTENT = (
    *("Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Language"),
    *("Content-Length", "Content-Range", "Content-Type"),
)
_VALIDATORS = frozenset({"etag", "last-modified"})
# How long and by what to keep it: true of the content, not of an error in its place.
_ABOUT_KEEPING = ("Cache-Control", "ETag", "Expires", "Last-Modified")


@dataclass(slots=True)
class FinishedResponse:
    """A whole response, ready for `start_response` and to be returned to the server."""

    status: str
    headers: HeaderList
    body: Iterable[bytes]


class Response:
    """What a view returns when a body and a status do not say enough.

    `body` is text (HTML unless said otherwise), bytes, a dict or list (JSON), an iterable of
    bytes or str that is sent as it comes, or an open file. The response owns it: iterables and
    files that can be closed are closed, whatever happens.

    Raises `InvalidHTTPStatusError`, `InvalidHeaderError` and `InvalidViewResultError`.

    >>> response = Response("Hello", 201, {"X-Number": "1"}, content_type="text/plain")
    >>> response.set_cookie("seen", "1", max_age=3600)
    >>> response.status, response.headers["content-type"]
    ('201 Created', 'text/plain; charset=utf-8')
    """

    __slots__ = ("_body", "_cookies", "_file", "_implied_type", "_is_spent", "_status", "headers")

    headers: ResponseHeaders
    """Checked when they are set; those that follow from the body are added in the end."""

    def __init__(
        self,
        body: Body = b"",
        status: int | str = 200,
        headers: HeaderItems | None = None,
        *,
        content_type: str | None = None,
    ) -> None:
        self._file: OpenFile | None = None
        self._is_spent = False
        self._cookies: dict[tuple[str, str, str], SetCookie] = {}
        self._body, self._implied_type = read_body(body)
        try:
            self._status = status_line(status)
            self.headers = ResponseHeaders(headers or ())
            if content_type is not None:
                self.headers["Content-Type"] = _with_charset(content_type, body)
            self.headers.setdefault("Content-Type", self._implied_type)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<Response {self._status}>"

    @classmethod
    def json(cls, value: Any, status: int | str = 200, headers: HeaderItems | None = None) -> Self:
        """Any value that JSON knows, also a plain str or None."""
        fields = ResponseHeaders(headers or ())
        fields.setdefault("Content-Type", JSON)
        response = cls(json_bytes(value), status, fields)
        response._implied_type = JSON
        return response

    @classmethod
    def redirect(cls, location: str, status: int = 302) -> Self:
        """Send the client elsewhere: 301, 302, 303, 307 or 308 (RFC 9110 15.4).

        What is not ASCII in `location` is percent-encoded. Whether it leads to another site is
        not judged here: do not redirect to addresses that strangers choose.
        """
        target = encoded_location(location)
        headers = {"Location": target}
        return cls(redirect_page(target), checked_redirect_status(status), headers)

    @classmethod
    def file(
        cls,
        path: str | os.PathLike[str],
        *,
        content_type: str | None = None,
        download_name: str | None = None,
        max_age_s: int | None = None,
        root: str | os.PathLike[str] | None = None,
    ) -> Self:
        """A file, opened now; `HTTPError` 404 if there is no regular file to read.

        With `root`, `path` is untrusted text that must lead to a file inside of it (`safe_join`).
        `download_name`: saved under that name instead of shown. `max_age_s`: how long a client
        may show it without asking; None: it asks each time and gets a 304 if nothing changed.
        Ranges and conditional requests are answered (RFC 9110 13 and 14).
        """
        opened = _open(path, root)
        try:
            name = download_name or Path(path).name
            response = cls(opened.file, content_type=content_type or media_type(name))
            response._file = opened
            response._describe_file(opened)
            caching = "no-cache" if max_age_s is None else f"max-age={max_age_s:d}"
            response.headers["Cache-Control"] = caching
            if download_name is not None:
                response.headers["Content-Disposition"] = attachment(download_name)
        except BaseException:
            opened.file.close()
            raise
        return response

    @property
    def status(self) -> str:
        """As in `201 Created`; can be set to all that `status_line` takes."""
        return self._status

    @status.setter
    def status(self, status: int | str) -> None:
        self._status = status_line(status)

    @property
    def status_code(self) -> int:
        """As in 201."""
        return int(self._status[:3])

    @property
    def body(self) -> bytes | Stream:
        """Bytes, or the iterable or file that they will be read from.

        A new body closes the old one and brings its type with it, unless another was set.
        """
        return self._body

    @body.setter
    def body(self, body: Body) -> None:
        content, implied_type = read_body(body)
        if content is not self._body:
            self.close()
        self.headers.discard("Content-Length")
        if self.headers.get("Content-Type", self._implied_type) == self._implied_type:
            self.headers["Content-Type"] = implied_type
        self._body, self._implied_type = content, implied_type

    def set_cookie(
        self, name: str, value: str = "", **attributes: Unpack[CookieAttributes]
    ) -> None:
        """Set a cookie (RFC 6265); the last one of a name, domain and path counts.

        `max_age` in seconds or as a timedelta, `expires` with its time zone, `path="/"`,
        `domain=None`, `secure=None`: Secure if the request came by https, and always where
        browsers ask for it; `httponly=True` hides it from scripts, `samesite="Lax"` from other
        sites. `InvalidHeaderError` where no browser would keep the cookie as it is meant.
        """
        cookie = SetCookie(name=name, value=value, **attributes)
        self._cookies.pop(cookie.place, None)
        self._cookies[cookie.place] = cookie

    def delete_cookie(self, name: str, **scope: Unpack[CookieScope]) -> None:
        """Take a cookie away; `path` and `domain` as it was set with (RFC 6265 3.1)."""
        self.set_cookie(name, max_age=0, expires=datetime.fromtimestamp(0, UTC), **scope)

    def finish(self, environ: Environ) -> FinishedResponse:
        """Fit the response to its request; called once, by the application.

        Conditions and ranges of the request are answered, cookies and Content-Length added,
        HEAD, 204 and 304 left without content. What is not sent is closed here, the rest by
        the server, which calls `close` of the body (PEP 3333).
        """
        try:
            return self._finished(environ)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close a body that will not be sent. Twice is harmless."""
        body, self._body, self._file = self._body, b"", None
        close_stream(body)

    def _for_one_request(self) -> Self:
        """A copy, so that what hooks and sessions add for one visitor never reaches another.

        Views may keep a response and return it again. A stream goes with the first copy.
        """
        if self._is_spent:
            raise RuntimeError(
                "This response was returned before, and what it streams is gone. "
                "Make a new one for each request."
            )
        if type(self) is Response:  # Three times as fast as what `copy` does for any class.
            own = object.__new__(type(self))
            own._body, own._file, own._is_spent = self._body, self._file, False
            own._implied_type, own._status = self._implied_type, self._status
        else:
            own = copy(self)
        own._cookies, own.headers = self._cookies.copy(), self.headers.copy()
        if not isinstance(self._body, bytes):
            self._body, self._file, self._is_spent = b"", None, True
        return own

    def _describe_file(self, opened: OpenFile) -> None:
        headers = self.headers
        headers["Content-Length"] = str(opened.size_bytes)
        headers["Accept-Ranges"] = "bytes"
        headers["ETag"] = opened.etag
        if opened.last_modified is not None:
            headers["Last-Modified"] = opened.last_modified
        # A browser that guesses another type from the bytes could run an uploaded picture.
        headers["X-Content-Type-Options"] = "nosniff"

    def _finished(self, environ: Environ) -> FinishedResponse:
        # As it was sent: to the server `head` is not HEAD (RFC 9110 9.1), and expects content.
        method = str(environ["REQUEST_METHOD"])
        part = None
        if (
            self._status == "200 OK"
            and method in ("GET", "HEAD")
            and self.headers.has_any(_VALIDATORS)
        ):
            part = self._heed_conditions(method, environ)
        for cookie in self._cookies.values():
            is_https = environ.get("wsgi.url_scheme") == "https"
            self.headers.add("Set-Cookie", cookie.render(is_https=is_https))
        self._cookies = {}
        if self.status_code in (204, 304):
            # RFC 9110 8.6 and 15.4.5: no Content-Length either.
            self.headers.discard(*_ABOUT_CONTENT)
            return self._without_content()
        if self.status_code == 205:
            # RFC 9110 15.3.6: it has content by its headers, and that content is empty.
            self.body = b""
        if isinstance(self._body, bytes):
            self._set_length(self._body, method)
        if method == "HEAD":
            return self._without_content()
        return FinishedResponse(self._status, self.headers.items(), self._sent(environ, part))

    def _without_content(self) -> FinishedResponse:
        self.close()
        return FinishedResponse(self._status, self.headers.items(), [])

    def _heed_conditions(self, method: str, environ: Environ) -> range | None:
        """Become a 304, 412, 206 or 416 where the request asks for it; the part to send."""
        current = Validators.read(self.headers.get("ETag"), self.headers.get("Last-Modified"))
        unmet = unmet_status(_preconditions(environ), current) if current.exist else None
        if unmet == 304:
            self.status = 304
        elif unmet is not None:
            self._become_error(unmet, "The resource is not as the request wants it to be.")
        elif method == "GET" and self._file is not None:
            # RFC 9110 14.2: to no other method.
            asked = environ.get("HTTP_RANGE")
            if asked is not None and range_is_current(environ.get("HTTP_IF_RANGE"), current):
                return self._heed_range(asked, self._file.size_bytes)
        return None

    def _heed_range(self, header: str, size_bytes: int) -> range | None:
        part = requested_range(header, size_bytes)
        if part is None:
            return None
        if part is UNSATISFIABLE:
            self._become_error(416, f"There are {size_bytes} bytes.")
            self.headers["Content-Range"] = f"bytes */{size_bytes}"
            return None
        self.status = 206
        self.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size_bytes}"
        self.headers["Content-Length"] = str(len(part))
        return part

    def _become_error(self, status: int, explanation: str) -> None:
        self.close()
        self.headers.discard(*_ABOUT_CONTENT, *_ABOUT_KEEPING)
        self.status = status
        self._body = f"{explanation}\n".encode()
        self.headers["Content-Type"] = TEXT

    def _set_length(self, content: bytes, method: str) -> None:
        # A view that answers HEAD itself may say how long the answer to GET would be.
        if method != "HEAD" or content or "Content-Length" not in self.headers:
            self.headers.set_length(len(content))

    def _sent(self, environ: Environ, part: range | None) -> Iterable[bytes]:
        """The body, handed over: from here on it is the server's to close."""
        body, opened = self._body, self._file
        self._body, self._file = b"", None
        if isinstance(body, bytes):
            return [body]
        try:
            file_wrapper = environ.get("wsgi.file_wrapper")
            if opened is not None and (part is not None or file_wrapper is None):
                # No more than Content-Length says, also of a file that grows.
                return _part_of(opened.file, part or range(opened.size_bytes))
            return streamed(body, file_wrapper)
        except BaseException:
            close_stream(body)
            raise


def response_from(result: object) -> Response:
    """Turn what a view returned into a response.

    A `Response`, a body, `(status, body)` or `(status, body, headers)`. Raises
    `InvalidHTTPStatusError`, `InvalidHeaderError` or `InvalidViewResultError`, and
    `RuntimeError` for a `Response` with a stream that was sent.
    """
    if isinstance(result, Response):
        return result._for_one_request()
    if not isinstance(result, tuple):
        return Response(cast(Body, result))
    if len(result) == 2:
        return Response(result[1], result[0])
    if len(result) == 3:
        return Response(result[1], result[0], result[2])
    raise InvalidViewResultError(
        f"A view returned a tuple of {len(result)}. Return a body, (status, body) or "
        "(status, body, headers)."
    )


def _open(path: str | os.PathLike[str], root: str | os.PathLike[str] | None) -> OpenFile:
    try:
        if root is None:
            return open_regular(path)
        found = safe_join(root, os.fspath(path))
        if found is not None:
            # What is a link only now was none when it was looked at.
            return open_regular(found, follow_last=False)
    except FileNotFoundError as error:
        raise HTTPError(404) from error
    raise HTTPError(404)


def _part_of(file: BinaryIO, part: range) -> Iterable[bytes]:
    file.seek(part.start)
    return EncodedStream(FileBlocks(file, len(part)))


def _with_charset(content_type: str, body: object) -> str:
    """Text of ours is UTF-8, which a browser does not guess for `text/plain`."""
    is_bare_text = content_type.startswith("text/") and ";" not in content_type
    return (
        f"{content_type}; charset=utf-8" if is_bare_text and isinstance(body, str) else content_type
    )


def _preconditions(environ: Environ) -> Preconditions:
    return Preconditions(
        if_match=environ.get("HTTP_IF_MATCH"),
        if_unmodified_since=environ.get("HTTP_IF_UNMODIFIED_SINCE"),
        if_none_match=environ.get("HTTP_IF_NONE_MATCH"),
        if_modified_since=environ.get("HTTP_IF_MODIFIED_SINCE"),
    )
