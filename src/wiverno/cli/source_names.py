"""What a module binds at its top level, read from its text. PURE: nothing is imported or run."""

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bound:
    """A name of a module. What is not known is left open."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Called(Bound):
    """`name = callee(...)`; the callee with what its first part was imported as."""

    callee: str
    origin: str


@dataclass(frozen=True, slots=True)
class Function(Bound):
    """`def name(...)`, decorated or not; a class without `required` arguments."""

    required: tuple[str, ...] = ()
    takes: float = 0
    """How many positional arguments at most."""
    is_decorated: bool = False
    required_by_name: tuple[str, ...] = ()
    """Of those that are required, the ones that are passed by name only."""


@dataclass(frozen=True, slots=True)
class Imported(Bound):
    """`from module import original as name`; of `import module` `original` is empty."""

    module: str
    original: str


@dataclass(frozen=True, slots=True)
class Alias(Bound):
    """`name = other`."""

    other: str


@dataclass(frozen=True, slots=True)
class Constant(Bound):
    """A value that nobody can call: None, a text, a list."""


@dataclass(frozen=True, slots=True)
class Other(Bound):
    """Anything else, as `name = other.attribute`, or a class."""


@dataclass(frozen=True, slots=True)
class SourceNames:
    """The names of one module in the order of their first binding, each as it is in the end."""

    bound: dict[str, Bound] = field(default_factory=dict)

    def origin_of(self, callee: str) -> str:
        """`Flask` after `from flask import Flask` is `flask.Flask`; what is unknown stays."""
        first, dot, rest = callee.partition(".")
        match self.bound.get(first):
            case Imported(module=module, original=original):
                return ".".join(filter(None, (module, original, rest)))
            case _:
                return first + dot + rest


_LITERALS = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp)


def read_names(text: bytes | str, module: str, *, is_package: bool = False) -> SourceNames | None:
    """The names of `module` out of its text; None where that is no Python of this version."""
    try:
        with warnings.catch_warnings():
            # Of the user's escapes; they are told when it is compiled to be run.
            warnings.simplefilter("ignore")
            return _names(ast.parse(text), module if is_package else module.rpartition(".")[0])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _names(tree: ast.Module, package: str) -> SourceNames:
    names = SourceNames()
    for statement in _statements(tree.body):
        for bound in _bound_by(statement, package, names):
            # `app = None` stands for "not made yet" before or beside what makes it.
            if not isinstance(bound, Constant) or bound.name not in names.bound:
                names.bound[bound.name] = bound
    return names


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Those that an import runs, or may run."""
    for statement in body:
        match statement:
            case ast.If():
                if not _is_never_imported(statement.test):
                    yield from _statements(statement.body)
                yield from _statements(statement.orelse)
            case ast.Try() | ast.TryStar():
                yield from _statements(statement.body)
                for handler in statement.handlers:
                    yield from _statements(handler.body)
                yield from _statements([*statement.orelse, *statement.finalbody])
            case ast.With():
                yield from _statements(statement.body)
            case _:
                yield statement


def _is_never_imported(test: ast.expr) -> bool:
    """`if __name__ == "__main__"` or `if TYPE_CHECKING`."""
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
    return "__name__" in names or "TYPE_CHECKING" in names | attributes


def _bound_by(statement: ast.stmt, package: str, names: SourceNames) -> Iterator[Bound]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield _function(statement)
        case ast.ClassDef():
            yield Other(statement.name, statement.lineno)
        case ast.Import():
            for alias in statement.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield Imported(name, statement.lineno, alias.name if alias.asname else name, "")
        case ast.ImportFrom():
            module = _absolute(statement, package)
            for alias in statement.names:
                yield Imported(alias.asname or alias.name, statement.lineno, module, alias.name)
        case ast.Assign():
            for target in statement.targets:
                yield from _assigned(target, statement.value, names)
        case ast.AnnAssign() if statement.value is not None:
            yield from _assigned(statement.target, statement.value, names)


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - statement.level + 1]
    return ".".join([*kept, *filter(None, [statement.module])])


def _assigned(target: ast.expr, value: ast.expr, names: SourceNames) -> Iterator[Bound]:
    if isinstance(target, ast.Tuple | ast.List):
        for each in target.elts:
            if isinstance(each, ast.Name):
                yield Other(each.id, each.lineno)
        return
    if not isinstance(target, ast.Name):
        return
    match value:
        case ast.Call():
            callee = ast.unparse(value.func)
            yield Called(target.id, target.lineno, callee, names.origin_of(callee))
        case ast.Name():
            yield Alias(target.id, target.lineno, value.id)
        case _ if isinstance(value, _LITERALS):
            yield Constant(target.id, target.lineno)
        case _:
            yield Other(target.id, target.lineno)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    positional = [*node.args.posonlyargs, *node.args.args]
    required = positional[: len(positional) - len(node.args.defaults)]
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    by_name = [each for each, default in pairs if default is None]
    return Function(
        node.name,
        node.lineno,
        tuple(each.arg for each in (*required, *by_name)),
        float("inf") if node.args.vararg else len(positional),
        bool(node.decorator_list),
        tuple(each.arg for each in by_name),
    )
