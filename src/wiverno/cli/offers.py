"""Which applications a module offers by what it binds, and what only looks like one. PURE
but for the files that it asks for."""

from dataclasses import dataclass

from wiverno.cli.project_modules import ProjectModules
from wiverno.cli.source_names import Alias, Bound, Called, Constant, Function, Imported
from wiverno.core.app_target import AppTarget

APPLICATION_NAMES = ("app", "application")
FACTORY_NAMES = ("create_app", "make_app")

# Whose objects are applications whatever they are called.
_CLASSES = frozenset({"Wiverno", "Flask", "Quart", "FastAPI", "Starlette", "Bottle", "Litestar"})
_CLASS_PATHS = frozenset({"falcon.App", "falcon.asgi.App", "blacksheep.Application"})
# Their objects are often called `app`, and no server of ours can call them.
_NO_APPLICATIONS = frozenset(
    {
        *("aiohttp", "tornado", "gradio", "streamlit", "slack_bolt"),
        *("celery", "huey", "dramatiq", "faust"),
        *("argparse", "click", "cyclopts", "typer", "textual"),
        *("kivy", "tkinter", "PyQt5", "PyQt6", "PySide2", "PySide6", "wx"),
    }
)


@dataclass(frozen=True, slots=True)
class Offer:
    """An application that may be meant."""

    target: AppTarget
    reason: str
    """Where it is, and how it is made."""


@dataclass(frozen=True, slots=True)
class Offers:
    """Of one module: the likeliest first, and in words what is none."""

    applications: tuple[Offer, ...] = ()
    near_misses: tuple[str, ...] = ()


def offers_of(module: str, project: ProjectModules) -> Offers:
    """What `module` offers. Raises Unreadable where it cannot be parsed."""
    found: list[Offer] = []
    misses: list[str] = []
    names = project.names_of(module).bound
    for name in (name for name in APPLICATION_NAMES if name in names):
        made = project.resolve(module, name)
        if made is not None and _may_be_application(made):
            found.append(_offer(module, name, names[name], project))
        elif made is not None and (why := _why_not(made)):
            misses.append(f"{project.shown(module)} has {_shown(names[name])}, {why}")
    if not found:
        instances = [name for name, bound in names.items() if _is_instance(bound)]
        if len(instances) == 1:
            found.append(_offer(module, instances[0], names[instances[0]], project))
        elif instances:
            misses.append(f"{project.shown(module)} has several: {', '.join(instances)}")
    for name in (name for name in FACTORY_NAMES if name in names):
        made = project.resolve(module, name)
        if isinstance(made, Function) and made.required:
            misses.append(_factory_with_arguments(module, name, made, project))
        elif made is not None and not isinstance(made, Constant):
            found.append(_offer(module, f"{name}()", names[name], project))
    return Offers(tuple(found), tuple(misses))


def _offer(module: str, attribute: str, bound: Bound, project: ProjectModules) -> Offer:
    place = f"{project.shown(module)}:{bound.line}"
    return Offer(AppTarget(module, attribute), f"{_shown(bound)} in {place}")


def _factory_with_arguments(module: str, name: str, made: Function, project: ProjectModules) -> str:
    from wiverno.core.app_target_calls import sample_call

    call = sample_call(f"{module}:{name}", made.required, made.required_by_name)
    return (
        f"{project.shown(module)} has {name}({', '.join(made.required)}), which needs arguments: "
        f"write them as literals, as in '{call}', or app = {name}(…) in a module"
    )


def _may_be_application(made: Bound) -> bool:
    match made:
        case Called(origin=origin):
            return origin.partition(".")[0] not in _NO_APPLICATIONS
        case Function(takes=takes, is_decorated=is_decorated):
            # A decorator may make it one, as werkzeug's `Request.application` does.
            return is_decorated or takes >= 2
        case Constant():
            return False
        case _:
            return True


def _why_not(made: Bound) -> str:
    match made:
        case Called(origin=origin):
            return f"which is of {origin.partition('.')[0]} and no web application"
        case Function(name=name):
            return f"a function that is no application; if it makes one, write '…:{name}()'"
        case _:
            return ""


def _is_instance(bound: Bound) -> bool:
    if not isinstance(bound, Called):
        return False
    return bound.origin in _CLASS_PATHS or bound.origin.rpartition(".")[2] in _CLASSES


def _shown(bound: Bound) -> str:
    match bound:
        case Called(name=name, callee=callee):
            return f"{name} = {callee}(…)"
        case Alias(name=name, other=other):
            return f"{name} = {other}"
        case Imported(name=name, module=module):
            return f"{name} from {module}"
        case Function(name=name):
            return f"{name}()"
        case _:
            return bound.name
