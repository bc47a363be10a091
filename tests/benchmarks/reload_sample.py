"""A few measurements as a run keeps them."""

from typing import Any

from benchmarks.reload.results import (
    Absence,
    BrokenSave,
    PolledSave,
    Results,
    SameSecond,
    Save,
)


def save(peer: str, fresh_ms: float | None, first: str = "fresh", project: str = "light") -> Save:
    return Save(project, peer, 1, first, 1.0, fresh_ms, {first: 1})


def about() -> dict[str, Any]:
    return {
        "command": "python -m benchmarks.reload run",
        "date": "2026-01-01 00:00 UTC",
        "machine": "Linux 6, 2 cores",
        "processor": "a processor",
        "rounds": 3,
        "load before": "0.1",
        "load after": "0.9",
        "is complete": True,
        "versions": {"python": "3.13.0", "wiverno": "0.1.0", "granian": "2.8.7", "pip": "26"},
    }


def sample_of_frameworks() -> Results:
    """Two servers of the framework's own, and nothing but saves."""
    return Results(
        about(),
        saves=[
            *(save("wiverno-auto", time_ms, project="fastapi") for time_ms in (9.0, 10.0, 14.0)),
            *(save("wiverno-fork", time_ms, project="fastapi") for time_ms in (5.0, 6.0, 7.0)),
            save("uvicorn", 500.0, "stale", "fastapi"),
            save("fastapi-dev", 400.0, "stale", "fastapi"),
            save("uvicorn-hmr", 90.0, "stale", "fastapi"),
            save("wiverno-auto", 30.0, project="django30-settings"),
            save("django", None, "stale", "django30-settings"),
        ],
    )


def sample() -> Results:
    return Results(
        about(),
        saves=[
            *(save("wiverno-fork", time_ms) for time_ms in (4.0, 5.0, 9.0)),
            *(save("granian", time_ms, "stale") for time_ms in (90.0, 100.0, 130.0)),
            save("hupper-waitress", 1040.0, "reset"),
            save("hupper-waitress", None, "refused"),
            save("hupper-waitress", None, "refused"),
            *(save("jurigged-werkzeug", 50.0, "stale") for _ in range(3)),
        ],
        polled=[PolledSave("light", "granian", 1, {"stale": 20, "refused": 4, "fresh": 30}, 99.0)],
        broken=[
            BrokenSave("light", "granian", 1, ["stale", "refused", "refused"], False, True, None),
            BrokenSave("light", "wiverno-fork", 1, ["error"] * 3, True, False, 5.0),
        ],
        same_second=[
            SameSecond("light", "granian", 1, True, True, None),
            SameSecond("light", "granian", 2, False, True, 80.0),
        ],
        absent=[Absence("uvicorn-hmr", "all", "Not installed: needs\nPython 3.12")],
    )
