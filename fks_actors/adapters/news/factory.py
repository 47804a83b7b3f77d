"""Opens the sources that a configuration names. One that lacks its key is there and says so; it stops no other."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fks_actors.adapters.news.assets import name_of
from fks_actors.adapters.news.cache import Cache
from fks_actors.adapters.news.config import NewsConfig, NewsSourceConfig
from fks_actors.adapters.news.cryptopanic import CryptoPanicSource
from fks_actors.adapters.news.files import FileSource
from fks_actors.adapters.news.http import Edge, FetchLimits
from fks_actors.adapters.news.intake import Notes
from fks_actors.adapters.news.keeping import KeptSource
from fks_actors.adapters.news.keys import read_key
from fks_actors.adapters.news.newsapi import NewsApiSource
from fks_actors.adapters.news.pace import open_pace
from fks_actors.adapters.news.port import Headline, NewsSource
from fks_actors.adapters.news.rss import RssSource
from fks_actors.errors import ConfigError, NewsUnavailable

_KEPT_SHARE = 0.9
_NO_KEY_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class Opened:
    """A source, and how often it is asked."""

    source: NewsSource
    every_s: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the sources share: `bases` are the assets of interest, `edge` the clocks, `environment` holds the keys."""

    bases: Sequence[str]
    cache: Cache
    notes: Notes
    redis_url: str = ""
    edge: Edge = dataclasses.field(default_factory=Edge)
    environment: Mapping[str, str] | None = None


class _Keyless:
    """A source that cannot be asked: it lacks its key."""

    def __init__(self, name: str, message: str, outcome: Callable[[str], None]) -> None:
        self._name = name
        self._message = message
        self._outcome = outcome

    @property
    def name(self) -> str:
        return self._name

    async def fetch(self, since_ms: int) -> list[Headline]:
        self._outcome("no_key")
        raise NewsUnavailable(self._name, self._message, _NO_KEY_PAUSE_S)

    async def close(self) -> None:
        """Nothing is held open."""


def open_sources(config: NewsConfig, around: Surroundings, kinds: frozenset[str] | None = None) -> list[Opened]:
    """The sources by the order of the configuration.

    Args:
        kinds: only sources of these kinds; all where None.

    Raises:
        ConfigError: the Redis URL cannot be used.
    """
    return [
        Opened(_opened(name, source, config, around), source.every_s)
        for name, source in config.sources.items()
        if kinds is None or source.kind in kinds
    ]


def _opened(name: str, source: NewsSourceConfig, config: NewsConfig, around: Surroundings) -> NewsSource:
    def outcome(word: str) -> None:
        around.notes.request(name, word)

    edge = dataclasses.replace(around.edge, outcome=outcome)
    if source.kind == "file":
        return FileSource(name, source, edge.now_ms, config.max_file_rows, around.notes.dropped, outcome)
    try:
        fetched = _fetching(name, source, config, around, edge)
    except _NoKey as error:
        return _Keyless(name, str(error), outcome)
    wanted = [source.kind, source.address, source.symbols, source.keywords, sorted(around.bases)]
    ttl_s = min(config.cache_ttl_s, _KEPT_SHARE * source.every_s)
    return KeptSource(fetched, json.dumps(wanted), around.cache, ttl_s)


class _NoKey(Exception):
    pass


def _fetching(name: str, source: NewsSourceConfig, config: NewsConfig, around: Surroundings, edge: Edge) -> NewsSource:
    limits = FetchLimits(config.timeout_s, config.max_body_kb << 10)
    dropped = around.notes.dropped
    key = ""
    if source.kind != "rss":
        try:
            key = read_key(name, source, around.environment).get_secret_value()
        except ConfigError as error:
            raise _NoKey(str(error)) from None
    pace = open_pace(name, source.requests_per_minute, source.day_quota, around.redis_url, clock_s=edge.clock_s)
    if source.kind == "rss":
        return RssSource(name, source, pace, limits, edge, dropped)
    if source.kind == "newsapi":
        words = [name_of(base) for base in source.symbols or around.bases]
        return NewsApiSource(name, source, key, words, pace, limits, edge, dropped)
    return CryptoPanicSource(name, source, key, around.bases, pace, limits, edge, dropped)
