"""Which files are the user's: all outside the interpreter and site-packages."""

import functools
import os
import site
import sys
import sysconfig

# Debian's name beside the usual one.
_INSTALLED_COMPONENTS = ("/site-packages/", "/dist-packages/")


@functools.cache
def installed_roots() -> tuple[str, ...]:
    """Directories (and the library's zip file) whose code is installed, not written here.

    wiverno's own package is among them, so that an editable checkout of it is not
    recompiled at every restart of an application.
    """
    paths = sysconfig.get_paths()
    roots = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    roots.update(site.getsitepackages())
    if site.ENABLE_USER_SITE:
        roots.add(site.getusersitepackages())
    version = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    roots.add(os.path.join(sys.base_prefix, sys.platlibdir, version))
    roots.add(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    return tuple(sorted({os.path.realpath(root) for root in roots} | roots))


class UserCode:
    """Tells user code from installed code by path."""

    def __init__(self, installed: tuple[str, ...] | None = None) -> None:
        roots = installed_roots() if installed is None else installed
        self._prefixes = tuple(root.rstrip(os.sep) + os.sep for root in roots)

    def contains(self, path: str) -> bool:
        slashed = path + os.sep
        if any(component in slashed for component in _INSTALLED_COMPONENTS):
            return False
        return not slashed.startswith(self._prefixes)
