"""One HTTP client for every provider: bounded answers, no redirects, no compression, nothing from the environment.

A redirect would carry the key elsewhere, a compressed answer may be larger than what came over the wire, and a proxy of
the environment would see both; so none of them is followed.
"""

import email.utils
import math
from collections.abc import AsyncIterator

import httpx2

MAX_REPLY_BYTES = 512 * 1024
_CONNECT_S = 5.0
_READ_S = 600.0
_MOST_WAIT_S = 86_400.0


class ReplyTooLarge(httpx2.TransportError):
    """A provider sent more than MAX_REPLY_BYTES, or something compressed."""


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_REPLY_BYTES
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise ReplyTooLarge(f"the answer is larger than {MAX_REPLY_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Bounded(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise ReplyTooLarge("the answer is compressed, although none may be")
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _BoundedStream(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def bounded_http(connections: int) -> httpx2.AsyncClient:
    """A client for so many requests at once."""
    limits = httpx2.Limits(max_connections=connections + 2, max_keepalive_connections=connections)
    transport = _Bounded(httpx2.AsyncHTTPTransport(limits=limits, retries=0))
    timeout = httpx2.Timeout(_READ_S, connect=_CONNECT_S)
    return httpx2.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


def retry_after_s(headers: httpx2.Headers, now_s: float) -> float:
    """What Retry-After (or retry-after-ms) asks for, 0 to a day; 0 where it is absent or senseless.

    Args:
        now_s: UTC, for a header that holds a date.
    """
    for name, divisor in (("retry-after-ms", 1_000.0), ("retry-after", 1.0)):
        text = headers.get(name, "")
        try:
            wait_s = float(text) / divisor
        except ValueError:
            parsed = email.utils.parsedate_tz(text) if name == "retry-after" and len(text) < 64 else None
            wait_s = _date_s(parsed) - now_s if parsed else math.nan
        if wait_s > 0:
            return min(_MOST_WAIT_S, wait_s)
    return 0.0


def is_refusal(status: int) -> bool:
    """Whether a status says that no model ran. Of other errors, a proxy's time-outs among them, nobody knows."""
    return (status in range(300, 500) and status not in (408, 499)) or status == 503


def _date_s(parsed: tuple[int | None, ...]) -> float:
    try:
        return float(email.utils.mktime_tz(parsed))  # type: ignore[arg-type]
    except (OverflowError, ValueError, TypeError):
        return math.nan
