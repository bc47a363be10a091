"""What an import cost, as lines for people and as values for programs. PURE."""

from collections.abc import Iterable, Sequence
from typing import Any

from wiverno.cli.import_tree import ImportedModule, Row, Source, packages, rows
from wiverno.dev.terminal.screen import Line, Segment, milliseconds, printable

_STYLES = {Source.USER: "bold green", Source.THIRD_PARTY: "cyan", Source.STANDARD: "dim"}
_SHORT = {Source.USER: "yours", Source.THIRD_PARTY: "third-party", Source.STANDARD: "stdlib"}
# Below this share of the whole nothing is worth a line of its own.
_LEAST_SHARE = 0.03
_MOST_PACKAGES = 8


def lines(
    roots: Sequence[ImportedModule], least_ms: float | None, depth: int | None
) -> Iterable[Line]:
    """The tree, and what each package took. `least_ms` None: 3 % of the whole."""
    total_ns = sum(root.total_ns for root in roots)
    least_ns = total_ns * _LEAST_SHARE if least_ms is None else least_ms * 1e6
    yield (Segment(f"{'total ms':>9}{'own ms':>9}  {'whose':<13}module", "bold"),)
    for row in rows(roots, least_ns, depth):
        yield _row_line(row)
    yield ()
    count = sum(1 for root in roots for module in root.walk() if not module.error)
    modules = "1 module" if count == 1 else f"{count} modules"
    yield (Segment(f"{modules} in {milliseconds(total_ns / 1e6)}: ", "bold"), Segment(_sums(roots)))


def values(roots: Sequence[ImportedModule]) -> dict[str, Any]:
    """All of it, in the order of the imports."""
    return {
        "total_ms": _rounded(sum(root.total_ns for root in roots)),
        "modules": [_module_values(module) for root in roots for module in root.walk()],
        "packages": [
            {"name": each.name, "own_ms": _rounded(each.own_ns), "modules": each.modules}
            for each in packages(roots)
        ],
    }


def _row_line(row: Row) -> Line:
    branches = _branches(row.is_last)
    if row.module is None:
        return (Segment(f"{_ms(row.left_out_ns):>9}{'':24}{branches}{row.left_out} more", "dim"),)
    module = row.module
    times = f"{_ms(module.total_ns):>9}{_ms(module.own_ns):>9}  "
    style = _STYLES[module.source]
    return (
        Segment(times),
        Segment(f"{_SHORT[module.source]:<13}", style),
        Segment(branches, "dim"),
        Segment(printable(module.name), style),
        Segment(_ending(module), "yellow"),
    )


def _branches(is_last: tuple[bool, ...]) -> str:
    """What connects a module with the one above it. Those that nothing has imported stand free."""
    if len(is_last) == 1:
        return ""
    above = "".join("  " if last else "│ " for last in is_last[1:-1])
    return above + ("└ " if is_last[-1] else "├ ")


def _ending(module: ImportedModule) -> str:
    if not module.is_done:
        return " (did not end)"
    return f" ({module.error})" if module.error else ""


def _sums(roots: Sequence[ImportedModule]) -> str:
    found = packages(roots)
    shown = [each for each in found[:_MOST_PACKAGES] if round(each.own_ns / 1e6, 1) > 0]
    shown += [each for each in found if each.name == Source.USER and each not in shown]
    sums = [f"{printable(each.name)} {milliseconds(each.own_ns / 1e6)}" for each in shown]
    if rest := [each for each in found if each not in shown]:
        rest_ms = sum(each.own_ns for each in rest) / 1e6
        sums.append(f"{len(rest)} more {milliseconds(rest_ms)}")
    return ", ".join(sums)


def _module_values(module: ImportedModule) -> dict[str, Any]:
    return {
        "name": module.name,
        "imported_by": module.imported_by.name if module.imported_by else None,
        "whose": str(module.source),
        "file": module.file,
        "own_ms": _rounded(module.own_ns),
        "total_ms": _rounded(module.total_ns),
        "error": module.error if module.is_done else "did not end",
    }


def _ms(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.1f}"


def _rounded(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)
