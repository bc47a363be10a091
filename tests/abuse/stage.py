"""One server in this process that all cases of bytes are played on."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.abuse.case import FOLLOW_UP, FOLLOW_UP_PATH, Case, Ending, Sent
from tests.abuse.wire import DEADLINE_S, Answer, converse, parse_answers
from wiverno.core.server import RunServer
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import Environ, StartResponse, WSGIApplication

FOLLOW_UP_ANSWER = b"this is the follow-up"


@dataclass(frozen=True, slots=True)
class Call:
    """What the application was called with."""

    environ: Environ
    body: bytes


@dataclass(frozen=True, slots=True)
class Play:
    """All that came of a case."""

    answers: list[Answer]
    interim: int
    is_followed_up: bool
    calls: list[Call] = field(default_factory=list)


class Stage:
    """The server, and the application of the case that is played."""

    def __init__(self) -> None:
        self._application: WSGIApplication = self._tell
        self._calls: list[Call] = []
        settings = ServerSettings(threads=2)
        self._server = RunServer(self, "127.0.0.1", 0, 128, settings=settings)
        self._thread = threading.Thread(target=self._server.start, name="abused-server")
        self._thread.start()
        assert self._server.wait_until_bound(DEADLINE_S)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == FOLLOW_UP_PATH:
            start_response("200 OK", [])
            return [FOLLOW_UP_ANSWER]
        if self._application != self._tell:
            self._calls.append(Call(environ.copy(), b""))
        return self._application(environ, start_response)

    def play(self, case: Case) -> Play:
        """Send the bytes and collect what they lead to."""
        self._application = case.application or self._tell
        self._calls = []
        has_follow_up = case.ending is Ending.FOLLOW_UP
        sent = _with_follow_up(case.sent) if has_follow_up else case.sent
        received = converse(self._server.addresses[0], sent, half_close=not has_follow_up)
        every = parse_answers(received, is_head=_begins_with(case.sent, b"HEAD "))
        answers = [each for each in every if each.status >= 200]
        is_followed_up = bool(answers) and answers[-1].body == FOLLOW_UP_ANSWER
        return Play(
            answers[:-1] if is_followed_up else answers,
            len(every) - len(answers),
            is_followed_up,
            self._calls,
        )

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def _tell(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        self._calls.append(Call(environ.copy(), body))
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return [body]


def _with_follow_up(sent: Sent) -> Sent:
    return sent + FOLLOW_UP if isinstance(sent, bytes) else (*sent, FOLLOW_UP)


def _begins_with(sent: Sent, text: bytes) -> bool:
    first = sent if isinstance(sent, bytes) else sent[0]
    return isinstance(first, bytes) and first.startswith(text)
