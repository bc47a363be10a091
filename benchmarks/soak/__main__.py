"""The command line: one soak, 0 when the server held and 1 when it did not."""

import argparse
import signal
from pathlib import Path
from types import FrameType

from benchmarks.soak.run import ROOT, SoakError, SoakSettings, run

RESULTS = ROOT / "benchmarks" / "results" / "soak.json"
LONGEST_S = 540
"""With its begin and its end a soak takes ten minutes at most."""

SABOTAGE = ("memory", "descriptors", "threads", "stall", "answer")


def main() -> None:
    # Ended like by Ctrl+C: every process is stopped on the way out.
    signal.signal(signal.SIGTERM, interrupt)
    options = parser().parse_args()
    if not 5 <= options.seconds <= LONGEST_S:
        raise SystemExit(f"--seconds {options.seconds:g}: use 5 to {LONGEST_S}.")
    try:
        judged = run(SoakSettings(options.seconds, options.output, options.sabotage))
    except SoakError as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
    for verdict in judged:
        print(f"{'holds ' if verdict.holds else 'FAILED'} {verdict.rule}: {verdict.measured}")
    raise SystemExit(not all(verdict.holds for verdict in judged))


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    result.add_argument("--seconds", type=float, default=LONGEST_S, help="Of abuse and load.")
    result.add_argument("--output", type=Path, default=RESULTS)
    result.add_argument(
        "--sabotage", choices=SABOTAGE, default="", help="Let it fail, to see that it can."
    )
    return result


if __name__ == "__main__":
    main()
