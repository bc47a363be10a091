"""The guard's verdict on real processes: what each of them has, and nothing else."""

import re
import sys
import uuid

import pytest

from tests.dev.processes.scripts import BEFORE, run_json, verdicts
from wiverno.dev.processes.refusal import Obstacle
from wiverno.dev.processes.role import SESSION_VARIABLE, worker_mark

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only"),
]

# A thread that no Python knows of: pthread_create(pause), named as the kernel shows it.
NATIVE_THREAD = """
import ctypes
libc = ctypes.CDLL(None)
thread = ctypes.c_ulong()
libc.pthread_create(ctypes.byref(thread), None, libc.pause, None)
libc.pthread_setname_np(thread, {name!r})
"""

REFUSED = {
    "thread": (
        """
        import threading
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        """,
        Obstacle.PYTHON_THREAD,
        r"a Python thread runs \(Thread-1 \(wait\) of threading\)",
    ),
    "low_level_thread": (
        """
        import _thread
        started, never = _thread.allocate_lock(), _thread.allocate_lock()
        started.acquire(), never.acquire()
        def wait():
            started.release()
            never.acquire()
        _thread.start_new_thread(wait, ())
        started.acquire()
        """,
        Obstacle.PYTHON_THREAD,
        r"a Python thread runs \(unnamed of __main__\)",
    ),
    "timer": (
        """
        import json, threading
        threading.Timer(3600, json.dumps).start()
        """,
        Obstacle.PYTHON_THREAD,
        r"a Python thread runs \(Thread-1 of json\)",
    ),
    "thread_pool_used": (
        """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor()
        pool.submit(len, "").result()
        """,
        Obstacle.PYTHON_THREAD,
        r"a Python thread runs \(ThreadPoolExecutor-0_0 of concurrent\.futures\.thread\)",
    ),
    "queue_listener": (
        """
        import logging.handlers, queue
        logging.handlers.QueueListener(queue.Queue()).start()
        """,
        Obstacle.PYTHON_THREAD,
        r"a Python thread runs \(Thread-1 \(_monitor\) of logging\.handlers\)",
    ),
    "process_pool": (
        """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        pool = ProcessPoolExecutor(1, multiprocessing.get_context("fork"))
        pool.submit(len, "").result()
        tell()
        for process in pool._processes.values():
            process.kill()
        os._exit(0)
        """,
        Obstacle.PYTHON_THREAD,
        "a Python thread runs",
    ),
    "resource_tracker": (
        """
        from multiprocessing import resource_tracker
        resource_tracker.ensure_running()
        """,
        Obstacle.CHILD,
        r"a child process runs \(\d+, .+\)",
    ),
    "child": (
        """
        import subprocess
        child = subprocess.Popen(["cat", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdin.write(b"begun"), child.stdin.flush(), child.stdout.read(5)
        """,
        Obstacle.CHILD,
        r"a child process runs \(\d+, cat -\)",
    ),
    "child_that_ended_unasked": (
        """
        import subprocess
        child = subprocess.Popen(["true"])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        """,
        Obstacle.CHILD,
        r"a child process runs \(\d+, true\)",
    ),
    "alarm": (
        "import signal; signal.alarm(3600)",
        Obstacle.ALARM,
        "an alarm is set, which a forked process would not get",
    ),
    "listening_socket": (
        """
        import socket
        listener = socket.create_server(("127.0.0.1", 0))
        """,
        Obstacle.SOCKET,
        r"a socket is open \(TCP at 127\.0\.0\.1:\d+\)",
    ),
    "connected_socket": (
        """
        import socket
        listener = socket.create_server(("127.0.0.1", 0))
        guard.recognise(listener.fileno())
        connection = socket.create_connection(listener.getsockname())
        """,
        Obstacle.SOCKET,
        r"a socket is open \(TCP to 127\.0\.0\.1:\d+\)",
    ),
    "datagram_socket": (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        Obstacle.SOCKET,
        r"a socket is open \(UDP at 0\.0\.0\.0:0\)",
    ),
    "socket_pair": (
        "import socket; pair = socket.socketpair()",
        Obstacle.SOCKET,
        r"a socket is open \(unix to an unnamed one\)",
    ),
    "socket_in_the_place_of_stdin": (
        "import socket; s = socket.socket(); os.dup2(s.detach(), 0)",
        Obstacle.SOCKET,
        r"a socket is open \(TCP at 0\.0\.0\.0:0\)",
    ),
    "event_poll": (
        "import select; poll = select.epoll()",
        Obstacle.EVENT_SOURCE,
        "an event poll is open",
    ),
    "asyncio_loop": (
        "import asyncio; loop = asyncio.new_event_loop()",
        Obstacle.EVENT_SOURCE,
        "an event poll is open",
    ),
    "event_counter": (
        "counter = os.eventfd(0)",
        Obstacle.EVENT_SOURCE,
        r"an event counter is open \(eventfd\)",
    ),
    "file_watch": (
        "import ctypes; watch = ctypes.CDLL(None).inotify_init1(0)",
        Obstacle.EVENT_SOURCE,
        r"a file watch is open \(inotify\)",
    ),
    "process_descriptor": (
        "descriptor = os.pidfd_open(os.getpid())",
        Obstacle.EVENT_SOURCE,
        "an event source is open .*pidfd.*",
    ),
    "sqlite_connection": (
        """
        import sqlite3, tempfile
        folder = tempfile.TemporaryDirectory()
        connection = sqlite3.connect(os.path.join(folder.name, "db.sqlite3"))
        connection.execute("create table numbers (n)")
        tell()
        folder.cleanup()
        os._exit(0)
        """,
        Obstacle.FILE,
        r"a file is open for writing: /.+/db\.sqlite3",
    ),
    "file_open_for_writing": (
        "import tempfile; file = tempfile.TemporaryFile()",
        Obstacle.FILE,
        "a file is open for writing: /.+",
    ),
    "file_locked": (
        """
        import fcntl
        file = open(json.__file__)
        fcntl.flock(file, fcntl.LOCK_SH)
        """,
        Obstacle.FILE,
        r"a file is locked: /.+/json/__init__\.py",
    ),
    "memory_file": (
        "memory = os.memfd_create('numbers')",
        Obstacle.MEMORY_FILE,
        "a memory file is open: numbers .*",
    ),
    "pipe": ("pipe = os.pipe()", Obstacle.PIPE, "a pipe is open"),
    "pseudo_terminal": (
        "import pty; ends = pty.openpty()",
        Obstacle.DEVICE,
        "a device is open: /.+",
    ),
    "lock_for_processes": (
        """
        import multiprocessing
        lock = multiprocessing.get_context("fork").Lock()
        """,
        Obstacle.SHARED_LOCK,
        r"a lock for several processes exists \(made by multiprocessing\)",
    ),
    "native_thread": (
        NATIVE_THREAD.format(name=b"pool-worker"),
        Obstacle.NATIVE_THREADS,
        r"native threads run that do not survive a fork \(1 x 'pool-worker'\)",
    ),
    "fork_handler_that_hangs": (
        NATIVE_THREAD.format(name=b"pool-worker")
        + """
import signal
from wiverno.dev.processes import guard as module
module._PROBE_S = 0.2
os.register_at_fork(after_in_child=signal.pause)
""",
        Obstacle.NATIVE_THREADS,
        "a forked process does not end: a library's fork handler hangs",
    ),
}

