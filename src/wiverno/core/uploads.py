"""A file that a client has sent in a form, and what a view does with it."""

import os
from pathlib import Path
from typing import BinaryIO

from wiverno.core.http.headers import Headers

_BLOCK_BYTES = 64 * 1024


class UploadedFile:
    """One file of a `multipart/form-data` body, in memory or, if it is larger, on disk.

    Everything but the bytes is what the client says. The file is gone when the request
    ends: `save` what is to stay.
    """

    __slots__ = ("_filename", "_headers", "_name", "_size", "_stream")

    def __init__(
        self, name: str, filename: str, stream: BinaryIO, size: int, headers: Headers
    ) -> None:
        self._name = name
        self._filename = safe_filename(filename)
        self._stream = stream
        self._size = size
        self._headers = headers

    @property
    def name(self) -> str:
        """The name of the form's field."""
        return self._name

    @property
    def filename(self) -> str:
        """The file's own name, without a path; empty if the client gave none.

        It is no path, but nothing else is promised: two files may have the same one, or one
        that means something to a web server, as `.htaccess` does.
        """
        return self._filename

    @property
    def content_type(self) -> str:
        """The type that the client gave, `application/octet-stream` if none."""
        return self._headers.get("Content-Type", "application/octet-stream")

    @property
    def headers(self) -> Headers:
        """The headers of this part of the form; names ignore case."""
        return self._headers

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    @property
    def stream(self) -> BinaryIO:
        """The file itself, for code that wants one."""
        return self._stream

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, all that are left for -1."""
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go on reading from another place. Returns where that is."""
        return self._stream.seek(offset, whence)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the whole file to `path`.

        Raises `FileExistsError` for a file that is there, unless `overwrite` is true; a file
        that could not be written whole is removed. Never make `path` of what the client has
        sent without a look at it.
        """
        target = Path(path)
        with target.open("wb" if overwrite else "xb") as file:
            try:
                self._copy_to(file)
            except BaseException:
                target.unlink(missing_ok=True)
                raise

    def close(self) -> None:
        """Give back the memory or the file on disk. The application does it."""
        self._stream.close()

    def __repr__(self) -> str:
        return f"UploadedFile({self._name!r}, filename={self._filename!r}, size={self._size})"

    def _copy_to(self, file: BinaryIO) -> None:
        place = self._stream.tell()
        self._stream.seek(0)
        try:
            while block := self._stream.read(_BLOCK_BYTES):
                file.write(block)
        finally:
            self._stream.seek(place)


def safe_filename(text: str) -> str:
    r"""The last component of what a client calls a file, `""` if that is none.

    Some clients send whole paths, with either slash (RFC 7578 4.2). Control characters, NUL
    among them, are left out.

    >>> safe_filename(r"C:\fakepath\cat.png"), safe_filename("../../etc/passwd")
    ('cat.png', 'passwd')
    """
    last = text.replace("\\", "/").rpartition("/")[2]
    name = "".join(each for each in last if not _is_control(each)).strip()
    return "" if name in (".", "..") else name


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"
