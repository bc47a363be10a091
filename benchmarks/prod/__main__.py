"""The command line: install, run, profile, report."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from benchmarks.prod.installation import ENVIRONMENT, ROOT, install
from benchmarks.prod.profiling import profile
from benchmarks.prod.report import write_report
from benchmarks.prod.results import read_results
from benchmarks.prod.run import RunSettings, run

RESULTS = ROOT / "benchmarks" / "results" / "prod.json"
PROFILE = ROOT / "benchmarks" / "results" / "prod-profile.txt"
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
            for name, reason in install(options.environment, options.python).items():
                print(f"not installed: {name}: {reason}")
        case "run":
            run(
                RunSettings(
                    options.environment.absolute(),
                    options.output,
                    options.rounds,
                    options.seconds,
                    options.peers,
                    options.scenarios,
                )
            )
        case "profile":
            text = profile(options.environment.absolute(), options.scenarios, options.seconds)
            options.output.write_text(text)
            print(text)
        case "report":
            kept = options.profile.read_text() if options.profile.exists() else ""
            write_report(read_results(options.input), kept, options.page)
        case _:
            raise AssertionError(f"argparse let {options.command!r} through")


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks.prod")
    commands = result.add_subparsers(dest="command", required=True)
    install_ = commands.add_parser("install", help="Install the servers.")
    install_.add_argument("--python", default=sys.executable, help="For all servers.")
    run_ = commands.add_parser("run", help="Measure.")
    run_.add_argument("--peers", type=names, default=[], help="Names or their beginnings: a,b")
    run_.add_argument("--scenarios", type=names, default=[], help="a,b")
    run_.add_argument("--rounds", type=int, default=5)
    run_.add_argument("--seconds", type=float, default=5, help="Of each server in each round.")
    run_.add_argument("--output", type=Path, default=RESULTS)
    profile_ = commands.add_parser("profile", help="Show where RunServer's time goes.")
    profile_.add_argument("--scenarios", type=names, default=["hello", "close", "post"])
    profile_.add_argument("--seconds", type=float, default=5, help="Of each scenario.")
    profile_.add_argument("--output", type=Path, default=PROFILE)
    for command in (install_, run_, profile_):
        command.add_argument("--environment", type=Path, default=ENVIRONMENT)
    report = commands.add_parser("report", help="Write the tables from the results.")
    report.add_argument("--input", type=Path, default=RESULTS)
    report.add_argument("--profile", type=Path, default=PROFILE)
    report.add_argument("--page", type=Path, default=PAGE)
    return result


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    main()
