"""Calls with arguments at the end of an app target: `create_app("dev", debug=True)`.

Imported only for such a target. Arguments are literals, so that it means the same everywhere;
nothing of it is ever evaluated.
"""

import ast
from typing import Any, NamedTuple

from wiverno.core.exceptions import AppTargetSyntaxError


class Arguments(NamedTuple):
    """What a factory is called with."""

    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = {}


def read_arguments(attribute: str) -> Arguments:
    """The arguments of the call that `attribute` ends in. Raises AppTargetSyntaxError.

    >>> read_arguments('create_app("dev", debug=True)')
    Arguments(positional=('dev',), named={'debug': True})
    """
    call = _parse(attribute)
    named: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise _not_literal(attribute, f"**{ast.unparse(keyword.value)}")
        named[keyword.arg] = _literal(keyword.value, attribute)
    return Arguments(tuple(_literal(each, attribute) for each in call.args), named)


def _parse(attribute: str) -> ast.Call:
    try:
        expression = ast.parse(attribute, mode="eval").body
    except (SyntaxError, ValueError):
        expression = None
    is_call = isinstance(expression, ast.Call) and _is_path(expression.func)
    if not isinstance(expression, ast.Call) or not is_call:
        raise AppTargetSyntaxError(
            f"App name {attribute!r} cannot be read as a call. Write a factory with its arguments, "
            "as in 'create_app(\"dev\", debug=True)', and quote it for the shell."
        )
    return expression


def _is_path(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _literal(node: ast.expr, attribute: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        raise _not_literal(attribute, ast.unparse(node)) from None


def _not_literal(attribute: str, text: str) -> AppTargetSyntaxError:
    return AppTargetSyntaxError(
        f"App name {attribute!r} has the argument {text!r}, which is no literal. Write text in "
        "quotes, numbers, True, False, None, or lists, tuples, sets and dicts of them; "
        "for all else a function without parameters that passes it."
    )
