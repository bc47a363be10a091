"""Cuts a module into segments that are executed one after the other. PURE.

Between two segments a process may be forked and paused. When it goes on, the segments that
were executed must still stand in the file byte for byte; what follows them is compiled from
whatever the file holds by then. So code below the imports of a module may change without the
imports being done again.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType

# From 3.14 on the annotations of a module are one function of its whole code (PEP 649).
_HAS_LAZY_ANNOTATIONS = sys.version_info >= (3, 14)

# What has names of its own, or holds no statements.
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive statements of a module."""

    code: CodeType
    end: int
    """How many bytes of the file have been executed when this segment has."""
    imports: bool
    """Do all of its statements import? Otherwise none does, at the top level."""


class PrefixChangedError(Exception):
    """What has been executed of a file does not stand in it any more."""


def compile_segments(source: bytes, path: str) -> tuple[Segment, ...]:
    """The segments of the file `path`; the last one ends where the source does.

    A segment is a run of statements that import, or what stands between two such runs.
    Raises what `compile` raises.
    """
    tree = _parse(source, path)
    ends = _LineEnds(source)
    cuts = [*_cuts(tree.body), len(tree.body)] if _may_be_cut(tree, source) else [len(tree.body)]
    return _compile(tree, cuts, ends, path, start=0)


def compile_rest(source: bytes, path: str, executed: bytes, end: int) -> tuple[Segment, ...]:
    """The segments behind the first `end` bytes, which were executed from `executed`.

    Raises PrefixChangedError where they are not the beginning of `source`, as whole
    statements, with the same meaning.
    """
    # A coding cookie (PEP 263) stands before any statement, so it is among these bytes.
    if source[:end] != executed[:end]:
        raise PrefixChangedError(path)
    tree = _parse(source, path)
    ends = _LineEnds(source)
    start = _statements_before(tree.body, ends, end)
    if start is None or not _may_be_cut(tree, source):
        raise PrefixChangedError(path)
    cuts = [cut for cut in _cuts(tree.body) if cut > start]
    return _compile(tree, [*cuts, len(tree.body)], ends, path, start)


def _parse(source: bytes, path: str) -> ast.Module:
    tree = compile(source, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)  # narrows the overload, checks no input
    return tree


def _compile(
    tree: ast.Module, cuts: Sequence[int], ends: "_LineEnds", path: str, start: int
) -> tuple[Segment, ...]:
    """Every segment before any is executed, as a SyntaxError comes before any code runs."""
    segments = []
    flags = _future_flags(tree)
    for cut in cuts:
        body = tree.body[start:cut]
        if start and body:
            # Or a text that stands first would become the docstring of the module.
            body.insert(0, ast.copy_location(ast.Pass(), body[0]))
        part = ast.Module(body, type_ignores=[])
        code = compile(part, path, "exec", flags, dont_inherit=True)
        is_last = cut == len(tree.body)
        end = ends.length if is_last else ends.after_line(_last_line(tree.body[cut - 1]))
        segments.append(Segment(code, end, start < cut and _imports(tree.body[start])))
        start = cut
    return tuple(segments)


def _may_be_cut(tree: ast.Module, source: bytes) -> bool:
    """Would its parts mean the same as the whole?"""
    # One annotation anywhere makes the name `__annotations__` known from the first line on.
    if b"__annotations__" in source:
        return False
    # Whether `global` may follow an assignment or annotation, only the whole can tell.
    if b"global" in source and _has_in_module_scope(tree, ast.Global):
        return False
    if _HAS_LAZY_ANNOTATIONS and _has_in_module_scope(tree, ast.AnnAssign):
        return False
    # Anywhere but at the beginning it is a SyntaxError, which only the whole can tell.
    futures = [index for index, each in enumerate(tree.body) if _is_future(each)]
    return not futures or futures[-1] < _first_real_statement(tree.body)


def _has_in_module_scope(tree: ast.Module, kind: type[ast.stmt]) -> bool:
    """Is there such a statement that is in no function or class?"""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, kind):
            return True
        if not isinstance(node, _SCOPES):
            left.extend(ast.iter_child_nodes(node))
    return False


def _first_real_statement(body: Sequence[ast.stmt]) -> int:
    """The first that is neither the docstring nor a `__future__` import."""
    for index, statement in enumerate(body):
        if not (_is_future(statement) or (index == 0 and _is_text(statement))):
            return index
    return len(body)


def _cuts(body: Sequence[ast.stmt]) -> Iterator[int]:
    """Before which statements a segment may begin."""
    for index in range(1, len(body)):
        is_edge_of_run = _imports(body[index - 1]) != _imports(body[index])
        if is_edge_of_run and _first_line(body[index]) > _last_line(body[index - 1]):
            yield index


def _imports(statement: ast.stmt) -> bool:
    """Is it an import, or one under a condition? Not in a function or class.

    A `__future__` import belongs to the docstring before it: nothing may come between them.
    """
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return not _is_future(statement)
    if isinstance(statement, ast.Try):
        blocks = (statement.body, statement.orelse, statement.finalbody)
        return any(map(_imports, [each for block in blocks for each in block]))
    if isinstance(statement, ast.If | ast.With):
        return any(map(_imports, statement.body))
    return False


def _statements_before(body: Sequence[ast.stmt], ends: "_LineEnds", end: int) -> int | None:
    """How many statements the first `end` bytes hold; None where they end inside of one."""
    for count in range(len(body), 0, -1):
        if ends.after_line(_last_line(body[count - 1])) > end:
            continue
        is_exact = ends.after_line(_last_line(body[count - 1])) == end
        begins_behind = count == len(body) or (ends.before_line(_first_line(body[count])) >= end)
        return count if is_exact and begins_behind else None
    return None


def _future_flags(tree: ast.Module) -> int:
    import __future__

    names = [
        alias.name
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and _is_future(statement)
        for alias in statement.names
    ]
    flags = 0
    for name in names:
        # An unknown one is a SyntaxError of the segment that holds the statement.
        flags |= getattr(getattr(__future__, name, None), "compiler_flag", 0)
    return flags


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


class _LineEnds:
    """Where the lines of a source end, in bytes."""

    def __init__(self, source: bytes) -> None:
        self.length = len(source)
        self._ends = [0]
        for line in source.splitlines(keepends=True):
            self._ends.append(self._ends[-1] + len(line))

    def after_line(self, number: int) -> int:
        return self._ends[number]

    def before_line(self, number: int) -> int:
        return self._ends[number - 1]
