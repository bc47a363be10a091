"""Environment files (`.env`, `.flaskenv`): the variables that they give to an application.

Reads and parses; sets nothing. Who applies them decides what wins: here always the environment.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from wiverno.core.exceptions import EnvironmentFileError

_BLANK = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*")
_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=")
_VALUE = re.compile(
    r"""[ \t]*'(?P<raw>[^']*)'"""
    r"""|[ \t]*"(?P<quoted>(?:[^"\\]|\\.)*)\""""
    r"""|(?![ \t]*['"])(?P<plain>(?:(?!\s\#)[^\n])*)""",
    re.S,
)
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*)?\n")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.-]*)(?::-([^}]*))?\}")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_REMEDY = "Write NAME=value, with quotes around a value that has line breaks or ' #' in it."


def read_variables(paths: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """What the files set beyond `environment`, which wins; a later file wins over an earlier one.

    A file that is not there sets nothing. Raises EnvironmentFileError for one that cannot be
    read or parsed.
    """
    return variables_of(read_files(paths), environment)


def read_files(paths: Iterable[str]) -> dict[str, bytes]:
    """What is in the files; nothing where one is not there. Raises EnvironmentFileError."""
    return {path: _content_of(path) for path in paths}


def variables_of(contents: Mapping[str, bytes], environment: Mapping[str, str]) -> dict[str, str]:
    """The same as `read_variables`, of files that were read."""
    found: dict[str, str] = {}
    for path, content in contents.items():
        found |= parse(_decode(content, path), path, environment, found)
    return {name: value for name, value in found.items() if name not in environment}


def parse(
    text: str,
    name: str,
    environment: Mapping[str, str] | None = None,
    earlier: Mapping[str, str] | None = None,
) -> dict[str, str]:
    r"""The variables of one file.

    `${NAME}` is what `environment` has, else this file above, else `earlier` files, else empty.

    >>> parse("export HOST=localhost  # here\nURL=\"http://${HOST}/\"\n", ".env")
    {'HOST': 'localhost', 'URL': 'http://localhost/'}
    """
    text = text.replace("\r\n", "\n") + "\n"
    found: dict[str, str] = {}
    position = _after_blank(text, 0)
    while position < len(text):
        key = _NAME.match(text, position)
        value = _VALUE.match(text, key.end()) if key else None
        end = _LINE_END.match(text, value.end()) if value else None
        if key is None or value is None or end is None or "\0" in value[0]:
            raise _error(text, position, name)
        known = {**(earlier or {}), **found, **(environment or {})}
        found[key[1]] = _meaning(value, known)
        position = _after_blank(text, end.end())
    return found


def _after_blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    assert match is not None  # it may be empty
    return match.end()


def _meaning(value: re.Match[str], known: Mapping[str, str]) -> str:
    if value["raw"] is not None:
        return value["raw"]
    if value["quoted"] is None:
        return _with_references(value["plain"].strip(), known)
    # Piece by piece: `\$` is no reference, and what a reference brings in has no escapes.
    pieces = re.split(r"(\\.)", value["quoted"], flags=re.S)
    return "".join(
        _ESCAPED.get(piece[1], piece[1] if piece[1] in "\\\"'$" else piece)
        if index % 2
        else _with_references(piece, known)
        for index, piece in enumerate(pieces)
    )


def _with_references(text: str, known: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda match: known.get(match[1]) or match[2] or "", text)


def _error(text: str, position: int, name: str) -> EnvironmentFileError:
    number = text.count("\n", 0, position) + 1
    # Only up to the value, which may be a secret.
    line = text[position:].partition("\n")[0].partition("=")[0].strip()
    return EnvironmentFileError(
        f"{name}, line {number}: no variable with a value can be read at {line[:60]!r}. {_REMEDY}"
    )


def _content_of(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise EnvironmentFileError(
            f"The environment file {path!r} cannot be read: {error.strerror}."
        ) from None


def _decode(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EnvironmentFileError(
            f"The environment file {path!r} is not UTF-8 (byte {error.start}). Save it as UTF-8."
        ) from None
