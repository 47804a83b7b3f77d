"""The language models' actor: one ladder and its books for the whole desk, so that what is spent is counted once."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fks_actors.actors import names
from fks_actors.actors.model_keys import keys_under
from fks_actors.actors.presence import Presence
from fks_actors.adapters.llm.factory import open_ladder, warm
from fks_actors.llm import speaker
from fks_actors.llm.books import Requested
from fks_actors.llm.config import LlmConfig
from fks_actors.llm.ports import Prompt
from fks_actors.llm.schemas import Invalid
from fks_actors.model.debates import Brief, ModelCall, Role, Turn
from fks_actors.telemetry import Telemetry


class ModelsActor(Presence):
    """Speaks for whoever debates.

    Args:
        home: FKS_HOME, where the books and the keys lie.
    """

    def __init__(self, config: LlmConfig, home: str) -> None:
        super().__init__(names.MODELS)
        root = Path(home)
        self._config = config
        self._counts = _Counts(self.telemetry)
        self._held = open_ladder(config, root / "llm.db", keys_under(root), self._counts, _now_ms)
        self._gauge()

    async def start(self) -> None:
        """Make ready for a first question."""
        await warm(self._config)

    async def speak(self, role: Role, brief: Brief, timeout_s: float) -> Turn:
        """One turn of `role`, within `timeout_s`; without a score where no usable answer came."""
        end_s = asyncio.get_running_loop().time() + timeout_s

        async def ask(
            prompt: Prompt, check: Callable[[str], Any], repair: Callable[[str, Any], Prompt]
        ) -> tuple[Any, ModelCall]:
            def checked(text: str) -> tuple[Any, Any]:
                found = check(text)
                return (None, found) if isinstance(found, Invalid) else (found, None)

            left_s = end_s - asyncio.get_running_loop().time()
            return await self._held.ladder.ask(prompt, checked, repair, left_s)

        turn = await speaker.speak(role, brief, ask, self._config.complexity_critical)
        self._gauge()
        return turn

    async def recall(self, key: str) -> str | None:
        """The text that a model answered a question with, by its `ModelCall.key`."""
        return await self._held.ladder.recall(key)

    async def state(self) -> dict[str, Any]:
        """What is left of quotas and budgets, what was spent, and who is left alone for how long."""
        now_ms, ledger = _now_ms(), self._held.ledger
        providers = {
            name: {
                "model": rung.config.model,
                "place": rung.config.place.value,
                "quota_left": rung.quota_left(),
                "cooling_s": round(rung.cooling_s(), 1),
            }
            for name, rung in self._held.ladder.rungs.items()
        }
        agents = {
            agent: {"spent_usd": str(ledger.spent(agent, now_ms)), "left_usd": str(ledger.left(agent, now_ms))}
            for agent in ledger.agents()
        }
        return {"providers": providers, "agents": agents, "cache_hits": self._counts.hits}

    async def close(self) -> None:
        """End what runs, write what waits."""
        await self._held.close()

    def activity(self) -> str:
        """How many providers can be asked now."""
        self._gauge()  # a new day gives quota and budget back, whether anybody asks or not
        rungs = self._held.ladder.rungs.values()
        ready = sum(rung.cooling_s() == 0 for rung in rungs)
        return f"{ready} of {len(rungs)} providers can be asked"

    def _gauge(self) -> None:
        now_ms, ledger = _now_ms(), self._held.ledger
        for name, rung in self._held.ladder.rungs.items():
            if (left := rung.quota_left()) is not None:
                self.telemetry.gauge("fks_llm_quota_remaining", name).set(left)
        for agent in ledger.agents():
            self.telemetry.gauge("fks_llm_budget_remaining_usd", agent).set(float(ledger.left(agent, now_ms)))


class _Counts:
    """Implements llm.books.Watch on the process's metrics."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.hits = 0

    def requested(self, request: Requested) -> None:
        count, provider = self._telemetry.counter, request.provider
        count("fks_llm_requests_total", provider, request.tier.value, request.outcome.value).inc()
        if not request.sent:
            return
        self._telemetry.histogram("fks_llm_request_duration_seconds", provider).observe(request.seconds)
        count("fks_llm_tokens_total", provider, "in").inc(request.tokens_in)
        count("fks_llm_tokens_total", provider, "out").inc(request.tokens_out)
        count("fks_llm_cost_usd_total", provider, request.agent).inc(float(request.usd))

    def hit(self, provider: str) -> None:
        self.hits += 1
        self._telemetry.counter("fks_llm_cache_hits_total").inc()

    def invalid(self, code: str) -> None:
        self._telemetry.counter("fks_llm_invalid_answers_total", code[:40]).inc()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
