"""One provider on the ladder: quota, budget, then one request with what time there is, then the settlement.

Nothing that costs is sent before its worst case is on the disk. A request that is late is cancelled, and nobody waits
for its end but `close`.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from fks_actors.errors import JournalError, ModelUnavailable
from fks_actors.llm.books import Books, Requested, Watch
from fks_actors.llm.budget import Ledger, OverBudget, Reservation, likely_tokens, most_tokens, price
from fks_actors.llm.config import ProviderConfig
from fks_actors.llm.cooldown import Cooldown
from fks_actors.llm.ports import Completion, ModelClient, Prompt
from fks_actors.llm.quota import Exhausted, Limits, Usage, admit, correct, today
from fks_actors.model.debates import CallOutcome

_log = logging.getLogger(__name__)
_FAIR_S = 0.2
"""A provider that had less time than this is not to blame for being late."""
_LEAST_S = 0.01
"""With less time than this nothing is sent."""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What all rungs share. `now_ms` is the wall clock; `new_id` never gives an id twice, across restarts too."""

    ledger: Ledger
    books: Books
    watch: Watch
    now_ms: Callable[[], int]
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider wrote, and its price."""

    completion: Completion
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a provider wrote nothing. `usd` counts as spent where nobody knows what became of the request."""

    outcome: CallOutcome
    detail: str
    sent: bool = False
    usd: Decimal = ZERO


