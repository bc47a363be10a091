"""What the page says, in HTML and in plain text alike."""

from wiverno.dev.failure.last_good import ChangedFile, FileChange
from wiverno.dev.failure.report import FailureReport

HEALING = "Fix the file and reload: the next good save heals this page."
CHANGED = "changed since the last good version"
NEW = "not in the last good version"

CHANGES = {
    FileChange.CHANGED: "changed",
    FileChange.NEW: "new, or not imported before",
    FileChange.REMOVED: "removed",
}


def subject(report: FailureReport) -> tuple[str, str]:
    """What failed, and its name."""
    return ("request", report.request) if report.request else ("app target", report.target)


def more_changed_files(report: FailureReport) -> str:
    """What follows those that are shown; nothing if they are all."""
    files = report.more_changed_files
    return f"and {count(files, 'more file')}" if files else ""


def more_lines(file: ChangedFile) -> str:
    return f"and {count(file.more_lines, 'more changed line')}"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
