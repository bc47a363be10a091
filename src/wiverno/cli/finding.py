"""Finds the application of a project where nobody has named it. Imports no code of the user."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wiverno.cli import flask_app, source_folder
from wiverno.cli.failures import UserError
from wiverno.cli.offers import APPLICATION_NAMES, FACTORY_NAMES, Offer, Offers, offers_of
from wiverno.cli.project_modules import FILE_NAMES, MANAGE, ProjectModules, Unreadable
from wiverno.core.app_target import DEFAULT_ATTRIBUTE, AppTarget
from wiverno.frameworks import django_settings

DEFAULT_MODULE = "run"

_DJANGO_MODULE = "wiverno.frameworks.django"
# Django's own are served with static files by way of manage.py.
_AFTER_MANAGE = ("wsgi", "asgi")
# Flask reads it only in its own command, and only with python-dotenv.
_FLASK_FILE = ".flaskenv"
# Higher up is seldom the project any more.
_FOLDERS_ABOVE_MAX = 3
# Longer lists hide what the reader looks for.
_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Found:
    """The application that was taken, and why."""

    target: AppTarget
    reason: str
    others: tuple[AppTarget, ...] = ()
    unread: str = ""
    """A file in which Flask's own command would have looked."""

    @property
    def line(self) -> str:
        """What the user is told. Empty where nothing else could have been meant."""
        is_usual = self.target == AppTarget(DEFAULT_MODULE, DEFAULT_ATTRIBUTE)
        if is_usual and not self.others and not self.unread:
            return ""
        text = f"Found {self.target} ({self.reason})."
        if self.others:
            text += f" Also there: {_listed([str(each) for each in self.others])}."
        if self.unread:
            text += f" {self.unread} is not read without --env-file {self.unread}."
        return text


def find(
    folder: Path,
    environment: Mapping[str, str],
    *,
    for_production: bool = False,
    env_files: Collection[str] = (),
) -> Found:
    """The application of the project in `folder`; raises UserError where there is none.

    First FLASK_APP, then the files in which applications are by custom, then `manage.py`, then
    the same files one folder down. `environment` is what the application will see, with what
    `env_files` set.
    """
    project = ProjectModules(folder)
    seen = list(_look(project, environment, for_production=for_production))
    offers = [offer for each in seen for offer in each.applications]
    first = _named_by_flask(project, environment) or next(iter(offers), None)
    if first is None and project.file_of(DEFAULT_MODULE) is not None:
        # It may make its application in a way that only its import shows.
        target = AppTarget(DEFAULT_MODULE, DEFAULT_ATTRIBUTE)
        first = Offer(target, f"{project.shown(DEFAULT_MODULE)} is there")
    if first is None:
        misses = [miss for each in seen for miss in each.near_misses]
        raise UserError(_nothing_found(project, misses))
    others = tuple(each.target for each in offers if not _is_same(each.target, first.target))
    is_unread = _FLASK_FILE not in env_files and (folder / _FLASK_FILE).is_file()
    return Found(first.target, first.reason, others, _FLASK_FILE if is_unread else "")


def _is_same(other: AppTarget, taken: AppTarget) -> bool:
    """A Django project's `wsgi.py` and `asgi.py` are what it was taken for."""
    is_djangos = taken.module == _DJANGO_MODULE
    is_served_by_it = other.module.rpartition(".")[2] in _AFTER_MANAGE
    return other == taken or (is_djangos and is_served_by_it)


def _named_by_flask(project: ProjectModules, environment: Mapping[str, str]) -> Offer | None:
    value = environment.get(flask_app.VARIABLE, "").strip()
    if not value:
        return None
    return Offer(flask_app.target_from(value, project), f"{flask_app.VARIABLE}={value}")


def _look(
    project: ProjectModules, environment: Mapping[str, str], *, for_production: bool
) -> Iterator[Offers]:
    """What each module offers, the likeliest first."""
    usual = list(project.usual_files())
    yield from (_offers(name, project) for name in usual if name not in _AFTER_MANAGE)
    if project.has_manage_file():
        yield _django(project, environment, for_production) or _offers(MANAGE, project)
    yield from (_offers(name, project) for name in usual if name in _AFTER_MANAGE)
    yield from (_offers_below(name, project) for name in project.modules_below())


