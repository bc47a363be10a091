"""Requests on a connection of their own, with the moment of the first byte."""

import contextlib
import http.client
import time

from benchmarks.reload.freshness import Attempt, Kind

REQUEST_TIMEOUT_S = 5.0
"""What the promises of wiverno call a timeout."""


def ask(port: int, path: str, timeout_s: float = REQUEST_TIMEOUT_S) -> Attempt:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            first_byte_at = time.perf_counter()
            body = response.read().decode(errors="replace")
            return Attempt(first_byte_at, response.status, body)
        except ConnectionRefusedError:
            failure = Kind.REFUSED
        except TimeoutError:
            failure = Kind.TIMEOUT
        except (OSError, http.client.HTTPException):
            # Closed without an answer, or in the middle of one.
            failure = Kind.RESET
    return Attempt(time.perf_counter(), failure=failure)
