"""The environment of a session's processes: the supervisor's, and what environment files add.

The supervisor reads the files before each build. What waits to be forked has the variables of
its own start: once they are others, it is useless.
"""

import os
from collections.abc import Mapping, Sequence

from wiverno.core.environment_files import read_files, variables_of
from wiverno.core.exceptions import EnvironmentFileError
from wiverno.dev.control.events import EVENTS_FD_VARIABLE
from wiverno.dev.loading.contents import digest_bytes
from wiverno.dev.processes.role import SESSION_VARIABLE


class SessionEnvironment:
    """Of one session. The supervisor's own variables win, and stay as they are."""

    def __init__(
        self, files: Sequence[str] = (), defaults: Mapping[str, str] | None = None
    ) -> None:
        """`files` are absolute; a variable that nobody else sets is as in `defaults`."""
        self.files = tuple(files)
        self.digest = ""
        """Of the files as they were read last; that of `digest_of` as long as they are the same."""
        self.fault = ""
        """Why they could not be read; the variables are those of before."""
        self._defaults = dict(defaults or {})
        self._variables: dict[str, str] | None = None

    def refresh(self) -> str | None:
        """Read the files again. The first of them, if processes would now begin otherwise."""
        before = self._variables
        self.digest = ""
        try:
            contents = read_files(self.files)
            self.digest, self.fault = _digest(contents), ""
            self._variables = variables_of(contents, os.environ)
        except EnvironmentFileError as error:
            self.fault = str(error)
        return self.files[0] if before not in (None, self._variables) else None

    def with_mark(self, mark: str) -> dict[str, str]:
        """The whole environment of a new process."""
        variables = {**self._defaults, **(self._variables or {}), **os.environ}
        variables.pop(EVENTS_FD_VARIABLE, None)
        return {**variables, SESSION_VARIABLE: mark}


def digest_of(files: Sequence[str]) -> str:
    """The digest of what the files hold now; empty where they cannot be read."""
    try:
        return _digest(read_files(files))
    except EnvironmentFileError:
        return ""


def _digest(contents: Mapping[str, bytes]) -> str:
    return digest_bytes(repr(contents).encode(errors="surrogatepass"), 16).hex()
