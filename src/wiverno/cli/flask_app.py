"""The variable FLASK_APP, as `flask run` reads it, as an app target.

https://flask.palletsprojects.com/en/stable/cli/#application-discovery
"""

import re
from pathlib import Path

from wiverno.cli.failures import UserError
from wiverno.cli.offers import FACTORY_NAMES, offers_of
from wiverno.cli.project_modules import ProjectModules, Unreadable
from wiverno.cli.source_names import Function
from wiverno.core.app_target import DEFAULT_ATTRIBUTE, AppTarget
from wiverno.core.exceptions import AppTargetError

VARIABLE = "FLASK_APP"
_IMPORT = re.compile(rb"^\s*(?:from|import)\s+flask\b", re.MULTILINE)


def is_imported_in(folder: Path) -> bool:
    """Whether a file of the project in `folder`, or of a folder right below it, imports Flask."""
    return any(_IMPORT.search(text) for text in ProjectModules(folder).texts())


def target_from(value: str, project: ProjectModules) -> AppTarget:
    """The application that FLASK_APP=`value` names. Raises UserError where nothing can be meant.

    A name alone is called where the module defines a function of that name, as Flask does.
    """
    # Not the colon of a drive.
    path, *rest = re.split(r":(?![\\/])", value.strip(), maxsplit=1)
    attribute = rest[0].strip() if rest else ""
    try:
        module = _module(path.strip(), project)
        if not attribute:
            return _best_of(module, project)
        return AppTarget(module, _called_if_factory(module, attribute, project))
    except AppTargetError as error:
        raise UserError(f"{VARIABLE}={value!r}: {error}") from None


def _module(path: str, project: ProjectModules) -> str:
    """`hello`, `shop.web`, `hello.py` and `shop/web.py` are modules; Flask takes any file."""
    file = Path(path)
    if file.suffix != ".py" and len(file.parts) < 2:
        return path
    full = Path(project.folder, file).resolve()
    try:
        parts = list(full.with_suffix("").relative_to(project.folder.resolve()).parts)
    except ValueError:
        raise UserError(
            f"{VARIABLE}={path!r} lies outside of the current directory. Start wiverno in its "
            "folder, or give APP."
        ) from None
    if parts[-1:] == ["__init__"]:
        parts.pop()
    if project.source is not None and parts[:1] == [project.source.name]:
        del parts[0]
        return ".".join(parts)
    # Flask would put the first folder that is no package on sys.path.
    for count in range(1, len(parts)):
        if not Path(project.folder, *parts[:count], "__init__.py").is_file():
            folder, module = "/".join(parts[:count]), ".".join(parts[count:])
            raise UserError(
                f"{VARIABLE}={path!r} lies in {folder!r}, which is no package. Start wiverno there "
                f"with {module!r}, or give APP as {'.'.join(parts)!r}."
            )
    return ".".join(parts)


def _best_of(module: str, project: ProjectModules) -> AppTarget:
    try:
        offers = offers_of(module, project).applications
    except Unreadable:
        offers = ()
    return offers[0].target if offers else AppTarget(module, DEFAULT_ATTRIBUTE)


def _called_if_factory(module: str, attribute: str, project: ProjectModules) -> str:
    if not attribute.isidentifier():
        return attribute
    try:
        made = project.resolve(module, attribute)
    except Unreadable:
        made = None
    if isinstance(made, Function):
        is_factory = made.takes < 2 and not made.is_decorated
    else:
        # Made elsewhere: then the name has to say it.
        is_factory = attribute in FACTORY_NAMES
    return f"{attribute}()" if is_factory else attribute
