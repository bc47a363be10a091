"""What forked processes do beside each other, compared with what two cold starts would do.

The parent forks two children, one after the other; each prints one line of JSON. The parent
leaves as a snapshot does.
"""

import sys
from typing import Any

import pytest

from tests.dev.processes.scripts import run_json

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only"),
]

FAMILY = """
import json, os, sys
from wiverno.dev.processes import fork_hygiene, spawn
from wiverno.dev.processes.guard import Guard
from wiverno.dev.processes.random_state import RandomState

fork_hygiene.preload()
random_state = RandomState()
guard = Guard()

def fork():
    assert guard.refusal() is None, guard.refusal()
    fork_hygiene.before_fork(random_state)
    pid = spawn.fork()
    if pid == 0:
        fork_hygiene.after_fork_in_child(random_state, guard.files_to_open_again)
    return pid

def tell(value):
    os.write(1, json.dumps(value).encode() + b"\\n")

# The part before the fork, as if the application were being imported.
{before}

def go_on():
    {after}

for _ in range(2):
    pid = fork()
    if pid == 0:
        go_on()
        sys.exit()
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
os._exit(0)
"""


def siblings(before: str, after: str, *, grandchildren: bool = False) -> list[Any]:
    """What each of two children told; with `grandchildren` a child of each in its place."""
    if grandchildren:
        after = (
            "pid = fork()\n"
            f"    if pid == 0:\n        {after}\n        sys.exit()\n"
            "    assert os.waitpid(pid, 0)[1] == 0"
        )
    return run_json(FAMILY.format(before=before, after=after))


@pytest.mark.parametrize("grandchildren", [False, True])
@pytest.mark.parametrize(
    "before",
    [
        "import random",
        # Drawn numbers are no seed, few or many.
        "import random; random.random()",
        "import random; [random.random() for _ in range(20_000)]",
        "import random; [random.gauss() for _ in range(3)]",
    ],
)
def test_random_that_was_not_seeded_differs(before: str, grandchildren: bool) -> None:
    first, second = siblings(before, "tell(random.random())", grandchildren=grandchildren)

    assert first != second


@pytest.mark.parametrize("grandchildren", [False, True])
@pytest.mark.parametrize(
    "before",
    [
        "import random; random.seed(42)",
        "import random; random.seed(42); random.gauss(); random.random()",
        "import random; random.random(); random.setstate(random.Random(7).getstate())",
    ],
)
def test_random_that_was_seeded_goes_on_as_after_a_cold_start(
    before: str, grandchildren: bool
) -> None:
    draw = "tell([random.random(), random.gauss()])"

    cold = run_json(f"import json\n{before}\n{draw.replace('tell', 'values = ')}\nprint(values)")

    assert siblings(before, draw, grandchildren=grandchildren) == cold * 2


def test_random_that_a_child_seeds_goes_on_in_its_children() -> None:
    values = siblings("import random", "random.seed(3); fork(); tell(random.random())")

    assert len(values) == 4
    assert len(set(values)) == 1


@pytest.mark.parametrize(
    ("before", "draw"),
    [
        ("import uuid; uuid.uuid1()", "str(uuid.uuid1())"),
        ("import uuid; uuid.uuid4()", "str(uuid.uuid4())"),
        ("import secrets; secrets.token_hex()", "secrets.token_hex()"),
        ("import ssl; ssl.RAND_bytes(16)", "ssl.RAND_bytes(16).hex()"),
        ("import tempfile; tempfile.mktemp()", "tempfile.mktemp()"),
        (
            "import tempfile; names = tempfile._get_candidate_names(); next(names)",
            "next(names)",
        ),
    ],
)
def test_name_or_secret_differs(before: str, draw: str) -> None:
    first, second = siblings(before, f"tell({draw})")

    assert first != second


def test_logging_works_in_the_child_of_a_process_that_logs() -> None:
    before = """
import logging, tempfile
folder = tempfile.mkdtemp()
path = os.path.join(folder, "log")
logging.basicConfig(filename=path, format="%(process)d %(message)s")
logging.warning("imported")
# Python makes new locks in a child; held here, one that it does not know would hang.
logging.getLogger().handlers[0].acquire()
"""
    after = "logging.warning('served'); tell([os.getpid(), open(path).read().split()])"

    (_, once), (pid, lines) = siblings(before, after)

    assert lines[:2] == once[:2]
    assert lines[1::2] == ["imported", "served", "served"]
    assert lines[-2] == str(pid)


def test_exit_handlers_run_once_in_each_child_and_never_in_the_parent_that_stays() -> None:
    before = "import atexit; atexit.register(lambda: tell(os.getpid())); parent = os.getpid()"

    lines = siblings(before, "tell([os.getpid(), parent])")

    (first, parent), first_left, (second, _), second_left = lines
    assert [first_left, second_left] == [first, second]
    assert parent not in (first_left, second_left)


def test_file_that_was_opened_before_is_read_by_each_child_from_where_it_stood() -> None:
    before = "file = open(json.__file__, 'rb', buffering=0); file.read(100)"
    after = "tell([file.tell(), file.read(50).hex(), os.get_inheritable(file.fileno())])"

    first, second = siblings(before, after)

    assert first == second
    assert first[0] == 100
    assert first[2] is False


def test_collection_in_the_child_touches_nothing_that_was_alive_before() -> None:
    before = "import gc; kept = [{} for _ in range(1000)]"

    for count in siblings(before, "tell(gc.get_freeze_count())"):
        assert count > 1000
