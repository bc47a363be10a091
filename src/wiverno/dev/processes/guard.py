"""The guard: whether this process may fork now, and if not, why, in one sentence.

A fork copies the calling thread only, and shares what is open. Where the guard refuses there
is no snapshot: speed is lost, never correctness. It judges the present state of the process,
in 0.1 ms with 20 descriptors; 13 us more for each file that the application has open.
"""

import os
import re
import resource
import select
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from wiverno.dev.processes import spawn
from wiverno.dev.processes.descriptors import find_obstacle, has_offset, open_descriptors
from wiverno.dev.processes.orphans import processes_marked
from wiverno.dev.processes.refusal import Obstacle, Refusal
from wiverno.dev.processes.session_mark import read_mark

_TASKS = "/proc/self/task"
# jemalloc (pyarrow, pandas) starts its thread anew in a forked process.
_HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})
# A thread that was joined stays listed until the kernel has taken it down.
_THREAD_END_S = 0.01
# A forked process that has only to leave takes 5 ms when it is large; what hangs, hangs.
_PROBE_S = 2.0
# <linux/wait.h>: also children that were made to end without a SIGCHLD.
_WALL = 0x40000000
# `scikit_learn.libs/libgomp-a34b3233.so.1.0.0`, `torch/lib/libgomp.so.1`: who brought it along.
_OPENMP = re.compile(
    r"(?:/(?:site|dist)-packages/(\w+)[^\n]*)?/lib(?:gomp|omp|iomp5)[-.][^/\n]*$", re.M
)
_GREEN_THREADS = ("gevent", "eventlet")
# The module that is imported when the first lock for several processes is made.
_SHARED_LOCKS = "multiprocessing.synchronize"
# These do not go away, and to ask again for native threads costs a fork each time. A socket is
# closed, a pool is shut down: what was found then says nothing about now.
_LASTING = frozenset({Obstacle.SYSTEM, Obstacle.GREEN_THREADS, Obstacle.NATIVE_THREADS})


class Guard:
    """Made before the application's code runs: what is open by then is ours.

    A forked process goes on with the guard that it inherits.
    """

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._files: tuple[int, ...] = ()
        self._lasting: Refusal | None = None
        self._known_ends = _ended_children()
        if not sys.platform.startswith("linux"):
            self._lasting = Refusal(Obstacle.SYSTEM, "forking is only tried on Linux")
        elif not os.path.isdir(_TASKS):
            self._lasting = Refusal(Obstacle.SYSTEM, "without /proc nothing can be looked at")
        else:
            self._known = open_descriptors()

    def recognise(self, fd: int) -> None:
        """Take a descriptor that was opened later as one of ours."""
        self._known[fd] = os.readlink(f"/proc/self/fd/{fd}")

    @property
    def files_to_open_again(self) -> tuple[int, ...]:
        """The application's files whose offset a forked process shares, at the last question."""
        return self._files

    def refusal(self) -> Refusal | None:
        """None: this process may fork now, from the thread that asks.

        Native threads are looked at after a probe: a fork whose child leaves at once.
        OpenBLAS ends its threads before a fork and starts them anew when they are needed.
        """
        if self._lasting is not None:
            return self._lasting
        try:
            refusal = self._find()
        except OSError as error:
            refusal = Refusal(
                Obstacle.SYSTEM, f"the system does not let us look: {error.strerror or error}"
            )
        if refusal is not None and refusal.kind in _LASTING:
            self._lasting = refusal
        return refusal

    def _find(self) -> Refusal | None:
        # Green threads first: they replace what the other questions are asked with. Native
        # threads last: they may cost a fork.
        looks: tuple[Callable[[], Refusal | None], ...] = (
            _find_green_threads,
            _find_python_thread,
            _find_child,
            self._find_daemon,
            _find_alarm,
            self._find_descriptor,
            _find_shared_lock,
            _find_native_threads,
        )
        for look in looks:
            refusal = look()
            if refusal is not None:
                return refusal
        # The probe was one of them.
        self._known_ends = _ended_children()
        return None

    def _find_daemon(self) -> Refusal | None:
        """A process that was left behind by a child that has ended: it is nobody's child here.

        A build that goes on behind its start would be without one. To look takes 5 ms, so only
        when a child has ended since it was last looked.
        """
        ends = _ended_children()
        if ends == 0:
            self._known_ends = 0  # They are counted anew in a forked process.
        if ends == self._known_ends and signal.getsignal(signal.SIGCHLD) is not signal.SIG_IGN:
            return None
        mark = read_mark()
        ancestors = set(_ancestors())
        for pid in () if mark is None else processes_marked(mark):
            # One that is paused may not have come to change its mark.
            if pid not in ancestors:
                return Refusal(
                    Obstacle.DAEMON, f"a process that was started runs on ({pid}, {_command(pid)})"
                )
        return None

    def _find_descriptor(self) -> Refusal | None:
        files: list[int] = []
        for fd, target in open_descriptors().items():
            if self._known.get(fd) == target:
                continue
            refusal = find_obstacle(fd, target)
            if refusal is not None:
                return refusal
            if has_offset(fd):
                files.append(fd)
        self._files = tuple(files)
        return None


def _find_green_threads() -> Refusal | None:
    for module, attribute in (("socket", "socket"), ("_thread", "start_new_thread")):
        owner = getattr(getattr(sys.modules.get(module), attribute, None), "__module__", "") or ""
        name = owner.partition(".")[0]
        if name in _GREEN_THREADS:
            return Refusal(Obstacle.GREEN_THREADS, f"{name} has replaced the {module} module")
    return None


