"""ErrorTemplates: an application's own pages for error statuses, as templates in one folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wiverno.templating.templator import Templator


class ErrorTemplates:
    """The pages `404.html`, `500.html` and so on in `folder`; what is missing stays built in."""

    def __init__(self, folder: str | Path, url_for: Callable[..., str] | None = None) -> None:
        self._templator = Templator(folder, url_for=url_for)

    def page(self, status_code: int, content: Mapping[str, Any]) -> str | None:
        """The rendered page of that status; None where the folder has no template for it.

        Raises what the template raises.
        """
        from jinja2 import TemplateNotFound

        name = f"{status_code}.html"
        try:
            return self._templator.render(name, dict(content))
        except TemplateNotFound as error:
            if error.name == name:
                return None
            raise  # The page is there, and includes or extends one that is not.
