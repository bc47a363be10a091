"""`wiverno imports`: what importing the application costs, module by module."""

import ast
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click

from wiverno.cli.development import check_platform
from wiverno.cli.failures import UserError
from wiverno.cli.import_lines import lines, values
from wiverno.cli.import_tree import Begun, Ended, ImportedModule, Source, build
from wiverno.cli.source_folder import import_dirs
from wiverno.core.app_target import AppTarget
from wiverno.dev.loading.user_code import UserCode
from wiverno.dev.terminal import screen
from wiverno.dev.terminal.screen import Line

_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
# As for the processes of a session: no file of the project may stand for one of ours.
_BOOTSTRAP = """\
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
if {root!r} not in sys.path:
    sys.path.append({root!r})
from wiverno.cli.import_probe import main
main({fd!r}, {life_line!r}, {module!r}, {attribute!r}, {argv!r}, {import_dirs!r})
"""


# Imported by us, to say what is wrong with the target.
_HINTS = "wiverno.core.app_target_hints"


class NoApplicationError(UserError):
    """The application cannot be imported."""

    exit_code = 1


class FailedImportError(click.ClickException):
    """It raised: its traceback says where."""

    exit_code = 1

    def show(self, file: IO[str] | None = None) -> None:
        click.echo(self.message, err=True, nl=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """One import of the application."""

    roots: list[ImportedModule]
    failure: click.ClickException | None


def show(target: AppTarget, *, as_json: bool, least_ms: float | None, depth: int | None) -> None:
    """Import it in another process and print what each module took."""
    check_platform()
    measured = measure(target)
    if as_json:
        failure = None if measured.failure is None else measured.failure.message
        head = {"target": str(target), "failure": failure}
        click.echo(json.dumps(head | values(measured.roots)))
    elif any(module.children or not module.error for module in measured.roots):
        _print(lines(measured.roots, least_ms, depth))
    if measured.failure is not None:
        raise measured.failure


def measure(target: AppTarget) -> Measured:
    """What is printed meanwhile goes to stderr."""
    # Needs what Windows does not have.
    from wiverno.dev.processes.spawn import interpreter_flags

    argv = [sys.argv[0], "run", "dev", str(target)]
    with tempfile.TemporaryFile() as report, _life_line() as read_end:
        fd = report.fileno()
        code = _BOOTSTRAP.format(
            root=_PACKAGE_ROOT,
            fd=fd,
            life_line=read_end,
            module=target.module,
            attribute=target.attribute,
            argv=argv,
            import_dirs=list(import_dirs(target)),
        )
        command = [sys.executable, *interpreter_flags(), "-c", code]
        sys.stdout.flush()
        process = subprocess.Popen(command, pass_fds=(fd, read_end), stdout=2)
        try:
            status = process.wait()
        except KeyboardInterrupt:
            # It got the same signal, and had a moment to say where it was.
            process.kill()
            status = process.wait()
        report.seek(0)
        told = [ast.literal_eval(line.decode("ascii")) for line in report if line.endswith(b"\n")]
    roots = [root for root in build(_happened(told, target)) if root.name != _HINTS]
    return Measured(roots, _failure(told, target, status))


@contextlib.contextmanager
def _life_line() -> Iterator[int]:
    """What ends the other process when this one is killed."""
    from wiverno.dev.processes import life_line

    read_end, write_end = life_line.create()
    try:
        yield read_end
    finally:
        os.close(read_end)
        os.close(write_end)


def _happened(told: Sequence[tuple[str, ...]], target: AppTarget) -> Iterator[Begun | Ended]:
    user_code = UserCode()
    under_way: dict[int, list[str]] = {}
    for kind, at_ns, thread, *rest in told:
        names = under_way.setdefault(int(thread), [])
        if kind == "begun":
            names.append(rest[0])
            yield Begun(rest[0], int(at_ns), int(thread))
        elif kind == "ended":
            name, (file, error) = names.pop(), rest
            # What nothing has imported is what was asked for: it is the user's, found or not.
            is_target = not names and not file
            source = Source.USER if is_target else _source(name, file, user_code)
            yield Ended(int(at_ns), source, file, error, int(thread))


def _source(name: str, file: str, user_code: UserCode) -> Source:
    if file and user_code.contains(file):
        return Source.USER
    if name.partition(".")[0] in sys.stdlib_module_names:
        return Source.STANDARD
    return Source.THIRD_PARTY


def _failure(
    told: Sequence[tuple[str, ...]], target: AppTarget, status: int
) -> click.ClickException | None:
    last = told[-1] if told else ("nothing",)
    if last[0] == "finished":
        return None
    if last[0] == "failed":
        _, _, _, is_about_target, text = last
        return NoApplicationError(text) if is_about_target else FailedImportError(text)
    from wiverno.dev.processes.handles import describe_exit

    return NoApplicationError(f"The process that imported {target} {describe_exit(status)}.")


def _print(lines_to_print: Iterable[Line]) -> None:
    if not sys.stdout.isatty():
        for line in lines_to_print:
            click.echo(_encodable(screen.plain_text(line)))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in lines_to_print:
        text = Text.assemble(*((_encodable(segment.text), segment.style) for segment in line))
        # A row of the tree stays one row; the sums, without columns, may take several.
        is_row = text.plain[:1] in ("", " ")
        console.print(text, no_wrap=is_row, overflow="ellipsis" if is_row else "fold", crop=is_row)


def _encodable(text: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.replace("│", "|").replace("├", "|").replace("└", "`")
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text
