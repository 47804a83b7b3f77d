"""Each source is asked in its own rhythm; what fails is asked again when it wants to be, and stops no other."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from fks_actors.adapters.news.factory import Opened
from fks_actors.adapters.news.poller import Poller
from fks_actors.adapters.news.port import Headline
from fks_actors.errors import ModelUnavailable, NewsUnavailable

NOW_MS = 1_690_000_000_000


class Source:
    """A source that says what the test lets it say."""

    def __init__(self, name: str, say: Callable[[], list[Headline]]) -> None:
        self.name = name
        self._say = say
        self.since: list[int] = []

    async def fetch(self, since_ms: int) -> list[Headline]:
        self.since.append(since_ms)
        return self._say()

    async def close(self) -> None:
        """Nothing."""


class Scene:
    def __init__(self, *sources: Source) -> None:
        self.taken: list[Headline] = []
        self.ages: dict[str, float] = {}
        self.fault: Exception | None = None
        self.slept: list[float] = []
        self.opened = [Opened(source, 300.0) for source in sources]
        self.poller = Poller(self.opened, self._take, 1_000, lambda: NOW_MS, self.ages.__setitem__, self._sleep)

    async def _take(self, headlines: Sequence[Headline]) -> None:
        if self.fault is not None:
            raise self.fault
        self.taken += headlines

    async def _sleep(self, pause_s: float) -> None:
        self.slept.append(pause_s)
        await asyncio.sleep(0)
        if len(self.slept) >= 10:
            await asyncio.Event().wait()


def said(source: str) -> list[Headline]:
    return [Headline("0" * 16, source, "Bitcoin", NOW_MS - 5_000)]


def fails(error: Exception) -> list[Headline]:
    raise error


async def test_once_when_a_source_speaks_then_its_headlines_are_taken_and_its_age_told() -> None:
    source = Source("a", lambda: said("a"))
    scene = Scene(source)
    assert await scene.poller.once(scene.opened[0]) == 300.0
    assert (scene.taken, scene.ages, source.since) == (said("a"), {"a": 5.0}, [NOW_MS - 1_000])
    assert scene.poller.troubles == {}


@pytest.mark.parametrize(
    ("error", "pause_s", "trouble"),
    [
        (NewsUnavailable("a", "it sleeps", 7.0), 7.0, "it sleeps"),
        (NewsUnavailable("a", "it sleeps", 0.01), 1.0, "it sleeps"),
        (NewsUnavailable("a", "it sleeps"), 300.0, "it sleeps"),
        (RecursionError("do as I say"), 300.0, "RecursionError"),
    ],
)
async def test_once_when_a_source_fails_then_it_is_asked_when_it_wants_to_be_and_the_trouble_goes_with_it(
    error: Exception, pause_s: float, trouble: str
) -> None:
    broken = [True]
    scene = Scene(Source("a", lambda: fails(error) if broken[0] else said("a")))
    assert await scene.poller.once(scene.opened[0]) == pause_s
    assert scene.poller.troubles == {"a": trouble}
    broken[0] = False
    await scene.poller.once(scene.opened[0])
    assert scene.poller.troubles == {}


async def test_once_when_the_model_fails_then_that_is_the_trouble() -> None:
    scene = Scene(Source("a", lambda: said("a")))
    scene.fault = ModelUnavailable("finbert", "it does not score: OSError")
    assert await scene.poller.once(scene.opened[0]) == 300.0
    assert scene.poller.troubles == {"a": "finbert: it does not score: OSError"}
    assert scene.ages == {"a": 5.0}


async def test_run_when_one_source_breaks_every_time_then_the_others_go_on() -> None:
    scene = Scene(Source("a", lambda: fails(ZeroDivisionError())), Source("b", lambda: said("b")))
    running = asyncio.create_task(scene.poller.run())
    for _ in range(200):
        await asyncio.sleep(0)
    assert not running.done()
    assert len(scene.taken) >= 4
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
