"""A few rounds as a run keeps them, and what wrk writes."""

from benchmarks.prod.results import AtRest, Results, Round
from benchmarks.records import Absence

WRK_TEXT = """\
Running 1s test @ http://127.0.0.1:8000/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.51ms  620.12us  24.41ms   92.30%
    Req/Sec    21.97k     1.02k   23.61k    70.00%
  Latency Distribution
     50%    1.31ms
     75%    1.67ms
     90%  950.00us
     99%    1.02s{}
  21982 requests in 1.10s, 3.21MB read
Requests/sec:  19983.63
Transfer/sec:      2.92MB
""".format(" ")

WRK_TEXT_WITH_ERRORS = WRK_TEXT.replace(
    "Requests/sec",
    "  Socket errors: connect 1, read 20, write 300, timeout 4000\n"
    "  Non-2xx or 3xx responses: 982\nRequests/sec",
)


def round_(
    peer: str,
    per_s: float,
    *,
    scenario: str = "hello",
    number: int = 1,
    p99_ms: float = 2.0,
    bad_statuses: int = 0,
    socket_errors: int = 0,
) -> Round:
    """`per_s` good answers in each of two seconds."""
    requests = round(per_s * 2) + bad_statuses
    return Round(scenario, peer, number, requests, 2.0, 1.0, p99_ms, bad_statuses, socket_errors)


def sample() -> Results:
    """Everything holds but `close`, 2.97 times as fast as waitress, and its p99."""
    about = {
        "command": "python -m benchmarks.prod run",
        "commit": "0123abc",
        "date": "2026-01-01 00:00 UTC",
        "machine": "Linux 6, 2 cores",
        "processor": "a processor",
        "rounds": 3,
        "seconds of each": 2.0,
        "connections": 32,
        "load before": "0.1",
        "load after": "0.9",
        "is complete": True,
        "versions": {"python": "3.13.0", "wiverno": "0.1.0", "waitress": "3.0.2", "pip": "26"},
    }
    return Results(
        about,
        rounds=[
            # In the third round the machine had half its speed, for both.
            *(
                round_("wiverno", rate, number=number)
                for number, rate in enumerate((60_000, 64_000, 32_000), 1)
            ),
            *(
                round_("waitress", rate, number=number)
                for number, rate in enumerate((20_000, 20_000, 10_000), 1)
            ),
            round_("gunicorn-gthread", 10_000, bad_statuses=7, socket_errors=2),
            round_("wiverno", 29_700, scenario="close", p99_ms=9.5),
            round_("waitress", 10_000, scenario="close", p99_ms=9.25),
            round_("wiverno", 790, scenario="wait"),
            round_("uwsgi", 780, scenario="wait"),
        ],
        memory=[
            AtRest("wiverno", "start", 24 * 1024, 20 * 1024),
            AtRest("waitress", "start", 16 * 1024, 12 * 1024),
            AtRest("wiverno", "load", 26 * 1024 + 1, 20 * 1024),
            AtRest("waitress", "load", 16 * 1024, 12 * 1024),
        ],
        absent=[Absence("bjoern", "all", "Not installed: no\ncompiler")],
    )
