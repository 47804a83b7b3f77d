"""CryptoPanic's posts, API v2: `GET <base>/posts/?auth_token=...&currencies=BTC,ETH&public=true&kind=news`.

A post has a title and `published_at`; an id (older plans give only a slug), and the coins that it is about as
`instruments` (v2) or `currencies` (v1), each with a `code`. Votes are not read: anybody may cast them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from fks_actors.adapters.news.config import NewsSourceConfig
from fks_actors.adapters.news.http import Edge, FetchLimits, Request, Unfit
from fks_actors.adapters.news.pace import Pace
from fks_actors.adapters.news.port import Headline, headline_id
from fks_actors.adapters.news.times import read_ms
from fks_actors.adapters.news.web import WebSource

_MAX_POSTS = 500


class CryptoPanicSource(WebSource):
    """One account's posts.

    Args:
        key: the account's token.
        symbols: asked for where the configuration names none.
        dropped: told why a post could not be used.
    """

    def __init__(
        self,
        name: str,
        config: NewsSourceConfig,
        key: str,
        symbols: Sequence[str],
        pace: Pace,
        limits: FetchLimits,
        edge: Edge,
        dropped: Callable[[str], None],
    ) -> None:
        super().__init__(name, pace, limits, edge, dropped)
        wanted = ",".join(config.symbols or symbols)
        params = {"auth_token": key, "public": "true", "kind": "news", "regions": "en"}
        self._asked = Request(config.address, params | ({"currencies": wanted} if wanted else {}), {})

    def _request(self, since_ms: int) -> Request:
        return self._asked

    def _read(self, body: bytes) -> list[Headline]:
        try:
            answer = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unfit("unreadable", "its answer is no JSON") from None
        posts = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(posts, list):
            raise Unfit("unreadable", "its answer holds no results")
        return [found for post in posts[:_MAX_POSTS] if (found := self._headline(post)) is not None]

    def _headline(self, post: Any) -> Headline | None:
        title = post.get("title") if isinstance(post, dict) else None
        published_ms = read_ms(post.get("published_at")) if isinstance(post, dict) else None
        if not isinstance(title, str) or published_ms is None:
            self._dropped("malformed")
            return None
        native = next((str(post[key]) for key in ("id", "slug", "url") if post.get(key)), title)
        return Headline(headline_id(self._name, native), self._name, title, published_ms, _codes(post))


def _codes(post: Mapping[str, Any]) -> tuple[str, ...]:
    named = post.get("instruments") or post.get("currencies")
    codes = [each.get("code") for each in named[:50] if isinstance(each, dict)] if isinstance(named, list) else []
    return tuple(dict.fromkeys(c for c in codes if isinstance(c, str) and c.isascii() and c.isalnum() and len(c) <= 12))
