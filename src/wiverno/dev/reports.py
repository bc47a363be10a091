"""Why there is no application, for each generation that left no working one."""

from collections.abc import Callable

from wiverno.dev.failure.last_good import SinceLastGood
from wiverno.dev.failure.report import UNSETTLED, FailureReport, report_death, report_unsettled


class Reports:
    """The reports of a session. What a process could not report itself is written here."""

    def __init__(self, target: str, since_last_good: Callable[[int], SinceLastGood]) -> None:
        """`since_last_good` tells what a generation has loaded that is other than before."""
        self._target = target
        self._since_last_good = since_last_good
        self._reports: dict[int, FailureReport] = {}

    def __getitem__(self, generation: int) -> FailureReport:
        return self._reports[generation]

    def forget(self, generation: int) -> None:
        self._reports.pop(generation, None)

    def failed(self, generation: int, payload: bytes) -> None:
        """The candidate's own report."""
        self._reports[generation] = FailureReport.from_json(payload)

    def unsettled(self, generation: int, path: str) -> None:
        self._reports[generation] = report_unsettled(path, self._target)

    def is_unsettled(self, generation: int) -> bool:
        """Is it about a file that never came to rest?"""
        return self._reports[generation].kind == UNSETTLED

    def died_building(self, generation: int, how: str) -> None:
        self._write(generation, f"The process that imported {self._target} {how}.")

    def died_serving(self, generation: int, how: str, requests: str) -> None:
        text = f"The worker {how}."
        if requests:
            text += f" It was answering {requests}."
        self._write(generation, text)

    def slow(self, generation: int, age_s: float, stack: str) -> None:
        """The build goes on; `stack` is where its main thread stands."""
        text = f"{self._target} has been importing for {age_s:.0f} s and is not done yet."
        self._write(generation, text, stack, kind="StillImporting")

    def hung(self, generation: int, age_s: float, stack: str) -> None:
        text = f"The import of {self._target} hangs: it was ended after {age_s:.0f} s."
        self._write(generation, text, stack, kind="ImportHangs")

    def _write(self, generation: int, text: str, output: str = "", kind: str = "") -> None:
        since = self._since_last_good(generation)
        kind = kind or "ProcessDied"
        self._reports[generation] = report_death(text, self._target, output, kind, since)
