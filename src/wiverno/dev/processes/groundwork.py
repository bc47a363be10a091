"""What is the same for every candidate. A template does it once, before it is forked."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import TYPE_CHECKING

from wiverno.dev.loading.code_cache import CodeCache
from wiverno.dev.loading.finder import user_files
from wiverno.dev.loading.roots import EarlyImports
from wiverno.dev.loading.user_cache import cache_directory
from wiverno.dev.loading.user_code import UserCode

if TYPE_CHECKING:
    from wiverno.dev.processes.own_pages import OwnPages


class Groundwork:
    """Made before any code of the user is imported."""

    def __init__(
        self, early: EarlyImports | None = None, own_pages: "OwnPages | None" = None
    ) -> None:
        """Of a template: what it has imported, and the memory it had before that."""
        self.early = early or EarlyImports()
        self._own_pages = own_pages
        self.user_code = UserCode()
        self.cache = CodeCache(cache_directory())
        self.loaded_files = tuple(user_files(sys.modules.values(), self.user_code))
        """Of modules that Python itself has imported: `sitecustomize`, `.pth` files."""
        self.main_spec: ModuleSpec | None = find_spec("wiverno.__main__")

    @property
    def is_forked(self) -> bool:
        """Was it made by a template?"""
        return self._own_pages is not None

    def copy_pages(self) -> None:
        """In a forked process that waits for its build: so that it is faster then."""
        if self._own_pages is not None:
            self._own_pages.copy()
