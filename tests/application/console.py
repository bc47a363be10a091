"""The commands of the tutorial, and what they print."""

import argparse
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.application.documents import Block, is_as_shown
from tests.application.running_program import WIVERNO, RunningProgram, free_port


class Console:
    """A terminal in a folder. A server that is started goes on until the block ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: RunningProgram | None = None
        self._port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self._end_server(kind, error, frames)

    def run(self, block: Block) -> None:
        """Run the commands of the block, and compare what they print."""
        for command, wanted in _commands(block.text):
            got = self._output(command)
            assert is_as_shown(wanted, got), f"{block}: $ {command}\nprinted\n{got}"

    def _output(self, command: str) -> str:
        environment, words = _words(command)
        match words:
            case ["cd", folder]:
                self.folder = self.folder / folder
                return ""
            case ["wiverno", "run", *options]:
                self._start(options, environment)
                return ""
            case ["wiverno", *options]:
                return self._finished([*WIVERNO, *options])
            case ["pytest", *options]:
                return self._finished([sys.executable, "-m", "pytest", *options])
            case ["curl", *options]:
                return _curl(options, self._port, self.folder)
            case _:
                raise AssertionError(f"Nobody has said how to run {command!r}")

    def _start(self, options: list[str], environment: dict[str, str]) -> None:
        self._end_server()
        self._port = free_port()
        command = [*WIVERNO, "run", *options, "--port", str(self._port)]
        self._server = RunningProgram(command, self.folder, environment)
        self._server.get(self._port)

    def _finished(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr

    def _end_server(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        frames: TracebackType | None = None,
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            with_signal = None if server.process.poll() is not None else server.end(signal.SIGINT)
            server.__exit__(kind, error, frames)
            assert with_signal == 0


def _commands(text: str) -> Iterator[tuple[str, str]]:
    for part in ("\n" + text).split("\n$ ")[1:]:
        command, _, output = part.partition("\n")
        yield command, output.strip("\n") + "\n" if output.strip() else ""


def _words(command: str) -> tuple[dict[str, str], list[str]]:
    words = shlex.split(command, comments=True)
    environment = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    return environment, words


def _curl(options: list[str], port: int, folder: Path) -> str:
    """As much of curl as the tutorial needs."""
    parser = argparse.ArgumentParser("curl", exit_on_error=False)
    parser.add_argument("url")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="form")
    parser.add_argument("-F", dest="parts", action="append", default=[])
    parser.add_argument("--json")
    asked = parser.parse_args(options)
    headers = dict(each.split(": ", 1) for each in asked.headers)
    content = asked.json or asked.form
    if content is not None:
        kind = "json" if asked.json else "x-www-form-urlencoded"
        headers["Content-Type"] = f"application/{kind}"
    files = {}
    for part in asked.parts:
        name, _, value = part.partition("=")
        is_file = value.startswith("@")
        files[name] = (value[1:], (folder / value[1:]).read_bytes()) if is_file else (None, value)
    response = httpx.request(
        "GET" if content is None and not files else "POST",
        "http://" + asked.url.replace(":8000", f":{port}").replace("localhost", "127.0.0.1"),
        headers=headers,
        content=content,
        files=files or None,
    )
    return response.text
