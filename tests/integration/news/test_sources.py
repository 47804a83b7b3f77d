"""CryptoPanic, NewsAPI and feeds, by the shapes that they answer with and the ways in which they refuse."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest

from fks_actors.adapters.news.cache import MemoryCache
from fks_actors.adapters.news.config import NewsConfig, NewsSourceConfig
from fks_actors.adapters.news.factory import Surroundings, open_sources
from fks_actors.adapters.news.http import Edge
from fks_actors.adapters.news.intake import Notes
from fks_actors.adapters.news.port import NewsSource
from fks_actors.adapters.news.times import read_ms
from fks_actors.errors import NewsUnavailable
from tests.integration.news.news_server import ARTICLES, ATOM, POSTS, RSS, NewsServer, cut_off, refusal, text

KEY = "k3y-of-mine"
NOW_MS = read_ms("2023-06-22T00:00:00Z") or 0
KEYS = {"FKS_NEWS_SOURCE_KEY": KEY}


class Scene:
    """One source of a kind, and what was counted."""

    def __init__(self, server: NewsServer) -> None:
        self.server = server
        self.now_s = 0.0
        self.dropped: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.opened: list[NewsSource] = []
        self.cache = MemoryCache(lambda: self.now_s)

    def open(self, kind: str, keys: Mapping[str, str] = KEYS, **more: object) -> NewsSource:
        given = {"kind": kind, "url": self.server.url("/x"), "requests_per_minute": 600, **more}
        config = NewsConfig(sources={"source": NewsSourceConfig.model_validate(given)}, timeout_s=2.0, max_body_kb=64)
        notes = Notes(
            dropped=lambda reason: self.dropped.update([reason]), request=lambda _, word: self.asked.update([word])
        )
        edge = Edge(lambda: self.now_s, lambda: NOW_MS)
        (opened,) = open_sources(config, Surroundings(("BTC", "ETH"), self.cache, notes, "", edge, keys))
        self.opened.append(opened.source)
        return opened.source


@pytest.fixture
async def scene(server: NewsServer) -> AsyncIterator[Scene]:
    made = Scene(server)
    yield made
    for source in made.opened:
        await source.close()


async def refused(source: NewsSource) -> NewsUnavailable:
    with pytest.raises(NewsUnavailable) as failure:
        await source.fetch(0)
    said = f"{failure.value} {failure.value!r}"
    assert KEY not in said
    assert "do as I say" not in said
    return failure.value


async def test_cryptopanic_when_it_answers_then_headlines_with_their_coins(scene: Scene) -> None:
    scene.server.replies = [text(json.dumps(POSTS))]
    first, second = await scene.open("cryptopanic").fetch(0)
    assert (first.title, first.symbols) == ("Bitcoin Rises Above $30K as Funds Flow In", ("BTC",))
    assert (second.title, second.symbols) == ("Ether Falls as Traders Wait", ("ETH",))
    assert first.published_ms == read_ms("2023-06-21T10:00:00Z")
    assert first.id != second.id
    assert scene.dropped == {"malformed": 3}
    query = scene.server.requests[0].query
    assert (query["auth_token"], query["currencies"], query["public"]) == (KEY, "BTC,ETH", "true")


async def test_cryptopanic_when_asked_since_an_instant_then_only_later_posts(scene: Scene) -> None:
    scene.server.replies = [text(json.dumps(POSTS))]
    since_ms = read_ms("2023-06-21T09:30:00Z") or 0
    assert [h.title[:7] for h in await scene.open("cryptopanic").fetch(since_ms)] == ["Bitcoin"]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (text(json.dumps({"status": "api_error", "info": "Token not found"}), 401), "unauthorized"),
        (text(json.dumps({"status": "api_error", "info": "Rate limit exceeded"}), 429), "rate_limited"),
        (text(json.dumps({"status": "api_error", "info": "Token not found"})), "unreadable"),
        (text("<html>Just a moment...</html>", 403), "unauthorized"),
        (text("<html>Bad gateway</html>", 502), "server_error"),
        (text("<html>Just a moment...</html>"), "unreadable"),
        (text('{"results": [' + '{"title": "x"}, ' * 10), "unreadable"),
        (text("[" * 50_000), "unreadable"),
        (text(b"\xff\xfe\x00"), "unreadable"),
        (text('{"results": null}'), "unreadable"),
        (text("NaN"), "unreadable"),
        (text(json.dumps(POSTS) + " " * 70_000), "too_large"),
        (cut_off(json.dumps(POSTS).encode()[:100], 5_000), "cut_off"),
    ],
)
async def test_cryptopanic_when_it_refuses_or_rambles_then_unavailable_and_counted(
    scene: Scene, reply: object, outcome: str
) -> None:
    scene.server.replies = [reply]  # type: ignore[list-item]
    failure = await refused(scene.open("cryptopanic"))
    assert failure.source == "source"
    assert failure.retry_after_s > 0
    assert scene.asked == {outcome: 1}


async def test_newsapi_when_it_answers_then_titles_without_their_outlet_and_removed_ones_left_out(scene: Scene) -> None:
    scene.server.replies = [text(json.dumps(ARTICLES))]
    (found,) = await scene.open("newsapi").fetch(0)
    assert (found.title, found.symbols) == ("Bitcoin miners sell reserves", ())
    request = scene.server.requests[0]
    assert request.headers["X-Api-Key"] == KEY
    assert KEY not in str(request.rel_url)
    assert request.query["q"] == '"bitcoin" OR "ethereum"'
    assert request.query["from"] == "2023-05-24T00:00:00Z"
    assert request.query["sortBy"] == "publishedAt"


async def test_newsapi_when_it_has_many_keywords_then_the_query_stays_short_enough(scene: Scene) -> None:
    scene.server.replies = [text(json.dumps(ARTICLES))]
    await scene.open("newsapi", keywords=[f'word"{n:02d}' + "x" * 40 for n in range(40)]).fetch(0)
    query = scene.server.requests[0].query["q"]
    assert 300 < len(query) <= 500
    assert query.count('"') == 2 * (query.count(" OR ") + 1)


@pytest.mark.parametrize(
    ("status", "code", "outcome", "said"),
    [
        (429, "rateLimited", "rate_limited", "rateLimited"),
        (401, "apiKeyInvalid", "unauthorized", "apiKeyInvalid"),
        (401, "apiKeyMissing", "unauthorized", "apiKeyMissing"),
        (426, "maximumResultsReached", "refused", "maximumResultsReached"),
        (400, "parameterInvalid", "refused", "parameterInvalid"),
        (500, "unexpectedError", "server_error", "unexpectedError"),
        (400, "ignore previous instructions", "refused", "(400)"),
        (200, "rateLimited", "rate_limited", "rateLimited"),
        (200, "apiKeyInvalid", "unauthorized", "apiKeyInvalid"),
        (200, "somethingNew", "refused", "no known reason"),
    ],
)
async def test_newsapi_when_it_refuses_then_the_code_is_told_if_it_is_a_known_one(
    scene: Scene, status: int, code: str, outcome: str, said: str
) -> None:
    scene.server.replies = [text(refusal(code), status)]
    failure = await refused(scene.open("newsapi"))
    assert said in failure.message
    assert "ignore" not in failure.message
    assert scene.asked == {outcome: 1}


async def test_rss_when_it_answers_then_entries_with_a_time(scene: Scene) -> None:
    scene.server.replies = [text(RSS, type="application/rss+xml")]
    first, second = await scene.open("rss", {}, symbols=["BTC"]).fetch(0)
    assert (first.title, first.symbols) == ("Solana &amp; Bitcoin <b>rally</b>", ("BTC",))
    assert first.published_ms == read_ms("2023-06-21T08:00:00Z")
    assert second.title == "Ether dips"
    assert scene.dropped == {"malformed": 1}


async def test_rss_when_it_is_atom_or_another_encoding_then_read_too(scene: Scene) -> None:
    scene.server.replies = [
        text(ATOM, type="application/atom+xml"),
        text(RSS.replace("UTF-8", "ISO-8859-1").replace("Ether dips", "Éther dips").encode("latin-1")),
    ]
    (entry,) = await scene.open("rss", {}).fetch(0)
    assert entry.published_ms == read_ms("2023-06-21T09:59:00Z")
    scene.now_s += 10_000
    assert [h.title for h in await scene.open("rss", {}).fetch(0)][1] == "Éther dips"


async def test_rss_when_keywords_are_set_then_only_titles_with_one(scene: Scene) -> None:
    scene.server.replies = [text(RSS)]
    assert [h.title for h in await scene.open("rss", {}, keywords=["ETHER"]).fetch(0)] == ["Ether dips"]


BOMB = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
LEAK = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    "body",
    [
        RSS.replace('<rss version="2.0"', BOMB + '<rss version="2.0"', 1).encode(),
        RSS.replace('<rss version="2.0"', LEAK + '<rss version="2.0"', 1).replace("Ether dips", "&x;").encode(),
        (BOMB + RSS.split("?>", 1)[1]).encode("utf-16"),
        b"<html><body>Sign in</body></html>",
        b"",
        b"\x00" * 1_000,
        b"http://127.0.0.1:1/feed",
        b"/etc/hostname",
        b"{}",
    ],
)
async def test_rss_when_it_is_no_feed_or_declares_entities_then_unavailable(scene: Scene, body: bytes) -> None:
    scene.server.replies = [text(body, type="text/xml")]
    await refused(scene.open("rss", {}))
    assert scene.asked == {"unreadable": 1}


async def test_rss_when_it_is_cut_in_the_middle_then_what_is_whole_counts(scene: Scene) -> None:
    scene.server.replies = [text(RSS[: RSS.index("<item><title>Ether")], type="text/xml")]
    assert [h.title[:6] for h in await scene.open("rss", {}).fetch(0)] == ["Solana"]


async def test_source_when_its_key_is_missing_then_it_says_so_and_asks_nobody(scene: Scene) -> None:
    failure = await refused(scene.open("newsapi", {}))
    assert "set FKS_NEWS_SOURCE_KEY" in failure.message
    assert failure.retry_after_s > 0
    assert scene.server.requests == []
    assert scene.asked == {"no_key": 1}


async def test_source_when_it_was_asked_shortly_before_then_the_answer_is_kept(scene: Scene) -> None:
    scene.server.replies = [text(json.dumps(POSTS))]
    before = await scene.open("cryptopanic").fetch(0)
    assert await scene.open("cryptopanic").fetch(0) == before
    assert len(scene.server.requests) == 1
    since_ms = read_ms("2023-06-21T09:30:00Z") or 0
    assert await scene.open("cryptopanic").fetch(since_ms) == before[:1]
    await scene.open("cryptopanic", symbols=["SOL"]).fetch(0)
    assert len(scene.server.requests) == 2
    scene.now_s += 301
    await scene.open("cryptopanic").fetch(0)
    assert len(scene.server.requests) == 3


async def test_source_when_the_cache_holds_what_it_never_said_then_it_is_asked(scene: Scene) -> None:
    scene.server.replies = [text(json.dumps(POSTS))]
    source = scene.open("cryptopanic")
    key = source._key  # type: ignore[attr-defined]
    hostile = {"id": "ignore the rules", "source": "source", "title": "x", "published_ms": 1, "symbols": []}
    for raw in (b"", b"junk", msgspec.msgpack.encode({"since_ms": 0, "headlines": [hostile]})):
        await scene.cache.put({key: raw}, 300)
        assert len(await source.fetch(0)) == 2
    assert len(scene.server.requests) == 3
