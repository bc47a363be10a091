"""What py-spy saw: which function ran, how often. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# A frame is `function (path/of/file.py:12)`.
_FRAME = re.compile(r"^(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)$")

Shares = Sequence[tuple[str, float]]
"""Name and part of all samples, the greatest first."""


@dataclass(frozen=True, slots=True)
class Stacks:
    """Samples of threads that ran, by the innermost function: (module, function) → samples."""

    own: Counter[tuple[str, str]]

    @property
    def samples(self) -> int:
        return self.own.total()

    def by_module(self) -> Shares:
        modules: Counter[str] = Counter()
        for (module, _), count in self.own.items():
            modules[module] += count
        return self._shares(modules)

    def by_function(self) -> Shares:
        return self._shares(
            Counter({f"{function} ({module})": n for (module, function), n in self.own.items()})
        )

    def _shares(self, counts: Counter[str]) -> Shares:
        return [(name, count / self.samples) for name, count in counts.most_common()]


def parse_stacks(text: str) -> Stacks:
    """The format `raw`: frames from the outermost to the innermost, and how often."""
    own: Counter[tuple[str, str]] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        innermost = stack.rpartition(";")[2]
        if not stack:
            continue
        frame = _FRAME.match(innermost)
        if frame is None:
            own["?", innermost] += int(count)
        else:
            own[_module(frame["file"]), frame["function"]] += int(count)
    return Stacks(own)


def _module(file: str) -> str:
    """The file within its package, as it is known to people."""
    return re.sub(r"^.*/(?=wiverno/)", "", file)
