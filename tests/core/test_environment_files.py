"""Environment files: what they say, what wins, and what is said of a line that says nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.core.environment_files import parse, read_variables
from wiverno.core.exceptions import EnvironmentFileError


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", {}),
        ("# nothing\n\n   # more", {}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("  export A = 1  \nB=", {"A": "1", "B": ""}),
        ("A=two words # and why\nB=x#y\nC= # nothing", {"A": "two words", "B": "x#y", "C": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ("URL=postgres://u:p@h/d?x=1&y='2'", {"URL": "postgres://u:p@h/d?x=1&y='2'"}),
        ("A='as ${it} is \\n' # and why", {"A": "as ${it} is \\n"}),
        ('A="line\\nline \\"q\\" \\\\ \\$x \\w"', {"A": 'line\nline "q" \\ $x \\w'}),
        ("A='one\ntwo'\nB=\"three\nfour\"", {"A": "one\ntwo", "B": "three\nfour"}),
        ('A=1\nB=${A}2\nC="${A}3"', {"A": "1", "B": "12", "C": "13"}),
        ("B=${NONE}x${NONE:-y z}", {"B": "xy z"}),
        ('A="\\${B}"', {"A": "${B}"}),
        ("A=$B", {"A": "$B"}),
        ("a.b-c=1", {"a.b-c": "1"}),
    ],
)
def test_parse_when_well_formed_is_what_it_says(text: str, variables: dict[str, str]) -> None:
    assert parse(text, ".env") == variables


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A", 1),
        ("A=1\n\n# x\n2B=1", 4),
        ("A='open\nB=2", 1),
        ('A="x" y', 1),
        ("A=1\nsecret value", 2),
        ("A=a\0b", 1),
    ],
)
def test_parse_when_a_line_is_no_variable_says_which(text: str, line: int) -> None:
    with pytest.raises(EnvironmentFileError, match=rf"^\.env, line {line}: .* Write NAME=value"):
        parse(text, ".env")


def test_parse_when_a_value_is_bad_does_not_show_it() -> None:
    with pytest.raises(EnvironmentFileError) as caught:
        parse("TOKEN='hunter2", ".env")

    assert "TOKEN" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]*", fullmatch=True), st.text()))
def test_parse_of_any_value_in_double_quotes_gives_it_back(variables: dict[str, str]) -> None:
    variables = {
        name: value.replace("\0", "").replace("\r", "") for name, value in variables.items()
    }
    text = "".join(
        '{}="{}"\n'.format(
            name, value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        )
        for name, value in variables.items()
    )

    assert parse(text, ".env") == variables


@given(st.text(alphabet="A=1'\"\\\n #${}:-"))
def test_parse_of_any_text_gives_variables_or_one_error(text: str) -> None:
    try:
        variables = parse(text, ".env")
    except EnvironmentFileError:
        return
    assert all(isinstance(value, str) for value in variables.values())


def test_read_variables_when_several_files_and_the_environment_have_it_takes_the_environment(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("A=1\nB=1\nC=1\n")
    second.write_text("B=2\nC=2\nD=${A}${B}${C}\n")

    found = read_variables([str(first), str(second)], {"C": "environment"})

    assert found == {"A": "1", "B": "2", "D": "12environment"}


def test_read_variables_when_a_file_is_not_there_sets_nothing(tmp_path: Path) -> None:
    assert read_variables([str(tmp_path / "none")], {}) == {}


@pytest.mark.parametrize(
    ("content", "said"), [(b"A=\xff", "is not UTF-8 (byte 2)"), (None, "cannot be read: Is a dir")]
)
def test_read_variables_when_it_cannot_be_read_says_why(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / ".env"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    with pytest.raises(EnvironmentFileError) as caught:
        read_variables([str(path)], {})

    assert said in str(caught.value)


def test_read_variables_when_it_begins_with_a_byte_order_mark_leaves_that_out(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA=1")

    assert read_variables([str(tmp_path / ".env")], {}) == {"A": "1"}
