"""What an error page says, before it is HTML, text or JSON. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wiverno.core.failures import Failure
from wiverno.core.http.statuses import status_line

# A page that lists thousands of routes helps nobody; the closest ones come first.
MAX_ROUTES_SHOWN = 50

# They tell nothing of the application: whoever wants to say more gives a message.
_SENTENCES = {
    400: "The server could not make sense of this request.",
    401: "Sign in to see this page.",
    403: "You may not see this page.",
    404: "There is nothing at this address.",
    405: "This address does not answer requests of this kind.",
    406: "This address has nothing in a form that was asked for.",
    408: "The request took too long to arrive.",
    409: "The request does not fit what is there by now.",
    410: "What was at this address is gone for good.",
    412: "What is there is not what the request expects.",
    413: "The request is larger than the server accepts.",
    415: "The server does not read requests in this form.",
    422: "The server understood the request, but cannot do what it says.",
    429: "These were many requests in a short time. Try again in a while.",
    500: "Something went wrong on the server. It is not your fault.",
    501: "The server cannot do that.",
    503: "The server cannot answer just now. Try again in a moment.",
    504: "The answer took too long. Try again in a moment.",
}
_CLIENT_SENTENCE = "The server does not answer this request."
_SERVER_SENTENCE = "The server could not answer this request."
# A parameter takes any text, so it is close to everything, but less than a name with a typo.
_PARAMETER_LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class ListedRoute:
    """A route as the page lists it. No `methods` means every method."""

    path: str
    methods: tuple[str, ...] = ()
    view: str = ""


@dataclass(frozen=True, slots=True)
class DebugDetails:
    """What only a developer may see."""

    method: str
    path: str
    routes: Sequence[ListedRoute] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ErrorContent:
    """A whole error page; `debug` is None where strangers can see it."""

    status_code: int
    title: str
    message: str
    allowed: tuple[str, ...]
    debug: DebugDetails | None


def error_content(
    status_code: int, message: str, allowed: Iterable[str], debug: DebugDetails | None
) -> ErrorContent:
    """Fill in what every page has: the phrase of the status, and a sentence for people."""
    return ErrorContent(
        status_code,
        status_line(status_code)[4:],
        message or _sentence(status_code, debug),
        tuple(allowed),
        debug,
    )


def closest_routes(path: str, routes: Iterable[ListedRoute]) -> list[ListedRoute]:
    """All routes, those first whose paths look most like `path`."""
    return sorted(routes, key=lambda route: (-_likeness(path, route.path), route.path))


def _sentence(status_code: int, debug: DebugDetails | None) -> str:
    if debug and status_code == 404:
        return f"No route leads to {debug.path}."
    if debug and status_code == 405:
        return f"{debug.path} does not answer {debug.method}."
    general = _CLIENT_SENTENCE if status_code < 500 else _SERVER_SENTENCE
    return _SENTENCES.get(status_code, general)


def _likeness(path: str, pattern: str) -> float:
    """From 0 to 1, segment by segment: whole paths would compare names with parameters."""
    asked, offered = path.strip("/").split("/"), pattern.strip("/").split("/")
    alike = sum(map(_segment_likeness, asked, offered))
    return alike / max(len(asked), len(offered))


def _segment_likeness(asked: str, offered: str) -> float:
    from difflib import SequenceMatcher  # Here: only a page that nobody should see needs it.

    if asked == offered:
        return 1.0
    if "{" in offered:
        return _PARAMETER_LIKENESS
    # A segment can be as long as the client likes, and this takes the product of both lengths.
    return SequenceMatcher(None, asked[:64].lower(), offered[:64].lower()).ratio()
