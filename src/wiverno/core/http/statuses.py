"""Status lines: from what a view returns to what RFC 9110 allows on the wire."""

from http import HTTPStatus

from wiverno.core.exceptions import InvalidHTTPStatusError

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {
    # As RFC 9110 has them; the standard library does from Python 3.13 on.
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
_FINAL_CODES = range(200, 600)  # 1xx announces a final response, it cannot be one (RFC 9110 15.2).
_CODES_WITHOUT_CONTENT = frozenset({204, 304})


def status_line(status: object) -> str:
    """Make `"201 Created"` of `201`, `"201"`, `"201 Created"` or `"201 Whatever"`.

    Raises `InvalidHTTPStatusError`. The phrase of a code that no RFC names is kept.
    """
    code, phrase = _code_and_phrase(status)
    if code not in _FINAL_CODES:
        raise InvalidHTTPStatusError(
            f"Status {status!r} is not a final HTTP status. Use 200 to 599, as in 201 or '201'."
        )
    return f"{code} {_PHRASES.get(code) or _checked_phrase(status, phrase)}"


def allows_content(line: str) -> bool:
    """Whether a response with this status line may carry content (RFC 9110 15)."""
    return int(line[:3]) not in _CODES_WITHOUT_CONTENT


def _code_and_phrase(status: object) -> tuple[int, str]:
    if isinstance(status, int) and not isinstance(status, bool):
        return int(status), ""
    if isinstance(status, str):
        digits, _, phrase = status.strip().partition(" ")
        if len(digits) == 3 and digits.isascii() and digits.isdigit():
            return int(digits), phrase.strip()
    raise InvalidHTTPStatusError(
        f"Status {status!r} is not an HTTP status. Return a number such as 201, '201' "
        "or '201 Created' before the body."
    )


def _checked_phrase(status: object, phrase: str) -> str:
    # A line break here would let the phrase write headers of its own.
    if not (phrase.isascii() and phrase.isprintable()):
        raise InvalidHTTPStatusError(
            f"The phrase of status {status!r} holds characters that HTTP does not allow there."
        )
    return phrase or "Unknown"
