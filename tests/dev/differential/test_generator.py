"""Whatever the promise is about occurs often enough in what the generator draws."""

import re
from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.dev.differential.edits import BROKEN, Step, draw_step
from tests.dev.differential.projects import ENTRY, Draw, Files, project

PROJECTS, STEPS = 60, 20

SOURCES = {
    "import of a module": r"^(import|from) (alpha|beta|shop|space|gamma|delta|epsilon)",
    "relative import": r"^from \.",
    "circular import": r"^import \S+ as back_",
    "lazy import": r"def answer_lazy_",
    "import in a function that is called at import": r"^LATE_",
    "import by name": r"importlib\.import_module",
    "search without import": r"find_spec",
    "try and ImportError": r"except ImportError",
    "import that the environment decides": r"^if os\.environ",
    "star import": r"^from \S+ import \*",
    "module __getattr__": r"^def __getattr__",
    "dataclass": r"^@dataclass",
    "module state": r"COUNT\[0\] \+= 1|REGISTRY\.append",
    "file read": r"\bopen\(|read_text",
    "listing": r"listdir|glob\(|iter_modules|scandir",
    "look at what was imported": r"sys\.modules|sys\._getframe|vars\(",
    "state outside of modules": r"random\.seed|warnings\.|logging\.|builtins\.|sys\.shop",
    "installed module": r"^(import|from) (fake_|blinker|click|markupsafe|itsdangerous|six)",
    "installed module that is set up": r"^fake_\S+\.\S+ = |fake_registry\.NAMES\.append",
}
"""Of how many projects one must have it: see `test_project_has_each_kind`."""

EDITS = {
    "change": {"change_number", "move_block", "shift_lines", "touch", "toggle_encoding"},
    "add": {"add_function", "add_statement", "add_module"},
    "delete": {"remove_block", "remove_module"},
    "rename": {"rename_alone", "rename_with_importers", "toggle_package"},
    "edit imports": {"add_import", "remove_import", "insert_between_imports"},
    "break": {"break_syntax", "break_name", "break_import", "break_value"},
    "fix": {"fix", "revert_all", "revert_file"},
    "data": {"change_data"},
    "listing": {"change_listing"},
    "optional module": {"toggle_optional"},
    "leading part": {"change_leading_part"},
    "several": {"several"},
}


def draw_often(times: int, do: Callable[[Draw], object]) -> None:
    @seed(1)
    @settings(
        max_examples=times,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def explore(data: st.DataObject) -> None:
        do(data.draw)

    explore()


def has_package(files: Files) -> bool:
    return any(path.endswith("/__init__.py") for path in files)


def has_namespace_package(files: Files) -> bool:
    return "space/one.py" in files and "space/__init__.py" not in files


def sets_environment_before_imports(files: Files) -> bool:
    text = "\n".join(files[ENTRY])
    return (
        re.search(r"^os\.environ\[[^\0]*^(import|from) (alpha|shop|space)", text, re.M) is not None
    )


def kinds_of(files: Files) -> set[str]:
    text = "\n".join(block for blocks in files.values() for block in blocks)
    kinds = {kind for kind, pattern in SOURCES.items() if re.search(pattern, text, re.M)}
    facts = (has_package, has_namespace_package, sets_environment_before_imports)
    return kinds | {fact.__name__ for fact in facts if fact(files)}


def test_project_has_each_kind_of_code_often_enough() -> None:
    seen: Counter[str] = Counter()
    draw_often(PROJECTS, lambda draw: seen.update(kinds_of(project(draw))))

    expected = {*SOURCES, "has_package", "has_namespace_package", "sets_environment_before_imports"}
    rare = {kind: seen[kind] for kind in expected if seen[kind] < PROJECTS // 10}
    assert not rare, seen


def test_steps_have_each_kind_of_edit_often_enough() -> None:
    made: Counter[str] = Counter()
    effective: Counter[str] = Counter()

    def walk(draw: Draw) -> None:
        files = project(draw)
        good = [files]
        for _ in range(STEPS):
            # Nothing is imported here: broken is what an edit has marked so.
            is_broken = any(one.endswith(BROKEN) for blocks in files.values() for one in blocks)
            step = draw_step(draw, files, good, is_broken)
            made[step.kind] += 1
            effective[step.kind] += is_effective(files, step)
            files = step.files
            if not is_broken:
                good.append(files)

    draw_often(PROJECTS, walk)

    counts = {kind: sum(effective[name] for name in names) for kind, names in EDITS.items()}
    rare = {kind: count for kind, count in counts.items() if count < PROJECTS * STEPS // 100}
    assert not rare, (counts, made)


def is_effective(before: Files, step: Step) -> bool:
    return step.files != before or step.touched is not None
