"""The whole ladder over HTTP: real clients, real books, servers that fail in every way, and the deadline above all."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from fks_actors.adapters.llm.factory import OpenLadder, open_client, open_ladder, warm
from fks_actors.adapters.llm.providers import check_providers
from fks_actors.adapters.llm.store import LostBooks
from fks_actors.errors import ConfigError
from fks_actors.llm.config import LlmConfig, Place, ProviderConfig
from fks_actors.llm.ports import Prompt
from fks_actors.model.debates import CallOutcome, ModelCall, Tier
from tests.integration.llm.servers import (
    Say,
    Server,
    after,
    gemini_body,
    gemini_exhausted,
    openai_body,
    says,
    says_half,
    says_nothing,
    says_too_much,
    serving,
)
from tests.unit.llm.parts import BAD, GOOD, Counts, check, prompt, repair

ANSWERS = says(openai_body(GOOD))


def vllm(server: Server, **more: Any) -> ProviderConfig:
    return ProviderConfig(base_url=f"{server.url}/v1", model="m", place=Place.VLLM, **more)


def gpt(server: Server, **more: Any) -> ProviderConfig:
    prices = {"usd_per_million_in": Decimal("0.4"), "usd_per_million_out": Decimal("1.6"), **more}
    return ProviderConfig(base_url=f"{server.url}/v1", model="gpt", place=Place.CLOUD, **prices)


def gemini(server: Server, **more: Any) -> ProviderConfig:
    return ProviderConfig(kind="gemini", base_url=server.url, model="gemini-2.5-flash", place=Place.CLOUD, **more)


def key_of(name: str, provider: ProviderConfig) -> SecretStr | None:
    return SecretStr("hunter2")


@asynccontextmanager
async def ladder(
    folder: Path, providers: Mapping[str, ProviderConfig], counts: Counts | None = None, **config: Any
) -> AsyncIterator[OpenLadder]:
    told = LlmConfig(providers=providers, ladders={tier: tuple(providers) for tier in Tier}, **config)
    await warm(told)
    held = open_ladder(told, folder / "llm.db", key_of, counts or Counts())
    yield held
    await held.close()


async def ask(held: OpenLadder, asked: Prompt | None = None, deadline_s: float = 2.0) -> tuple[int | None, ModelCall]:
    return await held.ladder.ask(asked or prompt(), check, repair, deadline_s)


async def test_ask_when_a_server_never_answers_then_twenty_at_once_all_return_in_time(tmp_path: Path) -> None:
    async with serving(says_nothing) as server:
        async with ladder(tmp_path, {"gpt": gpt(server, max_concurrent=20)}) as held:
            start = time.perf_counter()

            async def one(number: int) -> tuple[float, ModelCall]:
                _, call = await ask(held, prompt(f"q{number}"), 0.5)
                return time.perf_counter() - start, call

            ends = await asyncio.gather(*(one(n) for n in range(20)))
            assert held.ledger.left("bull", time.time_ns() // 1_000_000) < Decimal(1)
        async with asyncio.timeout(5):
            while server.open:  # noqa: ASYNC110 the server knows no event for it
                await asyncio.sleep(0.01)
    assert {call.outcome for _, call in ends} == {CallOutcome.LATE}
    assert max(took for took, _ in ends) < 0.7
    assert min(took for took, _ in ends) > 0.45
    assert server.dropped == len(server.asked) == 20


@pytest.mark.parametrize(
    "fault",
    [
        says_nothing, says_half, says_too_much, says({"error": {}}, 500), says({"error": {}}, 503, Retry_After="9"),
        says({"error": {}}, 429, Retry_After="60"), says({"error": {}}, 401), after(5.0, ANSWERS), says([]),
    ],
)  # fmt: skip
async def test_ask_when_the_first_fails_in_any_way_then_the_next_answers_within_the_deadline(
    fault: Say, tmp_path: Path
) -> None:
    async with (
        serving(fault) as bad,
        serving(ANSWERS) as good,
        ladder(tmp_path, {"gpt": gpt(bad), "vllm": vllm(good)}) as held,
    ):
        start = time.perf_counter()
        answer, call = await ask(held, deadline_s=1.0)
        took = time.perf_counter() - start
        again, second = await ask(held, prompt("another"), 1.0)
    assert (answer, call.provider, call.requests) == (7, "vllm", 2)
    assert took < 1.0
    assert (again, second.provider, len(bad.asked)) == (7, "vllm", 1)


async def test_ask_when_gemini_is_exhausted_then_it_is_left_alone_as_long_as_it_says(tmp_path: Path) -> None:
    async with (
        serving(says(gemini_exhausted("40s"), 429)) as google,
        serving(ANSWERS) as good,
        ladder(tmp_path, {"gemini": gemini(google), "vllm": vllm(good)}) as held,
    ):
        _, call = await ask(held)
        assert 38 < held.ladder.rungs["gemini"].cooling_s() <= 40
    assert call.provider == "vllm"
    assert "429 RESOURCE_EXHAUSTED" in call.detail


async def test_ask_when_an_answer_is_invalid_then_the_repair_reaches_the_server(tmp_path: Path) -> None:
    async with (
        serving(says(gemini_body(BAD)), says(gemini_body(GOOD))) as google,
        ladder(tmp_path, {"gemini": gemini(google)}) as held,
    ):
        answer, call = await ask(held)
    assert (answer, call.outcome, call.requests) == (7, CallOutcome.REPAIRED, 2)
    assert (call.tokens_in, call.tokens_out) == (68, 28)
    assert "out_of_range" in google.asked[1]["contents"][0]["parts"][0]["text"]


async def test_ask_when_restarted_then_quota_budget_and_answers_go_on(tmp_path: Path) -> None:
    async with serving(ANSWERS) as server:
        config = {"gpt": gpt(server, requests_per_day=3)}
        async with ladder(tmp_path, config) as held:
            _, first = await ask(held)
            await ask(held, prompt("two"))
            spent = held.ledger.spent("bull", time.time_ns() // 1_000_000)
        async with ladder(tmp_path, config) as held:
            assert held.ledger.spent("bull", time.time_ns() // 1_000_000) == spent == 2 * first.cost_usd
            assert held.ladder.rungs["gpt"].quota_left() == 1
            _, cached = await ask(held)
            await ask(held, prompt("three"))
            _, last = await ask(held, prompt("four"))
    assert (cached.outcome, cached.key) == (CallOutcome.CACHED, first.key)
    assert (last.outcome, len(server.asked)) == (CallOutcome.NO_QUOTA, 3)


async def test_ask_when_the_books_are_damaged_then_free_models_answer_and_paid_ones_are_not_asked(
    tmp_path: Path,
) -> None:
    (tmp_path / "llm.db").write_bytes(b"no database" * 1_000)
    async with (
        serving(ANSWERS) as dear,
        serving(ANSWERS) as free,
        ladder(tmp_path, {"gpt": gpt(dear), "vllm": vllm(free)}) as held,
    ):
        assert isinstance(held.store, LostBooks)
        answer, call = await ask(held)
    assert (answer, call.provider, dear.asked) == (7, "vllm", [])


async def test_ask_when_the_books_vanish_while_it_runs_then_nothing_paid_is_sent(tmp_path: Path) -> None:
    async with serving(ANSWERS) as server, ladder(tmp_path, {"gpt": gpt(server)}) as held:
        await ask(held)
        (tmp_path / "llm.db").rename(tmp_path / "gone.db")
        _, call = await ask(held, prompt("more"))
    assert (call.outcome, len(server.asked)) == (CallOutcome.NO_BUDGET, 1)


async def test_ask_when_many_spend_at_once_then_the_days_budget_is_never_passed(tmp_path: Path) -> None:
    async with serving(says(openai_body(GOOD, 300, 90))) as server:
        config = {"gpt": gpt(server, max_concurrent=8)}
        async with ladder(tmp_path, config, usd_per_agent_per_day=Decimal("0.002")) as held:
            ends = await asyncio.gather(*(ask(held, prompt(f"q{n}")) for n in range(60)))
            spent = held.ledger.spent("bull", time.time_ns() // 1_000_000)
    bought = [call for _, call in ends if call.outcome is CallOutcome.ANSWERED]
    assert 0 < len(bought) < 60
    assert sum(call.cost_usd for call in bought) == spent <= Decimal("0.002")
    assert len(server.asked) == len(bought)
    assert {call.outcome for _, call in ends} == {CallOutcome.ANSWERED, CallOutcome.NO_BUDGET}


CLOUD = ProviderConfig(model="m", place=Place.CLOUD, key_env="GPT_KEY")


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (CLOUD, r"llm\.providers\.gpt: no key: set GPT_KEY, or put it into FKS_HOME/keys/gpt\.key"),
        (ProviderConfig(model="m", place=Place.CLOUD, kind="gemini"), "no key: name its variable in key_env"),
        (ProviderConfig(model="m", place=Place.CLOUD, usd_per_million_in=Decimal(1)), "no key"),
    ],
)
def test_open_when_a_key_is_missing_then_the_error_says_where_to_put_it(provider: ProviderConfig, told: str) -> None:
    config = LlmConfig(providers={"gpt": provider})
    with pytest.raises(ConfigError, match=told):
        check_providers(config, lambda name, given: None)
    with pytest.raises(ConfigError, match=told):
        open_client("gpt", provider, lambda name, given: None)


async def test_open_when_a_local_server_needs_no_key_then_none_is_asked_for() -> None:
    local = ProviderConfig(model="m", place=Place.LOCAL, base_url="http://127.0.0.1:1/v1")
    check_providers(LlmConfig(providers={"tiny": local}), lambda name, given: None)
    await open_client("tiny", local, lambda name, given: None).close()