def _offers(module: str, project: ProjectModules) -> Offers:
    try:
        return offers_of(module, project)
    except Unreadable:
        # Somebody is in the middle of writing it: with another one they would see old code.
        target = AppTarget(module, DEFAULT_ATTRIBUTE)
        reason = f"{project.shown(module)} cannot be parsed as it is now"
        return Offers((Offer(target, reason),))


def _offers_below(module: str, project: ProjectModules) -> Offers:
    """One folder down: what was written to be started there cannot be imported from here."""
    if (name := _name_in_source(module, project)) is not None:
        return _offers(name, project)
    offers = _offers(module, project)
    try:
        neighbour = project.neighbour_of(module)
    except Unreadable:
        neighbour = None
    if not offers.applications or neighbour is None:
        return offers
    folder = module.partition(".")[0]
    miss = f"{project.shown(module)} imports {neighbour!r}, which lies beside it: start wiverno in "
    return Offers(near_misses=(miss + folder,))


def _name_in_source(module: str, project: ProjectModules) -> str | None:
    """`main` for `src.main`, where that imports by their names what lies beside it."""
    folder, _, name = module.partition(".")
    if folder != source_folder.NAME or not project.lies_in_source(name):
        return None
    try:
        return None if project.import_from_source(module) is None else name
    except Unreadable:
        return None


def _django(
    project: ProjectModules, environment: Mapping[str, str], for_production: bool
) -> Offers | None:
    """The project that `manage.py` belongs to; None where it is not Django's."""
    file = project.file_of(MANAGE)
    assert file is not None  # asked before
    try:
        named = django_settings.settings_in(file.read_bytes())
    except OSError:  # Not readable: then there is nothing to go by.
        return None
    if named is None:
        return None
    settings = environment.get(django_settings.VARIABLE) or named
    target = AppTarget(_DJANGO_MODULE, "production()" if for_production else "development()")
    return Offers((Offer(target, f"{file.name}: Django with {settings}"),))


def _nothing_found(project: ProjectModules, misses: Sequence[str]) -> str:
    names = ", ".join((*APPLICATION_NAMES, *(f"{name}()" for name in FACTORY_NAMES)))
    files = ", ".join(f"{name}.py" for name in (*FILE_NAMES, MANAGE))
    text = f"No application found in {project.folder}: looked for {names} in {files}, here and one "
    text += "folder down."
    if misses:
        text += f" Seen: {_listed(misses, '; ')}."
    elif folders := project.folders_with(f"{MANAGE}.py"):
        text += f" There is a {MANAGE}.py in {_listed(folders)}: start wiverno there."
    elif modules := project.modules_in_source():
        offers = [offer for each in modules for offer in _offers(each, project).applications]
        example = str(offers[0].target) if offers else f"{modules[0]}:{DEFAULT_ATTRIBUTE}"
        text += f" {source_folder.NAME} holds {_listed(modules)}: give '{example}'."
    elif files_here := project.python_files():
        text += f" Here there are: {_listed(files_here)}."
    if not misses and (above := _project_above(project.folder)):
        text += f" There is a {above.name} in {above.parent}: start wiverno there if you mean it."
    return (
        f"{text} Give it as module:attribute, or write app = 'module:attribute' below "
        "[tool.wiverno] in pyproject.toml."
    )


def _project_above(folder: Path) -> Path | None:
    """The nearest file above that marks the folder in which wiverno may have been meant."""
    names = (*(f"{name}.py" for name in (MANAGE, *FILE_NAMES)), "pyproject.toml")
    above = folder.absolute().parents[:_FOLDERS_ABOVE_MAX]
    return next((file for each in above for name in names if (file := each / name).is_file()), None)


def _listed(texts: Sequence[str], separator: str = ", ") -> str:
    more = len(texts) - _SHOWN_MAX
    shown = separator.join(texts[:_SHOWN_MAX])
    return f"{shown} and {more} more" if more > 0 else shown
