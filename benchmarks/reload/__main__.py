"""The command line: install, run, profile, report."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from benchmarks.reload.installation import ENVIRONMENT, ROOT, install
from benchmarks.reload.profiling import profile
from benchmarks.reload.report import write_report
from benchmarks.reload.results import read_results
from benchmarks.reload.run import RunSettings, run

RESULTS = ROOT / "benchmarks" / "results" / "reload.json"
PROFILE = ROOT / "benchmarks" / "results" / "reload-profile.txt"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    # Ended like by Ctrl+C: every server is stopped on the way out.
    signal.signal(signal.SIGTERM, interrupt)
    options = parser().parse_args()
    try:
        carry_out(options)
    except KeyboardInterrupt:
        raise SystemExit("Interrupted. What was measured is kept.") from None


def carry_out(options: argparse.Namespace) -> None:
    match options.command:
        case "install":
            for peer, reason in install(options.environment, options.python).items():
                print(f"not installed: {peer}: {reason}")
        case "run":
            run(
                RunSettings(
                    options.environment.resolve(),
                    options.output,
                    options.rounds,
                    options.peers,
                    options.projects,
                )
            )
        case "report":
            kept = options.profile.read_text() if options.profile.exists() else ""
            write_report(read_results(options.input), kept, options.page)
        case "profile":
            text = profile(options.projects, options.saves)
            options.output.write_text(text)
            print(text, end="")
        case _:
            raise AssertionError(f"argparse let {options.command!r} through")


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks.reload")
    commands = result.add_subparsers(dest="command", required=True)
    install_ = commands.add_parser("install", help="Install the peers.")
    install_.add_argument("--python", default=sys.executable, help="For all servers.")
    run_ = commands.add_parser("run", help="Measure.")
    run_.add_argument("--peers", type=names, default=[], help="Names or their beginnings: a,b")
    run_.add_argument("--projects", type=names, default=[], help="a,b")
    run_.add_argument("--rounds", type=int, default=50, help="Saves of each project.")
    run_.add_argument("--output", type=Path, default=RESULTS)
    for command in (install_, run_):
        command.add_argument("--environment", type=Path, default=ENVIRONMENT)
    profile_ = commands.add_parser("profile", help="Show where the time of restarts goes.")
    profile_.add_argument("--projects", type=names, default=["light", "big400-first"])
    profile_.add_argument("--saves", type=int, default=25, help="Of each project.")
    profile_.add_argument("--output", type=Path, default=PROFILE)
    report = commands.add_parser("report", help="Write tables and plot from the results.")
    report.add_argument("--input", type=Path, default=RESULTS)
    report.add_argument("--profile", type=Path, default=PROFILE)
    report.add_argument("--page", type=Path, default=PAGE)
    return result


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    main()
