"""Where a coroutine waits. The stack of its thread shows nothing but the event loop then."""

import gc
from collections.abc import Iterator
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any

# How each kind names its frame, and what it waits for.
_NAMES = {
    CoroutineType: ("cr_frame", "cr_await"),
    GeneratorType: ("gi_frame", "gi_yieldfrom"),
    AsyncGeneratorType: ("ag_frame", "ag_await"),
}


def awaiting_text(coroutine: Any) -> str:
    """A stack in the form of faulthandler, the place where it waits first."""
    frames = [
        f'  File "{frame.f_code.co_filename}", line {frame.f_lineno} in {frame.f_code.co_name}'
        for frame in _frames(coroutine)
    ]
    return "\n".join(["Awaiting (most recent call first):", *reversed(frames), ""])


def _frames(awaited: Any) -> Iterator[FrameType]:
    """The outermost first, as far as they can be followed: a future knows no frame."""
    seen: set[int] = set()
    # What is awaited may refer to who waits for it.
    while (awaited := _with_frame(awaited)) is not None and id(awaited) not in seen:
        seen.add(id(awaited))
        frame_name, awaited_name = _NAMES[type(awaited)]
        frame = getattr(awaited, frame_name)
        if frame is None:  # It has ended.
            return
        yield frame
        awaited = getattr(awaited, awaited_name)


def _with_frame(awaited: Any) -> Any:
    if type(awaited) in _NAMES:
        return awaited
    # What `anext()` of an asynchronous generator gives does not say whose it is, and no more does
    # what `__await__` of a coroutine gives. Lifespans are asynchronous generators.
    behind = [each for each in gc.get_referents(awaited) if type(each) in _NAMES]
    return behind[0] if len(behind) == 1 else None
