"""A line of the access log as one JSON object."""

import json
import time

from wiverno.core.server.gateway import ResponseSummary

# Built once; `json.dumps` with other than its defaults builds one for each call. ASCII only, so
# that neither a locale nor a line separator of Unicode gets in between.
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def json_line(summary: ResponseSummary) -> bytes:
    """The time is when the request was complete, in UTC. What is not known is null."""
    line = _encode(
        {
            "time": _time(time.time() - summary.duration_s),
            "remote_address": summary.remote_address or None,
            "method": summary.method or None,
            "target": _text(summary.target) or None,
            "protocol": summary.protocol or None,
            "status": summary.status or None,
            "body_bytes": summary.body_bytes,
            "duration_ms": round(summary.duration_s * 1000, 3),
            "referer": _text(summary.referer) or None,
            "user_agent": _text(summary.user_agent) or None,
        }
    )
    return f"{line}\n".encode("ascii")


def _text(value: str) -> str:
    """The bytes that latin-1 stands for, as the UTF-8 that they mostly are."""
    if value.isascii():
        return value
    return value.encode("latin-1", "replace").decode("utf-8", "backslashreplace")


def _time(timestamp: float) -> str:
    """RFC 3339."""
    second, milliseconds = divmod(int(timestamp * 1000), 1000)
    utc = time.gmtime(second)
    return (
        f"{utc.tm_year:04}-{utc.tm_mon:02}-{utc.tm_mday:02}T"
        f"{utc.tm_hour:02}:{utc.tm_min:02}:{utc.tm_sec:02}.{milliseconds:03}Z"
    )
