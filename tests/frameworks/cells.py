"""What is tested of every framework: one function for each column of the table."""

import http.client
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode

from tests.application.running_program import WIVERNO, RunningProgram, free_port
from tests.dev.harness import REQUEST_TIMEOUT_S, DevSession
from tests.frameworks.inventory import Framework

Said = tuple[int, str]
Cell = Callable[[Framework, Path], None]

FIRST = "template: first, view: first, setting: first"
# No language of the samples' settings or views has this, and none of their templates the others.
BROKEN = "broken(\n"
BROKEN_TEMPLATE = "{% broken %}\n% broken(\n"
STRATEGIES = ("fork", "spawn")


def dev(strategy: str, framework: Framework, project: Path) -> None:
    """Every kind of route, and each kind of file edited: the next answer is fresh."""
    with _session(strategy, framework, project) as session:
        assert _routes(session.port, framework) == _expected(framework)
        page = FIRST
        for name, file in (("view", framework.view), ("setting", framework.settings)):
            for word in ("second", "third"):
                page = _edit(session, file, page, name, word)
                assert _page(session, framework) == (200, page)
        _replace(project / framework.style, "first", "second")
        assert _ask(session.port, "/static/style.css") == (200, "p { color: second; }")


def broken(framework: Framework, project: Path) -> None:
    """A view or settings that cannot be loaded are a page, at first and later; then it heals."""
    for strategy in STRATEGIES:
        for number, file in enumerate((framework.view, framework.settings)):
            folder = project / f"{strategy}{number}"
            framework.write(folder)
            good = (folder / file).read_text()
            (folder / file).write_text(BROKEN)
            with _session(strategy, framework, folder, write=False) as session:
                for _ in range(2):
                    _assert_page_of_failed_build(session, framework)
                    session.save(file, good)
                    assert _page(session, framework) == (200, FIRST)
                    session.save(file, BROKEN)


def template(framework: Framework, project: Path) -> None:
    """A template that is edited is fresh; a broken one is the framework's error, and heals."""
    for strategy in STRATEGIES:
        folder = project / strategy
        with _session(strategy, framework, folder) as session:
            assert _page(session, framework) == (200, FIRST)
            page = _edit(session, framework.template, FIRST, "template", "second")
            assert _page(session, framework) == (200, page)
            good = (folder / framework.template).read_text()
            session.save(framework.template, BROKEN_TEMPLATE)
            assert _page(session, framework)[0] == 500
            session.save(framework.template, good)
            assert _page(session, framework) == (200, page)


def prod(framework: Framework, project: Path) -> None:
    """Every kind of route."""
    framework.write(project)
    port = free_port()
    command = [*WIVERNO, "run", "prod", "--host", "127.0.0.1", "-p", str(port)]
    with RunningProgram(command, project) as program:
        program.get(port)  # Waits for the port.
        expected = _expected(framework)
        if not framework.has_static_files_in_production:
            expected["/static/style.css"] = (404, "")
        assert _routes(port, framework) == expected
        assert program.end() == 0


def healed(framework: Framework, project: Path) -> None:
    """The short form of `dev` and `broken`, under `fork`."""
    with _session("fork", framework, project) as session:
        assert _routes(session.port, framework) == _expected(framework)
        page = _edit(session, framework.view, FIRST, "view", "second")
        assert _page(session, framework) == (200, page)
        good = (project / framework.view).read_text()
        session.save(framework.view, BROKEN)
        assert framework.view in _assert_page_of_failed_build(session, framework)
        session.save(framework.view, good)
        assert _page(session, framework) == (200, page)


CELLS: Mapping[str, Cell] = MappingProxyType(
    {
        "dev fork": lambda framework, project: dev("fork", framework, project),
        "dev spawn": lambda framework, project: dev("spawn", framework, project),
        "broken": broken,
        "template": template,
        "prod": prod,
    }
)


def _session(
    strategy: str, framework: Framework, project: Path, *, write: bool = True
) -> DevSession:
    if write:
        framework.write(project)
    words = ("-m", "wiverno", "run", "dev", "--port", "0", "--reload-strategy", strategy)
    return DevSession(project, command=(sys.executable, *words))


def _edit(session: DevSession, file: str, page: str, name: str, word: str) -> str:
    """Save another word, and return what the page shall show then."""
    path = session.project / file
    before = page.partition(f"{name}: ")[2].partition(",")[0]
    _replace(path, f"{name}: {before}", f"{name}: {word}")
    return page.replace(f"{name}: {before}", f"{name}: {word}")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def _page(session: DevSession, framework: Framework) -> Said:
    answer = session.get(framework.page)
    return answer.status, answer.body.strip().removeprefix("<p>").removesuffix("</p>")


def _assert_page_of_failed_build(session: DevSession, framework: Framework) -> str:
    """What it says. Of a configuration that cannot be read not every framework names the file."""
    answer = session.get(framework.page)
    assert (answer.status, "X-Wiverno-Error" in answer.headers) == (500, True)
    return answer.body


def _routes(port: int, framework: Framework) -> dict[str, Said]:
    """What each kind of route answers; of an error only the status."""
    answers = {path: _ask(port, path) for path in _expected(framework)}
    return {path: said if said[0] == 200 else (said[0], "") for path, said in answers.items()}


def _expected(framework: Framework) -> dict[str, Said]:
    return {
        framework.page: (200, f"<p>{FIRST}</p>"),
        "/items/7": (200, "item 7"),
        "/static/style.css": (200, "p { color: first; }"),
        "/form": (200, "name Käse"),
        "/stream": (200, "piece 0 piece 1 piece 2"),
        "/error": (500, ""),
        "/nothing-here": (404, ""),
    }


def _ask(port: int, path: str) -> Said:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_TIMEOUT_S)) as to:
        if path == "/form":
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            to.request("POST", path, urlencode({"name": "Käse"}), kind)
        else:
            to.request("GET", path)
        response = to.getresponse()
        if path == "/stream":
            # RFC 9112 section 7.1: of unknown length, as a stream is.
            assert response.getheader("Transfer-Encoding") == "chunked"
        return response.status, response.read().decode().strip()
