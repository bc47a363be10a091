"""App targets: from the text `module:attribute` to the application that it names.

The dev worker runs this module at every restart, so it imports nothing that only
an error text needs; what explains a failure lives in `app_target_hints`.
"""

import importlib
from dataclasses import dataclass
from types import FunctionType, ModuleType, TracebackType
from typing import Any, cast

from wiverno.core.exceptions import (
    AppAttributeNotFoundError,
    AppModuleNotFoundError,
    AppNotCallableError,
    AppTargetSyntaxError,
)
from wiverno.core.wsgi_types import WSGIApplication

DEFAULT_ATTRIBUTE = "app"

_ACCEPTS_ANY_POSITIONAL = 0x04  # CO_VARARGS; `inspect` is too heavy to name it here.


@dataclass(frozen=True, slots=True)
class AppTarget:
    """Where an application is: an importable module and an attribute in it.

    `attribute` may be dotted (`api.wsgi`) and may end in a call, which makes it a factory:
    `create_app()`, `create_app("dev", debug=True)`. Raises `AppTargetSyntaxError`.
    """

    module: str
    attribute: str = DEFAULT_ATTRIBUTE

    def __post_init__(self) -> None:
        _check_module_text(self.module)
        _check_attribute_text(self.attribute)

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"

    @property
    def is_factory(self) -> bool:
        """Whether the attribute is called to get the application."""
        return "(" in self.attribute

    @property
    def attribute_path(self) -> str:
        """The dotted attribute without the call."""
        return _path_of(self.attribute)


def parse(text: str) -> AppTarget:
    """Read `module:attribute`; the attribute is `app` where only a module is given.

    >>> parse("shop.wsgi:create_app()")
    AppTarget(module='shop.wsgi', attribute='create_app()')
    """
    module, colon, attribute = text.partition(":")
    if colon and not attribute:
        raise AppTargetSyntaxError(
            f"App target {text!r} names no attribute after the colon. "
            f"Write '{module}:{DEFAULT_ATTRIBUTE}', or '{module}' alone."
        )
    return AppTarget(module, attribute or DEFAULT_ATTRIBUTE)


def load(target: AppTarget) -> WSGIApplication:
    """Import the module and return the application; an `AppTargetError` says what is missing.

    Whatever the module itself raises while it is imported, an ImportError of one of its
    own dependencies included, comes out unchanged and with its traceback.
    """
    return find_application(import_app_module(target), target)


def import_app_module(target: AppTarget) -> ModuleType:
    """Import the module of `target` without looking into it.

    Raises `AppModuleNotFoundError` only if the module itself, or a package
    that it lies in, does not exist.
    """
    try:
        return importlib.import_module(target.module)
    except ModuleNotFoundError as error:
        if not _is_about_target(error, target):
            raise
        from wiverno.core.app_target_hints import describe_missing_module

        # Without the context: "during handling of ..." would say the same thing twice.
        raise AppModuleNotFoundError(
            describe_missing_module(target.module, target.attribute, error), name=error.name
        ) from None


def find_application(module: ModuleType, target: AppTarget) -> WSGIApplication:
    """Return what `target` names in its imported module, calling it if it is a factory."""
    found = _resolve(module, target)
    if target.is_factory:
        found = _call_factory(found, target)
    _check_callable(found, target)
    return cast(WSGIApplication, found)


def _check_module_text(module: str) -> None:
    if all(part.isidentifier() for part in module.split(".")):
        if module.endswith(".py"):
            raise AppTargetSyntaxError(
                f"App module {module!r} is a file name. Write {module.removesuffix('.py')!r}."
            )
        return
    text = f"App module {module!r} is not a module name. "
    if "/" in module or "\\" in module:
        dotted = module.replace("\\", "/").removesuffix(".py").strip("./").replace("/", ".")
        raise AppTargetSyntaxError(text + f"Write the name to import, as in {dotted!r}.")
    raise AppTargetSyntaxError(text + "Write it as in an import statement: 'run', 'myapp.main'.")


def _check_attribute_text(attribute: str) -> None:
    path = _path_of(attribute)
    if not all(part.isidentifier() for part in path.split(".")):
        raise AppTargetSyntaxError(
            f"App name {attribute!r} cannot be looked up in a module. "
            "Write an attribute ('app') or a factory ('create_app()')."
        )
    if attribute != path:
        _read_arguments(attribute)


def _path_of(attribute: str) -> str:
    return attribute.partition("(")[0]


def _read_arguments(attribute: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if attribute == f"{_path_of(attribute)}()":
        return (), {}
    from wiverno.core.app_target_calls import read_arguments

    return read_arguments(attribute)


def _is_about_target(error: ModuleNotFoundError, target: AppTarget) -> bool:
    """Tell a target that does not exist from a module that imports something missing."""
    missing = error.name or ""
    is_target_or_parent = f"{target.module}.".startswith(f"{missing}.")
    return is_target_or_parent and not _passes_through_user_code(error.__traceback__)


def _passes_through_user_code(traceback: TracebackType | None) -> bool:
    # The first frame is ours; a search that ends empty has only importlib's below it.
    frame = traceback.tb_next if traceback else None
    while frame is not None:
        file_name = frame.tb_frame.f_code.co_filename
        if not (file_name.startswith("<frozen importlib") or file_name == importlib.__file__):
            return True
        frame = frame.tb_next
    return False


def _resolve(module: ModuleType, target: AppTarget) -> Any:
    found: Any = module
    for name in target.attribute_path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            if error.__traceback__ and error.__traceback__.tb_next:
                raise  # Raised inside a property or `__getattr__` of the user's own.
            from wiverno.core.app_target_hints import describe_missing_attribute

            raise AppAttributeNotFoundError(
                describe_missing_attribute(module, found, name), name=name, obj=found
            ) from None
    return found


def _call_factory(factory: Any, target: AppTarget) -> Any:
    if not callable(factory):
        raise AppNotCallableError(
            f"{target.module}:{target.attribute_path} is a {type(factory).__name__}, not a factory "
            f"that can be called. If it is the application, write '{target.module}:"
            f"{target.attribute_path}' without the parentheses."
        )
    positional, named = _read_arguments(target.attribute)
    try:
        return factory(*positional, **named)
    except TypeError as error:
        if error.__traceback__ and error.__traceback__.tb_next:
            raise  # Raised inside the factory: the user's own error.
        how = "with these arguments" if positional or named else "without arguments"
        raise AppNotCallableError(
            f"The factory {target} cannot be called {how}: {error}. Write those that it needs, as "
            f"in '{target.module}:{target.attribute_path}(\"dev\")', or give them defaults."
        ) from None


def _check_callable(found: Any, target: AppTarget) -> None:
    if not callable(found):
        kind = "None" if found is None else f"a {type(found).__name__}"
        source = f"{target} returned" if target.is_factory else f"{target} is"
        raise AppNotCallableError(f"{source} {kind}, not a callable application.")
    if isinstance(found, FunctionType) and not _accepts_call(found):
        from wiverno.core.app_target_hints import describe_function

        raise AppNotCallableError(describe_function(str(target), found))


def _accepts_call(function: FunctionType) -> bool:
    """Whether a plain function can take `(environ, start_response)` at all.

    An ASGI application takes more, and one of its older form the `scope` alone.
    """
    code = function.__code__
    if code.co_argcount == 1 and code.co_varnames[0] == "scope":
        return True
    return code.co_argcount >= 2 or bool(code.co_flags & _ACCEPTS_ANY_POSITIONAL)
