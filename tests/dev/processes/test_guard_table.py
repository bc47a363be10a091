"""The guard's verdict on real packages, and what comes of a fork in each case.

Where the guard allows it, an operation in a forked process, and in one forked from that, gives
what it gives after a cold start. Where it refuses, the fork is made all the same: what comes
of it shows that the guard was right, or only strict.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.dev.processes.scripts import run_json
from wiverno.dev.processes.refusal import Obstacle

pytestmark = [pytest.mark.heavy, pytest.mark.processes]

# Run with "cold", "forked" or "all the same".
PROGRAM = """
import json, os, select, signal, sys, time
from wiverno.dev.processes import fork_hygiene, spawn
from wiverno.dev.processes.guard import Guard, _probe_fork
from wiverno.dev.processes.random_state import RandomState

fork_hygiene.preload()
random_state = RandomState()
guard = Guard()
argument = sys.argv[2] if len(sys.argv) > 2 else ""

{application}

def operate():
    {operation}

def in_child(action, deadline_s):
    # What `action` gives in a forked process; "hangs" when it gives nothing in time.
    read_end, write_end = os.pipe()
    fork_hygiene.before_fork(random_state)
    begun = time.perf_counter()
    pid = spawn.fork()
    if pid == 0:
        os.close(read_end)
        try:
            fork_hygiene.after_fork_in_child(random_state, guard.files_to_open_again)
            guard.recognise(write_end)
            answer = action()
        except BaseException as error:
            answer = type(error).__name__
        os.write(write_end, json.dumps(answer).encode())
        os._exit(0)
    fork_ms = (time.perf_counter() - begun) * 1000
    os.close(write_end)
    poll = select.poll()
    poll.register(read_end, select.POLLIN)
    poll.poll(deadline_s * 1000)
    ready = bool(poll.poll(0))
    if not ready:
        os.kill(pid, signal.SIGKILL)
    answer = os.read(read_end, 60_000) if ready else b'"hangs"'
    os.waitpid(pid, 0)
    os.close(read_end)
    return json.loads(answer), fork_ms

def child_and_grandchild():
    mine = operate()
    refusal = guard.refusal()
    if refusal:
        return [mine, "refused", refusal.sentence]
    return [mine, in_child(operate, 20)[0], ""]

def best_ms(action, times):
    durations = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        durations.append((time.perf_counter() - begun) * 1000)
    return min(durations)

def tell(value):
    print(json.dumps(value), flush=True)

if sys.argv[1] == "cold":
    tell([operate(), operate()])
elif sys.argv[1] == "forked":
    begun = time.perf_counter()
    refusal = guard.refusal()
    first_ms = (time.perf_counter() - begun) * 1000
    tell([refusal.kind, refusal.sentence] if refusal else None)
    if refusal is None:
        answers, fork_ms = in_child(child_and_grandchild, 40)
        tell(answers)
        tell([first_ms, best_ms(guard.refusal, 20), best_ms(_probe_fork, 10), fork_ms])
else:
    tell(in_child(operate, {deadline_s})[0])
    {afterwards}
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """`application` is imported, `operation` is the body of a function."""

    application: str
    operation: str
    refused: Obstacle | None = None
    outcome: object = None
    afterwards: str = "pass"


DIGEST = "import hashlib; digest = lambda a: hashlib.sha256(a.tobytes()).hexdigest()\n"
NUMBERS = DIGEST + "import numpy as np; a = np.random.default_rng(1).random((800, 800))\n"
KMEANS = (
    NUMBERS
    + "import sklearn.cluster, sklearn.ensemble, sklearn.linear_model\n"
    + "def fit(): return sklearn.cluster.KMeans(3, n_init=1, random_state=0).fit(a).labels_\n"
)

