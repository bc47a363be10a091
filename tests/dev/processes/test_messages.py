"""Every message crosses the wire and comes out as it went in."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.dev.decisions.lifecycle import Blame
from wiverno.dev.decisions.placement import Place
from wiverno.dev.processes import messages
from wiverno.dev.processes.channel import Channel, ChannelClosedError, QueuedChannel
from wiverno.dev.processes.messages import (
    Adopt,
    Asked,
    Attach,
    Build,
    Built,
    Connection,
    Go,
    Message,
    Outcome,
    Preloaded,
    RefusedRoot,
    Retire,
    SnapshotRefused,
    Stale,
    StandDown,
    StoodDown,
    Taken,
)

EXAMPLES: list[Message] = [
    Build(3, "shop.wsgi", "create_app()", 12.5, ("dev.py", "--x"), ("/p",)),
    Build(
        4,
        "a",
        "b",
        1.0,
        (),
        (),
        watch_files=("/w",),
        static_dirs=("/s", "/t"),
        unwatch_files=("/u",),
        is_manual=True,
        import_dirs=("/p/src",),
    ),
    Built(Outcome.GOOD, debug=True, interpreter_ms=40.1, import_ms=100.0, verify_ms=0.4),
    Built(Outcome.FAILED, blame=Blame.SYNTAX, payload=b'{"kind": "SyntaxError"}'),
    Built(Outcome.CHANGED, changed_path="/p/\u00e4 b.py"),
    Go(4, is_final=False, payload=b"report"),
    Adopt(4, "SyntaxError"),
    Attach(),
    StandDown(3),
    StoodDown(3),
    Retire(1.5, 0.5),
    Stale(4, "/p/app.py"),
    Connection(7, b"GET / HTTP/1.1\r\n\n\x00\xff"),
    Taken(7),
    Asked(),
    Preloaded(("numpy",), (RefusedRoot("polars", "it prints when it is imported", 0.38),)),
    SnapshotRefused("an alarm is set", "/p/app.py", Place.BEFORE),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_message_survives_the_wire(message: Message) -> None:
    head, payload = messages.encode(message)

    assert messages.decode(head, payload, ()) == message


@settings(derandomize=True)
@given(st.binary(max_size=300), st.integers(0, 2**40))
def test_connection_carries_any_bytes(received: bytes, number: int) -> None:
    message = Connection(number, received)

    assert messages.decode(*messages.encode(message), ()) == message


def test_unknown_message_is_refused_with_its_text() -> None:
    with pytest.raises(ValueError, match="from_the_future"):
        messages.decode(b'{"message":"from_the_future"}', b"", ())


def test_channel_carries_descriptors() -> None:
    ours, theirs = Channel.pair()
    read_end, write_end = os.pipe()
    ours.send(Go(1, fds=(write_end,)))
    os.close(write_end)

    received = theirs.receive()

    assert isinstance(received, Go)
    (arrived,) = received.fds
    os.write(arrived, b"through")
    assert os.read(read_end, 10) == b"through"
    assert not os.get_inheritable(arrived)
    for fd in (arrived, read_end):
        os.close(fd)
    ours.close()
    theirs.close()


def test_channel_carries_payloads_larger_than_a_packet() -> None:
    ours, theirs = Channel.pair()
    payload = os.urandom(1_000_000)
    ours.send(Built(Outcome.FAILED, payload=payload))

    received = theirs.receive()

    assert received == Built(Outcome.FAILED, payload=payload)
    ours.close()
    theirs.close()


def test_receive_after_the_other_end_closed_raises() -> None:
    ours, theirs = Channel.pair()
    ours.send(StandDown(1))
    ours.close()

    assert theirs.receive() == StandDown(1)
    with pytest.raises(ChannelClosedError):
        theirs.receive()
    theirs.close()


def test_send_to_a_closed_end_raises() -> None:
    ours, theirs = Channel.pair()
    theirs.close()

    with pytest.raises(ChannelClosedError):
        ours.send(StandDown(1))
    ours.close()


def test_queued_channel_keeps_what_has_no_room_in_order() -> None:
    ours, theirs = Channel.pair()
    queued = QueuedChannel(ours)
    sent = [replace(Connection(0, b"x" * 4000), number=number) for number in range(300)]
    for message in sent:
        queued.send(message)
    assert queued.has_unsent

    received: list[Message] = []
    theirs.setblocking(False)
    while len(received) < len(sent):
        try:
            received.append(theirs.receive())
        except BlockingIOError:
            queued.flush()

    assert received == sent
    assert not queued.has_unsent
    queued.close()
    theirs.close()
