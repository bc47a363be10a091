"""Everything that can be set about the server: default, unit and reason side by side.

No behaviour lives here. The command line, its `--help` and the reference page are made of
these fields, and `RunServer` takes the same names. Importing it stays cheap, since `--help` does.
"""

import re
from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal

from wiverno.core.server.about import (
    LIMITS,
    LOGS,
    MEMORY,
    PROXY,
    SERVING,
    TIMES,
    setting,
)
from wiverno.core.server.limits import (
    KIB,
    MIB,
    RequestLimits,
    ServerSettingsError,
    refuse_unusable,
)

DEFAULT_BACKLOG = 1024
# A proxy on the same machine.
_LOCAL_PROXIES = "127.0.0.1,::1"

AccessLogFormat = Literal["common", "combined", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How one server runs. Times are seconds on a monotonic clock, sizes are bytes."""

    threads: int = setting(
        8,
        "Threads that run the application, and nothing else.",
        "With the GIL, more only helps applications that wait.",
        unit="threads",
        option="--threads",
        group=SERVING,
    )
    backlog: int = setting(
        DEFAULT_BACKLOG,
        "Connections that the kernel queues before they are accepted.",
        "With 5, a burst of 32 clients waits a second and more for repeated SYNs (measured).",
        unit="connections",
        option="--backlog",
        group=SERVING,
    )
    uds: str | None = setting(
        None,
        "Listen on this UNIX socket instead of host and port.",
        "For a proxy on the same machine; the permissions of its folder say who may connect.",
        unit="path",
        option="--uds",
        group=SERVING,
    )
    head_timeout_s: float = setting(
        30.0,
        "From the first byte of a request head to its end.",
        "A deadline, not an idle timer: a head that drips byte by byte ends as well (slowloris).",
        unit="seconds",
        option="--timeout-head",
        group=TIMES,
    )
    body_timeout_s: float = setting(
        30.0,
        "Between two pieces of a request body.",
        "A client that goes silent keeps a connection and its spooled body no longer.",
        unit="seconds",
        option="--timeout-body",
        group=TIMES,
    )
    keep_alive_timeout_s: float = setting(
        15.0,
        "Between two requests of one connection, and before the first.",
        "Above the pauses of a browser that loads a page's resources.",
        unit="seconds",
        option="--timeout-keep-alive",
        group=TIMES,
    )
    write_timeout_s: float = setting(
        30.0,
        "Without any progress of a client that does not read its answer.",
        "Its answer holds memory or disk, though no thread.",
        unit="seconds",
        option="--timeout-write",
        group=TIMES,
    )
    graceful_timeout_s: float = setting(
        25.0,
        "From the order to stop until requests in flight are cut.",
        "Kubernetes kills after 30 s; what was cut must be logged before.",
        unit="seconds",
        option="--timeout-graceful",
        group=TIMES,
    )
    limits: RequestLimits = field(default_factory=RequestLimits)
    max_connections: int | None = setting(
        None,
        "Connections at once. At the limit the idle ones that waited longest are closed; "
        "without such, new ones wait in the backlog.",
        "By default nine tenths of the descriptors that the process may open.",
        unit="connections",
        option="--limit-connections",
        group=LIMITS,
    )
    max_queued_requests: int = setting(
        1024,
        "Complete requests that wait for a thread; beyond is a 503 with Retry-After.",
        "Clients of a longer queue have given up before their turn comes.",
        unit="requests",
        option="--limit-queue",
        group=LIMITS,
    )
    min_bytes_per_s: int = setting(
        500,
        "Average rate at which a body has to come and an answer to be taken, beside their "
        "timeouts.",
        "As in Apache's mod_reqtimeout: one that drips is ended, a slow phone is not.",
        unit="bytes per second",
        option="--limit-rate",
        group=LIMITS,
    )
    root_path: str = setting(
        "",
        "Path below which a proxy shows the application, as /shop; SCRIPT_NAME of the environ. "
        "Cut off the front of each path, where the proxy has not done so.",
        "So that the application builds links that lead back through the proxy.",
        unit="path",
        option="--root-path",
        group=PROXY,
    )
    forwarded_allow_ips: str = setting(
        _LOCAL_PROXIES,
        "Addresses and networks, separated by commas, of proxies whose Forwarded, "
        "X-Forwarded-For and -Proto are believed; '*' believes everybody, '' nobody.",
        "A proxy on the same machine. From others the fields are removed, since they are "
        "what any client may claim.",
        unit="addresses",
        option="--forwarded-allow-ips",
        group=PROXY,
    )
    access_log: bool = setting(
        False,
        "Write a line for each answer to stdout.",
        "The proxy in front has one already, and each line costs time.",
        option="--access-log/--no-access-log",
        group=LOGS,
    )
    access_log_format: AccessLogFormat = setting(
        "combined",
        "How a line of the access log looks.",
        "What log analysers expect; json for machines.",
        option="--access-log-format",
        choices=("common", "combined", "json"),
        group=LOGS,
    )
    access_log_skip: tuple[str, ...] = setting(
        (),
        "Path whose answers are not logged, as /healthz. Repeatable.",
        "Probes ask every few seconds and would hide everything else.",
        unit="path",
        option="--access-log-skip",
        group=LOGS,
    )
    log_level: LogLevel = setting(
        "info",
        "The least that the server's own log tells. The application's logging is left alone.",
        "Start, stop, refused requests and errors. Only `run prod` applies it: in a program of "
        "your own, set the level of the logger `wiverno`.",
        option="--log-level",
        choices=("debug", "info", "warning", "error"),
        group=LOGS,
    )
    server_name: str | None = setting(
        None,
        "SERVER_NAME of the environ.",
        "By default the host that was given, else the address of the first listener.",
        group=SERVING,
    )
    receive_bytes: int = setting(
        64 * KIB,
        "Of one recv().",
        "The kernel's default receive buffer is about twice this.",
        unit="bytes",
        group=MEMORY,
    )
    body_memory_bytes: int = setting(
        256 * KIB,
        "A request body up to this stays in memory, a larger one goes to a temporary file.",
        "A thousand clients that upload at once cost 256 MB at most.",
        unit="bytes",
        group=MEMORY,
    )
    max_pipelined_bytes: int = setting(
        64 * KIB,
        "Read ahead while a request of the same connection is in flight.",
        "Pipelining clients are rare, and the kernel keeps the rest.",
        unit="bytes",
        group=MEMORY,
    )
    output_memory_bytes: int = setting(
        1 * MIB,
        "Of an answer that its client has not taken yet, in memory; more goes to a temporary file.",
        "Pages fit. What the application gives in one larger piece stays in memory as it is.",
        unit="bytes",
        group=MEMORY,
    )
    output_spool_bytes: int = setting(
        256 * MIB,
        "Of such an answer on disk. An application that streams more waits for its client.",
        "Downloads fit, so that slow readers hold no thread; endless streams must wait some time.",
        unit="bytes",
        group=MEMORY,
    )
    linger_timeout_s: float = setting(
        2.0,
        "After an answer that closes, for the client to read it.",
        "A reset would eat an answer that is still on its way.",
        unit="seconds",
        group=TIMES,
    )
    stop_head_timeout_s: float = setting(
        1.0,
        "For a head that has begun when the order to stop comes.",
        "The rest is usually one packet away.",
        unit="seconds",
        group=TIMES,
    )
    thread_join_timeout_s: float = setting(
        1.0,
        "At the end, for threads whose last request is done.",
        "One that is stuck in the application stays behind.",
        unit="seconds",
        group=TIMES,
    )
    accept_pause_s: float = setting(
        0.5,
        "Without accepting, when the system has no descriptor or memory left.",
        "The listener stays readable; accepting again at once would spin.",
        unit="seconds",
        group=TIMES,
    )

    def __post_init__(self) -> None:
        refuse_unusable(self)
        _refuse_bad_text(self)

    def shortest_timeout_s(self) -> float:
        """Deadlines are looked at often enough for this one."""
        timeouts: list[float] = [
            getattr(self, each.name)
            for each in fields(self)
            if each.name.endswith(("timeout_s", "pause_s"))
        ]
        return min(timeouts)


def all_settings() -> Iterator[Field[Any]]:
    """Every setting in the order of the reference, the limits of requests in their place."""
    for each in fields(ServerSettings):
        if each.name == "limits":
            yield from fields(RequestLimits)
        else:
            yield each


def _refuse_bad_text(settings: ServerSettings) -> None:
    root_path = settings.root_path
    if root_path and not re.fullmatch(r"(/[^/?#%\x00-\x20\x7f]+)+", root_path):
        raise ServerSettingsError(
            "root_path",
            root_path,
            "is no path. Write it as /shop, as the browser shows it decoded.",
        )
    if settings.uds is not None and ("\0" in settings.uds or not settings.uds):
        raise ServerSettingsError("uds", settings.uds, "is no path of a file.")
    for path in settings.access_log_skip:
        if not path.startswith("/"):
            raise ServerSettingsError(
                "access_log_skip", path, "is no path. Write it as it is asked for, as /healthz."
            )
    allowed = settings.forwarded_allow_ips
    if allowed != _LOCAL_PROXIES:
        # Not at the top: it needs `socket`, which --help does not.
        from wiverno.core.server.forwarded import ProxyAddressError, TrustedProxies

        try:
            TrustedProxies(allowed)
        except ProxyAddressError as error:
            raise ServerSettingsError("forwarded_allow_ips", allowed, str(error)) from None
