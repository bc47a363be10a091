"""What the request reader accepts: the settings that the pure modules need, and nothing else."""

from dataclasses import dataclass, fields
from typing import Any

from wiverno.core.exceptions import WivernoError
from wiverno.core.server.about import LIMITS, fault, is_explained, setting

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class ServerSettingsError(WivernoError, ValueError):
    """A setting has a value that no server can run with."""

    def __init__(self, setting: str, value: object, fault: str) -> None:
        super().__init__(f"{setting}={value!r} {fault}")
        self.setting = setting
        self.value = value
        self.fault = fault


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What the request reader accepts before it answers with a 4xx."""

    max_head_bytes: int = setting(
        64 * KIB,
        "Request line and fields together; beyond is a 431.",
        "Large cookies reach 16 KB; more is abuse.",
        unit="bytes",
        option="--limit-head",
        group=LIMITS,
    )
    max_request_line_bytes: int = setting(
        8 * KIB,
        "The request line; beyond is a 414.",
        "RFC 9112 section 3 asks for at least 8,000 bytes.",
        unit="bytes",
        option="--limit-request-line",
        group=LIMITS,
    )
    max_fields: int = setting(
        100,
        "Header fields of one request; beyond is a 431.",
        "Browsers send about 20; each costs memory and time in every layer above.",
        unit="fields",
        option="--limit-fields",
        group=LIMITS,
    )
    max_body_bytes: int = setting(
        1 * GIB,
        "A request body; beyond is a 413.",
        "Bodies are spooled to disk, so it bounds the disk, not the memory.",
        unit="bytes",
        option="--limit-body",
        group=LIMITS,
    )
    max_chunk_line_bytes: int = setting(
        256,
        "Size and extension of one chunk; beyond is a 400.",
        "Nobody uses extensions; long ones are an attack.",
        unit="bytes",
        group=LIMITS,
    )
    max_chunk_extension_bytes: int = setting(
        16 * KIB,
        "All chunk extensions of one body; beyond is a 400.",
        "Many small ones are the same attack as a long one.",
        unit="bytes",
        group=LIMITS,
    )
    max_trailer_bytes: int = setting(
        8 * KIB,
        "Trailer fields of one body; beyond is a 431.",
        "They are discarded, so there is no reason to receive many.",
        unit="bytes",
        group=LIMITS,
    )
    max_leading_empty_lines: int = setting(
        4,
        "Empty lines before a request line; beyond is a 400.",
        "RFC 9112 section 2.2: old clients send one after a body.",
        unit="lines",
        group=LIMITS,
    )

    def __post_init__(self) -> None:
        refuse_unusable(self)


def refuse_unusable(settings: Any) -> None:
    """Raises ServerSettingsError for the first value of a settings object that cannot work."""
    for each in filter(is_explained, fields(settings)):
        value = getattr(settings, each.name)
        found = fault(each, value)
        if found:
            raise ServerSettingsError(each.name, value, found)
