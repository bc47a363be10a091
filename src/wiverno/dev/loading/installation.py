"""What installed code comes from: the paths whose change means that it may be other code by now.

Processes that wait to be forked hold installed modules, so a change here makes them useless.
It costs some thirty system calls to ask, and is asked before every fork.
"""

import os
import site
import sys
from collections.abc import Sequence

from wiverno.dev.loading.contents import digest_bytes
from wiverno.dev.loading.signatures import ABSENT, Signature, read_signature
from wiverno.dev.loading.user_code import UserCode

# Run by every interpreter that starts, wherever on the path they are.
_STARTUP_MODULES = ("sitecustomize.py", "usercustomize.py")
# Lines of them are executed, or added to the path.
_PATH_FILES = (".pth", ".egg-link")
# Written by the interpreter itself, at the first import of what was just installed.
_NO_NAMES = frozenset({"__pycache__"})

_Listing = dict[str, Signature]


class Installation:
    """The interpreter and the packages of this process and of those that it starts."""

    def __init__(
        self, directories: Sequence[str] | None = None, files: Sequence[str] | None = None
    ) -> None:
        """Looks at once. By default what `watched_directories` and `watched_files` give."""
        directories = watched_directories() if directories is None else directories
        self._directories = {path: read_signature(path) for path in directories}
        self._listings = {path: _list(path) for path in directories}
        self._files = {
            path: read_signature(path)
            for path in (*(watched_files() if files is None else files), *self._path_files())
        }

    def first_change(self) -> str | None:
        """A path that is not what it was at the first look; None: all is as it was."""
        for path, signature in self._files.items():
            if read_signature(path) != signature:
                return path
        for path, signature in self._directories.items():
            now = read_signature(path)
            if now == signature:
                continue
            # A directory's own times only say when to look.
            if (name := _first_difference(self._listings[path], _list(path))) is not None:
                return os.path.join(path, name)
            self._directories[path] = now
        return None

    def digest(self) -> str:
        """The same in another session as long as nothing has changed."""
        seen = [*sorted(self._files.items()), *sorted(self._listings.items())]
        return digest_bytes(repr((sys.version, seen)).encode(errors="surrogatepass"), 16).hex()

    def _path_files(self) -> list[str]:
        return [
            os.path.join(directory, name)
            for directory, listing in self._listings.items()
            for name in listing
            if name.endswith(_PATH_FILES)
        ]


def watched_directories() -> tuple[str, ...]:
    """Where packages are installed, and what else on the path is not the user's."""
    user_code = UserCode()
    paths = [*site.getsitepackages(), *sys.path]
    if site.ENABLE_USER_SITE:
        paths.append(site.getusersitepackages())
    absolute = [os.path.abspath(path) for path in paths if path]
    return tuple(sorted({path for path in absolute if not user_code.contains(path)}))


def watched_files() -> tuple[str, ...]:
    """The interpreter, its settings, and what it runs before anything else."""
    startup_modules = [
        os.path.join(os.path.abspath(directory), name)
        for directory in sys.path
        for name in _STARTUP_MODULES
    ]
    executable = sys.executable or os.devnull
    settings = [
        os.path.join(directory, "pyvenv.cfg")
        for directory in (sys.prefix, os.path.dirname(executable))
    ]
    return (executable, *settings, *startup_modules)


def _list(directory: str) -> _Listing:
    """The entries with their signatures; a package that is replaced keeps its name."""
    try:
        names = os.listdir(directory)
    except OSError:  # It may appear later, and then has names.
        return {}
    return {
        name: read_signature(os.path.join(directory, name))
        for name in sorted(names)
        if name not in _NO_NAMES
    }


def _first_difference(before: _Listing, now: _Listing) -> str | None:
    for name in (*now, *before):
        if before.get(name, ABSENT) != now.get(name, ABSENT):
            return name
    return None
