"""A paused process: forked on demand, tells how its children ended, ends with its channel."""

import sys

import pytest

from tests.dev.processes.scripts import run_json

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only"),
]

SUPERVISOR = """
import json, os, sys
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.messages import Exited, Resume, Retire
from wiverno.dev.processes.paused import HeldSignals, pause
from wiverno.dev.processes.spawn import fork

def tell(*values):
    os.write(1, json.dumps(values).encode() + b"\\n")

ours, theirs = Channel.pair()
paused = fork()
if paused == 0:
    ours.close()
    own = pause(theirs, HeldSignals(), lambda: None)
    try:
        message = own.receive()
    except ChannelClosedError:
        os._exit(5)
    os._exit(int(message.deadline_s))
theirs.close()

def resume():
    channel, its_end = Channel.pair()
    ours.send(Resume("", fds=(its_end.fileno(),)))
    its_end.close()
    return channel, channel.receive().pid

{script}
"""


def run(script: str) -> list[list[object]]:
    return run_json(SUPERVISOR.replace("{script}", script))


def test_each_resume_gives_a_process_and_the_end_of_each_is_told() -> None:
    told = run("""
first, first_pid = resume()
second, second_pid = resume()
tell(len({paused, first_pid, second_pid}))
second.send(Retire(4.0, 0.0))
exited = ours.receive()
tell(exited.pid == second_pid, exited.status)
first.close()
exited = ours.receive()
tell(exited.pid == first_pid, exited.status)
""")

    assert told == [[3], [True, 4], [True, 5]]


def test_process_whose_child_was_killed_tells_the_signal() -> None:
    assert run("""
channel, pid = resume()
os.kill(pid, 9)
tell(ours.receive().status)
""") == [[-9]]


@pytest.mark.parametrize("end", ["ours.close()", "ours.send(Retire(0.0, 0.0))"])
def test_process_that_is_not_needed_any_more_ends_and_its_children_go_on(end: str) -> None:
    told = run(f"""
channel, pid = resume()
{end}
tell(os.waitpid(paused, 0)[1])
os.kill(pid, 0)
channel.send(Retire(0.0, 0.0))
try:
    channel.receive()
except ChannelClosedError:
    tell("ended when it was told")
""")

    assert told == [[0], ["ended when it was told"]]


def test_resume_that_is_on_its_way_when_the_process_is_let_go_is_done_first() -> None:
    told = run("""
channel, its_end = Channel.pair()
os.kill(paused, 19)
ours.send(Resume("", fds=(its_end.fileno(),)))
ours.send(Retire(0.0, 0.0))
its_end.close()
os.kill(paused, 18)
tell(channel.receive().pid > 0)
tell(os.waitpid(paused, 0)[1])
""")

    assert told == [[True], [0]]
