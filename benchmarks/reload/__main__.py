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
from benchmarks.reload.suites import RELOAD, SUITES, Suite

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
            suite = SUITES[options.suite]
            run(
                RunSettings(
                    suite,
                    options.environment.resolve(),
                    options.output or suite.results,
                    options.rounds,
                    options.peers,
                    options.projects,
                )
            )
        case "report":
            report(SUITES[options.suite], options)
        case "profile":
            suite = SUITES[options.suite]
            projects = suite.chosen(options.projects or suite.profiled)
            text = profile(options.environment.resolve(), projects, options.saves)
            (options.output or suite.profile).write_text(text)
            print(text, end="")
        case _:
            raise AssertionError(f"argparse let {options.command!r} through")


def report(suite: Suite, options: argparse.Namespace) -> None:
    profile_file = options.profile or suite.profile
    kept = profile_file.read_text() if profile_file.exists() else ""
    write_report(suite, read_results(options.input or suite.results), kept, options.page)


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks.reload")
    commands = result.add_subparsers(dest="command", required=True)
    install_ = commands.add_parser("install", help="Install the peers.")
    install_.add_argument("--python", default=sys.executable, help="For all servers.")
    run_ = commands.add_parser("run", help="Measure.")
    run_.add_argument("--peers", type=names, default=[], help="Names or their beginnings: a,b")
    run_.add_argument("--rounds", type=int, default=50, help="Saves of each project.")
    profile_ = commands.add_parser("profile", help="Show where the time of restarts goes.")
    profile_.add_argument("--saves", type=int, default=25, help="Of each project.")
    report_ = commands.add_parser("report", help="Write tables and plot from the results.")
    report_.add_argument("--input", type=Path, help="Instead of the suite's results.")
    report_.add_argument("--profile", type=Path, help="Instead of the suite's.")
    report_.add_argument("--page", type=Path, default=PAGE)
    for command in (run_, profile_):
        command.add_argument("--projects", type=names, default=[], help="Of the suite: a,b")
        command.add_argument("--output", type=Path, help="Instead of the suite's own.")
    for command in (run_, profile_, report_):
        command.add_argument("--suite", choices=SUITES, default=RELOAD.name)
    for command in (install_, run_, profile_):
        command.add_argument("--environment", type=Path, default=ENVIRONMENT)
    return result


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    main()
