"""StaticFiles: the view that answers with the files of a folder."""

from pathlib import Path
from typing import Any

from wiverno.core.exceptions import HTTPError
from wiverno.core.files import is_hidden
from wiverno.core.responses import Response


class StaticFiles:
    """Answers with the file below `folder` that the path parameter `path` names, else with 404.

    Those whose path has a name that begins with a dot are none, but for `.well-known`.
    `max_age_s` lets clients keep a file for so many seconds without asking.
    """

    def __init__(self, folder: str | Path, max_age_s: int | None = None) -> None:
        # Now: an application that changes its directory later still finds them.
        self.folder = Path(folder).absolute()
        self.max_age_s = max_age_s

    def __call__(self, request: Any) -> Response:
        """Raises `HTTPError` (404) for all that is no file inside of the folder."""
        path: str = request.path_params["path"]
        if is_hidden(path):
            raise HTTPError(404)
        return Response.file(path, root=self.folder, max_age_s=self.max_age_s)
