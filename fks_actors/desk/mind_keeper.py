"""Keeps a mind at the place in history that the desk names, whatever happened to its process.

The indicators are checkpointed every 256 bars of a symbol (in the commit of that bar); the memory is what the
journal holds of the candles. A mind that is behind, ahead or empty is rebuilt from both and continues to the last digit
as if undisturbed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from fks_actors.desk.config import mind_owner
from fks_actors.desk.mind import BarMind
from fks_actors.errors import DataError
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import Snapshot, SnapshotAt
from fks_actors.model.votes import Ballot

CHECKPOINT_BARS = 256
"""How many bars of a symbol lie between two checkpoints."""


class History(Protocol):
    """What the keeper reads of the journal."""

    async def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot of `owner`."""
        ...

    async def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last bars before an instant, oldest first."""
        ...


Answer = tuple[tuple[Ballot, ...], tuple[Snapshot, ...]]

T = TypeVar("T")


class Run(Protocol):
    """Where the mind works: `at_once`, or `asyncio.to_thread` for one that thinks long. One call at a time."""

    async def __call__(self, call: Callable[..., T], /, *args: object) -> T:
        """Run the call."""
        ...


async def at_once(call: Callable[..., T], /, *args: object) -> T:
    """Run the call here and now."""
    return call(*args)


class MindKeeper:
    """One mind and the journal that it is rebuilt from; `run` says where the mind works."""

    def __init__(self, agent: str, mind: BarMind, history: History, run: Run = at_once) -> None:
        self._agent = agent
        self._mind = mind
        self._history = history
        self._run = run
        self._answered: tuple[BarBatch, Answer] | None = None

    async def ask(self, batch: BarBatch, previous_ms: Mapping[str, int]) -> Answer:
        """Observe the batch and vote; the same batch again is answered from memory.

        Raises:
            DataError: this mind knows not all bars up to `previous_ms`, and neither does the journal: a vote over a
                hole would be another one.
        """
        if self._answered is not None and self._answered[0] == batch:
            return self._answered[1]
        for candle in batch.candles:
            await self._stand_at(candle.symbol, previous_ms.get(candle.symbol))
        ballots = await self._run(self._mind.ask, batch)
        answer = ballots, tuple(s for c in batch.candles if (s := self._checkpoint(c.symbol)))
        self._answered = batch, answer
        return answer

    async def ask_ahead(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> list[Answer]:
        """Answers to several batches in turn, each from the bars up to its own and no later one."""
        answers = []
        seen = dict(previous_ms)
        for batch in batches:
            answers.append(await self.ask(batch, seen))
            seen.update((candle.symbol, candle.ts_ms) for candle in batch.candles)
        return answers

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Observe history without a vote; return the last checkpoint of each symbol."""
        symbols = {candle.symbol for batch in batches for candle in batch.candles}
        for symbol in sorted(symbols):
            await self._stand_at(symbol, previous_ms.get(symbol))
        last: dict[str, Snapshot] = {}
        for batch in batches:
            for candle in batch.candles:
                await self._run(self._mind.observe, candle)
                if taken := self._checkpoint(candle.symbol):
                    last[candle.symbol] = taken
        return tuple(last.values())

    def _checkpoint(self, symbol: str) -> Snapshot | None:
        bars = self._mind.bars(symbol)
        if bars == 0 or bars % CHECKPOINT_BARS:
            return None
        return Snapshot(mind_owner(self._agent, symbol), self._mind.state(symbol))

    async def _stand_at(self, symbol: str, wanted_ms: int | None) -> None:
        if self._mind.last_ms(symbol) == wanted_ms:
            return
        self._mind.forget(symbol)
        if wanted_ms is None:
            return
        held = await self._history.snapshot(mind_owner(self._agent, symbol))
        candles = await self._history.candles(symbol, wanted_ms + 1, self._mind.capacity + CHECKPOINT_BARS)
        if held.payload:
            await self._run(self._mind.restore, symbol, held.payload, candles)
        last_ms = self._mind.last_ms(symbol)
        for candle in candles:
            if last_ms is None or candle.ts_ms > last_ms:
                await self._run(self._mind.observe, candle)
        if (stands := self._mind.last_ms(symbol)) != wanted_ms:
            self._mind.forget(symbol)
            raise DataError(f"{symbol}: the bar {wanted_ms} is not recorded, the journal's last before it is {stands}")
