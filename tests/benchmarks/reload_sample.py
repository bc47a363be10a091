"""A few measurements as a run keeps them."""

from benchmarks.reload.results import (
    Absence,
    BrokenSave,
    PolledSave,
    Results,
    SameSecond,
    Save,
)


def save(peer: str, fresh_ms: float | None, first: str = "fresh", round_: int = 1) -> Save:
    return Save("light", peer, round_, first, 1.0, fresh_ms, {first: 1})


def sample() -> Results:
    about = {
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
    return Results(
        about,
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
