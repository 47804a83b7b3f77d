"""A real model on the CPU, through the real client and the whole ladder with its books."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fks_actors.adapters.llm.factory import OpenLadder, open_ladder
from fks_actors.llm.config import LlmConfig, Place, ProviderConfig
from fks_actors.llm.ports import Prompt
from fks_actors.model.debates import CallOutcome, Tier
from tests.integration.llm.servers import openai_body, says, serving
from tests.language_model import LanguageModel, missing, running_model
from tests.unit.llm.parts import Counts, Invalid

pytestmark = [pytest.mark.llm, pytest.mark.skipif(bool(missing()), reason=missing())]

SCHEMA = {
    "type": "object",
    "properties": {
        "strength": {"type": "number", "minimum": 0, "maximum": 1},
        "side": {"type": "string", "enum": ["buy", "sell"]},
        "claims": {"type": "array", "items": {"type": "string", "maxLength": 40}, "minItems": 1, "maxItems": 2},
    },
    "required": ["strength", "side", "claims"],
    "additionalProperties": False,
}
ASKED = Prompt(
    "case@1", "bull", Tier.CRITICAL, "You argue for buying. You answer in JSON.",
    "BTC/USDT: RSI 28, price under the lower band. How strong is the case, from 0 to 1?", SCHEMA, 80,
)  # fmt: skip


def check(text: str) -> tuple[dict[str, Any] | None, Invalid | None]:
    try:
        found = json.loads(text)
    except ValueError:
        return None, Invalid("not_json", text[-20:])
    fits = isinstance(found, dict) and set(found) == set(SCHEMA["required"]) and found["side"] in ("buy", "sell")
    return (found, None) if fits else (None, Invalid("not_the_schema", text[:40]))


def repair(text: str, invalid: Invalid) -> Prompt:
    return replace(ASKED, user=f"{ASKED.user} Your answer was wrong ({invalid.code}). Give short claims.")


def local(url: str, **more: Any) -> ProviderConfig:
    return ProviderConfig(base_url=url, model="smollm2-135m", place=Place.LOCAL, **more)


@asynccontextmanager
async def ladder(folder: Path, counts: Counts, **providers: ProviderConfig) -> AsyncIterator[OpenLadder]:
    config = LlmConfig(providers=providers, ladders={tier: tuple(providers) for tier in Tier}, deadline_s=60)
    opened = open_ladder(config, folder / "llm.db", lambda name, provider: None, counts)
    yield opened
    await opened.close()


async def test_ask_when_a_real_model_answers_then_its_json_fits_the_schema_and_comes_again_from_the_record(
    language_model: LanguageModel, tmp_path: Path
) -> None:
    counts = Counts()
    async with ladder(tmp_path, counts, tiny=local(language_model.base_url)) as held:
        answer, call = await held.ladder.ask(ASKED, check, repair, 60)
    assert answer is not None
    assert isinstance(answer["strength"], int | float)
    assert call.outcome in (CallOutcome.ANSWERED, CallOutcome.REPAIRED)
    assert call.tokens_in > 40
    assert 5 < call.tokens_out <= 80 * call.requests
    async with ladder(tmp_path, counts, tiny=local("http://127.0.0.1:9/v1")) as later:
        again, cached = await later.ladder.ask(ASKED, check, repair, 60)
        assert json.loads(await later.ladder.recall(call.key) or "") == answer
    assert (again, cached.outcome, cached.key) == (answer, CallOutcome.CACHED, call.key)


async def test_ask_when_many_ask_a_real_model_at_once_then_each_gets_its_own_answer(
    language_model: LanguageModel, tmp_path: Path
) -> None:
    counts = Counts()
    async with ladder(tmp_path, counts, tiny=local(language_model.base_url)) as held:
        asked = [replace(ASKED, user=f"{ASKED.user} Symbol number {n}.") for n in range(3)]
        ends = await asyncio.gather(*(held.ladder.ask(one, check, repair, 60) for one in asked))
    assert len({call.key for _, call in ends}) == 3
    assert {call.outcome for _, call in ends} <= {CallOutcome.ANSWERED, CallOutcome.REPAIRED, CallOutcome.INVALID}
    assert sum(answer is not None for answer, _ in ends) >= 1


async def test_ask_when_the_model_is_killed_while_it_writes_then_the_next_rung_answers_in_time(tmp_path: Path) -> None:
    counts, long = Counts(), replace(ASKED, max_tokens=4_000, schema={"type": "array", "minItems": 900,
                                                                      "items": {"type": "integer"}})  # fmt: skip
    good = '{"strength": 0.5, "side": "buy", "claims": ["a"]}'
    with running_model() as model:
        async with serving(says(openai_body(good))) as server:
            spare = ProviderConfig(base_url=f"{server.url}/v1", model="m", place=Place.VLLM)
            async with ladder(tmp_path, counts, tiny=local(model.base_url), spare=spare) as held:
                start = time.perf_counter()
                asking = asyncio.ensure_future(held.ladder.ask(long, check, repair, 20))
                await _until_busy(model)
                assert not asking.done()
                model.kill()
                answer, call = await asking
                took = time.perf_counter() - start
    assert answer == json.loads(good)
    assert (call.provider, call.requests) == ("spare", 2)
    assert "tiny: " in call.detail
    assert took < 15
    assert [(r.provider, r.outcome) for r in counts.requests] == [
        ("tiny", CallOutcome.FAILED), ("spare", CallOutcome.ANSWERED),
    ]  # fmt: skip


async def test_ask_when_the_model_freezes_then_the_next_rung_answers_within_the_deadline(tmp_path: Path) -> None:
    good = '{"strength": 0.5, "side": "buy", "claims": ["a"]}'
    with running_model() as model:
        model.freeze()
        async with serving(says(openai_body(good))) as server:
            spare = ProviderConfig(base_url=f"{server.url}/v1", model="m", place=Place.VLLM)
            async with ladder(tmp_path, Counts(), tiny=local(model.base_url), spare=spare) as held:
                start = time.perf_counter()
                answer, call = await held.ladder.ask(ASKED, check, repair, 1.0)
                took = time.perf_counter() - start
    assert answer is not None
    assert (call.provider, call.requests) == ("spare", 2)
    assert 0.45 < took < 1.0


async def _until_busy(model: LanguageModel) -> None:
    """Until the model has used processor time for a quarter of a second since it was asked."""
    import psutil

    process = psutil.Process(model.process.pid)
    begun = process.cpu_times().user
    async with asyncio.timeout(30):
        while process.cpu_times().user - begun < 0.25:  # noqa: ASYNC110 another process's progress
            await asyncio.sleep(0.02)
