"""The tree of imports and what is printed of it: pure, from made-up times."""

from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.cli.import_lines import lines, values
from wiverno.cli.import_tree import Begun, Ended, ImportedModule, Source, build, packages
from wiverno.dev.terminal.screen import plain_text

MS = 1_000_000
Nested = tuple[str, int, Sequence["Nested"]]
"""A module, its own milliseconds, and what it imports."""


def source_of(name: str) -> Source:
    if name.startswith("shop"):
        return Source.USER
    return Source.STANDARD if name.startswith("json") else Source.THIRD_PARTY


def happened(*modules: Nested) -> Iterable[Begun | Ended]:
    now_ns = 0

    def one(nested: Nested) -> Iterator[Begun | Ended]:
        nonlocal now_ns
        name, own_ms, children = nested
        yield Begun(name, now_ns)
        now_ns += own_ms * MS
        for child in children:
            yield from one(child)
        error = "not found" if name.startswith("missing") else ""
        yield Ended(now_ns, source_of(name), f"/p/{name}.py", error)

    for module in modules:
        yield from one(module)


SHOP: Nested = (
    "shop",
    10,
    [
        ("pandas", 20, [("numpy", 300, []), ("json", 5, []), ("missing", 1, [])]),
        ("flask", 40, [("numpy.linalg", 60, [])]),
    ],
)


def shape(modules: Sequence[ImportedModule]) -> list[object]:
    return [(module.name, shape(module.children)) for module in modules]


def texts(
    modules: Sequence[ImportedModule], least_ms: float | None = None, depth: int | None = None
) -> list[str]:
    return [plain_text(line) for line in lines(modules, least_ms, depth)]


def test_build_gives_each_module_its_own_time_and_that_of_all_below() -> None:
    (shop,) = build(happened(SHOP))

    assert {module.name: module.own_ns // MS for module in shop.walk()} == {
        **{"shop": 10, "pandas": 20, "numpy": 300, "json": 5, "missing": 1, "flask": 40},
        "numpy.linalg": 60,
    }
    assert shop.total_ns == 436 * MS
    assert [child.total_ns // MS for child in shop.children] == [326, 100]
    assert shop.children[0].imported_by is shop


def test_build_puts_packages_beside_their_submodules_in_order() -> None:
    roots = build(happened(("a", 1, [("x.y.z", 1, [("x.y", 1, [("x", 1, [])]), ("q", 1, [])])])))

    assert shape(roots) == [("a", [("x", []), ("x.y", []), ("x.y.z", [("q", [])])])]


def test_build_when_the_process_ended_in_an_import_counts_until_then() -> None:
    told = [*happened(("shop", 5, [("json", 5, [])]))][:2]
    (shop,) = build([*told, Begun("flask", 9 * MS)])

    assert [(module.name, module.is_done) for module in shop.walk()] == [
        ("shop", False),
        ("json", False),
        ("flask", False),
    ]
    assert shop.total_ns == 9 * MS


def test_build_when_threads_import_at_once_keeps_them_apart() -> None:
    roots = build(
        [
            Begun("a", 0, thread=1),
            Begun("b", 1 * MS, thread=2),
            Begun("a.c", 2 * MS, thread=1),
            Ended(3 * MS, Source.USER, thread=2),
            Ended(4 * MS, Source.USER, thread=1),
            Ended(5 * MS, Source.USER, thread=1),
        ]
    )

    assert shape(roots) == [("a", [("a.c", [])]), ("b", [])]
    assert [root.total_ns // MS for root in roots] == [5, 2]


names = st.sampled_from(["a", "a.b", "a.b.c", "d", "d.e", "f"])
nested: st.SearchStrategy[Nested] = st.recursive(
    st.tuples(names, st.integers(0, 9), st.just([])),
    lambda below: st.tuples(names, st.integers(0, 9), st.lists(below, max_size=4)),
    max_leaves=20,
)


@given(st.lists(nested, max_size=4), st.integers(0, 100))
def test_build_loses_no_module_and_no_time(modules: list[Nested], end: int) -> None:
    told = list(happened(*modules))
    told = told[: max(0, len(told) - end)]
    roots = build(told)

    walked = [module for root in roots for module in root.walk()]
    assert sorted(module.name for module in walked) == sorted(
        event.name for event in told if isinstance(event, Begun)
    )
    assert sum(module.own_ns for module in walked) == (told[-1].at_ns if told else 0)
    assert sum(package.own_ns for package in packages(roots)) == sum(
        root.total_ns for root in roots
    )


def test_packages_are_sums_with_what_is_missing_counted_for_who_looked() -> None:
    assert [
        (each.name, each.own_ns // MS, each.modules) for each in packages(build(happened(SHOP)))
    ] == [
        ("numpy", 360, 2),
        ("flask", 40, 1),
        ("pandas", 21, 1),
        ("yours", 10, 1),
        ("standard library", 5, 1),
    ]


def test_lines_show_the_slowest_first_and_sums_at_the_end() -> None:
    assert texts(build(happened(SHOP)), least_ms=0) == [
        " total ms   own ms  whose        module",
        "    436.0     10.0  yours        shop",
        "    326.0     20.0  third-party  ├ pandas",
        "    300.0    300.0  third-party  │ ├ numpy",
        "      5.0      5.0  stdlib       │ ├ json",
        "      1.0      1.0  third-party  │ └ missing (not found)",
        "    100.0     40.0  third-party  └ flask",
        "     60.0     60.0  third-party    └ numpy.linalg",
        "",
        "6 modules in 436 ms: numpy 360 ms, flask 40 ms, pandas 21 ms, yours 10 ms, "
        "standard library 5.0 ms",
    ]


def test_lines_leave_out_what_is_short_and_say_how_much_that_was() -> None:
    small: list[Nested] = [(f"small{number}", 2, []) for number in range(10)]
    roots = build(happened(("shop", 100, [("big", 50, []), *small])))

    assert texts(roots)[1:4] == [
        "    170.0    100.0  yours        shop",
        "     50.0     50.0  third-party  ├ big",
        "     20.0                        └ 10 more",
    ]


def test_lines_when_only_so_deep_show_that() -> None:
    shown = texts(build(happened(SHOP)), depth=2, least_ms=0)

    assert [line.split()[-1] for line in shown[1:4]] == ["shop", "pandas", "flask"]
    assert shown[4] == ""


def test_lines_show_what_did_not_end_however_short_it_was() -> None:
    told = list(happened(("shop", 500, [("flask", 1, [])])))[:2]

    assert texts(build(told))[1:3] == [
        "    500.0    500.0  yours        shop (did not end)",
        "      0.0      0.0  yours        └ flask (did not end)",
    ]


def test_values_are_all_modules_in_the_order_of_their_imports() -> None:
    found = values(build(happened(SHOP)))

    assert found["total_ms"] == 436
    assert [module["name"] for module in found["modules"]][:3] == ["shop", "pandas", "numpy"]
    assert found["modules"][2] == {
        **{"name": "numpy", "imported_by": "pandas", "whose": "third-party"},
        **{"file": "/p/numpy.py", "own_ms": 300, "total_ms": 300, "error": ""},
    }
    assert found["packages"][0] == {"name": "numpy", "own_ms": 360, "modules": 2}


@pytest.mark.parametrize("name", ["evil\x1b[2J", "new\nline"])
def test_lines_print_no_control_characters(name: str) -> None:
    text = "".join(texts(build(happened((name, 5, [])))))

    assert text.isprintable()
