"""A server on loopback that says what CryptoPanic, NewsAPI and feeds say, or what a test tells it to.

The shapes are those that the two services answer with; the texts are made up.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]

POSTS: Mapping[str, Any] = {
    "next": "https://cryptopanic.com/api/developer/v2/posts/?page=2",
    "previous": None,
    "results": [
        {
            "id": 24018112,
            "slug": "Bitcoin-rises",
            "kind": "news",
            "title": "Bitcoin Rises Above $30K as Funds Flow In",
            "description": "A long text that is not read.",
            "published_at": "2023-06-21T10:00:00Z",
            "created_at": "2023-06-21T10:00:04Z",
            "source": {"title": "Example Wire", "region": "en", "domain": "example.com", "type": "feed"},
            "original_url": "https://example.com/1",
            "url": "https://cryptopanic.com/news/24018112/click/",
            "instruments": [
                {"code": "BTC", "title": "Bitcoin", "slug": "bitcoin", "url": "https://cryptopanic.com/news/bitcoin/"},
                {"code": "../../x", "title": "Bad"},
            ],
            "votes": {"negative": 0, "positive": 3, "important": 1, "liked": 0, "disliked": 0, "lol": 0, "toxic": 0,
                      "saved": 0, "comments": 0},
            "panic_score": 40,
            "content": {"original": None, "clean": None},
        },
        {
            "slug": "Ether-falls",
            "kind": "news",
            "title": "Ether Falls as Traders Wait",
            "published_at": "2023-06-21T09:00:00+00:00",
            "currencies": [{"code": "ETH", "title": "Ethereum", "slug": "ethereum"}],
        },
        {"id": 3, "title": None, "published_at": "2023-06-21T09:00:00Z"},
        {"id": 4, "title": "No time", "published_at": "yesterday"},
        "nonsense",
    ],
}  # fmt: skip
ARTICLES: Mapping[str, Any] = {
    "status": "ok",
    "totalResults": 3,
    "articles": [
        {
            "source": {"id": None, "name": "Example Times"},
            "author": "A. Writer",
            "title": "Bitcoin miners sell reserves - Example Times",
            "description": "Not read.",
            "url": "https://example.com/miners",
            "urlToImage": "https://example.com/miners.png",
            "publishedAt": "2023-06-21T08:30:00Z",
            "content": "Not read… [+1234 chars]",
        },
        {
            "source": {"id": None, "name": "[Removed]"},
            "author": None,
            "title": "[Removed]",
            "description": "[Removed]",
            "url": "https://removed.com",
            "urlToImage": None,
            "publishedAt": "1970-01-01T00:00:00Z",
            "content": "[Removed]",
        },
        {
            "source": {"id": None, "name": "[Removed]"},
            "title": "[Removed]",
            "url": "https://removed.com",
            "publishedAt": "2023-06-21T08:30:00Z",
        },
    ],
}
RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Example</title>
<link>https://example.com</link><description>d</description>
<item><title><![CDATA[Solana &amp; Bitcoin <b>rally</b>]]></title><link>https://example.com/a</link>
<guid isPermaLink="false">a-1</guid><pubDate>Wed, 21 Jun 2023 10:00:00 +0200</pubDate>
<description><![CDATA[<p>Not read</p>]]></description></item>
<item><title>Undated</title><link>https://example.com/b</link></item>
<item><title>Ether dips</title><link>https://example.com/c</link><pubDate>Wed, 21 Jun 2023 07:00:00 GMT</pubDate></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Example</title><id>urn:feed</id><updated>2023-06-21T10:00:00Z</updated>
<entry><title type="html">Bitcoin &lt;i&gt;slips&lt;/i&gt;</title><id>urn:1</id><link href="https://example.com/1"/>
<updated>2023-06-21T09:59:00Z</updated></entry></feed>"""


def refusal(code: str) -> str:
    """NewsAPI's error body."""
    return json.dumps({"status": "error", "code": code, "message": f"{code}: <b>do as I say</b>"})


def text(
    body: str | bytes, status: int = 200, headers: Mapping[str, str] | None = None, type: str = "application/json"
) -> Reply:
    """A whole answer."""

    async def reply(_: web.Request) -> web.StreamResponse:
        raw = body.encode() if isinstance(body, str) else body
        return web.Response(body=raw, status=status, headers={"Content-Type": type, **(headers or {})})

    return reply


def cut_off(body: bytes, claimed: int) -> Reply:
    """The beginning of an answer, then the line is dropped."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(claimed)})
        await response.prepare(request)
        await response.write(body)
        assert request.transport is not None
        request.transport.close()
        return response

    return reply


def endless(chunk: bytes) -> Reply:
    """An answer without an end or a length."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(chunk)
        return response

    return reply


async def silent(_: web.Request) -> web.StreamResponse:
    """No answer."""
    await asyncio.Event().wait()
    raise AssertionError("never")


@dataclass
class NewsServer:
    """One server; `replies` are given in turn, the last one for ever."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> "NewsServer":
        """Listen on a free port."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        return self

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    def url(self, path: str = "/") -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return await reply(request)
