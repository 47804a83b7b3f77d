"""RSS and Atom feeds: parsed by feedparser from bytes that were fetched here; it never fetches anything itself.

A feed with a document type of its own entities is refused: no honest one needs them.
"""

import calendar
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import feedparser  # type: ignore[import-untyped]  # it has neither types nor stubs

from fks_actors.adapters.news.config import NewsSourceConfig
from fks_actors.adapters.news.http import Edge, FetchLimits, Request, Unfit
from fks_actors.adapters.news.pace import Pace
from fks_actors.adapters.news.port import Headline, headline_id
from fks_actors.adapters.news.times import read_ms
from fks_actors.adapters.news.web import WebSource

_MAX_ENTRIES = 500
_ENTITY = re.compile(rb"<!\s*ENTITY|<\x00!\x00E\x00N\x00T|\x00<\x00!\x00E\x00N\x00T", re.IGNORECASE)
_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8"


class RssSource(WebSource):
    """One feed; with `keywords`, only the entries whose title holds one of them."""

    def __init__(
        self,
        name: str,
        config: NewsSourceConfig,
        pace: Pace,
        limits: FetchLimits,
        edge: Edge,
        dropped: Callable[[str], None],
    ) -> None:
        super().__init__(name, pace, limits, edge, dropped)
        self._keywords = tuple(word.casefold() for word in config.keywords)
        self._symbols = config.symbols
        self._asked = Request(config.address, {}, {"Accept": _ACCEPT})

    def _request(self, since_ms: int) -> Request:
        return self._asked

    def _read(self, body: bytes) -> list[Headline]:
        if _ENTITY.search(body):
            raise Unfit("unreadable", "its feed declares entities")
        try:
            feed = feedparser.parse(io.BytesIO(body), resolve_relative_uris=False, sanitize_html=False)
        except Exception as error:  # noqa: BLE001 (the parser is fed by strangers; whatever it stumbles over is theirs)
            raise Unfit("unreadable", f"its feed cannot be parsed: {type(error).__name__}") from None
        if not feed.get("version") and not feed.entries:
            raise Unfit("unreadable", "its answer is no feed")
        return [found for entry in feed.entries[:_MAX_ENTRIES] if (found := self._headline(entry)) is not None]

    def _headline(self, entry: Mapping[str, Any]) -> Headline | None:
        title, published_ms = entry.get("title"), _published_ms(entry)
        if not isinstance(title, str) or published_ms is None:
            self._dropped("malformed")
            return None
        if self._keywords and not any(word in title.casefold() for word in self._keywords):
            return None
        native = next((str(entry[key]) for key in ("id", "link") if entry.get(key)), title)
        return Headline(headline_id(self._name, native), self._name, title, published_ms, self._symbols)


def _published_ms(entry: Mapping[str, Any]) -> int | None:
    for key in ("published_parsed", "updated_parsed"):
        stated = entry.get(key)
        if stated is not None:
            try:
                return read_ms(calendar.timegm(stated) * 1_000)
            except (ValueError, OverflowError, TypeError):
                continue
    return None