ALLOWED = {
    "numpy": Case(NUMBERS, "return digest(a @ a)"),
    "numpy after its pool ran": Case(
        NUMBERS + "b = np.linalg.svd(a @ a)[1]", "return digest(np.linalg.svd(a @ a)[1])"
    ),
    "numpy seeded": Case(
        "import numpy as np; np.random.seed(5); np.random.normal(size=3)",
        "return np.random.normal(size=5).tolist()",
    ),
    "numpy unseeded": Case(
        "import numpy as np; np.random.normal(size=3)",
        # Alike are two cold starts as little as two forks.
        "state = np.random.get_state(); return len(set(state[1].tolist())) > 600",
    ),
    "pandas": Case(
        "import pandas as pd",
        "return pd.DataFrame({'a': [1, 2] * 500, 'b': range(1000)}).groupby('a').b.sum().tolist()",
    ),
    "scikit-learn before an OpenMP region": Case(KMEANS, "return digest(fit())"),
    "scikit-learn with a pool of threads": Case(
        KMEANS,
        "forest = sklearn.ensemble.RandomForestClassifier(20, n_jobs=2, random_state=0); "
        "return digest(forest.fit(a, a[:, 0] > 0.5).predict(a))",
    ),
    "pyarrow": Case(
        "import pyarrow as pa, pyarrow.csv, io\n"
        "def numbers(): return io.BytesIO(b'a\\n' + b'12\\n' * 90000)",
        "return pa.csv.read_csv(numbers())['a'].to_numpy().sum().item()",
    ),
    "grpc": Case(
        """
import grpc
from concurrent.futures import ThreadPoolExecutor
def double(request, context):
    return request * 2
handlers = {"double": grpc.unary_unary_rpc_method_handler(double)}
def call():
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("s", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = channel.unary_unary("/s/double")(b"ab", timeout=10)
    server.stop(0).wait()
    return answer.decode()
""",
        # Afterwards there are threads: the grandchild is refused, as it has to be.
        "return call()",
    ),
    "gevent imported": Case(
        "import gevent, gevent.event",
        "return gevent.spawn(lambda: gevent.sleep(0.01) or 7).get(timeout=5)",
    ),
    "psycopg imported": Case(
        "import psycopg",
        "return psycopg.conninfo.make_conninfo(host='h', port=1)",
    ),
    "sqlite imported": Case(
        "import sqlite3",
        "return sqlite3.connect(':memory:').execute('select 6 * 7').fetchone()",
    ),
}

REFUSED = {
    "scikit-learn after an OpenMP region": Case(
        KMEANS + "fit()", "return digest(fit())", Obstacle.NATIVE_THREADS, "hangs"
    ),
    "polars imported": Case(
        "import polars as pl",
        "return pl.DataFrame({'a': [1, 2] * 50}).select(pl.col('a').sum()).item()",
        Obstacle.NATIVE_THREADS,
        150,  # strict: this operation works, the thread that is missing is needed later
    ),
    "polars used": Case(
        "import polars as pl\n"
        "def use(): return pl.DataFrame({'a': [1, 2] * 500}).lazy().group_by('a')"
        ".agg(pl.len()).sort('a').collect().rows()\n"
        "use()",
        "return use()",
        Obstacle.EVENT_SOURCE,
        "hangs",
    ),
    "pyarrow after its pool ran": Case(
        "import pyarrow as pa, pyarrow.csv, io\n"
        "def read(): return pa.csv.read_csv(io.BytesIO(b'a\\n' + b'12\\n' * 90000)).num_rows\n"
        "read()",
        "return read()",
        Obstacle.PIPE,
        90000,  # strict: pyarrow makes its pools anew in a child
    ),
    "grpc with a channel": Case(
        "import grpc; channel = grpc.insecure_channel('127.0.0.1:1')",
        "return grpc.insecure_channel('127.0.0.1:1').close()",
        Obstacle.EVENT_SOURCE,
    ),
    # What comes of that is not told: now and then it hangs, in gevent's own fork() and waitpid().
    "gevent patched": Case(
        "import gevent.monkey; gevent.monkey.patch_all()", "pass", Obstacle.GREEN_THREADS
    ),
    "a thread": Case(
        "import queue, threading\n"
        "questions, answers = queue.Queue(), queue.Queue()\n"
        "def work():\n"
        "    while True: answers.put(questions.get() * 2)\n"
        "threading.Thread(target=work, daemon=True).start()",
        "questions.put(2); return answers.get()",
        Obstacle.PYTHON_THREAD,
        "hangs",
    ),
    "an executor": Case(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(1); pool.submit(len, '').result()",
        "return pool.submit(len, 'ab').result()",
        Obstacle.PYTHON_THREAD,
        "hangs",
    ),
    "a socket": Case(
        "import socket; ours, theirs = socket.socketpair()",
        "ours.shutdown(socket.SHUT_RDWR); return 'done with it'",
        Obstacle.SOCKET,
        "done with it",
        "tell(theirs.recv(1).decode())",  # "": closed for all who have it
    ),
    "a sqlite connection": Case(
        "import sqlite3; connection = sqlite3.connect(argument + '/db', timeout=0.5)\n"
        "connection.execute('create table t (n)'); connection.commit()\n"
        "connection.execute('insert into t values (1)')",
        "connection.commit()",
        Obstacle.FILE,
        # The lock on the file is the parent's; the child takes itself for its owner.
        "OperationalError",
    ),
    "a psycopg connection": Case(
        "import psycopg\n"
        "connection = psycopg.connect(host='127.0.0.1', port=argument, dbname='d', user='u',"
        " sslmode='disable', gssencmode='disable', connect_timeout=5)",
        "connection.close(); return 'closed mine'",
        Obstacle.SOCKET,
        "closed mine",
        "select.select([connection.fileno()], [], [], 5)\n"
        "    try: connection.pgconn.consume_input()\n"
        "    except psycopg.OperationalError: tell('closed by the server')",
    ),
    "a subprocess": Case(
        "import subprocess; child = subprocess.Popen(['cat'], stdin=subprocess.PIPE)",
        "return child.poll()",
        Obstacle.CHILD,
        0,  # wrong: it runs
        "tell(child.poll()); child.kill()",
    ),
    "an asyncio loop": Case(
        "import asyncio; loop = asyncio.new_event_loop(); ends = os.pipe()",
        "loop.add_reader(ends[0], print); os.write(ends[1], b'x'); return 'its own affair'",
        Obstacle.EVENT_SOURCE,
        "its own affair",
        # The parent hears of what only the child has asked for.
        "tell(len(loop._selector._selector.poll(5)))",
    ),
}
AFTERWARDS: dict[str, object] = {
    "a socket": "",
    "a psycopg connection": "closed by the server",
    "a subprocess": None,
    "an asyncio loop": 1,
}


