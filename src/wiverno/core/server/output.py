"""What a client has not taken of its answer yet: in memory first, behind that on disk."""

from collections import deque
from typing import IO

# Of the file into memory at once: a few times what a socket takes.
_BLOCK_BYTES = 256 * 1024


class Output:
    """A queue of bytes. It knows no socket; whoever uses it from two threads holds a lock."""

    size_bytes = 0
    # Behind all pieces.
    _file: IO[bytes] | None = None
    _file_bytes = 0
    _read_at = 0
    _write_at = 0

    def __init__(self) -> None:
        self._pieces: deque[memoryview] = deque()

    def append(self, data: memoryview, *, on_disk: bool = False) -> None:
        """Put `data` behind everything else; raises OSError when the disk takes no more."""
        if on_disk or self._file is not None:
            self._write(data)
        else:
            self._pieces.append(data)
        self.size_bytes += len(data)

    def first(self) -> memoryview:
        """What comes next; there must be something."""
        if not self._pieces:
            self._pieces.append(self._read())
        return self._pieces[0]

    def take(self, size: int) -> None:
        """Forget so much of `first()`."""
        piece = self._pieces[0]
        if size < len(piece):
            self._pieces[0] = piece[size:]
        else:
            self._pieces.popleft()
        self.size_bytes -= size

    def clear(self) -> None:
        """Forget everything and give back the file."""
        self._pieces.clear()
        self.size_bytes = 0
        if self._file is not None:
            self._file.close()
            self._file = None
            self._file_bytes = self._read_at = self._write_at = 0

    def _write(self, data: memoryview) -> None:
        if self._file is None:
            # Here, because few answers need it and the import costs more than a request.
            from tempfile import TemporaryFile

            self._file = TemporaryFile(prefix="wiverno-answer-", buffering=0)  # noqa: SIM115
        self._file.seek(self._write_at)
        written = 0
        while written < len(data):
            written += self._file.write(data[written:])
        self._write_at += len(data)
        self._file_bytes += len(data)

    def _read(self) -> memoryview:
        assert self._file is not None  # size_bytes says that there is something
        self._file.seek(self._read_at)
        # No more than is counted: behind it may lie what a full disk took of a failed write.
        block = self._file.read(min(_BLOCK_BYTES, self._file_bytes))
        if not block:
            raise OSError("A temporary file is shorter than what was written to it.")
        self._read_at += len(block)
        self._file_bytes -= len(block)
        if not self._file_bytes:
            self._file.close()
            self._file = None
            self._read_at = self._write_at = 0
        return memoryview(block)
