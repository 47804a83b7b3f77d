"""NewsAPI's articles: `GET /v2/everything?q=...&from=...&sortBy=publishedAt`, the key in the header X-Api-Key.

A refusal is `{"status": "error", "code": "rateLimited", "message": ...}`; of it only a code that is known is repeated.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from fks_actors.adapters.news.config import NewsSourceConfig
from fks_actors.adapters.news.http import Edge, FetchLimits, Request, Unfit
from fks_actors.adapters.news.pace import Pace
from fks_actors.adapters.news.port import Headline, headline_id
from fks_actors.adapters.news.times import read_ms
from fks_actors.adapters.news.web import WebSource

_CODES = {
    "rateLimited": "rate_limited", "apiKeyExhausted": "rate_limited", "apiKeyInvalid": "unauthorized",
    "apiKeyMissing": "unauthorized", "apiKeyDisabled": "unauthorized", "maximumResultsReached": "refused",
    "parameterInvalid": "refused", "parametersMissing": "refused", "sourcesTooMany": "refused",
    "sourceDoesNotExist": "refused", "unexpectedError": "server_error",
}  # fmt: skip
_REMOVED = "[Removed]"
_MAX_ARTICLES = 100
_MAX_QUERY = 500
_HOUR_MS = 3_600_000
_MONTH_MS = 29 * 86_400_000
"""The free plan answers for the last month only."""


class NewsApiSource(WebSource):
    """One account's search, for `keywords`, or for cryptocurrency where there are none."""

    def __init__(
        self,
        name: str,
        config: NewsSourceConfig,
        key: str,
        keywords: Sequence[str],
        pace: Pace,
        limits: FetchLimits,
        edge: Edge,
        dropped: Callable[[str], None],
    ) -> None:
        super().__init__(name, pace, limits, edge, dropped, _explain)
        self._url = config.address
        self._query = _query(config.keywords or keywords)
        self._headers = {"X-Api-Key": key}
        self._now_ms = edge.now_ms

    def _request(self, since_ms: int) -> Request:
        """Of the last month, and the newest hundred, at most."""
        begin_ms = max(since_ms, self._now_ms() - _MONTH_MS) // _HOUR_MS * _HOUR_MS
        begin = datetime.fromtimestamp(begin_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        params = {"q": self._query, "from": begin, "language": "en", "sortBy": "publishedAt", "pageSize": "100"}
        return Request(self._url, params, self._headers)

    def _read(self, body: bytes) -> list[Headline]:
        answer = _decoded(body)
        if not isinstance(answer, dict):
            raise Unfit("unreadable", "its answer is no JSON object")
        if answer.get("status") == "error":
            code = answer.get("code")
            known = code if isinstance(code, str) and code in _CODES else ""
            raise Unfit(_CODES.get(known, "refused"), f"it refuses the request ({known or 'no known reason'})")
        articles = answer.get("articles")
        if not isinstance(articles, list):
            raise Unfit("unreadable", "its answer holds no articles")
        return [found for each in articles[:_MAX_ARTICLES] if (found := self._headline(each)) is not None]

    def _headline(self, article: Any) -> Headline | None:
        title = article.get("title") if isinstance(article, dict) else None
        published_ms = read_ms(article.get("publishedAt")) if isinstance(article, dict) else None
        if not isinstance(title, str) or published_ms is None:
            self._dropped("malformed")
            return None
        if title == _REMOVED:
            return None
        outlet = article.get("source")
        named = outlet.get("name") if isinstance(outlet, dict) else None
        bare = title.removesuffix(f" - {named}") if isinstance(named, str) and named else title
        url = article.get("url")
        native = url if isinstance(url, str) and url else title
        return Headline(headline_id(self._name, native), self._name, bare, published_ms)


def _explain(body: bytes) -> str:
    answer = _decoded(body)
    code = answer.get("code") if isinstance(answer, dict) else None
    return code if isinstance(code, str) and code in _CODES else ""


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _query(keywords: Sequence[str]) -> str:
    """`"bitcoin" OR "ethereum"`, as many as NewsAPI takes."""
    query = ""
    for word in keywords or ("cryptocurrency",):
        more = f"{query} OR " if query else ""
        more += '"' + word.replace('"', "") + '"'
        if len(more) > _MAX_QUERY:
            break
        query = more
    return query
