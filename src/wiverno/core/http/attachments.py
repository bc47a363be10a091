"""The name under which a browser saves a response (RFC 6266), in any script (RFC 8187)."""

import re
import unicodedata
from urllib.parse import quote

from wiverno.core.exceptions import InvalidHeaderError

# What RFC 8187 3.2.1 leaves as it is, apart from letters and digits.
_ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"
# Understood alike by all browsers inside quotes: not `"` and `\`, which would need escapes
# that some do not know, and not `%`, which some decode.
_NOT_PLAIN = re.compile(r'[^\x20-\x7e]|["\\%]')


def attachment(download_name: str) -> str:
    """The Content-Disposition that saves under `download_name` and shows nothing.

    `/` and `\\` become `_`: it is a name, not a path. Raises `InvalidHeaderError`.

    >>> attachment("naïve plan.txt")
    'attachment; filename="naive plan.txt"; filename*=UTF-8\\'\\'na%C3%AFve%20plan.txt'
    """
    _check(download_name)
    name = re.sub(r"[/\\]", "_", download_name)
    plain = _NOT_PLAIN.sub("_", _without_marks(name))
    if plain == name:
        return f'attachment; filename="{name}"'
    encoded = quote(name, safe=_ATTRIBUTE_CHARACTERS)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def _check(name: str) -> None:
    # Cc: controls, Cs: half of a character, Zl and Zp: line ends of Unicode.
    bad = [each for each in name if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")]
    if bad or not name.strip(". "):
        raise InvalidHeaderError(
            f"download_name={name!r} cannot be a file name: it is empty or holds control "
            "characters. Give a name such as 'report.pdf'."
        )


def _without_marks(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(each for each in decomposed if not unicodedata.combining(each))
