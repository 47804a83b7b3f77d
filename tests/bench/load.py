"""A cheap load generator in a process of its own: takes an `Order` as a JSON line, answers with a `Tally`.

Every request's bytes are made before the clock starts. Closed loop: each client sends when its last answer is there.
With a rate: requests are due at fixed instants, and their time counts from the instant they were due, not from when
they could be sent, so that a stall is felt by all that waited behind it.
"""

import asyncio
import gc
import hashlib
import hmac
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import uvloop


class Order(msgspec.Struct, frozen=True):
    """What to send: `count` alerts, all distinct, by `clients` connections; `rate` a second, or as fast as answered."""

    port: int
    path: str
    secret: str
    name: str
    count: int
    clients: int
    rate: float = 0.0
    header: str = ""


class Tally(msgspec.Struct, frozen=True):
    """What came back: the time it all took, each answer's, and how often each status came."""

    seconds: float
    times_ms: list[float]
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.times_ms) / self.seconds

    def percentile(self, share: float) -> float:
        """Nearest rank, ms."""
        ordered = sorted(self.times_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def requests(order: Order) -> list[bytes]:
    """The HTTP requests, each with an id and a signature of its own."""
    keyed = hmac.new(order.secret.encode(), digestmod=hashlib.sha256)
    now_ms = time.time_ns() // 1_000_000
    extra = f"{order.header}\r\n" if order.header else ""
    made = []
    for number in range(order.count):
        body = (
            f'{{"symbol":"BTCUSDT","side":"buy","quantity":"0.01","price":"65000.5","confidence":0.9,'
            f'"timestamp":{now_ms},"strategy":"bench","id":"{order.name}-{number}"}}'
        ).encode()
        signing = keyed.copy()
        signing.update(body)
        head = (
            f"POST {order.path} HTTP/1.1\r\nHost: 127.0.0.1:{order.port}\r\nContent-Type: application/json\r\n"
            f"X-Signature: sha256={signing.hexdigest()}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        made.append(head + body)
    return made


class _Client(asyncio.Protocol):
    """One connection; tells of each answer's status."""

    def __init__(self, answered: Callable[["_Client", int], None], lost: Callable[[], None]) -> None:
        self._answered = answered
        self._lost = lost
        self._got = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._got.lower().find(b"content-length:", 0, end)
        length = int(self._got[at + 15 : self._got.find(b"\r", at)])
        if len(self._got) >= end + 4 + length:
            status, self._got = int(self._got[9:12]), b""
            self._answered(self, status)

    def connection_lost(self, _: Exception | None) -> None:
        self._lost()

    def close(self) -> None:
        self._lost = lambda: None
        self._transport.close()  # type: ignore[attr-defined]


class _Run:
    """One order on its way."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._waiting = deque(requests(order))
        self._due: deque[float] = deque()
        self._free: list[_Client] = []
        self._done = asyncio.Event()
        self.times_ms: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def run(self) -> Tally:
        loop = asyncio.get_running_loop()
        order = self._order
        for _ in range(order.clients):
            _, client = await loop.create_connection(
                lambda: _Client(self._answered, self._failed), "127.0.0.1", order.port
            )
            self._free.append(client)
        clients = list(self._free)
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        await (self._steady(start) if order.rate else self._closed())
        await self._done.wait()
        seconds = time.perf_counter() - start
        gc.enable()
        for client in clients:
            client.close()
        return Tally(seconds, self.times_ms, dict(self.statuses))

    async def _closed(self) -> None:
        while self._free and self._waiting:
            self._free.pop().send(self._waiting.popleft(), time.perf_counter())

    async def _steady(self, start: float) -> None:
        for number in range(self._order.count):
            due = start + number / self._order.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if self._free:
                self._free.pop().send(self._waiting.popleft(), due)
            else:
                self._due.append(due)

    def _answered(self, client: _Client, status: int) -> None:
        now = time.perf_counter()
        self.times_ms.append(1e3 * (now - client.due))
        self.statuses[status] += 1
        if not self._waiting:
            if len(self.times_ms) == self._order.count:
                self._done.set()
        elif not self._order.rate:
            client.send(self._waiting.popleft(), now)
        elif self._due:
            client.send(self._waiting.popleft(), self._due.popleft())
        else:
            self._free.append(client)

    def _failed(self) -> None:
        self.statuses[0] += 1
        self._done.set()


@contextmanager
def load_generator() -> Iterator[Callable[[Order], Tally]]:
    """The process; call it with an order."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    given, said = process.stdin, process.stdout

    def send(order: Order) -> Tally:
        given.write(msgspec.json.encode(order) + b"\n")
        given.flush()
        return msgspec.json.decode(said.readline(), type=Tally)

    try:
        yield send
    finally:
        given.close()
        process.wait(10)


async def _serve_orders() -> None:
    for line in iter(sys.stdin.readline, ""):
        tally = await _Run(msgspec.json.decode(line, type=Order)).run()
        sys.stdout.write(msgspec.json.encode(tally).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_serve_orders())
