"""One careful way to fetch what somebody else's server says.

Only http and https; a body is read up to its bound and no further; redirects are few, never from https to http and
never from a public host to a private address, and no header of ours goes to another host. What did not change is not
read twice (ETag, Last-Modified). A server that fails, or says so (429, Retry-After), is left alone: twice as long each
time, with jitter. An error names the source and the kind of trouble, never the URL, which may hold a key.
"""

import asyncio
import email.utils
import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import aiohttp
from yarl import URL

from fks_actors.adapters.news.pace import Pace
from fks_actors.errors import NewsUnavailable

T = TypeVar("T")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1 << 16
_SAID_BYTES = 1 << 14
_DAY_S = 86_400.0
_AGENT = "fks-actors"


class Unfit(ValueError):
    """An answer that cannot be used.

    Args:
        outcome: the word that it is counted under.
        message: what is wrong, in our own words: never the server's.
    """

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(outcome, message)
        self.outcome = outcome
        self.message = message


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one request, and how long a failing server is left alone: from `first_pause_s`, doubling, up to
    `max_pause_s`; longer where the server says so, up to a day."""

    timeout_s: float = 10.0
    max_body: int = 2 << 20
    redirects: int = 3
    first_pause_s: float = 5.0
    max_pause_s: float = 900.0
    limited_pause_s: float = 60.0
    refused_pause_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Edge:
    """What a fetcher takes from outside: clocks, luck (0 to 1), and whom it tells how a request ended."""

    clock_s: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    luck: Callable[[], float] = lambda: 1.0
    outcome: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. `headers` go to this host only."""

    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


class Fetcher(Generic[T]):
    """One source's way out.

    Args:
        read: makes values of a body, in a thread; raises `Unfit` where it cannot.
        explain: what an error's body (its beginning) says, in words of our own; empty where that is not known.
    """

    def __init__(
        self,
        source: str,
        pace: Pace,
        read: Callable[[bytes], T],
        limits: FetchLimits,
        edge: Edge,
        explain: Callable[[bytes], str] = lambda _: "",
    ) -> None:
        self._source = source
        self._pace = pace
        self._read = read
        self._limits = limits
        self._edge = edge
        self._explain = explain
        self._session: aiohttp.ClientSession | None = None
        self._validators: tuple[Request, dict[str, str]] | None = None
        self._held: T | None = None
        self._failures = 0
        self._left_until_s = 0.0

    async def get(self, request: Request) -> T:
        """What the server says, or said before where nothing has changed since.

        Raises:
            NewsUnavailable: no usable answer, or none was asked for: the source is left alone until `retry_after_s`.
        """
        wait_s = self._left_until_s - self._edge.clock_s()
        if self._failures and wait_s > 0:
            raise NewsUnavailable(self._source, f"left alone after {self._failures} failures in a row", wait_s)
        if (wait_s := await self._pace.admit()) > 0:
            self._edge.outcome("paced")
            raise NewsUnavailable(self._source, "its requests are used up for now", wait_s)
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                value = await self._follow(request)
        except TimeoutError:
            raise self._failed("timeout", f"no answer within {self._limits.timeout_s:g} s") from None
        except aiohttp.ClientPayloadError:
            raise self._failed("cut_off", "its answer was cut off") from None
        except Unfit as error:
            raise self._failed(error.outcome, error.message) from None
        except (aiohttp.ClientError, OSError) as error:  # its text holds the URL
            raise self._failed("unreachable", f"the connection failed: {type(error).__name__}") from None
        self._failures = 0
        return value

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self._pace.close()

    # --- one request ---

    async def _follow(self, request: Request) -> T:
        url = URL(request.url).update_query(request.params)
        headers = {"User-Agent": _AGENT, **request.headers, **self._conditions(request)}
        for _ in range(self._limits.redirects + 1):
            async with self._open().get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in _REDIRECTS:
                    return await self._taken(request, response)
                there = _next(url, response.headers.get("Location", ""))
            if there.origin() != url.origin():
                headers = {"User-Agent": _AGENT}
            url = there
        raise Unfit("redirected", f"more than {self._limits.redirects} redirects")

    async def _taken(self, request: Request, response: aiohttp.ClientResponse) -> T:
        if response.status == 304 and self._held is not None:
            self._edge.outcome("not_modified")
            return self._held
        if response.status != 200:
            raise await self._refused(response)
        body = await self._body(response)
        value = await asyncio.to_thread(self._read, body)
        told = {
            ours: response.headers[theirs]
            for ours, theirs in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
            if len(response.headers.get(theirs, "")) in range(1, 257)
        }
        self._validators, self._held = ((request, told) if told else None), value
        self._edge.outcome("ok")
        return value

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        most = self._limits.max_body
        if (response.content_length or 0) > most:
            raise Unfit("too_large", f"its answer is longer than {most} bytes")
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > most:
                raise Unfit("too_large", f"its answer is longer than {most} bytes")
        return bytes(body)

    async def _refused(self, response: aiohttp.ClientResponse) -> Exception:
        status = response.status
        said = self._explain(await response.content.read(_SAID_BYTES))
        also = f", {said}" if said else ""
        asked_s = _retry_after_s(response.headers.get("Retry-After", ""), self._edge.now_ms())
        if status == 429:
            return self._failed("rate_limited", f"too many requests (429{also})", asked_s)
        if status in (401, 403):
            return self._failed("unauthorized", f"it refuses the key ({status}{also})", asked_s)
        if status >= 500:
            return self._failed("server_error", f"its server fails ({status}{also})", asked_s)
        return self._failed("refused", f"it refuses the request ({status}{also})", asked_s)

    # --- trouble ---

    def _failed(self, outcome: str, message: str, asked_s: float = 0.0) -> NewsUnavailable:
        self._edge.outcome(outcome)
        limits = self._limits
        grown_s = min(limits.max_pause_s, limits.first_pause_s * 2.0 ** min(self._failures, 30))
        least_s = {
            "rate_limited": limits.limited_pause_s,
            "unauthorized": limits.refused_pause_s,
            "refused": limits.refused_pause_s,
        }.get(outcome, 0.0)
        pause_s = max(grown_s * (0.5 + 0.5 * self._edge.luck()), 0.0 if asked_s else least_s, min(asked_s, _DAY_S))
        self._failures += 1
        self._left_until_s = self._edge.clock_s() + pause_s
        return NewsUnavailable(self._source, message, pause_s)

    def _conditions(self, request: Request) -> dict[str, str]:
        held = self._validators
        return held[1] if held is not None and held[0] == request else {}

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=2), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._session


def _next(here: URL, location: str) -> URL:
    """Where a redirect leads; a place that it may not lead to raises."""
    try:
        there = here.join(URL(location)) if location else None
    except ValueError:
        there = None
    if there is None or there.scheme not in ("http", "https") or not there.host:
        raise Unfit("redirected", "a redirect to no web address")
    if here.scheme == "https" and there.scheme == "http":
        raise Unfit("redirected", "a redirect from https to http")
    if _is_private(there.host) and not _is_private(here.host or ""):
        raise Unfit("redirected", "a redirect from a public host to a private address")
    return there


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def _retry_after_s(text: str, now_ms: int) -> float:
    """Seconds that a Retry-After header asks for, 0 where it says nothing of use."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now_ms / 1_000)
    except (ValueError, TypeError, OverflowError):
        return 0.0
