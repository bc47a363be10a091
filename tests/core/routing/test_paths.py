"""How paths are spelled."""

import pytest

from wiverno.core.http.paths import normalize_path


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("users", "/users"),
        ("/users", "/users"),
        ("/users/", "/users"),
        ("users/", "/users"),
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("//users", "//users"),
        ("/users//", "/users/"),
        ("/a//b", "/a//b"),
        ("*", "/*"),
    ],
)
def test_path_when_normalized_has_one_slash_before_and_loses_one_behind(
    path: str, normal: str
) -> None:
    assert normalize_path(path) == normal
