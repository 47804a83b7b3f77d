"""The models' actor as a plain object: it speaks, counts, keeps its books, and holds its deadline."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fks_actors.actors.models import ModelsActor
from fks_actors.errors import ConfigError
from fks_actors.llm.config import LlmConfig, Place, ProviderConfig
from fks_actors.model.debates import Brief, CallOutcome, Role
from fks_actors.model.votes import Action, Verdict, Vote
from tests.integration.llm.servers import Server, openai_body, says, says_nothing, serving
from tests.language_model import LanguageModel, missing

BULL = {"cites": ["rsi"], "claims": ["The RSI is low."], "strength": 0.6}


def brief() -> Brief:
    votes = (
        Vote("short_term", "BTC/USDT", 1_714_564_800_000, Action.BUY, 0.62, "RSI 28.4 under 30", (("rsi", 28.4),)),
        Vote("mid_term", "BTC/USDT", 1_714_564_800_000, Action.SELL, 0.51, "EMA falls", (("separation", 0.6),)),
    )
    verdict = Verdict("BTC/USDT", 1_714_564_800_000, Action.HOLD, Action.BUY, 0.11, 0.5, 0.6,
                      (("debate", 0.5), ("final", 0.5)))  # fmt: skip
    return Brief("d-1", "BTC/USDT", 1_714_564_800_000, 3_600_000, Decimal("64870.12"), Decimal(900), votes, verdict)


def gpt(url: str, **more: Any) -> ProviderConfig:
    return ProviderConfig(
        base_url=url, model="gpt", place=Place.CLOUD, key_env="FKS_TEST_GPT_KEY", usd_per_million_in=Decimal("0.4"),
        usd_per_million_out=Decimal("1.6"), requests_per_day=100, **more,
    )  # fmt: skip


@asynccontextmanager
async def acting(home: Path, config: LlmConfig) -> AsyncIterator[ModelsActor]:
    actor = ModelsActor(config, str(home))
    await actor.start()
    yield actor
    await actor.close()


@asynccontextmanager
async def speaking(home: Path, server: Server) -> AsyncIterator[ModelsActor]:
    keys = home / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "gpt.key").write_text("sk-hunter2")
    (keys / "gpt.key").chmod(0o600)
    async with acting(home, LlmConfig(providers={"gpt": gpt(f"{server.url}/v1")})) as actor:
        yield actor


def test_open_when_a_key_is_missing_then_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="set FKS_TEST_GPT_KEY"):
        ModelsActor(LlmConfig(providers={"gpt": gpt("https://127.0.0.1:1/v1")}), str(tmp_path))


async def test_state_when_nothing_was_asked_then_all_is_left(tmp_path: Path) -> None:
    async with serving(says({})) as server, speaking(tmp_path, server) as actor:
        assert await actor.state() == {
            "providers": {"gpt": {"model": "gpt", "place": "cloud", "quota_left": 100, "cooling_s": 0.0}},
            "agents": {}, "cache_hits": 0,
        }  # fmt: skip
        assert actor.activity() == "1 of 1 providers can be asked"
        assert ("fks_llm_quota_remaining", "fks_llm_quota_remaining", (("provider", "gpt"),), 100.0) in (
            await actor.report()
        ).samples


async def test_speak_when_a_model_answers_then_a_turn_its_cost_the_metrics_and_the_record(tmp_path: Path) -> None:
    async with serving(says(openai_body(json.dumps(BULL), 500, 100))) as server, speaking(tmp_path, server) as actor:
        turn = await actor.speak(Role.BULL, brief(), 2.0)
        again = await actor.speak(Role.BULL, brief(), 2.0)
        samples = {(s[1], s[2]): s[3] for s in actor.telemetry.snapshot()}
        state = await actor.state()
        assert json.loads(await actor.recall(turn.call.key) or "") == BULL
    assert (turn.score, turn.cites, turn.call.outcome) == (0.6, ("rsi",), CallOutcome.ANSWERED)
    assert turn.call.cost_usd == Decimal("0.00036")
    assert (again.score, again.call.outcome, again.call.cost_usd) == (0.6, CallOutcome.CACHED, 0)
    assert server.headers[0]["Authorization"] == "Bearer sk-hunter2"
    assert (state["agents"]["bull"]["spent_usd"], state["cache_hits"]) == ("0.000360000", 1)
    provider = ("provider", "gpt")
    requests = tuple(sorted([provider, ("tier", turn.call.tier.value), ("outcome", "answered")]))
    assert samples["fks_llm_requests_total", requests] == 1
    assert samples["fks_llm_tokens_total", (("direction", "in"), provider)] == 500
    assert samples["fks_llm_tokens_total", (("direction", "out"), provider)] == 100
    assert samples["fks_llm_cost_usd_total", (("agent", "bull"), provider)] == pytest.approx(0.00036)
    assert samples["fks_llm_cache_hits_total", ()] == 1
    assert samples["fks_llm_quota_remaining", (provider,)] == 99
    assert samples["fks_llm_budget_remaining_usd", (("agent", "bull"),)] == pytest.approx(0.99964)
    assert samples["fks_llm_request_duration_seconds_count", (provider,)] == 1


async def test_speak_when_the_answer_says_what_the_brief_does_not_hold_then_an_abstention_and_its_code(
    tmp_path: Path,
) -> None:
    lies = json.dumps({**BULL, "claims": ["The price will reach 99999."]})
    async with serving(says(openai_body(lies))) as server, speaking(tmp_path, server) as actor:
        turn = await actor.speak(Role.BULL, brief(), 2.0)
        codes = {s[2]: s[3] for s in actor.telemetry.snapshot() if s[1] == "fks_llm_invalid_answers_total"}
    assert (turn.score, turn.call.outcome, turn.call.requests) == (None, CallOutcome.INVALID, 2)
    assert codes == {(("code", "unknown_number"),): 2}


async def test_speak_when_nobody_can_be_asked_then_the_rules_speak(tmp_path: Path) -> None:
    async with serving(says({"error": {}}, 503)) as server, speaking(tmp_path, server) as actor:
        turn = await actor.speak(Role.BULL, brief(), 2.0)
        assert actor.activity() == "0 of 1 providers can be asked"
    assert turn.call.outcome is CallOutcome.RULES
    assert turn.score is not None


async def test_speak_when_a_model_is_silent_then_an_abstention_in_time(tmp_path: Path) -> None:
    async with serving(says_nothing) as server, speaking(tmp_path, server) as actor:
        start = time.perf_counter()
        turns = await asyncio.gather(*(actor.speak(role, brief(), 0.4) for role in Role))
        took = time.perf_counter() - start
    assert [(turn.score, turn.call.outcome) for turn in turns] == [(None, CallOutcome.LATE)] * 3
    assert took < 0.6


@pytest.mark.llm
@pytest.mark.skipif(bool(missing()), reason=missing())
async def test_speak_when_a_real_model_is_asked_then_every_role_ends_in_a_turn(
    language_model: LanguageModel, tmp_path: Path
) -> None:
    tiny = ProviderConfig(base_url=language_model.base_url, model=language_model.model, place=Place.LOCAL)
    async with acting(tmp_path, LlmConfig(providers={"tiny": tiny}, deadline_s=120)) as actor:
        for role in Role:
            turn = await actor.speak(role, brief(), 120.0)
            assert turn.call.provider == "tiny"
            assert turn.call.tokens_out > 10
            assert turn.call.outcome in (CallOutcome.ANSWERED, CallOutcome.REPAIRED, CallOutcome.INVALID)
            assert (turn.score is None) == (turn.call.outcome is CallOutcome.INVALID)