class Rung:
    """A provider, its client, and what it may be asked.

    Args:
        usage: what of the quota was used before this process began.
    """

    def __init__(
        self, name: str, config: ProviderConfig, client: ModelClient, accounts: Accounts, usage: Usage | None = None
    ) -> None:
        self.name = name
        self.config = config
        self._client = client
        self._accounts = accounts
        self._limits = Limits.of(config)
        self._usage = usage or Usage()
        self._cooldown = Cooldown()
        self._slots = asyncio.Semaphore(config.max_concurrent)
        self._running: set[asyncio.Task[Completion]] = set()
        self._unwritten = False

    def cooling_s(self) -> float:
        """For how long it is left alone."""
        return self._cooldown.left_s(asyncio.get_running_loop().time())

    def is_open(self, prompt: Prompt, share: float) -> bool:
        """Whether it could be asked this now: it is not left alone, and quota and budget allow it."""
        now_ms = self._accounts.now_ms()
        if self.cooling_s() > 0:
            return False
        if isinstance(admit(self._usage, self._limits, likely_tokens(prompt), now_ms, share), Exhausted):
            return False
        worst = price(self.config, *most_tokens(prompt)) if self.config.is_paid else ZERO
        return worst <= self._accounts.ledger.left(prompt.agent, now_ms)

    def quota_left(self) -> int | None:
        """Requests that remain today; None where the day has no limit."""
        if not self._limits.requests_per_day:
            return None
        return max(0, self._limits.requests_per_day - today(self._usage, self._limits, self._accounts.now_ms()))

    async def request(self, prompt: Prompt, share: float, until_s: float) -> Reply | Miss:
        """Ask once.

        Args:
            share: the part of the day's quota that this question may draw on.
            until_s: the event loop's time at which an answer is late.
        """
        start_s = asyncio.get_running_loop().time()
        result = await self._request(prompt, share, until_s)
        agent, tier = prompt.agent, prompt.tier
        seconds = asyncio.get_running_loop().time() - start_s
        if isinstance(result, Miss):
            told = Requested(agent, self.name, tier, result.outcome, result.sent, seconds, usd=result.usd)
        else:
            done = result.completion
            told = Requested(agent, self.name, tier, CallOutcome.ANSWERED, True, seconds, done.tokens_in,
                             done.tokens_out, result.usd)  # fmt: skip
        self._accounts.watch.requested(told)
        return result

    async def close(self) -> None:
        """End what still runs and let go of connections."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._client.close()

    async def _request(self, prompt: Prompt, share: float, until_s: float) -> Reply | Miss:
        if (wait_s := self.cooling_s()) > 0:
            return Miss(CallOutcome.FAILED, f"left alone for {wait_s:.1f} s more")
        try:
            async with asyncio.timeout_at(until_s):
                await self._slots.acquire()
        except TimeoutError:
            return Miss(CallOutcome.LATE, "too many requests at once")
        try:
            return await self._admitted(prompt, share, until_s)
        finally:
            self._slots.release()

    async def _admitted(self, prompt: Prompt, share: float, until_s: float) -> Reply | Miss:
        expected, now_ms = likely_tokens(prompt), self._accounts.now_ms()
        usage = admit(self._usage, self._limits, expected, now_ms, share)
        if isinstance(usage, Exhausted):
            return Miss(CallOutcome.NO_QUOTA, f"{usage.limit} is used up for {usage.wait_ms / 1_000:.0f} s")
        reservation = self._reserve(prompt, now_ms)
        if isinstance(reservation, OverBudget):
            detail = f"{reservation.agent} has {reservation.left} USD left today, it might cost {reservation.asked}"
            return Miss(CallOutcome.NO_BUDGET, detail)
        self._usage = usage
        usd: Decimal | None = None
        try:
            result, usd = await self._sent(prompt, reservation, until_s)
        finally:
            if reservation is not None:
                self._close(reservation, usd)
        if isinstance(result, Completion):
            used = result.tokens_in + result.tokens_out
            self._usage = correct(self._usage, expected, used or expected, self._accounts.now_ms())
            return Reply(result, self._charged(reservation, usd))
        return replace(result, usd=self._charged(reservation, usd))

    def _reserve(self, prompt: Prompt, now_ms: int) -> Reservation | OverBudget | None:
        if not self.config.is_paid:
            return None
        worst = price(self.config, *most_tokens(prompt))
        return self._accounts.ledger.reserve(self._accounts.new_id(), prompt.agent, self.name, worst, now_ms)

    async def _sent(
        self, prompt: Prompt, reservation: Reservation | None, until_s: float
    ) -> tuple[Completion | Miss, Decimal | None]:
        """(what came, what it cost: None where nobody knows)."""
        if (miss := await self._unbooked(reservation, until_s)) is not None:
            return miss, ZERO
        loop = asyncio.get_running_loop()
        given_s = until_s - loop.time()
        if given_s < _LEAST_S:
            return Miss(CallOutcome.LATE, "no time was left"), ZERO
        task = loop.create_task(self._client.complete(prompt))
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            await asyncio.wait({task}, timeout=given_s)
            is_late = not task.done()
        finally:
            task.cancel()
        if is_late:
            if given_s >= _FAIR_S:
                self._cooldown.failed(0.0, loop.time())
            return Miss(CallOutcome.LATE, f"no answer within {given_s:.2f} s", sent=True), None
        if (error := task.exception()) is not None:
            return self._failed(error, loop.time())
        self._cooldown.worked()
        done = task.result()
        known = done.tokens_in > 0 and (done.tokens_out > 0 or not done.text)
        return done, price(self.config, done.tokens_in, done.tokens_out) if known else None

    async def _unbooked(self, reservation: Reservation | None, until_s: float) -> Miss | None:
        """Book the request, where there is anything to count; a miss where it must not be sent."""
        if reservation is None and not self._limits.are_any:
            return None
        try:
            async with asyncio.timeout_at(until_s):
                await self._accounts.books.begin(reservation, self.name, self._usage)
        except TimeoutError:
            return Miss(CallOutcome.LATE, "the books were not written in time")
        except JournalError as error:
            if not self._unwritten:
                _log.warning("requests to language models are not booked: %s", error)
            self._unwritten = True
            return Miss(CallOutcome.NO_BUDGET, f"the books cannot be written: {error}") if reservation else None
        self._unwritten = False
        return None

    def _failed(self, error: BaseException, now_s: float) -> tuple[Miss, Decimal | None]:
        if isinstance(error, ModelUnavailable):
            self._cooldown.failed(error.retry_after_s, now_s)
            return Miss(CallOutcome.FAILED, error.message, sent=True), ZERO if error.refused else None
        _log.error("the client of %s failed", self.name, exc_info=error)
        self._cooldown.failed(0.0, now_s)
        return Miss(CallOutcome.FAILED, f"its client failed: {type(error).__name__}", sent=True), None

    def _close(self, reservation: Reservation, usd: Decimal | None) -> None:
        ledger = self._accounts.ledger
        if usd is None:
            ledger.keep(reservation)
            return
        if not ledger.settle(reservation, usd):
            _log.warning("%s cost %s USD, more than its worst case of %s: %s buys nothing more today",
                         self.name, usd, reservation.usd, reservation.agent)  # fmt: skip
        self._accounts.books.settle(replace(reservation, paid=usd))

    def _charged(self, reservation: Reservation | None, usd: Decimal | None) -> Decimal:
        if reservation is None:
            return ZERO
        return reservation.usd if usd is None else usd

    def _ended(self, task: asyncio.Task[Completion]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # it was looked at, or nobody waits for it any more
