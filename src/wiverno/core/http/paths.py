"""The one rule for how paths are spelled."""


def normalize_path(path: str) -> str:
    """Spell `users`, `/users` and `/users/` alike: a slash before, none behind.

    One slash is added or dropped, not more: `//users` and `/users//` stay other paths than
    `/users`, because RFC 3986 3.3 lets a segment be empty and a client that asks for one
    means it. So do this once; a second time would drop a second slash.

    >>> normalize_path("users/")
    '/users'
    """
    if path[:1] != "/":
        path = "/" + path
    if path[-1] == "/" and len(path) > 1:
        return path[:-1]
    return path
