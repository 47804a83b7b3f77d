"""How long the fuzzers run: some hundred examples by default, FKS_FUZZ=50 for fifty times as many.

A fuzzer here may raise no error, answer no 5xx but 503, show no traceback and no secret, neither in an answer nor in a
log (`watched`).
"""

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.edge import SECRET, TOKEN

LONGER = int(os.environ.get("FKS_FUZZ", "1"))


def examples(short: int) -> settings:
    """The profile of one fuzzer."""
    return settings(
        max_examples=short * LONGER,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )


class Watch(logging.Handler):
    """Keeps what was logged that should not have been: a traceback, an error, a secret."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = logging.Formatter().format(record)
        if record.exc_info or record.levelno >= logging.ERROR or SECRET in text or TOKEN in text:
            self.found.append(text)


@pytest.fixture
def watched() -> Iterator[Watch]:
    """Every log line of ours from here on; judged at the end too."""
    watch = Watch()
    loggers = [logging.getLogger(name) for name in ("fks_actors", "deployments", "asyncio")]
    for logger in loggers:
        logger.addHandler(watch)
        logger.setLevel(logging.DEBUG)
    yield watch
    for logger in loggers:
        logger.removeHandler(watch)
        logger.setLevel(logging.NOTSET)
    assert watch.found == []
