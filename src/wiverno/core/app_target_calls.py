"""Calls with arguments at the end of an app target: `create_app("dev", debug=True)`.

Imported only for such a target. Arguments are literals, so that it means the same everywhere;
nothing of it is ever evaluated.
"""

import ast
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from wiverno.core.exceptions import AppTargetSyntaxError

# What other languages write, and parameters that are rarely texts.
_SAMPLES = {
    **{"true": "True", "false": "False", "none": "None", "null": "None"},
    **{"debug": "True", "testing": "True", "port": "8000"},
}


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
    wrong = [text for text, node in _arguments(call) if not _is_literal(node)]
    if wrong:
        raise _not_literal(call, attribute, wrong)
    return Arguments(
        tuple(ast.literal_eval(each) for each in call.args),
        {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg is not None},
    )


def sample_call(path: str, required: Sequence[str], by_name: Collection[str] = ()) -> str:
    """A call of a factory that can be typed as it is: a literal for each parameter.

    >>> sample_call("create_app", ["config", "debug"], by_name={"debug"})
    'create_app("config", debug=True)'
    """
    arguments = [
        f"{name}={_sample_literal(name)}" if name in by_name else _sample_literal(name)
        for name in required
    ]
    return f"{path}({', '.join(arguments)})"


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


def _arguments(call: ast.Call) -> Iterator[tuple[str, ast.expr | None]]:
    """Each as it is written, and its value; None where one argument stands for many."""
    for each in call.args:
        yield ast.unparse(each), None if isinstance(each, ast.Starred) else each
    for keyword in call.keywords:
        value = ast.unparse(keyword.value)
        yield (f"**{value}", None) if keyword.arg is None else (value, keyword.value)


def _is_literal(node: ast.expr | None) -> bool:
    if node is None:
        return False
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return False
    return True


def _not_literal(call: ast.Call, attribute: str, wrong: Sequence[str]) -> AppTargetSyntaxError:
    listed = ", ".join(map(repr, wrong))
    is_one = len(wrong) == 1
    path = ast.unparse(call.func)
    return AppTargetSyntaxError(
        f"App name {attribute!r} has the argument{'' if is_one else 's'} {listed}, "
        f"which {'is no literal' if is_one else 'are no literals'}. Write text in "
        "quotes, numbers, True, False, None, or lists, tuples, sets and dicts of them, as in "
        f"'{_with_literals(call, path)}'; for all else write a module with app = {path}(…) "
        "and give that module."
    )


def _with_literals(call: ast.Call, path: str) -> str:
    """The call as it could have been meant; what stands for many arguments is left out."""
    texts = [_as_literal(each) for each in call.args if not isinstance(each, ast.Starred)]
    named = [each for each in call.keywords if each.arg is not None]
    texts += [f"{each.arg}={_as_literal(each.value, str(each.arg))}" for each in named]
    return f"{path}({', '.join(texts)})"


def _as_literal(node: ast.expr, name: str = "dev") -> str:
    if _is_literal(node):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        # In double quotes: the shell has the single ones.
        return (
            json.dumps(ast.literal_eval(node), ensure_ascii=False) if is_text else ast.unparse(node)
        )
    return _sample_literal(node.id if isinstance(node, ast.Name) else name)


def _sample_literal(name: str) -> str:
    return _SAMPLES.get(name.lower(), f'"{name}"')
