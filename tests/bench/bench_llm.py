"""What asking models costs beside the models: `python -m tests.bench llm`. Servers on loopback, books on this disk."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from fks_actors.adapters.llm.factory import open_ladder, warm
from fks_actors.llm.cache import cache_key
from fks_actors.llm.config import LlmConfig, Place, ProviderConfig
from fks_actors.llm.ports import Prompt
from fks_actors.model.debates import CallOutcome
from tests.bench.figures import machine_load, percentile, row
from tests.integration.llm.servers import openai_body, says, says_nothing, serving
from tests.unit.llm.parts import GOOD, Counts, check, prompt, repair

QUESTIONS, HITS = 300, 5_000
BRIEF = "rsi=28.43 macd_histogram=0.0002131 volume_ratio=1.4213 change=-0.0213 price=64870.12\n" * 20


def question(number: int) -> Prompt:
    return prompt(f"{BRIEF}question {number}")


def line(name: str, taken_s: Sequence[float], limit: str = "") -> None:
    p50, p99 = (percentile(taken_s, share) * 1_000 for share in (0.5, 0.99))
    row(name, f"p50 {p50:8.3f}  p99 {p99:8.3f} ms", limit)


async def timed(call: Callable[[int], Awaitable[object]], count: int) -> list[float]:
    taken = []
    for number in range(count):
        start = time.perf_counter()
        await call(number)
        taken.append(time.perf_counter() - start)
    return taken


def config(url: str, **more: object) -> LlmConfig:
    gpt = ProviderConfig.model_validate({
        "base_url": f"{url}/v1", "model": "m", "place": Place.CLOUD, "usd_per_million_in": "0.4",
        "usd_per_million_out": "1.6", "max_concurrent": 20, **more,
    })  # fmt: skip
    return LlmConfig(providers={"gpt": gpt}, usd_per_agent_per_day=Decimal(100))


async def asked(folder: Path) -> None:
    """A new question over HTTP with its booking, then the same ones again, from memory and after a restart."""
    async with serving(says(openai_body(GOOD))) as server:
        told = config(server.url)
        await warm(told)
        held = open_ladder(told, folder / "llm.db", _no_key, Counts())

        async def ask(number: int) -> None:
            answer, call = await held.ladder.ask(question(number % QUESTIONS), check, repair)
            assert answer == 7, call

        line("question: quota, budget, synced booking, HTTP, check", await timed(ask, QUESTIONS))
        line("the same question again, from memory", await timed(ask, HITS), "<= 1 ms")
        await held.close()
        held = open_ladder(told, folder / "llm.db", _no_key, Counts())
        line("the same after a restart, from the disk", await timed(ask, QUESTIONS), "<= 1 ms")
        await held.close()
        assert len(server.asked) == QUESTIONS


async def late(folder: Path) -> None:
    """Twenty questions at once to a server that never answers."""
    async with serving(says_nothing) as server:
        told = config(server.url)
        held = open_ladder(told, folder / "late.db", _no_key, Counts())

        async def ask(number: int) -> float:
            start = time.perf_counter()
            _, call = await held.ladder.ask(question(number), check, repair, 0.5)
            assert call.outcome is CallOutcome.LATE, call
            return time.perf_counter() - start

        taken = await asyncio.gather(*(ask(number) for number in range(20)))
        await held.close()
    row("20 at once, none answered, deadline 500 ms: the last returns", f"after {max(taken) * 1_000:.1f} ms", "500 ms")


def _no_key(name: str, provider: ProviderConfig) -> SecretStr:
    return SecretStr("none")


def main() -> None:
    """Print the figures."""
    with machine_load() as load:
        ask = question(1)
        taken = []
        for _ in range(HITS):
            start = time.perf_counter()
            cache_key("gpt", "m", ask)
            taken.append(time.perf_counter() - start)
        line("the key of a question of 1.7 kB", taken)
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(asked(Path(folder)))
            asyncio.run(late(Path(folder)))
    row("machine", str(load))