@pytest.fixture
def argument(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A folder; for psycopg the port of something that speaks as PostgreSQL does."""
    if "psycopg connection" not in request.node.name:
        yield str(tmp_path)
        return
    server = Path(__file__).with_name("fake_postgres.py")
    with subprocess.Popen([sys.executable, str(server)], stdout=subprocess.PIPE, text=True) as fake:
        assert fake.stdout is not None
        yield fake.stdout.readline().strip()
        fake.kill()


def program(case: Case) -> str:
    return PROGRAM.format(
        application=case.application,
        operation=case.operation,
        afterwards=case.afterwards,
        # A right answer has time on a busy machine, too.
        deadline_s=3 if case.outcome == "hangs" else 20,
    )


def run_table(script: str, *arguments: str) -> list[Any]:
    # A cold import of scikit-learn on a busy machine takes seconds.
    return run_json(script, *arguments, deadline_s=50)


@pytest.mark.parametrize("name", ALLOWED)
def test_package_that_may_be_forked_works_in_the_child(name: str, argument: str) -> None:
    script = program(ALLOWED[name])
    ((first, second),) = run_table(script, "cold", argument)

    verdict, *rest = run_table(script, "forked", argument)

    assert verdict is None, verdict
    (child, grandchild, reason), (first_ms, check_ms, probe_ms, fork_ms) = rest
    assert child == first
    # The operation may have left what a second fork would not survive.
    assert grandchild in (second, "refused")
    sys.stdout.write(
        f"{name}: first check {first_ms:.1f} ms, check {check_ms:.2f}, probe {probe_ms:.1f}, "
        f"fork {fork_ms:.1f}; after the operation: {reason or 'forks again, the same answer'}\n"
    )


@pytest.mark.parametrize("name", REFUSED)
def test_package_that_must_not_be_forked_is_refused(name: str, argument: str) -> None:
    script = program(REFUSED[name])

    (verdict,) = run_table(script, "forked", argument)

    assert verdict[0] == REFUSED[name].refused, verdict
    sys.stdout.write(f"{name}: {verdict[1]}\n")


@pytest.mark.parametrize("name", [name for name in REFUSED if REFUSED[name].outcome is not None])
def test_what_comes_of_a_refused_fork(name: str, argument: str) -> None:
    outcome, *afterwards = run_table(program(REFUSED[name]), "all the same", argument)

    assert outcome == REFUSED[name].outcome
    if name in AFTERWARDS:
        assert afterwards == [AFTERWARDS[name]]
    sys.stdout.write(f"{name}: {json.dumps([outcome, *afterwards])}\n")
