import pytest

from wiverno.dev.watching.filters import ALWAYS_IGNORED, IgnorePatterns


def watched(path: str, patterns: list[str] | None = None) -> bool:
    return IgnorePatterns(patterns, "/home/me/project").is_watched_file(path)


@pytest.mark.parametrize(
    "path",
    ["run.py", "app/views.py", "contests/views.py", "app/tests.py", "my.venv/a.py", "app/test.py"],
)
def test_is_watched_file_with_defaults_lets_python_through(path: str) -> None:
    assert watched(path)


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_a.py",
        "app/tests/test_a.py",
        ".venv/lib/a.py",
        "venv/a.py",
        "app/__pycache__/a.py",
        ".git/hooks/a.py",
        ".pytest_cache/a.py",
        ".mypy_cache/a.py",
        ".ruff_cache/a.py",
        "htmlcov/a.py",
        ".coverage/a.py",
        "node_modules/gyp/a.py",
    ],
)
def test_is_watched_file_with_defaults_ignores_components(path: str) -> None:
    assert not watched(path)


@pytest.mark.parametrize(
    "name",
    ["a.txt", "a.pyc", ".#a.py", "#a.py#", "4913", "a.py~", ".a.py.swp", "a.py___jb_tmp___", "py"],
)
def test_is_watched_file_when_no_python_source_is_false(name: str) -> None:
    assert not watched(name)
    assert not watched(f"app/{name}")


@pytest.mark.parametrize(
    ("pattern", "path", "is_ignored"),
    [
        ("static/", "static/a.py", True),
        ("static/", "app/static/deep/a.py", True),
        ("static/", "static.py", False),
        ("a.py/", "a.py", False),
        ("conf*.py", "app/config.py", True),
        ("conf*.py", "app/aconfig.py", False),
        ("*_gen", "proto_gen/a.py", True),
        ("docs/*.py", "docs/conf.py", True),
        ("docs/*.py", "docs/deep/conf.py", False),
        ("docs/*.py", "app/docs/conf.py", False),
        ("docs/**", "docs/deep/conf.py", True),
        ("**/gen/*.py", "gen/a.py", True),
        ("**/gen/*.py", "a/b/gen/a.py", True),
        ("**/gen/*.py", "a/regen/a.py", False),
        ("a/**/z.py", "a/z.py", True),
        ("a/**/z.py", "a/b/c/z.py", True),
        ("./app/old", "app/old/a.py", True),
        ("./old", "app/old/a.py", True),
        ("/old", "app/old/a.py", False),
        ("/old", "old/a.py", True),
        ("/home/me/project/old", "old/a.py", True),
        ("[ab]*.py", "app/b1.py", True),
        ("a?.py", "ab.py", True),
        ("", "a.py", False),
        ("/", "a.py", False),
    ],
)
def test_is_watched_file_with_one_pattern(pattern: str, path: str, is_ignored: bool) -> None:
    assert watched(path, [pattern]) is not is_ignored


def test_given_patterns_replace_defaults_but_not_what_is_never_watched() -> None:
    assert watched("tests/a.py", ["*.log"])
    for name in ALWAYS_IGNORED:
        assert not watched(f"app/{name}/a.py", ["*.log"])


def test_is_watched_file_when_project_lies_below_tests_ignores_nothing_above() -> None:
    patterns = IgnorePatterns(None, "/srv/tests/node_modules/project")
    assert patterns.is_watched_file("run.py")


def test_is_watched_file_below_virtualenv_is_false() -> None:
    asked: list[str] = []

    def is_virtualenv(directory: str) -> bool:
        asked.append(directory)
        return directory == "/p/tools/env"

    patterns = IgnorePatterns([], "/p", is_virtualenv)
    assert not patterns.is_watched_file("tools/env/lib/a.py")
    assert patterns.is_watched_file("tools/a.py")
    assert patterns.is_pruned_directory("tools/env")
    assert "/p" not in asked  # `python -m venv .` in the project: it is still the project.


def test_is_pruned_directory_follows_the_same_patterns() -> None:
    patterns = IgnorePatterns(["static/", "docs/*.py"], "/p")
    assert patterns.is_pruned_directory("static")
    assert patterns.is_pruned_directory("app/node_modules")
    assert not patterns.is_pruned_directory("docs")
