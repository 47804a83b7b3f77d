"""The way out, against a server that misbehaves in every way that servers do."""

import gzip
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from fks_actors.adapters.news.http import Edge, Fetcher, FetchLimits, Request, Unfit, _next
from fks_actors.adapters.news.pace import open_pace
from fks_actors.errors import NewsUnavailable
from tests.integration.news.news_server import NewsServer, Reply, cut_off, endless, silent, text

SECRET = "t0psecret"
LIMITS = FetchLimits(timeout_s=1.0, max_body=100_000)
NOW_MS = 1_700_000_000_000


class Scene:
    """A fetcher whose clock stands still until the test moves it."""

    def __init__(self, server: NewsServer) -> None:
        self.server = server
        self.now_s = 1_000.0
        self.luck = 1.0
        self.outcomes: Counter[str] = Counter()
        edge = Edge(lambda: self.now_s, lambda: NOW_MS, lambda: self.luck, lambda word: self.outcomes.update([word]))
        pace = open_pace("s", 600, 0, clock_s=lambda: self.now_s)
        self.fetcher: Fetcher[str] = Fetcher("s", pace, _read, LIMITS, edge)

    async def get(self, *replies: Reply, path: str = "/feed") -> str:
        if replies:
            self.server.replies = list(replies)
        return await self.fetcher.get(Request(self.server.url(path), {"auth_token": SECRET}, {"X-Api-Key": SECRET}))

    async def failed(self, *replies: Reply, path: str = "/feed") -> NewsUnavailable:
        with pytest.raises(NewsUnavailable) as failure:
            await self.get(*replies, path=path)
        assert SECRET not in f"{failure.value} {failure.value!r} {failure.value.__cause__!r}"
        assert str(self.server.port) not in str(failure.value)
        return failure.value


def _read(body: bytes) -> str:
    if body.startswith(b"garbage"):
        raise Unfit("unreadable", "it is garbage")
    return body.decode()


@pytest.fixture
async def scene(server: NewsServer) -> AsyncIterator[Scene]:
    made = Scene(server)
    yield made
    await made.fetcher.close()


async def test_get_when_all_is_well_then_the_body_with_our_query_and_headers(scene: Scene) -> None:
    assert await scene.get(text("hello")) == "hello"
    request = scene.server.requests[0]
    assert request.query["auth_token"] == SECRET
    assert request.headers["X-Api-Key"] == SECRET
    assert request.headers["User-Agent"] == "fks-actors"
    assert scene.outcomes == {"ok": 1}


async def test_get_when_nothing_changed_then_what_was_said_before(scene: Scene) -> None:
    tags = {"ETag": '"v1"', "Last-Modified": "Wed, 21 Jun 2023 10:00:00 GMT"}
    assert await scene.get(text("one", headers=tags), text("", 304), text("two")) == "one"
    assert await scene.get() == "one"
    asked = scene.server.requests[1].headers
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', tags["Last-Modified"])
    assert await scene.get() == "two"
    assert scene.outcomes == {"ok": 2, "not_modified": 1}
    await scene.get()
    assert "If-None-Match" not in scene.server.requests[3].headers


@pytest.mark.parametrize(
    ("reply", "outcome", "least_s"),
    [
        (text("", 429), "rate_limited", 60),
        (text("", 429, {"Retry-After": "120"}), "rate_limited", 120),
        (text("", 429, {"Retry-After": "Tue, 14 Nov 2023 22:14:30 GMT"}), "rate_limited", 70),
        (text("", 429, {"Retry-After": "9999999"}), "rate_limited", 86_400),
        (text("", 503, {"Retry-After": "30"}), "server_error", 30),
        (text("", 503, {"Retry-After": "soon"}), "server_error", 5),
        (text("", 500), "server_error", 5),
        (text("", 401), "unauthorized", 900),
        (text("", 404), "refused", 900),
        (text("x" * 200_000), "too_large", 5),
        (endless(b"x" * 10_000), "too_large", 5),
        (text(gzip.compress(b"x" * 50_000_000), headers={"Content-Encoding": "gzip"}), "too_large", 5),
        (cut_off(b"half", 1_000), "cut_off", 5),
        (text("garbage"), "unreadable", 5),
        (silent, "timeout", 5),
    ],
)
async def test_get_when_the_server_fails_then_it_is_left_alone_for_a_while(
    scene: Scene, reply: Reply, outcome: str, least_s: float
) -> None:
    begin = time.monotonic()
    failure = await scene.failed(reply)
    assert time.monotonic() - begin < LIMITS.timeout_s + 2
    assert failure.retry_after_s == pytest.approx(least_s)
    assert scene.outcomes == {outcome: 1}
    scene.server.replies = [text("well")]
    scene.now_s += least_s - 1
    again = await scene.failed()
    assert again.retry_after_s == pytest.approx(1.0)
    assert len(scene.server.requests) == 1
    scene.now_s += 1
    assert await scene.get() == "well"


