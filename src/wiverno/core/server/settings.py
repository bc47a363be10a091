"""Everything that can be set about the server: default, unit and reason side by side.

No behaviour lives here. The command line, its `--help` and the reference page are made of
these fields, and `RunServer` takes the same names.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, TypedDict, cast

from wiverno.core.exceptions import WivernoError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

AccessLogFormat = Literal["common", "combined", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


class ServerSettingsError(WivernoError, ValueError):
    """A setting has a value that no server can run with."""


@dataclass(frozen=True, slots=True)
class About:
    """What there is to say of one setting."""

    meaning: str
    reason: str
    """Why the default is what it is, or what it defends against."""
    unit: str = ""
    option: str | None = None
    """The option of the command line; None: only in Python, since nobody should need it."""
    choices: tuple[str, ...] = ()


def _setting(default: Any, meaning: str, reason: str, **more: Any) -> Any:
    return field(default=default, metadata={"about": About(meaning, reason, **more)})


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What the request reader accepts before it answers with a 4xx."""

    max_head_bytes: int = _setting(
        64 * KIB,
        "Request line and fields together; beyond is a 431.",
        "Large cookies reach 16 KB; more is abuse.",
        unit="bytes",
        option="--limit-head",
    )
    max_request_line_bytes: int = _setting(
        8 * KIB,
        "The request line; beyond is a 414.",
        "RFC 9112 section 3 asks for at least 8,000 bytes.",
        unit="bytes",
        option="--limit-request-line",
    )
    max_fields: int = _setting(
        100,
        "Header fields of one request; beyond is a 431.",
        "Browsers send about 20; each costs memory and time in every layer above.",
        unit="fields",
        option="--limit-fields",
    )
    max_body_bytes: int = _setting(
        1 * GIB,
        "A request body; beyond is a 413.",
        "Bodies are spooled to disk, so it bounds the disk, not the memory.",
        unit="bytes",
        option="--limit-body",
    )
    max_chunk_line_bytes: int = _setting(
        256,
        "Size and extension of one chunk; beyond is a 400.",
        "Nobody uses extensions; long ones are an attack.",
        unit="bytes",
    )
    max_chunk_extension_bytes: int = _setting(
        16 * KIB,
        "All chunk extensions of one body; beyond is a 400.",
        "Many small ones are the same attack as a long one.",
        unit="bytes",
    )
    max_trailer_bytes: int = _setting(
        8 * KIB,
        "Trailer fields of one body; beyond is a 431.",
        "They are discarded, so there is no reason to receive many.",
        unit="bytes",
    )
    max_leading_empty_lines: int = _setting(
        4,
        "Empty lines before a request line; beyond is a 400.",
        "RFC 9112 section 2.2: old clients send one after a body.",
        unit="lines",
    )

    def __post_init__(self) -> None:
        _refuse_unusable_numbers(self)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How one server runs. Times are seconds on a monotonic clock, sizes are bytes."""

    threads: int = _setting(
        8,
        "Threads that run the application, and nothing else.",
        "With the GIL, more only helps applications that wait.",
        unit="threads",
        option="--threads",
    )
    backlog: int = _setting(
        1024,
        "Connections that the kernel queues before they are accepted.",
        "With 5, a burst of 32 clients waits a second and more for repeated SYNs (measured).",
        unit="connections",
        option="--backlog",
    )
    uds: str | None = _setting(
        None,
        "Listen on this UNIX domain socket instead of host and port.",
        "For a proxy on the same machine; the permissions of its folder say who may connect.",
        unit="path",
        option="--uds",
    )
    head_timeout_s: float = _setting(
        30.0,
        "From the first byte of a request head to its end.",
        "A deadline, not an idle timer: a head that drips byte by byte ends as well (slowloris).",
        unit="seconds",
        option="--timeout-head",
    )
    body_timeout_s: float = _setting(
        30.0,
        "Between two pieces of a request body.",
        "A client that goes silent keeps a connection and its spooled body no longer.",
        unit="seconds",
        option="--timeout-body",
    )
    keep_alive_timeout_s: float = _setting(
        15.0,
        "Between two requests of one connection.",
        "Above the pauses of a browser that loads a page's resources.",
        unit="seconds",
        option="--timeout-keep-alive",
    )
    write_timeout_s: float = _setting(
        30.0,
        "Without any progress of a client that does not read its answer.",
        "Its answer holds memory or disk, though no thread.",
        unit="seconds",
        option="--timeout-write",
    )
    graceful_timeout_s: float = _setting(
        25.0,
        "From the order to stop until requests in flight are cut.",
        "Kubernetes kills after 30 s; what was cut must be logged before.",
        unit="seconds",
        option="--timeout-graceful",
    )
    limits: RequestLimits = field(default_factory=RequestLimits)
    max_connections: int | None = _setting(
        None,
        "Connections at once. At the limit the idle ones that waited longest are closed; "
        "without such, new ones wait in the backlog.",
        "By default nine tenths of the descriptors that the process may open.",
        unit="connections",
        option="--limit-connections",
    )
    max_queued_requests: int = _setting(
        1024,
        "Complete requests that wait for a thread; beyond is a 503 with Retry-After.",
        "Clients of a longer queue have given up before their turn comes.",
        unit="requests",
        option="--limit-queue",
    )
    min_bytes_per_s: int = _setting(
        500,
        "Average rate at which a body has to come and an answer to be taken, beside their "
        "timeouts.",
        "As in Apache's mod_reqtimeout: one that drips is ended, a slow phone is not.",
        unit="bytes per second",
        option="--limit-rate",
    )
    root_path: str = _setting(
        "",
        "Path that a proxy has cut off the front of each URL; SCRIPT_NAME of the environ.",
        "So that the application builds links that lead back through the proxy.",
        unit="path",
        option="--root-path",
    )
    forwarded_allow_ips: str = _setting(
        "127.0.0.1,::1",
        "Addresses and networks, separated by commas, of proxies whose Forwarded and "
        "X-Forwarded-* fields are believed; '*' believes everybody, '' nobody.",
        "A proxy on the same machine. From others the fields are removed, since they are "
        "what any client may claim.",
        unit="addresses",
        option="--forwarded-allow-ips",
    )
    access_log: bool = _setting(
        False,
        "Write a line for each answer to stdout.",
        "The proxy in front has one already, and each line costs time.",
        option="--access-log/--no-access-log",
    )
    access_log_format: AccessLogFormat = _setting(
        "combined",
        "How a line of the access log looks.",
        "What log analysers expect; json for machines.",
        option="--access-log-format",
        choices=("common", "combined", "json"),
    )
    access_log_skip: tuple[str, ...] = _setting(
        (),
        "Path whose answers are not logged, as /healthz. Repeatable.",
        "Probes ask every few seconds and would hide everything else.",
        unit="path",
        option="--access-log-skip",
    )
    log_level: LogLevel = _setting(
        "info",
        "The least that the server's own log tells. The application's logging is left alone.",
        "Start, stop, refused requests and errors.",
        option="--log-level",
        choices=("debug", "info", "warning", "error"),
    )
    server_name: str | None = _setting(
        None,
        "SERVER_NAME of the environ.",
        "By default the host that was given, else the address of the first listener.",
    )
    receive_bytes: int = _setting(
        64 * KIB,
        "Of one recv().",
        "The kernel's default receive buffer is about twice this.",
        unit="bytes",
    )
    body_memory_bytes: int = _setting(
        256 * KIB,
        "A request body up to this stays in memory, a larger one goes to a temporary file.",
        "A thousand clients that upload at once cost 256 MB at most.",
        unit="bytes",
    )
    max_pipelined_bytes: int = _setting(
        64 * KIB,
        "Read ahead while a request of the same connection is in flight.",
        "Pipelining clients are rare, and the kernel keeps the rest.",
        unit="bytes",
    )
    output_memory_bytes: int = _setting(
        1 * MIB,
        "Of an answer that its client has not taken yet, in memory; more goes to a temporary file.",
        "Pages fit; a thousand slow readers cost 1 GB at most.",
        unit="bytes",
    )
    output_spool_bytes: int = _setting(
        256 * MIB,
        "Of such an answer on disk. An application that streams more waits for its client.",
        "Downloads fit, so that slow readers hold no thread; endless streams must wait some time.",
        unit="bytes",
    )
    linger_timeout_s: float = _setting(
        2.0,
        "After an answer that closes, for the client to read it.",
        "A reset would eat an answer that is still on its way.",
        unit="seconds",
    )
    stop_head_timeout_s: float = _setting(
        1.0,
        "For a head that has begun when the order to stop comes.",
        "The rest is usually one packet away.",
        unit="seconds",
    )
    thread_join_timeout_s: float = _setting(
        1.0,
        "At the end, for threads whose last request is done.",
        "One that is stuck in the application stays behind.",
        unit="seconds",
    )
    accept_pause_s: float = _setting(
        0.5,
        "Without accepting, when the system has no descriptor or memory left.",
        "The listener stays readable; accepting again at once would spin.",
        unit="seconds",
    )

    def __post_init__(self) -> None:
        _refuse_unusable_numbers(self)
        for each in fields(self):
            choices = about(each).choices if "about" in each.metadata else ()
            value = getattr(self, each.name)
            if choices and value not in choices:
                raise ServerSettingsError(
                    f"{each.name}={value!r} is not known. Use one of {', '.join(choices)}."
                )

    def shortest_timeout_s(self) -> float:
        """Deadlines are looked at often enough for this one."""
        timeouts: list[float] = [
            getattr(self, each.name)
            for each in fields(self)
            if each.name.endswith(("timeout_s", "pause_s"))
        ]
        return min(timeouts)


class ServerOptions(TypedDict, total=False):
    """The settings as keyword parameters of `RunServer`, the limits of requests among them.

    `request_queue_size` is its word for the backlog.
    """

    threads: int
    uds: str | None
    head_timeout_s: float
    body_timeout_s: float
    keep_alive_timeout_s: float
    write_timeout_s: float
    graceful_timeout_s: float
    max_head_bytes: int
    max_request_line_bytes: int
    max_fields: int
    max_body_bytes: int
    max_chunk_line_bytes: int
    max_chunk_extension_bytes: int
    max_trailer_bytes: int
    max_leading_empty_lines: int
    max_connections: int | None
    max_queued_requests: int
    min_bytes_per_s: int
    root_path: str
    forwarded_allow_ips: str
    access_log: bool
    access_log_format: AccessLogFormat
    access_log_skip: tuple[str, ...]
    log_level: LogLevel
    server_name: str | None
    receive_bytes: int
    body_memory_bytes: int
    max_pipelined_bytes: int
    output_memory_bytes: int
    output_spool_bytes: int
    linger_timeout_s: float
    stop_head_timeout_s: float
    thread_join_timeout_s: float
    accept_pause_s: float


def settings_from(options: ServerOptions, *, backlog: int) -> ServerSettings:
    """Settings out of keyword parameters; raises TypeError for a name that is none."""
    known = {each.name for each in all_settings()} - {"backlog"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise TypeError(
            f"{unknown[0]!r} is not a setting of the server. There are: {', '.join(sorted(known))}."
        )
    of_requests = {each.name for each in fields(RequestLimits)}
    values = cast("dict[str, Any]", options)
    limits = {name: value for name, value in values.items() if name in of_requests}
    others = {name: value for name, value in values.items() if name not in of_requests}
    return ServerSettings(backlog=backlog, limits=RequestLimits(**limits), **others)


def all_settings() -> Iterator[Field[Any]]:
    """Every setting in the order of the reference, the limits of requests in their place."""
    for each in fields(ServerSettings):
        if each.name == "limits":
            yield from fields(RequestLimits)
        else:
            yield each


def about(setting: Field[Any]) -> About:
    """What `all_settings` gives, explained."""
    explained: About = setting.metadata["about"]
    return explained


def _refuse_unusable_numbers(settings: RequestLimits | ServerSettings) -> None:
    for each in fields(settings):
        value = getattr(settings, each.name)
        # Not isinstance for bool, which is an int.
        if type(value) in (int, float) and not value > 0:  # NaN as well
            raise ServerSettingsError(f"{each.name}={value!r} cannot work. Use a number above 0.")
