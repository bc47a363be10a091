"""Which folders decide what a glob finds."""

from pathlib import Path

import pytest

from wiverno.dev.loading.globs import folders_of


@pytest.fixture
def tree(tmp_path: Path) -> str:
    for name in ("shop/views", "blog/views", "blog/static"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").touch()
    return str(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "folders"),
    [
        ("*.py", [""]),
        ("shop/*.py", ["/shop"]),
        ("absent/below/*.py", ["/absent/below"]),
        ("shop/settings.json", ["/shop"]),
        ("*/urls.py", ["", "/blog", "/shop"]),
        ("*/views/*.py", ["", "/blog", "/blog/views", "/shop", "/shop/views"]),
        ("b*/absent/*.py", ["", "/blog", "/blog/absent"]),
        ("**/urls.py", [""]),
        ("shop/**", ["/shop"]),
        ("file/*", ["/file"]),
        ("./shop//*.py", ["/shop"]),
    ],
)
def test_folders_of_a_pattern_are_those_whose_names_decide(
    tree: str, pattern: str, folders: list[str]
) -> None:
    found = sorted(folders_of(tree, pattern))

    assert [folder.removeprefix(tree) for folder in found] == folders


def test_folders_of_an_absolute_pattern_do_not_lie_below_the_base(tree: str) -> None:
    assert list(folders_of("/elsewhere", f"{tree}/shop/*.py")) == [f"{tree}/shop"]
