"""One start from nothing: imports `run:app`, asks it, prints what `dump` makes of the process.

Run as `python -B -m differential_cold_start REQUESTS ARGV...` in the project; copied beside `dump`.
wiverno has no part in it. `-B`, since a `.pyc` would be taken for the save after it.
"""

import importlib
import json
import os
import sys
import traceback
from typing import Any


def main() -> dict[str, Any]:
    requests = int(sys.argv[1])
    sys.argv = sys.argv[2:]
    try:
        app = importlib.import_module("run").app
    except BaseException as error:  # noqa: BLE001 - whatever the page would show
        return {"failed": describe(error)}
    given: dict[str, Any] = {}
    for _ in range(requests):
        # As a server calls it: what is imported now may look at its callers.
        given = json.loads(b"".join(app({}, lambda *_: None)))
    return given


def describe(error: BaseException) -> dict[str, Any]:
    root = os.environ["DIFFERENTIAL_PROJECT"] + os.sep
    frames = [
        [frame.filename, frame.lineno, frame.name]
        for frame in reversed(traceback.extract_tb(error.__traceback__))
        if frame.filename.startswith(root)
    ]
    if isinstance(error, SyntaxError) and error.filename is not None:
        frames.insert(0, [error.filename, error.lineno, ""])
    chained = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "frames": frames,
        "chain": [] if chained is None else [type(chained).__name__, str(chained)],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()))
