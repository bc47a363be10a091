"""The one rule for how paths are spelled."""


def normalize_path(path: str) -> str:
    """Spell `users`, `/users` and `/users/` alike.

    >>> normalize_path("users/")
    '/users'
    """
    return "/" + path.strip("/")
