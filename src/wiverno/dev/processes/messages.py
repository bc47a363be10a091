"""The messages between the supervisor and its processes, one class each.

`docs/protocol.md` tells in which order they travel. On the wire a message is one
packet: a line of JSON, then a payload of bytes; descriptors travel beside it. What is
received with a message belongs to the receiver, who closes it.
"""

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar, NamedTuple, TypeAlias, get_args

from wiverno.dev.decisions.lifecycle import Blame
from wiverno.dev.decisions.placement import Place


class Outcome(StrEnum):
    """How a build ended."""

    GOOD = "good"
    FAILED = "failed"
    CHANGED = "changed"
    """A recorded file changed while it was being imported: another build is needed."""
    INEXACT = "inexact"
    """A cold start might give something else: it must be built in a process of its own."""
    UNFIT = "unfit"
    """The snapshot cannot go on with what is on disk: it must be built without snapshots."""


@dataclass(frozen=True, slots=True)
class Build:
    """Supervisor → new process: import this application.

    Descriptors: life line, record, stack, request notes, turns, output, sources; if a version
    has served, the sources of the last one that did.
    """

    name: ClassVar[str] = "build"
    generation: int
    module: str
    attribute: str
    spawned_at: float
    """Monotonic time when the process was started, in seconds."""
    argv: tuple[str, ...]
    """What the application sees as `sys.argv`."""
    project_dirs: tuple[str, ...]
    """Absolute: what is opened below them, or below the current directory, is recorded."""
    is_retry: bool = False
    """Another try, unchanged, behind a page: however long it takes, its output is held."""
    hot_files: tuple[str, ...] = ()
    """Changed lately, and likely to change again."""
    watch_files: tuple[str, ...] = ()
    """Absolute, as those below: in the record from the start."""
    static_dirs: tuple[str, ...] = ()
    """What is opened below them is not recorded."""
    unwatch_files: tuple[str, ...] = ()
    """Recorded only where they are imported."""
    is_manual: bool = False
    """Changes are counted; they do not make the worker stale."""
    tells_pages: bool = False
    """Is `copied` wanted?"""
    interface: str = "auto"
    """`auto`, `wsgi` or `asgi`: what the application is called with."""
    import_dirs: tuple[str, ...] = ()
    """Absolute: on `sys.path` behind the current directory."""
    environment_files: tuple[str, ...] = ()
    """Absolute: what has set the environment of the process."""
    environment_digest: str = ""
    """Of what they held then."""
    environment_fault: str = ""
    """Why they cannot be used: then the build fails."""
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """Candidate → supervisor: the build is over. Payload: the report when it failed."""

    name: ClassVar[str] = "built"
    outcome: Outcome
    debug: bool | None = None
    """The application's `debug` attribute; None where it has none."""
    changed_path: str | None = None
    blame: Blame = Blame.CODE
    """What a failure may be owed to."""
    why_inexact: str = ""
    """What a cold start might do otherwise; of an unfit build why it cannot go on."""
    roots: tuple[str, ...] = ()
    """Modules that the user's files asked for and that a template may import beforehand."""
    interpreter_ms: float = 0.0
    import_ms: float = 0.0
    verify_ms: float = 0.0
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Go:
    """Supervisor → candidate or pages: accept from now on. Descriptors: the listeners.

    For pages the payload is the report, and the first descriptor is the record of the
    failed generation. `is_final` is false for a build that may yet succeed without a change.
    """

    name: ClassVar[str] = "go"
    generation: int
    is_final: bool = True
    payload: bytes = b""
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Adopt:
    """Supervisor → worker: go on in spite of a build that failed, or takes long.

    What is on disk now counts as fresh, as far as that build has seen it. Descriptors: the
    record of that build, the listeners.
    """

    name: ClassVar[str] = "adopt"
    generation: int
    """The one that failed; `stale` names it from now on."""
    error: str
    """What the header `X-Wiverno-Error` says."""
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Attach:
    """Supervisor → new pages process: its life line. Descriptor: the life line."""

    name: ClassVar[str] = "attach"
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StandDown:
    """Supervisor → pages: accept nothing more, hand over what is not answered."""

    name: ClassVar[str] = "stand down"
    generation: int
    """The one that goes when pages have stood down."""


@dataclass(frozen=True, slots=True)
class StoodDown:
    """Pages → supervisor: done; every connection that it had not answered came before this."""

    name: ClassVar[str] = "stood down"
    generation: int


