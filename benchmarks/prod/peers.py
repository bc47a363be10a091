"""The servers that are compared: what each needs and how it is started. Data, no processes.

One process that answers, eight threads for the application where that can be chosen, no access
log. `{bin}` is the folder of the programs, `{python}` the interpreter there, `{port}` the port.
"""

from dataclasses import dataclass

from benchmarks.prod.scenarios import THREADS

WIVERNO = "wiverno"
WAITRESS = "waitress"
GUNICORN = "gunicorn-gthread"


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    requirement: str
    command: str
    """As a shell would take it; nothing but the names in braces is replaced."""
    remark: str = ""
    """What has to be known to read its figures."""


WAITRESS_SCRIPT = (
    "import logging, waitress, application; "
    # With more connections than threads it would log a warning for nearly every request.
    'logging.getLogger("waitress.queue").setLevel(logging.ERROR); '
    'waitress.serve(application.application, host="127.0.0.1", port={port}, '
    f"threads={THREADS})"
)

CHEROOT_SCRIPT = (
    "import application, cheroot.wsgi; "
    'server = cheroot.wsgi.Server(("127.0.0.1", {port}), application.application, '
    # Its default backlog of 5 and its limit of 10 kept connections would be measured, not it.
    f"numthreads={THREADS}, request_queue_size=1024); "
    "server.keep_alive_conn_limit = 100; server.start()"
)

BJOERN_SCRIPT = (
    "import application, bjoern; "
    'bjoern.run(application.application, "127.0.0.1", {port}, listen_backlog=1024)'
)

PEERS = (
    Peer(WAITRESS, "waitress", f"{{python}} -c '{WAITRESS_SCRIPT}'"),
    Peer(
        GUNICORN,
        "gunicorn",
        f"{{bin}}/gunicorn --worker-class gthread --workers 1 --threads {THREADS} "
        "--bind 127.0.0.1:{port} application:application",
    ),
    Peer("cheroot", "cheroot", f"{{python}} -c '{CHEROOT_SCRIPT}'"),
    Peer(
        "granian",
        "granian",
        f"{{bin}}/granian --interface wsgi --workers 1 --blocking-threads {THREADS} "
        "--port {port} application:application",
        remark="HTTP in Rust",
    ),
    Peer(
        "uwsgi",
        "pyuwsgi",
        "{bin}/uwsgi --http11-socket 127.0.0.1:{port} --master --die-on-term --processes 1 "
        f"--threads {THREADS} --disable-logging --module application:application",
        remark="HTTP in C; a kept connection owns its thread, so that of 32 clients 8 are served",
    ),
    Peer(
        "bjoern",
        "bjoern-binary",
        f"{{python}} -c '{BJOERN_SCRIPT}'",
        remark="HTTP in C; one thread, so that an application that waits holds all clients",
    ),
)


def wiverno_peer(help_text: str) -> Peer:
    """wiverno itself, with the options that this version of `wiverno run prod --help` offers."""
    options = [
        option
        for name, option in (
            ("--threads", f"--threads {THREADS}"),
            ("--no-access-log", "--no-access-log"),
        )
        if name in help_text
    ]
    words = ("{python} -m wiverno run prod application:application", *options)
    return Peer(WIVERNO, "wiverno", f"{' '.join(words)} --host 127.0.0.1 --port {{port}}")
