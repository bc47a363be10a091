"""What is measured in one run and reported in one section of the page. Data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reload.framework_projects import FRAMEWORK_PROJECTS
from benchmarks.reload.peers import AUTO
from benchmarks.reload.project import Project
from benchmarks.reload.projects import PROJECTS

RESULTS = Path(__file__).parents[1] / "results"


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    title: str
    projects: tuple[Project, ...]
    profiled: tuple[str, ...]
    """The projects whose restarts are looked into when none is named."""
    left_out: tuple[str, ...] = ()
    """Peers that could run the projects."""
    command: str = "python -m benchmarks.reload report"
    """Writes the section."""

    @property
    def results(self) -> Path:
        return RESULTS / f"{self._file_name}.json"

    @property
    def profile(self) -> Path:
        return RESULTS / f"{self._file_name}-profile.txt"

    @property
    def plot_name(self) -> str:
        return f"benchmarks-{self._file_name}.svg"

    @property
    def begin(self) -> str:
        return f"<!-- {self.name}: begin, written by `{self.command}` -->"

    @property
    def end(self) -> str:
        return f"<!-- {self.name}: end -->"

    @property
    def has_own_servers(self) -> bool:
        """The projects are of frameworks that bring a server: that is what wiverno is beside."""
        return any(project.own_servers for project in self.projects)

    def chosen(self, names: Sequence[str]) -> list[Project]:
        """Those projects, or all. Ends the program for a name that is none."""
        known = {project.name: project for project in self.projects}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise SystemExit(f"{unknown[0]!r} is not a project. There are: {', '.join(known)}")
        return [known[name] for name in names or known]

    @property
    def _file_name(self) -> str:
        return "reload" if self.name == "reload" else f"reload-{self.name}"


RELOAD = Suite(
    "reload",
    "Save to first fresh byte",
    PROJECTS,
    profiled=("light", "big400-first"),
    # The same as one of the strategies that have rows of their own.
    left_out=(AUTO,),
)
FRAMEWORKS = Suite(
    "frameworks",
    "Save to first fresh byte, with frameworks",
    FRAMEWORK_PROJECTS,
    profiled=tuple(project.name for project in FRAMEWORK_PROJECTS),
    command="python -m benchmarks.reload report --suite frameworks",
)
SUITES = {suite.name: suite for suite in (RELOAD, FRAMEWORKS)}
