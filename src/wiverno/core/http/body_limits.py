"""How much of a request an application takes: every limit, with its reason."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What `request.data` and `request.body` accept. One byte or field more is a 413 response.

    A limit is 0 or more; `ValueError` otherwise. `request.stream` is bound by none of them.
    """

    # What a view holds in memory at once: JSON, a form's text, `request.body`.
    max_memory_bytes: int = 2_621_440
    # A whole multipart body; its files lie on disk. Known before the first byte is read.
    max_form_bytes: int = 104_857_600
    # Of a query string, too, where one more is a 400. No form of a person has so many.
    max_fields: int = 1000
    # Each may have an open file.
    max_files: int = 100
    # All headers of one part of a multipart form: a name and a file name.
    max_part_header_bytes: int = 8192
    # No refusal: a file that is larger moves from memory to disk.
    memory_file_bytes: int = 524_288

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"{field.name}={value!r} is not a limit. Use 0 or more.")


DEFAULT_BODY_LIMITS = BodyLimits()