@dataclass(frozen=True, slots=True)
class Retire:
    """Supervisor → worker, pages or template: finish what is in flight, then leave."""

    name: ClassVar[str] = "retire"
    deadline_s: float
    """For requests in flight."""
    leave_s: float
    """After them, for threads and atexit handlers."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Worker or pages → supervisor: the gate tripped on a request; it stays tripped."""

    name: ClassVar[str] = "stale"
    generation: int
    path: str
    """The first file that was seen to differ."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A client's connection changes hands. Payload: the bytes already read. Descriptor: it.

    Up to the supervisor the number is 0; down to a worker it is what `taken` answers.
    """

    name: ClassVar[str] = "connection"
    number: int = 0
    payload: bytes = b""
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """Worker or pages → supervisor: the connection is in my hands, drop your copy."""

    name: ClassVar[str] = "taken"
    number: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Pages or kept worker → supervisor: a request met the failure. At most one every second."""

    name: ClassVar[str] = "asked"


@dataclass(frozen=True, slots=True)
class Preload:
    """Supervisor → new template: import these, then wait to be forked. Descriptor: life line."""

    name: ClassVar[str] = "preload"
    roots: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """What an earlier template has refused."""
    argv: tuple[str, ...] = ()
    """What they see as `sys.argv`."""
    project_dirs: tuple[str, ...] = ()
    """Absolute: what reads a file below them, or below the current directory, is refused."""
    import_dirs: tuple[str, ...] = ()
    """As in `build`."""
    fds: tuple[int, ...] = ()


class RefusedRoot(NamedTuple):
    """A module that the template leaves to the candidates, why, and what its import took."""

    name: str
    reason: str
    """Empty: it may be preloaded."""
    import_s: float = 0.0
    is_lasting: bool = True
    """Would another try give the same, as long as nothing else is installed?"""


@dataclass(frozen=True, slots=True)
class Preloaded:
    """Template → supervisor: ready, with these; `refused` says why others are not among them.

    Payload: the files of all modules that it has imported, as `held_files` packs them.
    """

    name: ClassVar[str] = "preloaded"
    roots: tuple[str, ...]
    refused: tuple[RefusedRoot, ...] = ()
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Resume:
    """Supervisor → template or snapshot: fork. The child waits for `build`, with its own mark.

    Descriptor: the child's channel.
    """

    name: ClassVar[str] = "resume"
    mark: str
    payload: bytes = b""
    """The pages that it had better copy, as `own_pages` has them."""
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """Forked process → supervisor, its first message: who it is. Descriptor: its pidfd."""

    name: ClassVar[str] = "begun"
    pid: int
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Copied:
    """Worker → supervisor: these pages it has for itself by now. Payload: as `own_pages` has them.

    Asked for in `build`, sent when nobody waits.
    """

    name: ClassVar[str] = "copied"
    payload: bytes = b""


class UnderWay(NamedTuple):
    """A module that is being executed: so many bytes of its file, with this digest."""

    path: str
    length: int
    digest: str


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """Candidate → supervisor: the process that was it is paused, and I, its child, go on.

    Descriptors: the channel to the paused process, its pidfd, that of the sender. Payload: the
    installed files that were imported since the template, as `held_files` packs them.
    """

    name: ClassVar[str] = "snapshot taken"
    paused_pid: int
    pid: int
    """The sender's."""
    path: str
    place: Place
    record_length: int
    """Bytes of the generation's record that the paused process depends on."""
    import_s: float
    """Seconds of import that it saves."""
    under_way: tuple[UnderWay, ...]
    payload: bytes = b""
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotRefused:
    """Candidate → supervisor: from here on this import cannot be forked."""

    name: ClassVar[str] = "snapshot refused"
    reason: str
    path: str
    place: Place


@dataclass(frozen=True, slots=True)
class Exited:
    """Template or snapshot → supervisor: a child of it has ended; only a parent is told how."""

    name: ClassVar[str] = "exited"
    pid: int
    status: int
    """As subprocess gives it."""


Message: TypeAlias = (
    Build
    | Built
    | Go
    | Adopt
    | Attach
    | StandDown
    | StoodDown
    | Retire
    | Stale
    | Connection
    | Taken
    | Asked
    | Preload
    | Preloaded
    | Resume
    | Begun
    | Copied
    | SnapshotTaken
    | SnapshotRefused
    | Exited
)

_CLASSES: dict[str, type[Message]] = {cls.name: cls for cls in get_args(Message)}
_ENUMS = {"blame": Blame, "outcome": Outcome, "place": Place}
_BESIDE_THE_HEAD = frozenset({"payload", "fds"})


def encode(message: Message) -> tuple[bytes, bytes]:
    """The head (one line of JSON, without its newline) and the payload."""
    values = {
        item.name: getattr(message, item.name)
        for item in fields(message)
        if item.name not in _BESIDE_THE_HEAD
    }
    head = json.dumps({"message": message.name, **values}, separators=(",", ":"))
    return head.encode(), getattr(message, "payload", b"")


def decode(head: bytes, payload: bytes, fds: tuple[int, ...]) -> Message:
    """The message of a packet. Raises ValueError for one that no version of ours sends."""
    values = json.loads(head)
    cls = _CLASSES.get(values.pop("message", None))
    if cls is None:
        raise ValueError(f"unknown message: {head[:200]!r}")
    names = {item.name for item in fields(cls)}
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    if "under_way" in values:
        values["under_way"] = tuple(UnderWay(*each) for each in values["under_way"])
    if "refused" in values:
        values["refused"] = tuple(RefusedRoot(*each) for each in values["refused"])
    for name, meaning in _ENUMS.items():
        if name in values:
            values[name] = meaning(values[name])
    if "payload" in names:
        values["payload"] = payload
    if "fds" in names:
        values["fds"] = fds
    return cls(**values)