ALLOWED = {
    "quiet": "",
    "file_open_for_reading": "file = open(json.__file__)",
    "log_file": """
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            file = open(os.path.join(folder, "log"), "a")
        """,
    "directory": "folder = os.open('/', os.O_RDONLY)",
    "devices": "files = [open('/dev/null', 'w'), open('/dev/urandom', 'rb')]",
    "memory_file_of_ours": "guard.recognise(os.memfd_create('ours'))",
    "thread_that_ended": """
        import threading
        thread = threading.Thread(target=len, args=("",))
        thread.start(), thread.join()
        """,
    "thread_pool_shut_down": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor() as pool:
            list(pool.map(len, [""] * 100))
        """,
    "child_that_was_waited_for": "import subprocess; subprocess.run(['true'], check=True)",
    "event_loop_that_was_closed": "import asyncio; asyncio.run(asyncio.sleep(0))",
    "harmless_native_thread": NATIVE_THREAD.format(name=b"jemalloc_bg_thd"),
    "multiprocessing_imported": "import multiprocessing.synchronize, multiprocessing.pool",
}


@pytest.mark.parametrize("case", REFUSED)
def test_process_that_must_not_fork_is_refused_with_the_cause(case: str) -> None:
    application, kind, sentence = REFUSED[case]

    verdict = verdicts(application)[0]

    assert verdict.kind == kind, verdict
    assert re.fullmatch(sentence, verdict.sentence, re.DOTALL) or (
        case == "process_pool" and verdict.sentence.startswith(sentence)
    ), verdict


@pytest.mark.parametrize("case", ALLOWED)
def test_process_that_may_fork_is_not_refused(case: str) -> None:
    assert [verdict.sentence for verdict in verdicts(ALLOWED[case])] == [""]


def test_socket_that_is_closed_again_allows_the_fork() -> None:
    before, after = verdicts("import socket; s = socket.socket(); tell(); s.close()")

    assert (before.kind, after.kind) == (Obstacle.SOCKET, None)


# The pid comes out by a pipe, which is closed when the daemon runs.
DAEMON = """
import os, signal
read_end, write_end = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(read_end)
        os.write(write_end, str(os.getpid()).encode())
        os.execvp("sleep", ["sleep", "60"])
    os._exit(0)
os.wait()
os.close(write_end)
daemon = int(os.read(read_end, 20))
while os.read(read_end, 1):
    pass
os.close(read_end)
"""
END_DAEMON = """
handle = os.pidfd_open(daemon)
os.kill(daemon, signal.SIGKILL)
import select; select.select([handle], [], [])
os.close(handle)
"""


@pytest.fixture
def own_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """As processes of a session have one."""
    monkeypatch.setenv(SESSION_VARIABLE, worker_mark(uuid.uuid4().hex, 1))


@pytest.mark.usefixtures("own_mark")
def test_daemon_is_refused_as_long_as_it_runs() -> None:
    refused, ended = verdicts(f"{DAEMON}\ntell()\n{END_DAEMON}")

    assert refused.kind is Obstacle.DAEMON
    assert re.fullmatch(r"a process that was started runs on \(\d+, sleep 60\)", refused.sentence)
    assert ended.kind is None


@pytest.mark.usefixtures("own_mark")
def test_daemon_is_refused_where_children_are_not_waited_for() -> None:
    application = DAEMON.replace("os.wait()", "pass  # signal.SIGCHLD is ignored").replace(
        "read_end, write", "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\nread_end, write", 1
    )
    refused, ended = verdicts(f"{application}\ntell()\n{END_DAEMON}")

    assert (refused.kind, ended.kind) == (Obstacle.DAEMON, None)


@pytest.mark.usefixtures("own_mark")
def test_process_tree_that_has_ended_is_allowed_and_not_looked_for_again() -> None:
    """`git rev-parse` and the like, in each settings module."""
    application = """
import subprocess
from wiverno.dev.processes import guard as module
looks = []
look = module.processes_marked
module.processes_marked = lambda mark: looks.append(mark) or look(mark)
tell()
subprocess.run(["sh", "-c", "true; true"], check=True)
tell(), tell()
assert len(looks) == 1, looks
"""

    assert [verdict.sentence for verdict in verdicts(application)] == [""] * 4


def test_native_threads_are_refused_once_and_for_all_without_another_fork() -> None:
    application = NATIVE_THREAD.format(name=b"pool-worker") + (
        """
forks = []
os.register_at_fork(before=lambda: forks.append(1))
tell(), tell(), tell()
assert len(forks) == 1, forks
"""
    )

    assert {verdict.kind for verdict in verdicts(application)} == {Obstacle.NATIVE_THREADS}


# Like OpenBLAS: a thread that is ended in the handler that runs before a fork.
ENDS_BEFORE_A_FORK = (
    NATIVE_THREAD.format(name=b"blas")
    + """
@ctypes.CFUNCTYPE(None)
def end():
    if thread.value:
        libc.pthread_cancel(thread)
        libc.pthread_join(thread, None)
        thread.value = 0
libc.__register_atfork(end, None, None, None)
"""
)


def test_thread_that_ends_before_a_fork_is_not_refused_each_time_it_is_back() -> None:
    application = (
        ENDS_BEFORE_A_FORK
        + """
tell()
libc.pthread_create(ctypes.byref(thread), None, libc.pause, None)
"""
    )

    assert [verdict.sentence for verdict in verdicts(application)] == ["", ""]


@pytest.mark.parametrize("handler", ["told.append", "signal.SIG_IGN", "reap"])
def test_probe_is_not_heard_of_by_the_application(handler: str) -> None:
    application = f"""
import signal
told = []
def reap(*_):
    told.append(os.waitpid(-1, os.WNOHANG))
signal.signal(signal.SIGCHLD, {handler})
{ENDS_BEFORE_A_FORK}
tell()
assert not told, told
"""

    assert [verdict.sentence for verdict in verdicts(application)] == ["", ""]


def test_files_that_were_opened_for_reading_are_named_for_the_child() -> None:
    script = BEFORE + (
        """
file, log = open(json.__file__), open(os.devnull)
guard.refusal()
print(json.dumps([list(guard.files_to_open_again), file.fileno()]))
"""
    )

    ((files, expected),) = run_json(script)

    assert files == [expected]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 does not warn")
def test_fork_beside_native_threads_warns_nobody() -> None:
    script = (
        "import os, warnings; warnings.simplefilter('error')\n"
        "from wiverno.dev.processes import spawn\n"
        + NATIVE_THREAD.format(name=b"pool-worker")
        + """
pid = spawn.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
assert warnings.filters[0][0] == "error", warnings.filters
"""
    )

    assert run_json(script) == []
