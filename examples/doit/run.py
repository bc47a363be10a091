"""The application that `dodo.py` starts, stops and restarts."""

from wiverno import Request, Wiverno

app = Wiverno()


@app.get("/")
def index(request: Request) -> str:
    return "Hello from a session in the background!"