async def test_get_when_it_fails_again_and_again_then_twice_as_long_with_jitter_up_to_a_bound(scene: Scene) -> None:
    pauses = []
    for n in range(12):
        scene.luck = 1.0 if n % 2 else 0.0
        failure = await scene.failed(text("", 500))
        pauses.append(failure.retry_after_s)
        scene.now_s += failure.retry_after_s
    assert pauses == [2.5, 10, 10, 40, 40, 160, 160, 640, 450, 900, 450, 900]
    await scene.get(text("well"))
    scene.luck = 1.0
    assert (await scene.failed(text("", 500))).retry_after_s == 5


async def test_get_when_nobody_listens_then_unavailable(scene: Scene) -> None:
    await scene.server.stop()
    failure = await scene.failed(text("x"))
    assert scene.outcomes == {"unreachable": 1}
    assert "ClientConnector" in failure.message


async def test_get_when_redirected_within_a_host_then_followed_a_few_times(scene: Scene) -> None:
    here = text("", 302, {"Location": "/b"})
    assert await scene.get(here, text("", 308, {"Location": "c?d=e"}), text("there")) == "there"
    assert [str(request.rel_url).partition("?")[0] for request in scene.server.requests] == ["/feed", "/b", "/c"]
    failure = await scene.failed(here)
    assert failure.message == "more than 3 redirects"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "", "javascript:x", "//["])
async def test_get_when_redirected_to_no_web_address_then_refused(scene: Scene, location: str) -> None:
    failure = await scene.failed(text("", 302, {"Location": location} if location else {}))
    assert failure.message == "a redirect to no web address"
    assert len(scene.server.requests) == 1


async def test_get_when_redirected_to_another_host_then_our_headers_stay(scene: Scene) -> None:
    other = await NewsServer([text("there")]).start()
    try:
        assert await scene.get(text("", 302, {"Location": other.url("/x")})) == "there"
        assert "X-Api-Key" not in other.requests[0].headers
        assert "auth_token" not in other.requests[0].query
    finally:
        await other.stop()


@pytest.mark.parametrize(
    ("here", "there", "allowed"),
    [
        ("https://example.com/a", "http://example.com/a", False),
        ("http://example.com/a", "http://169.254.169.254/latest", False),
        ("http://example.com/a", "http://localhost:8000/", False),
        ("http://example.com/a", "http://[::1]/", False),
        ("http://example.com/a", "https://example.org/b", True),
        ("http://10.0.0.1/a", "http://10.0.0.2/b", True),
    ],
)
def test_next_when_a_redirect_leads_elsewhere_then_never_to_a_less_guarded_place(
    here: str, there: str, allowed: bool
) -> None:
    if allowed:
        assert _next(URL(here), there) == URL(there)
    else:
        with pytest.raises(Unfit, match="redirect"):
            _next(URL(here), there)


async def test_get_when_requests_are_used_up_then_none_is_sent(server: NewsServer) -> None:
    server.replies = [text("hello")]
    now_s, outcomes = [0.0], Counter[str]()
    edge = Edge(lambda: now_s[0], outcome=lambda word: outcomes.update([word]))
    fetcher: Fetcher[str] = Fetcher("s", open_pace("s", 60, 3, clock_s=lambda: now_s[0]), _read, LIMITS, edge)
    request = Request(server.url(), {}, {})
    try:
        for _ in range(3):
            await fetcher.get(request)
        with pytest.raises(NewsUnavailable, match="used up") as failure:
            await fetcher.get(request)
        assert 0 < failure.value.retry_after_s <= 2 * 86_400
        assert len(server.requests) == 3
        now_s[0] += failure.value.retry_after_s + 1
        assert await fetcher.get(request) == "hello"
        assert outcomes == {"ok": 4, "paced": 1}
    finally:
        await fetcher.close()
