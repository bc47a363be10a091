"""The command line: install, run, report."""

import argparse
import sys
from pathlib import Path

from benchmarks.application.installation import ENVIRONMENT, ROOT, install
from benchmarks.application.report import write_report
from benchmarks.application.results import read_results
from benchmarks.application.run import RoundFailedError, RunSettings, run

RESULTS = ROOT / "benchmarks" / "results" / "application.json"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    options = parser().parse_args()
    try:
        carry_out(options)
    except KeyboardInterrupt:
        raise SystemExit("Interrupted. What was measured is kept.") from None
    except RoundFailedError as problem:
        raise SystemExit(str(problem)) from None


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
                    options.turns,
                    options.peers,
                    options.scenarios,
                )
            )
        case "report":
            write_report(read_results(options.input), options.page)
        case _:
            raise AssertionError(f"argparse let {options.command!r} through")


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks.application")
    commands = result.add_subparsers(dest="command", required=True)
    install_ = commands.add_parser("install", help="Install the peers.")
    install_.add_argument("--python", default=sys.executable, help="For all peers.")
    run_ = commands.add_parser("run", help="Measure.")
    run_.add_argument("--peers", type=names, default=[], help="a,b")
    run_.add_argument("--scenarios", type=names, default=[], help="a,b")
    run_.add_argument("--rounds", type=int, default=15, help="Processes, one after the other.")
    run_.add_argument("--turns", type=int, default=15, help="Of each application in each round.")
    run_.add_argument("--output", type=Path, default=RESULTS)
    for command in (install_, run_):
        command.add_argument("--environment", type=Path, default=ENVIRONMENT)
    report = commands.add_parser("report", help="Write the tables from the results.")
    report.add_argument("--input", type=Path, default=RESULTS)
    report.add_argument("--page", type=Path, default=PAGE)
    return result


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    main()
