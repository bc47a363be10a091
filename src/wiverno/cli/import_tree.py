"""What an import cost, module by module: from begun and ended imports to a tree. PURE."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Source(StrEnum):
    """Who wrote a module."""

    USER = "yours"
    THIRD_PARTY = "third-party"
    STANDARD = "standard library"


@dataclass(frozen=True, slots=True)
class Begun:
    """An import began: of a module that was not imported before, in this thread."""

    name: str
    at_ns: int
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """The last one that had begun in this thread ended. `error` is what it raised, if it did."""

    at_ns: int
    source: Source
    file: str = ""
    error: str = ""
    thread: int = 0


@dataclass(slots=True, eq=False)
class ImportedModule:
    """A module and what was imported because of it, in the order of their imports."""

    name: str
    imported_by: "ImportedModule | None" = field(default=None, repr=False)
    own_ns: int = 0
    source: Source = Source.USER
    file: str = ""
    error: str = ""
    is_done: bool = False
    """False: something ended the process in the middle of it."""
    children: list["ImportedModule"] = field(default_factory=list)

    @property
    def total_ns(self) -> int:
        return self.own_ns + sum(child.total_ns for child in self.children)

    @property
    def package(self) -> str:
        """What it counts for: one name for all of the user's, one for the standard library."""
        if self.source is Source.THIRD_PARTY:
            return self.name.partition(".")[0]
        return str(self.source)

    def walk(self) -> Iterator["ImportedModule"]:
        yield self
        for child in self.children:
            yield from child.walk()


def build(happened: Iterable[Begun | Ended]) -> list[ImportedModule]:
    """The modules that nothing else has imported, with all below them, in order.

    A package stands beside its first submodule and not below it: importing `a.b` begins with
    `a`. An import that never ended has lasted until the last thing that happened.
    """
    roots: list[ImportedModule] = []
    threads: dict[int, _Stack] = {}
    last_ns = 0
    for event in happened:
        last_ns = event.at_ns
        stack = threads.setdefault(event.thread, _Stack(roots))
        if isinstance(event, Begun):
            stack.begin(event)
        else:
            stack.end(event)
    for stack in threads.values():
        stack.give_up(last_ns)
    return roots


@dataclass(frozen=True, slots=True)
class Package:
    """All modules of one package, or all of the user's."""

    name: str
    own_ns: int
    modules: int


def packages(roots: Sequence[ImportedModule]) -> list[Package]:
    """The slowest first; their times add up to that of the whole."""
    sums: dict[str, list[int]] = {}
    for root in roots:
        for module in root.walk():
            # What was looked for and not found is part of whoever looked for it.
            owner = module
            while owner.error and owner.imported_by is not None:
                owner = owner.imported_by
            own = sums.setdefault(owner.package, [0, 0])
            own[0] += module.own_ns
            own[1] += not module.error
    found = [Package(name, own_ns, count) for name, (own_ns, count) in sums.items()]
    return sorted(found, key=lambda each: each.own_ns, reverse=True)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the tree. Without a module it stands for those that are left out."""

    module: ImportedModule | None
    is_last: tuple[bool, ...]
    """For each level above and its own: does nothing follow there?"""
    left_out: int = 0
    left_out_ns: int = 0


def rows(
    modules: Sequence[ImportedModule],
    least_ns: float,
    depth: int | None,
    above: tuple[bool, ...] = (),
) -> Iterator[Row]:
    """The slowest first at each level, without what took less than `least_ns` in all.

    What did not end is shown however short it was. `depth` counts the levels shown.
    """
    shown, hidden = _divide(modules, least_ns, is_too_deep=depth is not None and depth < 1)
    for number, module in enumerate(shown, 1):
        is_last = (*above, number == len(shown) and not hidden)
        yield Row(module, is_last)
        below = None if depth is None else depth - 1
        yield from rows(module.children, least_ns, below, is_last)
    if hidden:
        count = sum(1 for module in hidden for _ in module.walk())
        yield Row(None, (*above, True), count, sum(module.total_ns for module in hidden))


def _divide(
    modules: Sequence[ImportedModule], least_ns: float, *, is_too_deep: bool
) -> tuple[list[ImportedModule], list[ImportedModule]]:
    if is_too_deep:
        return [], []
    slowest = sorted(modules, key=lambda module: module.total_ns, reverse=True)
    shown = [module for module in slowest if _matters(module, least_ns)]
    hidden = [module for module in slowest if module not in shown]
    # A line for next to nothing below each module would be most of the tree.
    return shown, hidden if sum(each.total_ns for each in hidden) >= least_ns else []


def _matters(module: ImportedModule, least_ns: float) -> bool:
    return module.total_ns >= least_ns or not all(each.is_done for each in module.walk())


class _Stack:
    """The imports under way in one thread."""

    def __init__(self, roots: list[ImportedModule]) -> None:
        self._roots = roots
        self._under_way: list[ImportedModule] = []
        self._since_ns = 0

    def begin(self, begun: Begun) -> None:
        self._spend(begun.at_ns)
        submodule = None
        importer = self._under_way[-1] if self._under_way else None
        while importer is not None and importer.name.startswith(f"{begun.name}."):
            submodule, importer = importer, importer.imported_by
        module = ImportedModule(begun.name, importer)
        siblings = self._roots if importer is None else importer.children
        siblings.insert(siblings.index(submodule) if submodule else len(siblings), module)
        self._under_way.append(module)

    def end(self, ended: Ended) -> None:
        self._spend(ended.at_ns)
        if self._under_way:
            module = self._under_way.pop()
            module.source, module.file, module.error = ended.source, ended.file, ended.error
            module.is_done = True

    def give_up(self, at_ns: int) -> None:
        if self._under_way:
            self._spend(at_ns)
            self._under_way.clear()

    def _spend(self, at_ns: int) -> None:
        if self._under_way:
            self._under_way[-1].own_ns += at_ns - self._since_ns
        self._since_ns = at_ns
