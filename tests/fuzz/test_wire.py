"""Bytes on a real socket, past every polite HTTP client: slow bodies, endless ones, huge headers, broken requests."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.gateway import make_app
from tests.edge import SECRET, gateway_over, served
from tests.fuzz.conftest import Watch, examples

HEAD = b"POST /webhook/tradingview HTTP/1.1\r\nHost: desk\r\n"
GOOD = json.dumps({"symbol": "BTCUSDT", "side": "buy", "quantity": "0.01", "secret": SECRET}).encode()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    with served(make_app(gateway_over(rate_limit_per_minute=1_000_000, burst=1_000_000))) as served_at:
        yield served_at
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)


def spoken(url: str, raw: bytes, within_s: float = 8.0) -> bytes:
    """What the server says to `raw` until it closes or falls silent."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), 5) as wire:
        wire.settimeout(within_s)
        try:
            wire.sendall(raw)
            wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        said = b""
        while True:
            try:
                part = wire.recv(65_536)
            except OSError:
                return said
            if not part:
                return said
            said += part


def is_well(url: str) -> bool:
    """Whether the next honest alert is taken."""
    content = json.dumps({**json.loads(GOOD), "id": str(time.time_ns())})
    return httpx.post(f"{url}/webhook/tradingview", content=content, trust_env=False).status_code == 202


def test_send_when_the_body_never_comes_then_408_in_a_few_seconds(url: str, watched: Watch) -> None:
    place = urlsplit(url)
    begin = time.monotonic()
    with socket.create_connection((place.hostname or "", place.port or 0), 5) as wire:
        wire.settimeout(10)
        wire.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        said = wire.recv(65_536)
    assert b" 408 " in said.split(b"\r\n")[0]
    assert time.monotonic() - begin < 6
    assert is_well(url)
    assert watched.found == []


def test_send_when_the_body_trickles_then_408_all_the_same(url: str, watched: Watch) -> None:
    place = urlsplit(url)
    begin = time.monotonic()
    with socket.create_connection((place.hostname or "", place.port or 0), 5) as wire:
        wire.settimeout(0.2)
        wire.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        said = b""
        while not said and time.monotonic() - begin < 8:
            wire.sendall(b"1\r\n \r\n")
            try:
                said = wire.recv(65_536)
            except TimeoutError:
                continue
    assert b" 408 " in said.split(b"\r\n")[0]
    assert is_well(url)
    assert watched.found == []


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"X-Big: " + b"a" * 200_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"X: y\r\n" * 20_000 + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{}",
        HEAD + b"Content-Length: -1\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"X-Signature: \x00\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 9000\r\n\r\n" + b" " * 9_000,
        HEAD + b"Content-Length: 10\r\n\r\n{}",
        b"POST http://other/webhook/tradingview HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /webhook/%00%ff/../tradingview HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET " + b"/a" * 50_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n",
    ],
    ids=range(16),
)
def test_send_when_the_request_is_broken_then_refused_and_the_next_one_is_served(
    url: str, watched: Watch, raw: bytes
) -> None:
    said = spoken(url, raw)
    assert not said or said.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert b"Traceback" not in said
    assert is_well(url)
    assert watched.found == []


@examples(25)
@given(st.binary(max_size=300), st.integers(0, len(GOOD)))
def test_send_when_bytes_are_mutated_then_the_server_lives(url: str, watched: Watch, noise: bytes, at: int) -> None:
    body = GOOD[:at] + noise + GOOD[at:]
    said = spoken(url, HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert b"Traceback" not in said
    assert b" 500 " not in said.split(b"\r\n")[0]
    assert SECRET.encode() not in said
    assert watched.found == []
