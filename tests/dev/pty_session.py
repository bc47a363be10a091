"""A dev session on a terminal of its own, as a person at a shell has it."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.dev.harness import DevSession

_LOOK_S = 0.02


class PtySession(DevSession):
    """The test is the person: it types, reads what is shown, and may close the window."""

    def __init__(
        self, project: Path, target: str = "app:app", *, environment: Mapping[str, str]
    ) -> None:
        super().__init__(project, target, environment=environment)
        self._is_closed = threading.Event()

    def type(self, keys: bytes) -> None:
        os.write(self._controller, keys)

    def stty(self) -> str:
        """The terminal's settings, as `stty -g` shows them."""
        return subprocess.run(
            ["stty", "-g"], stdin=self._terminal, capture_output=True, check=True, text=True
        ).stdout

    def close_terminal(self) -> None:
        self._is_closed.set()
        self._screen.join(10)

    def _start(
        self, environment: Mapping[str, str], events_fd: int, output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        self._controller, self._terminal = pty.openpty()
        # The reader gets a file of its own: that of the caller is closed soon.
        self._screen = threading.Thread(target=self._show, args=(os.dup(output.fileno()),))
        self._screen.start()
        return subprocess.Popen(
            self._command,
            cwd=self.project,
            env=environment,
            pass_fds=(events_fd,),
            stdin=self._terminal,
            stdout=self._terminal,
            stderr=self._terminal,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[arg-type] # the three of every __exit__
        self.close_terminal()
        os.close(self._terminal)

    def _show(self, output_fd: int) -> None:
        poll = select.poll()
        poll.register(self._controller, select.POLLIN)
        while not self._is_closed.is_set():
            if any(mask & select.POLLIN for _, mask in poll.poll(_LOOK_S * 1000)):
                os.write(output_fd, os.read(self._controller, 65536))
        # Here, or a read under way would keep it open.
        os.close(self._controller)
        os.close(output_fd)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
