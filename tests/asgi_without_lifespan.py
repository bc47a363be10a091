"""ASGI applications that know no lifespan, each in another way."""

from wiverno.core.asgi_types import Receive, Scope, Send


async def asserts_http(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"


async def reads_path(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    scope["path"]


async def answers_a_request(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def returns(scope: Scope, receive: Receive, send: Send) -> None:
    pass


WITHOUT_LIFESPAN = (asserts_http, reads_path, answers_a_request, returns)
