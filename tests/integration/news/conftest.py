"""A server of the test's own."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.news.news_server import NewsServer


@pytest.fixture
async def server() -> AsyncIterator[NewsServer]:
    made = await NewsServer().start()
    yield made
    await made.stop()
