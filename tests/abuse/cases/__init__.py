"""The cases whose abuse is in bytes, by category. Data only: nothing here opens a socket."""

from tests.abuse.case import Case
from tests.abuse.cases import (
    application,
    chunked,
    connection,
    headers,
    limits,
    request_line,
    smuggling,
)

CASES: dict[str, tuple[Case, ...]] = {
    "smuggling": smuggling.CASES,
    "chunked": chunked.CASES,
    "headers": headers.CASES,
    "limits": limits.CASES,
    "request-line": request_line.CASES,
    "connection": connection.CASES,
    "application": application.CASES,
}
