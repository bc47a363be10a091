"""`wiverno run prod` as a process."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.application.running_program import WIVERNO, RunningProgram, free_port

pytestmark = pytest.mark.processes

_PLAIN_APP = """
def {name}(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"{body}"]
"""


def _write_app(folder: Path, body: str = "hi", name: str = "app", before: str = "") -> None:
    (folder / "run.py").write_text(before + _PLAIN_APP.format(name=name, body=body))


def _run_prod(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WIVERNO, "run", "prod", *words], cwd=folder, capture_output=True, text=True, timeout=30
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_prod_when_signalled_has_served_and_ends_with_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    _write_app(tmp_path)
    port = free_port()

    with RunningProgram([*WIVERNO, "run", "prod", "-p", str(port)], tmp_path) as program:
        assert program.get(port) == (200, "hi")
        assert program.end(number) == 0

        lines = program.output.splitlines()
        assert lines[:3] == [
            f"INFO: Wiverno server started on http://localhost:{port}",
            "INFO: Request queue size: 1024",
            "INFO: Press Ctrl+C to stop the server",
        ]


@pytest.mark.parametrize(
    "words",
    [
        ["shop.site:make()"],
        ["--app-module", "shop.site", "--app-name", "make()"],
        ["-m", "shop.site", "-a", "make()", "-h", "127.0.0.1"],
    ],
)
def test_prod_when_a_factory_is_named_serves_what_it_makes(
    tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "site.py").write_text(
        _PLAIN_APP.format(name="inner", body="ok") + "\ndef make(): return inner\n"
    )
    port = free_port()

    command = [*WIVERNO, "run", "prod", *words, "--port", str(port)]
    with RunningProgram(command, tmp_path) as program:
        assert program.get(port) == (200, "ok")
        assert program.end() == 0


def test_prod_when_started_by_its_script_imports_from_the_current_folder(tmp_path: Path) -> None:
    # Unlike `python -m wiverno`, the script has its own folder first on sys.path.
    (tmp_path / "run.py").write_text(_PLAIN_APP.format(name="app", body="hi"))
    script = str(Path(sys.executable).parent / "wiverno")
    port = free_port()

    with RunningProgram([script, "run", "prod", "-p", str(port)], tmp_path) as program:
        assert program.get(port) == (200, "hi")
        assert program.end() == 0


def test_prod_when_the_app_configured_logging_shows_each_line_once(tmp_path: Path) -> None:
    before = (
        "import logging\n"
        "logging.basicConfig(level=logging.DEBUG, format='APP %(message)s')\n"
        "logging.getLogger('shop').info('its own line')\n"
    )
    _write_app(tmp_path, before=before)
    port = free_port()

    with RunningProgram([*WIVERNO, "run", "prod", "-p", str(port)], tmp_path) as program:
        program.get(port)
        assert program.end() == 0

        assert program.output.count("Wiverno server started") == 1
        assert "APP its own line" in program.output


def test_prod_when_the_app_shows_tracebacks_says_so(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("from wiverno import Wiverno\napp = Wiverno()\n")
    port = free_port()

    with RunningProgram([*WIVERNO, "run", "prod", "-p", str(port)], tmp_path) as program:
        assert program.get(port)[0] == 404
        assert program.end() == 0

        assert "WARNING: Debug Mode is ON" in program.output


def test_prod_when_the_target_is_missing_is_one_line_and_2(tmp_path: Path) -> None:
    done = _run_prod(tmp_path, "run:app")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: No module named 'run'. Looked in {tmp_path} (first on")
    assert done.stderr.count("\n") == 1


def test_prod_when_the_port_is_taken_is_one_line_and_2(tmp_path: Path) -> None:
    _write_app(tmp_path)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _run_prod(tmp_path, "-p", str(taken.getsockname()[1]))

    assert (done.returncode, done.stdout) == (2, "")
    [line] = [line for line in done.stderr.splitlines() if not line.startswith("INFO: ")]
    assert line.startswith("Error: Address already in use")


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_prod_when_the_port_is_none_says_which_are(tmp_path: Path, port: str) -> None:
    _write_app(tmp_path)

    done = _run_prod(tmp_path, "--port", port)

    assert done.returncode == 2
    assert f"Error: port={port} is not a TCP port. Use 0 to 65535.\n" in done.stderr


@pytest.mark.parametrize(
    ("source", "last_line"),
    [
        ("import absent_dependency\n", "ModuleNotFoundError: No module named 'absent_dependency'"),
        ("def f():\n    return 1 / 0\nf()\n", "ZeroDivisionError: division by zero"),
        ("def broken(:\n", "SyntaxError: invalid syntax"),
    ],
)
def test_prod_when_the_module_fails_shows_the_users_frames_and_1(
    tmp_path: Path, source: str, last_line: str
) -> None:
    (tmp_path / "run.py").write_text(source)

    done = _run_prod(tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == last_line
    files = [line for line in done.stderr.splitlines() if line.startswith("  File ")]
    assert files
    assert all(f'File "{tmp_path}' in line for line in files)


def test_prod_when_a_conflict_is_in_the_module_shows_where(tmp_path: Path) -> None:
    source = (
        "from wiverno import Wiverno\napp = Wiverno()\n"
        "app.get('/')(lambda request: 1)\napp.get('/')(lambda request: 2)\n"
    )
    (tmp_path / "run.py").write_text(source)

    done = _run_prod(tmp_path)

    assert done.returncode == 1
    assert 'run.py", line 4' in done.stderr
    assert "RouteConflictError: GET '/' has two views" in done.stderr


def test_prod_on_a_unix_socket_serves_and_removes_it(tmp_path: Path) -> None:
    _write_app(tmp_path)
    path = tmp_path / "server.sock"

    with RunningProgram([*WIVERNO, "run", "prod", "--uds", "server.sock"], tmp_path) as program:
        program.wait_for_output("started on unix:server.sock\n")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        assert program.end() == 0

    assert not path.exists()


def test_prod_when_the_unix_socket_is_a_file_is_one_line_and_2(tmp_path: Path) -> None:
    _write_app(tmp_path)

    done = _run_prod(tmp_path, "--uds", "run.py")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: File exists: unix:{tmp_path}/run.py. It is no socket")
    assert (tmp_path / "run.py").exists()


def test_prod_with_access_log_writes_it_to_stdout_and_the_rest_to_stderr(tmp_path: Path) -> None:
    before = (
        "import logging, sys\n"
        "logging.basicConfig(level=logging.INFO, format='APP %(message)s', stream=sys.stdout)\n"
    )
    _write_app(tmp_path, before=before)
    port = free_port()
    command = [*WIVERNO, "run", "prod", "-p", str(port), "--access-log", "--log-level", "error"]

    with RunningProgram(command, tmp_path) as program:
        program.get(port, "/page")
        assert program.end(signal.SIGTERM) == 0

        [line] = program.output.splitlines()
        assert '"GET /page HTTP/1.1" 200 2 "-" "-"' in line


def test_prod_with_a_pipe_that_nobody_reads_still_ends(tmp_path: Path) -> None:
    _write_app(tmp_path)
    port = free_port()
    words = f"exec {' '.join(WIVERNO)} run prod -p {port} --access-log"
    # A reader that never reads: the program itself holds the other end.
    command = ["sh", "-c", f"mkfifo pipe; exec 3<>pipe; {words} >pipe"]

    with RunningProgram(command, tmp_path) as program:
        for _ in range(15):  # 64 KB fill the pipe.
            assert program.get(port, "/" + "x" * 7000)[0] == 200
        assert program.end(signal.SIGTERM) == 0

        assert "lines are lost" in program.output


_ASGI_APP = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            print(kind, flush=True)
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    text = scope["client"][0].encode() + b" " + scope["root_path"].encode()
    headers = [(b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_prod_with_an_asgi_application_serves_it_with_uvicorn_and_ends_with_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "run.py").write_text(_ASGI_APP)
    port = free_port()
    command = [*WIVERNO, "run", "prod", "-p", str(port), "--root-path", "/shop"]

    with RunningProgram([*command, "--threads", "3"], tmp_path) as program:
        assert program.get(port) == (200, "127.0.0.1 /shop")
        assert program.end(number) == 0

        lines = program.output.splitlines()
        assert (
            f"INFO: Wiverno serves an ASGI application with uvicorn on http://localhost:{port}"
            in lines
        )
        assert "WARNING: uvicorn has nothing like --threads: ignored." in lines
        assert "lifespan.shutdown" in lines


def test_prod_with_an_asgi_application_on_a_unix_socket_removes_it(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(_ASGI_APP.replace('scope["client"][0].encode()', 'b"unix"'))
    path = tmp_path / "server.sock"

    with RunningProgram([*WIVERNO, "run", "prod", "--uds", "server.sock"], tmp_path) as program:
        program.wait_for_output("with uvicorn on unix:server.sock\n")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        assert program.end() == 0

    assert not path.exists()


def test_prod_with_an_asgi_application_when_the_port_is_taken_is_one_line_and_2(
    tmp_path: Path,
) -> None:
    (tmp_path / "run.py").write_text(_ASGI_APP)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _run_prod(tmp_path, "-p", str(taken.getsockname()[1]))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: Address already in use")


def test_prod_with_an_asgi_application_that_cannot_start_is_1(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(_ASGI_APP.replace(".complete", ".failed"))

    done = _run_prod(tmp_path, "-p", str(free_port()))

    assert done.returncode == 1
    assert done.stderr.endswith(
        "Error: The application cannot start (lifespan.startup.failed), and did not say why. "
        "Nothing is served.\n"
    )


def test_prod_with_an_asgi_application_when_its_start_up_raises_shows_why_and_is_1(
    tmp_path: Path,
) -> None:
    (tmp_path / "run.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    connect()\n\n"
        "def connect():\n"
        "    raise OSError(98, 'Database in use')\n"
    )

    done = _run_prod(tmp_path, "-p", str(free_port()))

    assert (done.returncode, done.stdout) == (1, "")
    # Only the user's frames, and once.
    lines = done.stderr.partition("Traceback (most recent call last):\n")[2].splitlines()
    assert lines[0].startswith(f'  File "{tmp_path / "run.py"}", line 3, in app')
    assert lines[-2:] == [
        "OSError: [Errno 98] Database in use",
        "Error: The application raised this in its lifespan start-up. Nothing is served.",
    ]


def test_prod_with_an_asgi_application_that_ends_its_start_up_by_exit_has_its_exit_code(
    tmp_path: Path,
) -> None:
    (tmp_path / "run.py").write_text(
        "import sys\nasync def app(scope, receive, send):\n    sys.exit(7)\n"
    )

    assert _run_prod(tmp_path, "-p", str(free_port())).returncode == 7


def test_prod_with_an_asgi_application_that_knows_no_lifespan_serves_it(tmp_path: Path) -> None:
    source = _ASGI_APP.replace('if scope["type"] == "lifespan":', "while False:")
    source = source.replace("\n    text", '\n    assert scope["type"] == "http"\n    text')
    (tmp_path / "run.py").write_text(source)
    port = free_port()

    with RunningProgram([*WIVERNO, "run", "prod", "-p", str(port)], tmp_path) as program:
        assert program.get(port) == (200, "127.0.0.1 ")
        assert program.end() == 0


def test_prod_without_uvicorn_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("import sys\nsys.modules['uvicorn'] = None\n" + _ASGI_APP)

    done = _run_prod(tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'wiverno[asgi]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_prod_that_is_told_wsgi_serves_an_asgi_application_by_itself(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(_ASGI_APP)
    port = free_port()
    command = [*WIVERNO, "run", "prod", "-p", str(port), "--interface", "wsgi"]

    with RunningProgram(command, tmp_path) as program:
        assert program.get(port)[0] == 500
        assert program.end() == 0
