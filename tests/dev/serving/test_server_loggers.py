"""An application that configures logging does not silence those who serve it."""

import logging
from collections.abc import Iterator

import pytest

from wiverno.dev.serving.server_loggers import enable_server_loggers

NAMES = ("wiverno.core.server", "wiverno.main", "application")


@pytest.fixture
def loggers() -> Iterator[list[logging.Logger]]:
    """Of the server and of the application; afterwards they are as before."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [logger.disabled for logger in loggers]
    yield loggers
    for logger, was_disabled in zip(loggers, before, strict=True):
        logger.disabled = was_disabled


def test_logger_of_the_server_when_the_application_has_disabled_all_is_enabled_again(
    loggers: list[logging.Logger],
) -> None:
    for logger in loggers:
        logger.disabled = True  # As `dictConfig({"version": 1})` does.

    enable_server_loggers()

    assert [logger.disabled for logger in loggers] == [False, True, True]


def test_logger_that_nobody_has_made_is_not_made() -> None:
    name = "wiverno.core.server"
    made = logging.root.manager.loggerDict.pop(name, None)
    try:
        enable_server_loggers()

        assert name not in logging.root.manager.loggerDict
    finally:
        if made is not None:
            logging.root.manager.loggerDict[name] = made
