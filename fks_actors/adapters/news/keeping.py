"""A source whose answers are kept for a while, so that a restart or a second desk does not ask again for the same."""

import hashlib
import re

import msgspec

from fks_actors.adapters.news.cache import Cache
from fks_actors.adapters.news.port import Headline, NewsSource

_ID = re.compile(r"[0-9a-f]{16}")
_SYMBOL = re.compile(r"[A-Za-z0-9]{1,12}")


class _Kept(msgspec.Struct, frozen=True):
    since_ms: int
    headlines: list[Headline]


class KeptSource:
    """Another source, asked only where the cache holds nothing that reaches back as far.

    Args:
        asked: what the source is asked for, in words; never a key.
    """

    def __init__(self, source: NewsSource, asked: str, cache: Cache, ttl_s: float) -> None:
        self._source = source
        self._cache = cache
        self._ttl_s = ttl_s
        digest = hashlib.blake2b(f"{source.name}\0{asked}".encode(), digest_size=16).hexdigest()
        self._key = f"fetched:{digest}"

    @property
    def name(self) -> str:
        """As the port."""
        return self._source.name

    async def fetch(self, since_ms: int) -> list[Headline]:
        """As the port."""
        raw = (await self._cache.get([self._key])).get(self._key)
        kept = self._read(raw) if raw is not None else None
        if kept is not None and kept.since_ms <= since_ms:
            return [headline for headline in kept.headlines if headline.published_ms >= since_ms]
        headlines = await self._source.fetch(since_ms)
        await self._cache.put({self._key: _encoded(since_ms, headlines)}, self._ttl_s)
        return headlines

    async def close(self) -> None:
        """As the port."""
        await self._source.close()

    def _read(self, raw: bytes) -> _Kept | None:
        """What is kept; None where it is nothing that this source could have said."""
        try:
            kept = msgspec.msgpack.decode(raw, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return kept if all(self._is_ours(headline) for headline in kept.headlines) else None

    def _is_ours(self, headline: Headline) -> bool:
        symbols = all(_SYMBOL.fullmatch(symbol) for symbol in headline.symbols)
        return symbols and headline.source == self.name and _ID.fullmatch(headline.id) is not None


def _encoded(since_ms: int, headlines: list[Headline]) -> bytes:
    try:
        return msgspec.msgpack.encode(_Kept(since_ms, headlines))
    except UnicodeEncodeError:  # a lone surrogate in a title
        return b""
