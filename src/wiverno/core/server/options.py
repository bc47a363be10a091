"""The settings as keyword parameters of `RunServer`, and how they become one object."""

from dataclasses import fields
from typing import Any, TypedDict, cast

from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.settings import AccessLogFormat, LogLevel, ServerSettings, all_settings


class ServerOptions(TypedDict, total=False):
    """Every setting by its name, the limits of requests among them.

    Without `backlog`: RunServer's word for it is `request_queue_size`.
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
    """Settings out of keyword parameters.

    Raises TypeError for a name that is none, ServerSettingsError for a value that cannot work.
    """
    values = cast("dict[str, Any]", options)
    _refuse_unknown_names(values)
    of_requests = {each.name for each in fields(RequestLimits)}
    limits = {name: value for name, value in values.items() if name in of_requests}
    others = {name: value for name, value in values.items() if name not in of_requests}
    return ServerSettings(backlog=backlog, limits=RequestLimits(**limits), **others)


def _refuse_unknown_names(values: dict[str, Any]) -> None:
    known = {each.name for each in all_settings()} - {"backlog"}
    for name in values:
        if name not in known:
            raise TypeError(f"RunServer has no parameter {name!r}. {_hint(name, known)}")


def _hint(name: str, known: set[str]) -> str:
    if name == "backlog":
        return "Its word for it is request_queue_size."
    if name == "limits":
        return "Give each limit by itself, as max_body_bytes=1024."
    from difflib import get_close_matches

    # A missing unit (`head_timeout`) or the option's order (`timeout_head`) is the usual slip.
    closest = get_close_matches(name, known, n=1) or get_close_matches(
        "_".join(reversed(name.split("_"))), known, n=1
    )
    if closest:
        return f"Did you mean {closest[0]!r}?"
    return f"There are: {', '.join(sorted(known))}."
