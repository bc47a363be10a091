"""Two code objects of one function that were compiled in different company.

CPython calls `module.function()` by other instructions where it sees that `module` is imported
at the top level of what it compiles. A module that is compiled in parts shows it less. Both do
the same; such pairs, and nothing else, are made equal here.
"""

import base64
import dis
import marshal
from collections.abc import Iterator
from types import CodeType
from typing import Any

_NOTHING = {"PUSH_NULL", "CACHE"}


def behave_alike(one: str, other: str) -> bool:
    """Are the two, as `dump.code` has written them, the same but for the way of such calls?"""
    return list(_canonical(_read(one))) == list(_canonical(_read(other)))


def _read(text: str) -> CodeType:
    code = marshal.loads(base64.b64decode(text))
    assert isinstance(code, CodeType)  # `dump.code` marshals nothing else
    return code


def _canonical(code: CodeType) -> Iterator[Any]:
    yield code.co_name, code.co_qualname, code.co_filename, code.co_firstlineno, code.co_flags
    yield code.co_varnames, code.co_freevars, code.co_cellvars
    yield code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    kept = [one for one in dis.get_instructions(code) if one.opname not in _NOTHING]
    number_at = {one.offset: number for number, one in enumerate(kept)}
    for one in kept:
        value = one.argval
        if isinstance(value, CodeType):
            value = list(_canonical(value))
        elif one.opcode in dis.hasjrel or one.opcode in dis.hasjabs:
            value = number_at.get(value, value)
        name = "LOAD_ATTR" if one.opname == "LOAD_METHOD" else one.opname
        yield name, repr(value), one.positions
