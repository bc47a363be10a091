"""What finds mistakes in the pages finds them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application import documents
from tests.application.console import Console
from tests.application.documents import Block, Program, blocks_of, is_as_shown, write_file

APP = """## One

```python
from wiverno import Wiverno

app = Wiverno()
app.add_route("/", lambda request: "home")
```
"""
Page = Callable[[str], list[Block]]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.setattr(documents, "ROOT", tmp_path)

    def blocks(text: str) -> list[Block]:
        (tmp_path / "page.md").write_text(text)
        return list(blocks_of("page.md"))

    return blocks


def run(blocks: list[Block]) -> None:
    program = Program()
    for block in blocks:
        program.run(block)


def test_session_when_it_shows_what_comes_passes(page: Page) -> None:
    run(page(APP + "```pycon\n>>> client.get(\"/\").text\n'home'\n```\n"))


def test_session_when_it_shows_something_else_fails_with_the_line(page: Page) -> None:
    blocks = page(APP + "```pycon\n>>> client.get(\"/\").text\n'house'\n```\n")

    with pytest.raises(AssertionError, match=r"(?s)page\.md.*line 10.*house.*home"):
        run(blocks)


def test_code_when_it_fails_names_its_line_of_the_page(page: Page) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run(page("## One\n\n```python\n1 / 0\n```\n"))

    assert caught.traceback[-1].lineno == 3  # Counted from 0.


def test_file_when_saved_added_to_and_changed_is_what_the_page_says(
    page: Page, tmp_path: Path
) -> None:
    blocks = page(
        "Save this as `a/b.py`:\n\n```python\none\ntwo\n```\n"
        "At the end of `a/b.py`:\n\n```python\nthree\n```\n"
        "In `a/b.py`:\n\n```diff\n one\n-two\n+2\n\n three\n+four\n```\n"
    )

    for block in blocks:
        write_file(block, tmp_path)

    assert (tmp_path / "a" / "b.py").read_text() == "one\n2\nthree\nfour\n"


@pytest.mark.parametrize("hunk", ["-three\n+3", "-two\n+2", "one"])
def test_change_when_its_place_is_not_one_fails(page: Page, tmp_path: Path, hunk: str) -> None:
    blocks = page(
        "Save this as `b.py`:\n\n```python\none\ntwo\ntwo\n```\n"
        f"In `b.py`:\n\n```diff\n{hunk}\n```\n"
    )
    write_file(blocks[0], tmp_path)

    with pytest.raises(AssertionError, match=r"page\.md:11"):
        write_file(blocks[1], tmp_path)


def test_block_when_nothing_names_its_file_fails(page: Page, tmp_path: Path) -> None:
    [block] = page("Give the class `Wiverno`:\n\n```python\none\n```\n")

    with pytest.raises(AssertionError, match="which file"):
        write_file(block, tmp_path)


def test_output_when_dots_stand_for_more_is_as_shown() -> None:
    assert is_as_shown("one\n...\nthree\n", "one\ntwo\n  three\n")
    assert not is_as_shown("one\n...\nthree\n", "one\ntwo\n")
    assert not is_as_shown("", "unexpected\n")


def test_command_when_it_prints_something_else_fails(page: Page, tmp_path: Path) -> None:
    [block] = page("```console\n$ cd .\n$ wiverno --version\nwiverno 99\n```\n")

    with (
        Console(tmp_path) as console,
        pytest.raises(AssertionError, match=r"(?s)wiverno --version.*printed"),
    ):
        console.run(block)
