"""The checks of the fuzzer pass all examples, and notice what is wrong."""

import pytest

from tests.core.server.reader.examples import ACCEPTED, REFUSED
from tests.core.server.reader.fuzz_request_reader import CHECKS
from tests.core.server.reader.invariants import DEFAULT, MakeReader, check_reader
from wiverno.core.server.request_head import BadRequest
from wiverno.core.server.request_reader import Event, RequestReader

EXAMPLES = {name: data for name, (data, _) in (ACCEPTED | REFUSED).items() if len(data) < 1000}


@pytest.mark.parametrize("name", CHECKS)
def test_check_of_the_fuzzer_passes_all_examples(name: str) -> None:
    check = CHECKS[name]()

    for data in EXAMPLES.values():
        check(data)


class GoesOnAfterRefusal(RequestReader):
    def next_event(self) -> Event:
        try:
            return super().next_event()
        except BadRequest:
            self.__init__(DEFAULT)  # type: ignore[misc]  # The sabotage: a reader as if new.
            raise


class RaisesAnotherError(RequestReader):
    def next_event(self) -> Event:
        try:
            return super().next_event()
        except BadRequest as refusal:
            raise ValueError from refusal


class LosesUnreadBytes(RequestReader):
    def take_unread(self) -> bytes:
        return super().take_unread()[1:]


class CountsUnreadBytesWrong(RequestReader):
    @property
    def unread_bytes(self) -> int:
        return max(0, super().unread_bytes - 1)


class DependsOnCuts(RequestReader):
    def feed(self, data: bytes) -> None:
        super().feed(data.replace(b"\r\n\r\n", b"\n\n"))


class TakesTheNextRequestAsBody(RequestReader):
    def _begin_body(self, length: int | None) -> None:
        super()._begin_body(None if length is None else length + 1)


def findings(make_reader: MakeReader) -> list[Exception]:
    found: list[Exception] = []
    for data in EXAMPLES.values():
        try:
            check_reader(data * 2, DEFAULT, make_reader)
        except (AssertionError, ValueError) as error:
            found.append(error)
    return found


@pytest.mark.parametrize(
    "sabotaged",
    [
        *(GoesOnAfterRefusal, RaisesAnotherError, LosesUnreadBytes, CountsUnreadBytesWrong),
        *(DependsOnCuts, TakesTheNextRequestAsBody),
    ],
)
def test_invariants_of_a_broken_reader_do_not_hold(sabotaged: MakeReader) -> None:
    assert findings(RequestReader) == []
    assert findings(sabotaged) != []
