"""Who is asked: the providers of a tier in turn, until one gives a usable answer or the time is up.

Of what remains of the deadline a provider gets `rung_share` (half) while another one after it could be asked now, and
all of it where none could: one that is left alone after a failure (`cooldown`), or without quota or budget, counts as
none. So a provider that hangs leaves time for the next, and a fast failure leaves it nearly all. Whatever happens,
`ask` returns by the deadline: an answer that came later is none.

A rung is: its cached answer, else quota, budget, one request, the check, and for an answer that is rejected one more
request that says what was wrong. That is the only repair of a question; an answer rejected again ends it. Where no
model could be asked and the ladder ends in the rules, the outcome is RULES: the asker answers by them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, TypeVar

from fks_actors.errors import JournalError
from fks_actors.llm.cache import AnswerCache, Remembered, cache_key
from fks_actors.llm.config import LlmConfig, Place
from fks_actors.llm.ports import Prompt
from fks_actors.llm.rung import Accounts, Miss, Reply, Rung
from fks_actors.model.debates import CallOutcome, ModelCall, Tier

_log = logging.getLogger(__name__)
_DETAIL_CHARS = 300
_LOGGED_CHARS = 200


class Flaw(Protocol):
    """Why an answer is rejected: `code` is one of few, `detail` is for people and for the repair."""

    @property
    def code(self) -> str:
        """Which rule."""
        ...

    @property
    def detail(self) -> str:
        """What broke it."""
        ...


A = TypeVar("A")
F = TypeVar("F", bound=Flaw)
Checked = tuple[A | None, F | None]
"""(the answer, None) or (None, what is wrong with it)."""


class Ladder:
    """Asks; keeps the answers and the accounts.

    Args:
        rungs: the providers by name.
    """

    def __init__(self, config: LlmConfig, rungs: Mapping[str, Rung], accounts: Accounts) -> None:
        self._config = config
        self._rungs = rungs
        self._accounts = accounts
        self._cache = AnswerCache(config.cache_size, config.near_threshold if config.near_duplicates else None)

    @property
    def rungs(self) -> Mapping[str, Rung]:
        """The providers by name."""
        return self._rungs

    async def ask(
        self,
        prompt: Prompt,
        check: Callable[[str], Checked[A, F]],
        repair: Callable[[str, F], Prompt],
        deadline_s: float | None = None,
    ) -> tuple[A | None, ModelCall]:
        """The first usable answer of the prompt's tier, and what became of the question.

        Args:
            check: reads an answer's text; pure and quick.
            repair: the prompt that says what was wrong with an answer.
            deadline_s: seconds from now; None for the configured ones, and never more than those.
        """
        loop = asyncio.get_running_loop()
        most_s = self._config.deadline_s
        start_s = loop.time()
        asked = _Asked(prompt, start_s, start_s + (most_s if deadline_s is None else min(deadline_s, most_s)))
        rungs = [self._rungs[name] for name in self._config.ladder(prompt.tier) if name in self._rungs]
        for at, rung in enumerate(rungs):
            if loop.time() >= asked.end_s:
                asked.misses.append((CallOutcome.LATE, "no time was left"))
                break
            answer, outcome = await self._climb(asked, rung, rungs[at + 1 :], check, repair)
            if answer is not None and loop.time() > asked.end_s and outcome is not CallOutcome.CACHED:
                answer, outcome = None, CallOutcome.LATE
            if outcome is not None:
                return answer, asked.call(outcome, loop.time())
        outcome = asked.miss() if rungs else CallOutcome.NO_PROVIDER
        if self._config.ends_in_rules(prompt.tier) and outcome not in (CallOutcome.LATE, CallOutcome.INVALID):
            outcome = CallOutcome.RULES
        return None, asked.call(outcome, loop.time())

    async def recall(self, key: str) -> str | None:
        """The text of an answer that was given before, for a replay.

        Raises:
            JournalError: the store cannot be read.
        """
        found = self._cache.find(key) or await self._accounts.books.recall(key)
        return found.text if found else None

    async def close(self) -> None:
        """End what still runs; let go of connections."""
        for rung in self._rungs.values():
            await rung.close()

    async def _climb(
        self,
        asked: "_Asked",
        rung: Rung,
        others: Sequence[Rung],
        check: Callable[[str], Checked[A, F]],
        repair: Callable[[str, F], Prompt],
    ) -> tuple[A | None, CallOutcome | None]:
        """One rung. (answer, outcome); an outcome of None: ask the next one."""
        prompt = asked.prompt
        key = cache_key(rung.name, rung.config.model, prompt)
        asked.turn_to(rung, key)
        found = await self._remembered(asked, rung, key, others, check)
        if found is not None:
            asked.key = found[1]
            self._accounts.watch.hit(rung.name)
            return found[0], CallOutcome.CACHED
        reply = await self._request(asked, rung, prompt, others)
        if reply is None:
            return None, None
        answer, flaw = check(reply.completion.text)
        outcome = CallOutcome.ANSWERED
        if flaw is not None:
            self._rejected(rung, prompt, flaw, reply)
            asked.misses.append((CallOutcome.INVALID, f"{rung.name}: {flaw.code}"))
            if asked.repaired:
                return None, CallOutcome.INVALID
            asked.repaired = True
            reply = await self._request(asked, rung, repair(reply.completion.text, flaw), others)
            if reply is None:
                return None, None
            answer, flaw = check(reply.completion.text)
            outcome = CallOutcome.REPAIRED
            if flaw is not None:
                self._rejected(rung, prompt, flaw, reply)
                asked.misses.append((CallOutcome.INVALID, f"{rung.name}: {flaw.code} again"))
                return None, CallOutcome.INVALID
        self._remember(rung, prompt, key, reply)
        return answer, outcome

    async def _request(self, asked: "_Asked", rung: Rung, prompt: Prompt, others: Sequence[Rung]) -> Reply | None:
        result = await rung.request(prompt, self._quota_share(prompt, rung), self._until_s(asked, others))
        asked.count(rung, result)
        return result if isinstance(result, Reply) else None

    def _quota_share(self, prompt: Prompt, rung: Rung) -> float:
        is_offloaded = prompt.tier is Tier.ROUTINE and rung.config.place is Place.CLOUD
        return self._config.offload_below if is_offloaded else 1.0

    def _until_s(self, asked: "_Asked", others: Sequence[Rung]) -> float:
        if not any(other.is_open(asked.prompt, self._quota_share(asked.prompt, other)) for other in others):
            return asked.end_s
        now_s = asyncio.get_running_loop().time()
        return now_s + self._config.rung_share * max(0.0, asked.end_s - now_s)

    async def _remembered(
        self, asked: "_Asked", rung: Rung, key: str, others: Sequence[Rung], check: Callable[[str], Checked[A, F]]
    ) -> tuple[A, str] | None:
        """(answer, its key) where this provider answered the question before and the answer still passes."""
        if not self._config.cache:
            return None
        prompt = asked.prompt
        found = self._cache.find(key) or self._cache.find_near(rung.name, rung.config.model, prompt)
        if found is None:
            try:
                async with asyncio.timeout_at(self._until_s(asked, others)):
                    found = await self._accounts.books.recall(key)
            except (JournalError, TimeoutError) as error:
                _log.warning("answers of before cannot be read: %s", error or "too slow")
            if found is None:
                return None
            self._cache.put(found, prompt)
        answer, _ = check(found.text)
        return None if answer is None else (answer, found.key)

    def _remember(self, rung: Rung, prompt: Prompt, key: str, reply: Reply) -> None:
        answer = Remembered(key, rung.name, rung.config.model, prompt.name, reply.completion.text)
        self._cache.put(answer, prompt)
        self._accounts.books.remember(answer, self._accounts.now_ms())

    def _rejected(self, rung: Rung, prompt: Prompt, flaw: Flaw, reply: Reply) -> None:
        self._accounts.watch.invalid(flaw.code)
        text = reply.completion.text
        _log.warning("answer of %s to %s rejected: %s: %.200r; %d characters: %r", rung.name, prompt.name, flaw.code,
                     flaw.detail, len(text), text[:_LOGGED_CHARS])  # fmt: skip


@dataclass(slots=True)
class _Asked:
    """A question on its way up. `misses`: what every rung came to."""

    prompt: Prompt
    start_s: float
    end_s: float
    provider: str = ""
    model: str = ""
    key: str = ""
    repaired: bool = False
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: Decimal = Decimal(0)
    misses: list[tuple[CallOutcome, str]] = field(default_factory=list)

    def turn_to(self, rung: Rung, key: str) -> None:
        self.provider, self.model, self.key = rung.name, rung.config.model, key

    def count(self, rung: Rung, result: Reply | Miss) -> None:
        self.usd += result.usd
        if isinstance(result, Miss):
            self.requests += result.sent
            self.misses.append((result.outcome, f"{rung.name}: {result.detail}"))
            return
        self.requests += 1
        self.tokens_in += result.completion.tokens_in
        self.tokens_out += result.completion.tokens_out

    def miss(self) -> CallOutcome:
        """Why nobody answered, the gravest first."""
        order = (CallOutcome.LATE, CallOutcome.INVALID, CallOutcome.FAILED, CallOutcome.NO_BUDGET, CallOutcome.NO_QUOTA)
        seen = {outcome for outcome, _ in self.misses}
        return next(outcome for outcome in order if outcome in seen)

    def call(self, outcome: CallOutcome, now_s: float) -> ModelCall:
        detail = "; ".join(text for _, text in self.misses)[:_DETAIL_CHARS]
        printable = "".join(c if c.isprintable() else "?" for c in detail)
        latency_ms = round((now_s - self.start_s) * 1_000)
        return ModelCall(
            self.prompt.agent, self.prompt.name, self.prompt.tier, outcome, self.provider, self.model, self.key,
            self.requests, self.tokens_in, self.tokens_out, self.usd, latency_ms, printable,
        )  # fmt: skip
