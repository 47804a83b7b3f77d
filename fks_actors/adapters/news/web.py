"""What the sources on the web have in common: one fetcher, and no headline that is older than was asked for."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from fks_actors.adapters.news.http import Edge, Fetcher, FetchLimits, Request
from fks_actors.adapters.news.pace import Pace
from fks_actors.adapters.news.port import Headline


class WebSource(ABC):
    """A source that is fetched (port.NewsSource).

    Args:
        dropped: told why an item could not be used.
        explain: what an error's body says, in words of our own.
    """

    def __init__(
        self,
        name: str,
        pace: Pace,
        limits: FetchLimits,
        edge: Edge,
        dropped: Callable[[str], None],
        explain: Callable[[bytes], str] = lambda _: "",
    ) -> None:
        self._name = name
        self._dropped = dropped
        self._fetcher: Fetcher[list[Headline]] = Fetcher(name, pace, self._read, limits, edge, explain)

    @property
    def name(self) -> str:
        """As the port."""
        return self._name

    async def fetch(self, since_ms: int) -> list[Headline]:
        """As the port."""
        found = await self._fetcher.get(self._request(since_ms))
        return [headline for headline in found if headline.published_ms >= since_ms]

    async def close(self) -> None:
        """As the port."""
        await self._fetcher.close()

    @abstractmethod
    def _request(self, since_ms: int) -> Request: ...

    @abstractmethod
    def _read(self, body: bytes) -> list[Headline]:
        """The headlines in an answer; raises `Unfit` where it is none."""