def _find_python_thread() -> Refusal | None:
    frames = sys._current_frames()
    if len(frames) == 1:
        return None
    frames.pop(threading.get_ident())
    ident, frame = next(iter(frames.items()))
    thread = next((thread for thread in threading.enumerate() if thread.ident == ident), None)
    name = thread.name if thread is not None else "unnamed"
    return Refusal(
        Obstacle.PYTHON_THREAD, f"a Python thread runs ({name} of {_module_of(thread, frame)})"
    )


def _module_of(thread: threading.Thread | None, frame: FrameType | None) -> str:
    """Where the thread's code comes from: the outermost code that is not `threading`'s own."""
    module = ""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        module = name if name != threading.__name__ else module
        frame = frame.f_back
    # A Timer that has not fired stands in `threading` only.
    target = getattr(thread, "function", None)
    return module or str(getattr(target, "__module__", None) or type(thread).__module__)


def _find_child() -> Refusal | None:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _WALL)
    except ChildProcessError:
        return None
    pid = next(_children(), None)
    if pid is None:
        return Refusal(Obstacle.CHILD, "a child process runs")
    return Refusal(Obstacle.CHILD, f"a child process runs ({pid}, {_command(pid)})")


def _ended_children() -> int:
    """Grows with each child that was waited for: no process lives without page faults."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def _ancestors() -> Iterator[int]:
    pid = os.getpid()
    while pid > 0:
        yield pid
        try:
            pid = int(_read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
        except OSError:  # It has ended, and what it has left has another parent.
            return


def _children() -> Iterator[int]:
    try:
        for task in os.listdir(_TASKS):
            yield from map(int, _read(f"{_TASKS}/{task}/children").split())
    except OSError:  # A kernel without this file.
        return


def _command(pid: int) -> str:
    """Its command line; of one that has ended, or only begins, the name."""
    try:
        words = _read(f"/proc/{pid}/cmdline").replace("\0", " ").split()
        return " ".join(words)[:60] or _read(f"/proc/{pid}/comm").strip()
    except OSError:
        return "ended"


def _find_alarm() -> Refusal | None:
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        return Refusal(Obstacle.ALARM, "an alarm is set, which a forked process would not get")
    return None


def _find_shared_lock() -> Refusal | None:
    lock_class = getattr(sys.modules.get(_SHARED_LOCKS), "SemLock", None)
    if lock_class is None or not _has_named_something(lock_class):
        return None
    if "/dev/shm/sem." not in _read("/proc/self/maps"):
        return None
    return Refusal(
        Obstacle.SHARED_LOCK, "a lock for several processes exists (made by multiprocessing)"
    )


def _has_named_something(lock_class: object) -> bool:
    """Whether a lock was ever made: each gets a name, from a generator made for the first.

    Spares 2 ms with scikit-learn, which imports that module: the map of a large process is
    long. Where the generator is another, the map tells.
    """
    names = getattr(lock_class, "_rand", None)
    return not hasattr(type(names), "rng") or "_rng_pid" in vars(names)


def _find_native_threads() -> Refusal | None:
    if not _native_threads():
        return None
    if not _probe_fork():
        return Refusal(
            Obstacle.NATIVE_THREADS, "a forked process does not end: a library's fork handler hangs"
        )
    deadline = time.monotonic() + _THREAD_END_S
    left = _native_threads()
    while left and time.monotonic() < deadline:
        os.sched_yield()
        left = _native_threads()
    if not left:
        return None
    return Refusal(Obstacle.NATIVE_THREADS, _describe_threads(left))


def _describe_threads(names: Sequence[str]) -> str:
    # OpenMP gives its threads no names of their own: they have that of the process.
    if set(names) == {_read("/proc/self/comm").rstrip("\n")}:
        openmp = _OPENMP.search(_read("/proc/self/maps"))
        if openmp is not None:
            library = (openmp[1] or "a library").replace("_", "-")
            return f"{library} started OpenMP threads"
    counted = ", ".join(f"{number} x '{name}'" for name, number in Counter(names).items())
    return f"native threads run that do not survive a fork ({counted})"


def _native_threads() -> list[str]:
    """The names of our threads but the one that asks and the harmless ones."""
    tasks = os.listdir(_TASKS)
    if len(tasks) == 1:
        return []
    own = str(threading.get_native_id())
    names = [_thread_name(task) for task in tasks if task != own]
    return [name for name in names if name and name not in _HARMLESS_THREADS]


def _thread_name(task: str) -> str:
    try:
        return _read(f"{_TASKS}/{task}/comm").rstrip("\n")
    except OSError:  # It has ended.
        return ""


def _probe_fork() -> bool:
    """Fork a process that leaves at once; whether it did.

    A handler that the application has for SIGCHLD does not hear of it.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        pid = spawn.fork()
        if pid == 0:
            os._exit(0)
        ended = _reap(pid)
        signal.sigtimedwait({signal.SIGCHLD}, 0)
        return ended
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _reap(pid: int) -> bool:
    pidfd = spawn.open_pidfd(pid)
    ended = False
    if pidfd is not None:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        ended = bool(poll.poll(_PROBE_S * 1000))
        os.close(pidfd)
    try:
        if not ended:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ChildProcessError, ProcessLookupError):
        # SIGCHLD is ignored: the system has reaped it.
        return True
    return ended


def _read(path: str) -> str:
    with open(path, errors="replace") as file:
        return file.read()
