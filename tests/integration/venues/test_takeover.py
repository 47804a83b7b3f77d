"""Two desks, each a process with its connector, at one exchange and one journal: only one of them ever trades."""

import asyncio
import contextlib
import itertools
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from fks_actors.adapters.sql import open_reader
from fks_actors.model.orders import OrderStatus
from tests.integration.ccxt_venue.test_trouble import ORDER, at_the_venue, trouble
from tests.integration.sql.conftest import postgres_url, schema_url  # noqa: F401  fixtures
from tests.integration.venues.scene import LOT, sim_config

TTL_S = 4.0


class Worker:
    """A desk in another process. `ask` sends a line and awaits the answer to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lost: list[str] = []
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).decode().strip():
            if line.startswith("lost"):
                self.lost.append(line)
            else:
                self._lines.put_nowait(line)

    async def said(self, within_s: float = 120) -> str:
        """The next line that answers something."""
        return await asyncio.wait_for(self._lines.get(), within_s)

    async def ended(self) -> None:
        """End it and hear it out."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._reading

    def tell(self, line: str) -> None:
        """Send a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def ask(self, *said: str) -> str:
        """Send lines; the last one's answer."""
        answer = ""
        for line in said:
            self.tell(line)
            answer = await self.said()
        return answer

    def stop(self) -> None:
        """Freeze it."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Thaw it."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()


Start = Callable[[], Any]


@pytest.fixture
async def sim() -> AsyncIterator[RunningSim]:
    async with running_sim(sim_config(Decimal(30_000))) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    found: str = request.getfixturevalue("schema_url")
    return found


@pytest.fixture
async def start(sim: RunningSim, url: str) -> AsyncIterator[Start]:
    """Start workers that are killed when the test ends."""
    workers: list[Worker] = []

    async def begin() -> Worker:
        command = [sys.executable, "-m", "tests.integration.venues.worker", url, sim.url, sim.key, sim.secret]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, str(TTL_S), stdin=pipe, stdout=pipe)
        workers.append(Worker(process))
        assert await workers[-1].said() == "ready"
        return workers[-1]

    yield begin
    for worker in workers:
        await worker.ended()


async def first_and_second(start: Start) -> tuple[Worker, Worker]:
    """The first one trades, the second one waits for the lease."""
    first, second = await start(), await start()
    assert await first.ask("take") == "took 1"
    assert await first.ask("keep", "recover", "begin r1") == "began"
    for _ in range(3):
        assert await insist(first, "bar") == "bar"
    second.tell("take")
    return first, second


async def test_holder_when_it_was_frozen_and_comes_back_then_it_can_neither_commit_nor_submit(
    start: Start, sim: RunningSim, url: str
) -> None:
    first, second = await first_and_second(start)
    with pytest.raises(TimeoutError):  # while the first one renews, the second one waits
        await second.said(within_s=1.5 * TTL_S)
    first.stop()
    for line in ("buy 7", "submit fks-late", "believe", "buy 8"):
        first.tell(line)
    assert (await second.said()).startswith("took")
    assert await second.ask("keep", "recover", "begin r2") == "began"
    assert await insist(second, "bar") == "bar"
    assert await insist(second, "buy 1") == "record filled"
    first.go_on()
    answers = [(await first.said()).split() for _ in range(4)]
    assert [answer[:2] for answer in answers[:2]] == [["error", "Fenced"]] * 2
    assert answers[3][:2] == ["error", "JournalConflict"]
    assert first.lost == ["lost Fenced"]
    assert await insist(second, "settle") == "open 0"
    assert len(at_the_venue(sim)) == 1
    assert sum(at_the_venue(sim).values()) == 1
    assert sim.engine.account.totals["BTC"] == LOT * Decimal("0.999")


async def test_holder_when_it_comes_back_before_the_other_has_written_then_its_commit_is_sent_once_by_the_other(
    start: Start, sim: RunningSim, url: str
) -> None:
    first, second = await first_and_second(start)
    first.stop()
    assert (await second.said()).startswith("took")
    first.go_on()
    assert await first.ask("believe") == "believes"
    assert (await first.ask("buy 1")).split()[:2] == ["error", "Fenced"]
    assert at_the_venue(sim) == {}
    assert (await second.ask("recover")).startswith("recovered")
    assert await second.ask("begin r2") == "began"
    await settled(second)
    assert list(at_the_venue(sim).values()) == [1]
    assert (await first.ask("buy 2")).split()[:2] == ["error", "JournalConflict"]
    reader = open_reader(url)
    (order,) = reader.orders("", 10)[0]
    reader.close()
    assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, LOT)


async def test_holder_when_it_was_frozen_with_an_order_under_way_then_that_is_found_not_repeated(
    start: Start, sim: RunningSim, url: str
) -> None:
    first, second = await first_and_second(start)
    await trouble(sim, kind="latency", ms=1_000, count=1, **ORDER)
    await under_way(first, sim)
    first.stop()
    assert (await second.said()).startswith("took")
    assert (await second.ask("recover")).startswith("recovered")
    assert await second.ask("begin r2") == "began"
    await settled(second)
    first.go_on()
    assert (await first.said()).split()[:2] == ["error", "Fenced"]
    assert list(at_the_venue(sim).values()) == [1]
    assert sim.engine.account.totals["BTC"] == LOT * Decimal("0.999")


async def test_holder_when_it_was_killed_then_the_lease_is_taken_over_at_once(start: Start, url: str) -> None:
    first, second = await first_and_second(start)
    began = time.monotonic()
    first.kill()
    await first.process.wait()
    assert (await second.said()).startswith("took")
    assert time.monotonic() - began < TTL_S / 2


async def insist(worker: Worker, line: str) -> str:
    """The answer of a desk that holds the lease; one that was too slow to keep it takes it anew, as it should."""
    while (answer := await worker.ask(line)).startswith("error Fenced"):
        await worker.ask("take", "recover")
    return answer


async def settled(worker: Worker) -> None:
    """Collect until no order is open."""
    for _ in itertools.count():
        if await insist(worker, "settle") == "open 0":
            return
        await asyncio.sleep(0.05)


async def under_way(worker: Worker, sim: RunningSim) -> None:
    """Have an order sent, and wait until it has arrived and is held up."""
    await worker.ask("take")
    worker.tell("buy 1")
    end = time.monotonic() + 10
    while not sim.venue.faults.struck:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
