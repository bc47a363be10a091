"""Pictures that come with notes, in a folder of their own."""

from secrets import token_hex

from wiverno import HTTPError, Response, Router

import store

pictures = Router(name="pictures")

# How each kind begins. What a browser calls a file proves nothing.
KINDS = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}


@pictures.get("/{name}")
def picture(request):
    name = request.path_params["name"]
    return Response.file(name, root=store.FOLDER / "pictures", max_age_s=3600)


def keep(file):
    """Save an uploaded file. Returns its name, empty if nothing was chosen."""
    if not getattr(file, "filename", ""):
        return ""
    start = file.read(8)
    for mark, ending in KINDS.items():
        if start.startswith(mark):
            folder = store.FOLDER / "pictures"
            folder.mkdir(exist_ok=True)
            name = token_hex(16) + ending
            file.save(folder / name)
            return name
    raise HTTPError(415, "A picture is a PNG or JPEG file.")
