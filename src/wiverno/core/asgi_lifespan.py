"""Whether an ASGI application that raises in its lifespan has none, or cannot start. PURE.

Production and development tell it by the same rules, so that what starts in one starts in
the other.
"""

# An application that asks for these takes the first scope that it is given for a request.
_OF_A_REQUEST = frozenset(
    {"path", "raw_path", "method", "headers", "query_string", "http_version", "scheme", "client"}
)


def means_no_lifespan(error: BaseException, *, has_received: bool, has_sent_other: bool) -> bool:
    """What `error` means that comes out of a lifespan before its start-up was answered.

    `has_received` says whether the application had taken `lifespan.startup`, `has_sent_other`
    whether it had sent a message that is none of a lifespan. The specification
    (https://asgi.readthedocs.io/en/stable/specs/lifespan.html): an application that raises for
    this scope is served without a lifespan. One that had taken `lifespan.startup` knows what
    that is, and has failed to start.
    """
    if not isinstance(error, Exception):
        return False
    if not has_received or has_sent_other:
        return True
    return isinstance(error, KeyError) and error.args[:1] != () and error.args[0] in _OF_A_REQUEST
