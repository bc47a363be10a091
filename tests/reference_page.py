"""The part of docs/reference.md that is made of the server's settings.

`python -m tests.reference_page` (or `make docs`) writes it; a test fails when it is stale.
"""

from collections.abc import Iterator
from dataclasses import Field
from pathlib import Path
from typing import Any

from wiverno.cli.server_options import shown_default
from wiverno.core.server.about import GROUPS, about
from wiverno.core.server.settings import all_settings

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
BEGIN = "<!-- settings: begin, written by `make docs` -->"
END = "<!-- settings: end -->"


def with_settings(page: str) -> str:
    """The page with what the settings say between the markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page needs the lines {BEGIN!r} and {END!r}.")
    section = "\n".join(markdown())
    return f"{before}{BEGIN}\n\n{section}\n{END}{after}"


def markdown() -> Iterator[str]:
    """A table for each group."""
    for group in GROUPS:
        yield f"### {group}"
        yield ""
        yield "| option | in Python | default | means | why |"
        yield "|---|---|---|---|---|"
        yield from (row(each) for each in all_settings() if about(each).group == group)
        yield ""


def row(setting: Field[Any]) -> str:
    """One setting."""
    words = about(setting)
    option = f"`{words.option}`" if words.option else ""
    # RunServer's documented word.
    name, default = setting.name, shown_default(setting) or "none"
    if name == "backlog":
        name, default = "request_queue_size", f"{default}; 5 in Python"
    return f"| {option} | `{name}` | {default} | {words.meaning} | {words.reason} |"


if __name__ == "__main__":
    PAGE.write_text(with_settings(PAGE.read_text()))
