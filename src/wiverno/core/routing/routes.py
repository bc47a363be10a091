"""Routes: what was registered, and the hooks that stand around it."""

from collections.abc import Callable
from typing import Any

from wiverno.core.routing.patterns import PathPattern

Hook = Callable[..., Any]


class Route:
    """One registration. `methods=None` answers every method.

    `before` and `after` are the hooks of its router and of those that included it, in the
    order in which they are to run; they follow later `before_request` and `after_request`.
    """

    __slots__ = ("_hooks", "after", "before", "handler", "methods", "name", "pattern")

    def __init__(
        self,
        pattern: PathPattern,
        handler: Any,
        methods: tuple[str, ...] | None = None,
        name: str = "",
        hooks: tuple["Hooks", ...] = (),
    ) -> None:
        self.pattern = pattern
        self.handler = handler
        self.methods = methods
        self.name = name
        self.before: tuple[Hook, ...] = ()
        self.after: tuple[Hook, ...] = ()
        self._hooks = hooks
        for each in hooks:
            each.follow(self)
        self.renew_hooks()

    def __repr__(self) -> str:
        return f"Route({self.path!r}, {self.handler!r}, {self.methods!r}, name={self.name!r})"

    @property
    def path(self) -> str:
        """The pattern as text: `/users/{id:int}`."""
        return self.pattern.path

    def included(self, prefix: PathPattern, group: str, hooks: "Hooks") -> "Route":
        """The same route in a router that includes this one's, whose name is `group`."""
        name = f"{group}.{self.name}" if group else self.name
        around = self._hooks if hooks in self._hooks else (hooks, *self._hooks)
        return Route(self.pattern.below(prefix), self.handler, self.methods, name, around)

    def renew_hooks(self) -> None:
        """Take over what the routers' hooks are now."""
        self.before = tuple(hook for each in self._hooks for hook in each.before)
        # Around the view like layers: what came in last goes out first.
        self.after = tuple(hook for each in reversed(self._hooks) for hook in reversed(each.after))


class Hooks:
    """The hooks of one router. A route asks for them once, so they tell it of later ones.

    Otherwise a check for permission that is registered below `include_router` would guard
    nothing, and nobody would notice.
    """

    __slots__ = ("_routes", "after", "before")

    def __init__(self) -> None:
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self._routes: list[Route] = []

    def follow(self, route: Route) -> None:
        """Tell `route` of hooks to come."""
        self._routes.append(route)

    def add_before(self, hook: Hook) -> None:
        """Run `hook` before the views, after the hooks that are there."""
        self.before.append(hook)
        self._tell()

    def add_after(self, hook: Hook) -> None:
        """Run `hook` after the views, before the hooks that are there."""
        self.after.append(hook)
        self._tell()

    def _tell(self) -> None:
        for route in self._routes:
            route.renew_hooks()
