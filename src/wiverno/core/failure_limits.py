"""How much of a failure a page shows, whether of a view or of a build. Pure."""

MAX_MESSAGE_CHARACTERS = 20_000
MAX_TRACEBACK_CHARACTERS = 60_000
# Of a deeper stack, as of endless recursion, both ends tell the story.
MAX_FRAMES = 50
OUTER_FRAMES_KEPT = 10
# A `raise ... from` in a loop of retries can chain thousands.
MAX_ERRORS = 10


def cut(text: str, limit: int) -> str:
    """The text, its middle left out where it is too long."""
    if len(text) <= limit:
        return text
    half = limit // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n… {left_out:,} characters left out …\n{text[-half:]}"
