"""Media types with their parameters, as Content-Type and Content-Disposition write them."""

import re

# Nothing gives back what it took (`*+`): with two ways to share some spaces, a header of spaces
# would take the square of its length.
_PARAMETER = re.compile(
    r"""[ \t]*+;[ \t]*+
    (?:
        (?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]++)[ \t]*+=[ \t]*+
        (?: "(?P<quoted>(?:[^"\\]++|\\.)*+)" | (?P<token>[^;"\s]*+) )
    )?
    [ \t]*+(?=;|$)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def parse_media_type(text: str) -> tuple[str, dict[str, str]]:
    """Split `text/html; charset="utf-8"` into type and parameters (RFC 9110 8.3.1).

    Type and names come in lower case. The first of two parameters with one name wins, and
    the first that is malformed ends the list: each further try could read all that follows.

    >>> parse_media_type('Text/HTML; Charset="utf-8"')
    ('text/html', {'charset': 'utf-8'})
    """
    media_type = text.partition(";")[0]
    parameters: dict[str, str] = {}
    place = len(media_type)
    while place < len(text):
        found = _PARAMETER.match(text, place)
        if found is None:
            break
        if found["name"] is not None:
            parameters.setdefault(found["name"].lower(), _value(found))
        place = found.end()
    return media_type.strip().lower(), parameters


def is_json(media_type: str) -> bool:
    """Is it `application/json`, or a type that is written in JSON (RFC 6839 3.1)?"""
    return media_type == "application/json" or media_type.endswith("+json")


def _value(found: re.Match[str]) -> str:
    quoted = found["quoted"]
    return str(found["token"]) if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
