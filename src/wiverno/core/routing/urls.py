"""URLs: from the name of a route and its parameters back to a path."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote, urlencode

from wiverno.core.exceptions import URLBuildError
from wiverno.core.routing.converters import Converter
from wiverno.core.routing.endpoints import METHODS
from wiverno.core.routing.routes import Route
from wiverno.core.routing.table import RouteTable

# RFC 3986 3.3 allows these in a path besides letters, digits and -._~ . It allows !$&'() too;
# encoded they are as good, and safe wherever the URL is pasted.
_KEPT = "/:@*+,;="


def build_url(
    table: RouteTable, name: str, routes: Sequence[Route], values: Mapping[str, Any]
) -> str:
    """The path of `routes`, which have the name, with `values`; others become the query.

    Raises `URLBuildError` if there is none that leads back to one of `routes` with `values`.
    """
    pattern = _one_of(name, routes).pattern
    texts = _texts(name, routes[0], values)
    path = "/" + "/".join(segment.build(texts) for segment in pattern.segments)
    _check_spelling(name, path)
    _check_way_back(table, name, routes, path, {key: (values[key], texts[key]) for key in texts})
    query = _query((key, value) for key, value in values.items() if key not in texts)
    try:
        # One slash at the end is nobody's, so a path that ends with its own gets it.
        return quote(path + "/" * (path[1:].endswith("/")), safe=_KEPT) + query
    except UnicodeEncodeError as error:
        raise URLBuildError(f"url_for({name!r}): {path!r} cannot be UTF-8: {error}.") from error


def unknown_name(name: str, known: Iterable[str]) -> URLBuildError:
    """The error for a name that no route has."""
    close = get_close_matches(name, sorted(known))
    advice = (
        f"Did you mean {' or '.join(map(repr, close))}?"
        if close
        else (
            "A route's name is that of its view, or what name= says; a router's comes before it: "
            "'blog.show'."
        )
    )
    return URLBuildError(f"url_for({name!r}): no route has this name. {advice}")


def _one_of(name: str, routes: Sequence[Route]) -> Route:
    first = routes[0]
    other = next((route for route in routes if route.pattern != first.pattern), None)
    if other is not None:
        raise URLBuildError(
            f"url_for({name!r}): {first.path!r} and {other.path!r} both have this name. "
            "Give one another name with name=."
        )
    return first


def _texts(name: str, route: Route, values: Mapping[str, Any]) -> dict[str, str]:
    pattern = route.pattern
    missing = [each for each in pattern.names if values.get(each) is None]
    if missing:
        raise URLBuildError(
            f"url_for({name!r}): {', '.join(map(repr, missing))} is missing for {route.path!r}. "
            f"Write url_for({name!r}, {missing[0]}=...)."
        )
    return {
        parameter: _text(name, parameter, converter, values[parameter])
        for segment in pattern.segments
        for parameter, converter in zip(segment.names, segment.converters, strict=True)
    }


def _text(name: str, parameter: str, converter: Converter, value: Any) -> str:
    try:
        text = converter.build(value)
    except (ValueError, TypeError) as error:
        raise URLBuildError(
            f"url_for({name!r}): {parameter!r} cannot be written into a path: {error}"
        ) from error
    if not isinstance(text, str):
        raise URLBuildError(
            f"url_for({name!r}): build() of {parameter!r} made {text!r} of {value!r}, not a str."
        )
    return text


def _check_spelling(name: str, path: str) -> None:
    # RFC 3986 5.2.4: clients take them out, encoded or not, before they ask for the path.
    if {".", ".."} & set(path.split("/")):
        raise URLBuildError(
            f"url_for({name!r}): {path!r} has a dot segment, which clients resolve themselves."
        )
    # RFC 3986 4.2: what follows two slashes is a host, and so the link leads elsewhere.
    if path.startswith("//"):
        raise URLBuildError(
            f"url_for({name!r}): {path!r} begins with two slashes and would be another host."
        )


def _check_way_back(
    table: RouteTable,
    name: str,
    routes: Sequence[Route],
    path: str,
    wanted: Mapping[str, tuple[Any, str]],
) -> None:
    """A link that answers 404, or with another view, is worse than an error."""
    others = set()
    for route in routes:
        for method in route.methods or METHODS:
            found = table.find(path, method)
            if not isinstance(found, tuple):
                continue
            if found[0] is route and _is_same(name, route, found[1], wanted):
                return
            others.add(found[0].path)
    others.discard(routes[0].path)
    where = f"leads to {others.pop()!r} instead of" if others else "does not lead back to"
    given = ", ".join(f"{key}={text!r}" for key, (_, text) in wanted.items())
    raise URLBuildError(
        f"url_for({name!r}): with {given or 'no parameters'} the path is {path!r}, which {where} "
        f"{routes[0].path!r} with the same values. Check that they fit its types."
    )


def _is_same(
    name: str, route: Route, found: Mapping[str, Any], wanted: Mapping[str, tuple[Any, str]]
) -> bool:
    """Whether each value is the one that was given, or is written like it: "7" for 7."""
    texts = _texts(name, route, found)
    return all(found[key] == value or texts[key] == text for key, (value, text) in wanted.items())


def _query(pairs: Iterable[tuple[str, Any]]) -> str:
    """Lists repeat their name, None is left out."""
    several = [
        (key, each)
        for key, value in pairs
        for each in (value if isinstance(value, (list, tuple)) else (value,))
        if each is not None
    ]
    return "?" + urlencode(several, quote_via=quote) if several else ""
