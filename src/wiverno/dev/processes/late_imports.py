"""What installed packages import only when they are used, and every application of them does.

It is no root: no file of the user's asks for it. Without this, each restart would import it
again, behind the template: pydantic.v1 with FastAPI's first route, the event loop's side of
anyio with the first request. In a template it is there a little earlier than in a cold start.
"""

import contextlib
import importlib
import sys
import tokenize
import warnings

LATE_IMPORTS = {
    "anyio": ("anyio._backends._asyncio",),
    "fastapi": ("pydantic.v1",),
}
"""Package → modules that know of no settings: they are the same whenever they are imported."""


def import_late() -> None:
    """For the packages that are imported already. What is not there is left out."""
    for package, names in LATE_IMPORTS.items():
        for name in names if package in sys.modules else ():
            # FastAPI does without it, and without its warnings, as well.
            with warnings.catch_warnings(action="ignore"), contextlib.suppress(Exception):
                importlib.import_module(name)
    if "fastapi" in sys.modules:
        _compile_patterns_of_tokenize()


def _compile_patterns_of_tokenize() -> None:
    """FastAPI looks at the source of each view that is called. Before Python 3.12: 20 ms."""
    for _ in tokenize.generate_tokens(iter(["x\n"]).__next__):
        pass
