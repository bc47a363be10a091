"""The event loop that an ASGI application is served by."""

import asyncio
import selectors
import warnings


def loop_of_main_thread() -> asyncio.SelectorEventLoop:
    """The one that the application has got or set at its import, if there is one; else a new one.

    uvicorn imports applications in its loop, so that `asyncio.get_event_loop()` in a module is the
    loop that serves. What an application makes with another one cannot be awaited in its requests.
    """
    with warnings.catch_warnings():
        # Python 3.12 and 3.13 warn where there is none yet, and make one as those before; later
        # ones raise RuntimeError.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            loop = asyncio.get_event_loop()
        except RuntimeError:
            return asyncio.SelectorEventLoop()
    is_ours_to_run = not loop.is_closed() and not loop.is_running()
    if is_ours_to_run and isinstance(loop, asyncio.SelectorEventLoop):
        return loop
    return asyncio.SelectorEventLoop()


def selector_of(loop: asyncio.SelectorEventLoop) -> selectors.BaseSelector:
    """Whose descriptor a fork of this process shares with it."""
    # There is no public way to it, for a loop that somebody else has made.
    selector: selectors.BaseSelector = loop._selector  # type: ignore[attr-defined]
    return selector
