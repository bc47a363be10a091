"""Every number of the server: default, unit and reason side by side. No behaviour lives here."""

from dataclasses import dataclass, field, fields

from wiverno.core.exceptions import WivernoError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class ServerSettingsError(WivernoError, ValueError):
    """A setting has a value that no server can run with."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What the request reader accepts before it answers with a 4xx."""

    # Request line and fields together. Large cookies reach 16 KB; more is abuse (431).
    max_head_bytes: int = 64 * KIB
    # RFC 9112 section 3 asks for at least 8,000 bytes (414).
    max_request_line_bytes: int = 8 * KIB
    # Browsers send about 20; each field costs memory and time in every layer above (431).
    max_fields: int = 100
    # Spooled to disk, so it bounds the disk, not the memory (413).
    max_body_bytes: int = 1 * GIB
    # Size and extension of one chunk. Nobody uses extensions; long ones are an attack (400).
    max_chunk_line_bytes: int = 256
    # All chunk extensions of one body: many small ones are the same attack (400).
    max_chunk_extension_bytes: int = 16 * KIB
    # Trailers are discarded, so there is no reason to receive many (431).
    max_trailer_bytes: int = 8 * KIB
    # RFC 9112 section 2.2: old clients send an empty line after a body.
    max_leading_empty_lines: int = 4


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How one server runs. Times are seconds on a monotonic clock, sizes are bytes."""

    # Threads that run application code, and nothing else. With the GIL, more only helps
    # applications that wait.
    threads: int = 8
    # Connections that the kernel queues. With 5, a burst of 32 clients waits a second and
    # more for repeated SYNs (measured).
    backlog: int = 1024
    limits: RequestLimits = field(default_factory=RequestLimits)
    # SERVER_NAME of the environ. None: the address of the first listener.
    server_name: str | None = None
    # One recv(). The kernel's default receive buffer is about twice this.
    receive_bytes: int = 64 * KIB
    # A request body up to this size stays in memory, a larger one goes to a temporary file.
    body_memory_bytes: int = 256 * KIB
    # Bytes read ahead while a request of the same connection is in flight.
    max_pipelined_bytes: int = 64 * KIB
    # A thread that streams waits when the client is this far behind.
    output_high_water_bytes: int = 1 * MIB
    # From the first byte of a head to its end, however steadily it drips.
    head_timeout_s: float = 30.0
    # Between two requests. Above a browser's think time for one page's resources.
    keep_alive_timeout_s: float = 15.0
    # Between two pieces of a request body.
    body_idle_timeout_s: float = 30.0
    # Without any progress of a client that does not read its answer.
    write_timeout_s: float = 30.0
    # After an answer that closes: time for the client to read it before a reset can eat it.
    linger_timeout_s: float = 2.0
    # From the order to stop until requests in flight are cut. Kubernetes kills after 30 s.
    graceful_timeout_s: float = 30.0
    # For a head that has begun when the order to stop comes; the rest is usually one packet away.
    stop_head_timeout_s: float = 1.0
    # At the end, for pool threads whose last job is done; one that is stuck stays behind.
    thread_join_timeout_s: float = 1.0
    # Out of file descriptors: accept nothing for this long instead of spinning.
    accept_pause_s: float = 1.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int | float) and value <= 0:
                raise ServerSettingsError(
                    f"{each.name}={value!r} cannot work. Use a number above 0."
                )

    def shortest_timeout_s(self) -> float:
        """Deadlines are looked at often enough for this one."""
        timeouts: list[float] = [
            getattr(self, each.name)
            for each in fields(self)
            if each.name.endswith(("timeout_s", "pause_s"))
        ]
        return min(timeouts)
