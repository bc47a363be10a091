"""What is the same for every candidate. A template does it once, before it is forked."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

from wiverno.dev.loading.code_cache import CodeCache
from wiverno.dev.loading.finder import user_files
from wiverno.dev.loading.roots import EarlyImports
from wiverno.dev.loading.user_cache import cache_directory
from wiverno.dev.loading.user_code import UserCode


class Groundwork:
    """Made before any code of the user is imported."""

    def __init__(self, early: EarlyImports | None = None, *, is_forked: bool = False) -> None:
        """`early` is what a template has imported; `is_forked`: this is one."""
        self.early = early or EarlyImports()
        self.is_forked = is_forked
        self.user_code = UserCode()
        self.cache = CodeCache(cache_directory())
        self.loaded_files = tuple(user_files(sys.modules.values(), self.user_code))
        """Of modules that Python itself has imported: `sitecustomize`, `.pth` files."""
        self.main_spec: ModuleSpec | None = find_spec("wiverno.__main__")
