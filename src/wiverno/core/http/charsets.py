"""The charsets that text in a request may have."""

from wiverno.core.exceptions import RequestBodyError

# By name, and not whatever Python decodes: to look up an unknown name imports a module and is
# remembered for good, and codecs such as `punycode` take quadratic time.
_CHARSETS = frozenset(
    [
        "utf-8", "utf8", "us-ascii", "ascii", "latin-1", "latin1", "iso-8859-1", "iso-8859-2",
        "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8",
        "iso-8859-9", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16",
        "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
        "windows-1255", "windows-1256", "windows-1257", "windows-1258", "koi8-r", "koi8-u",
        "shift_jis", "euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5",
    ]
)  # fmt: skip


def checked_charset(name: str) -> str:
    """The charset in lower case. Raises `RequestBodyError` for one that is not known."""
    charset = name.strip().lower()
    if charset not in _CHARSETS:
        raise RequestBodyError(f"The charset {name[:40]!r} is not known here. Send utf-8.")
    return charset


def decode(data: bytes, charset: str, what: str) -> str:
    """Text out of bytes; `what` names it in the `RequestBodyError` for those that are none."""
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        place = error.start
    raise RequestBodyError(f"{what} is not {charset}: byte {place} cannot be decoded.")
