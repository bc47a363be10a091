"""Templator: Jinja2 templates of one folder, with auto-escaping on."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from wiverno.core.requests import Request

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.runtime import Context


class Templator:
    """Renders the templates in `folder`, a path below the current directory.

    `base_dir` is that directory, as it was when the Templator was made. With `auto_reload` a
    template that was saved is read again; without, the files are never looked at twice.
    `url_for` is there in every template, for a `request` among its values that of the request.

    >>> Templator("templates").base_dir == Path.cwd()
    True
    """

    def __init__(
        self,
        folder: str | Path = "templates",
        *,
        auto_reload: bool = True,
        url_for: Callable[..., str] | None = None,
    ) -> None:
        self.base_dir = Path.cwd()
        self.folder = folder
        self.auto_reload = auto_reload
        self._url_for = url_for
        self._env: Environment | None = None
        self._making = Lock()

    @property
    def env(self) -> "Environment":
        """The Jinja2 environment: add filters and globals to it. Always the same one."""
        if self._env is None:
            with self._making:  # Two would mean that the filters of one are missing in the other.
                if self._env is None:
                    self._env = self._made_env()
        return self._env

    def render(self, name: str, /, content: dict[str, Any] | None = None, **kwargs: Any) -> str:
        """The template `name` with the values of `content` and `kwargs`; `kwargs` win.

        Every value is HTML-escaped unless it is `markupsafe.Markup`. Raises `TypeError` when
        `content` is no dictionary, and what Jinja2 raises: `TemplateNotFound`,
        `TemplateSyntaxError`, or what an expression in the template does.
        """
        if content is not None and not isinstance(content, dict):
            raise TypeError(
                f"Content must be a dictionary, not {type(content).__name__} {content!r:.80}. "
                f"Write render({name!r}, {{'content': ...}}) to name the value."
            )
        return self.env.get_template(name).render({**(content or {}), **kwargs})

    def _made_env(self) -> "Environment":
        # Here: an application that renders nothing does not pay for Jinja2.
        from jinja2 import Environment, FileSystemLoader

        env = Environment(
            loader=FileSystemLoader(self.base_dir / self.folder),
            # In every template, whatever its name ends with: `select_autoescape` leaves `.txt`
            # and `.j2` out, and what comes out is sent as HTML.
            autoescape=True,
            auto_reload=self.auto_reload,
        )
        if self._url_for is not None:
            env.globals["url_for"] = _url_for_in_templates(self._url_for)
        return env


def _url_for_in_templates(url_for: Callable[..., str]) -> Callable[..., str]:
    from jinja2 import pass_context

    @pass_context
    def linked(context: "Context", name: str, /, **params: Any) -> str:
        # Only a request knows the prefix below which a proxy or a mount shows the application.
        request = context.get("request")
        return (request.url_for if isinstance(request, Request) else url_for)(name, **params)

    return linked
