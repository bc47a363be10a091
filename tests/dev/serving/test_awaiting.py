"""The stack of a coroutine that waits."""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

from wiverno.dev.serving.awaiting import awaiting_text


async def wait_for_database() -> None:
    await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    await wait_for_database()
    yield


async def start_up() -> None:
    async with lifespan():
        pass


class OldStyle:
    def __await__(self) -> Generator[Any, None, None]:
        yield from wait_for_database().__await__()


async def start_up_of_old_style() -> None:
    await OldStyle()


class RefersBack:
    """What is awaited may know who waits for it."""

    waiting: Any = None

    def __await__(self) -> Any:
        return self

    def __next__(self) -> None:
        return None


async def start_up_that_is_known(awaited: RefersBack) -> None:
    await awaited


def names_in(text: str) -> list[str]:
    return [line.rpartition(" in ")[2] for line in text.splitlines()[1:]]


async def stack_of(coroutine: Any) -> list[str]:
    task = asyncio.create_task(coroutine)
    # Until all others have had their turn.
    await asyncio.sleep(0)
    text = awaiting_text(task.get_coro())
    task.cancel()
    await asyncio.wait([task])
    return names_in(text)


def test_stack_that_waits_in_a_context_manager_is_shown_to_its_end() -> None:
    assert asyncio.run(stack_of(start_up())) == [
        "wait_for_database",
        "lifespan",
        "__aenter__",
        "start_up",
    ]


def test_stack_through_an_awaited_object_is_shown_to_its_end() -> None:
    assert asyncio.run(stack_of(start_up_of_old_style())) == [
        "wait_for_database",
        "__await__",
        "start_up_of_old_style",
    ]


def test_stack_of_what_has_ended_is_empty() -> None:
    async def ended() -> None:
        pass

    coroutine = ended()
    asyncio.run(coroutine)

    assert names_in(awaiting_text(coroutine)) == []


def test_stack_of_one_that_waits_for_what_refers_to_it_has_an_end() -> None:
    awaited = RefersBack()
    awaited.waiting = start_up_that_is_known(awaited)

    assert asyncio.run(stack_of(awaited.waiting)) == ["start_up_that_is_known"]
