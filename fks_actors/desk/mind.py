"""One mind of bars over many symbols: bars in, ballots out. What kind of mind it is says its `Craft`.

Its state is a pure function of the bars it observed, and a bar counts once: asked again about its last bar it answers
the same ballot, so a caller that lost the reply may ask again. A snapshot and the bars after it continue bit for bit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from fks_actors.errors import DataError, MindAhead
from fks_actors.market.quality import usable
from fks_actors.memory.ring import CandleRing, Window
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.votes import Abstain, AbstainReason, Ballot


class Features(Protocol):
    """What a mind makes of the bars of one symbol."""

    bars: int
    """Bars observed since the beginning."""

    @property
    def required(self) -> int:
        """How many bars it takes before it can vote."""
        ...

    @property
    def warm(self) -> bool:
        """Whether it can vote."""
        ...

    def update(self, candle: Candle) -> None:
        """Take in the next closed bar; its figures are usable."""
        ...

    def state(self) -> dict[str, Any]:
        """What the next votes depend on, JSON-able."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Continue bit for bit from `state()` of one with the same periods."""
        ...


F = TypeVar("F", bound=Features)


@dataclass(frozen=True, slots=True)
class Craft(Generic[F]):
    """A kind of mind.

    `capacity`: how many bars it needs to see again to be rebuilt. `periods`: what its features' state depends on;
    another value makes a snapshot useless. `blank` makes features; `vote` judges warm ones, as of the bar that they
    saw last, or abstains where it cannot. `recall` hands restored features the bars that the ring holds, for those that
    look at more of them than their state keeps.
    """

    agent: str
    capacity: int
    periods: Mapping[str, Any]
    blank: Callable[[], F]
    vote: Callable[[F, Candle], Ballot]
    recall: Callable[[F, Window], None] | None = None


@dataclass(slots=True)
class _Memory:
    ring: CandleRing
    features: Features
    ballot: Ballot | None = None


class BarMind:
    """A mind of the given craft.

    Args:
        craft: what it remembers and how it votes.
    """

    def __init__(self, craft: Craft[Any]) -> None:
        self._craft = craft
        self._periods = dict(craft.periods)
        self._symbols: dict[str, _Memory] = {}

    @property
    def craft(self) -> Craft[Any]:
        """What kind of mind it is."""
        return self._craft

    @property
    def agent(self) -> str:
        """Under which name it votes."""
        return self._craft.agent

    def observe(self, candle: Candle) -> bool:
        """Take in a closed bar; False where it was not: unusable figures, or the bar seen last.

        Raises:
            MindAhead: a later bar was seen.
        """
        last_ms = self.last_ms(candle.symbol)
        if last_ms is not None and candle.ts_ms <= last_ms:
            if candle.ts_ms < last_ms:
                raise MindAhead(candle.symbol, candle.ts_ms, last_ms)
            return False
        if not usable(candle):
            return False
        held = self._symbols.get(candle.symbol)
        if held is None:
            held = self._symbols[candle.symbol] = self._blank()
        held.ring.append(candle)
        held.features.update(candle)
        held.ballot = None
        return True

    def ask(self, batch: BarBatch) -> tuple[Ballot, ...]:
        """Observe the batch, then give one ballot for each of its candles, in their order.

        Abstains with WARMING_UP while there are too few bars, with BAD_DATA on a candle with unusable figures.

        Raises:
            MindAhead: a later bar of some symbol was seen; nothing of the batch was observed.
        """
        for candle in batch.candles:
            last_ms = self.last_ms(candle.symbol)
            if last_ms is not None and candle.ts_ms < last_ms:
                raise MindAhead(candle.symbol, candle.ts_ms, last_ms)
        return tuple(self._answer(candle) for candle in batch.candles)

    def bars(self, symbol: str) -> int:
        """How many bars of `symbol` were observed since its beginning (the ring may hold fewer)."""
        held = self._symbols.get(symbol)
        return held.features.bars if held else 0

    def last_ms(self, symbol: str) -> int | None:
        """Open of the last bar of `symbol` that was observed."""
        held = self._symbols.get(symbol)
        return held.ring.last_ts if held else None

    @property
    def capacity(self) -> int:
        """How many bars a symbol's ring keeps."""
        return self._craft.capacity

    def forget(self, symbol: str) -> None:
        """Drop everything held of `symbol`, as if it had never been observed."""
        self._symbols.pop(symbol, None)

    def window(self, symbol: str, n: int) -> Window:
        """The last `n` bars of `symbol`, or all where fewer are kept; valid until the next bar."""
        held = self._symbols.get(symbol)
        return (held.ring if held else CandleRing(1)).last(n)

    def state(self, symbol: str) -> bytes:
        """A snapshot of `symbol` without its candles, JSON; under 1 KiB (LONG some 5, 20 in a long fall; forecasts 8;
        ASMBTR 36 bytes a state that it observed).

        Raises:
            DataError: no bar of `symbol` was observed.
        """
        held = self._symbols.get(symbol)
        if held is None:
            raise DataError(f"{self.agent} has seen no bar of {symbol}: there is nothing to snapshot")
        kept = {"periods": self._periods, "last_ms": held.ring.last_ts, "features": held.features.state()}
        return msgspec.json.encode(kept)

    def restore(self, symbol: str, payload: bytes, candles: Sequence[Candle]) -> bool:
        """Continue `symbol` from a snapshot, replacing what is held of it.

        Args:
            symbol: whose snapshot.
            payload: what `state` gave.
            candles: the bars up to the snapshot's, oldest first, as many as the ring keeps; later ones are ignored.

        Returns:
            True: continues bit for bit. False: the snapshot was made with other periods, so the indicators were
            computed afresh from all of `candles`.

        Raises:
            DataError: the payload is no snapshot, or `candles` does not end with the snapshot's bar.
        """
        try:
            kept = msgspec.json.decode(payload)
            same, last_ms = bool(kept["periods"] == self._periods), int(kept["last_ms"])
            held = self._blank()
            if same:
                held.features.restore(kept["features"])
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise DataError(f"the snapshot of {self.agent} for {symbol} cannot be read: {error}") from error
        known = [candle for candle in candles if usable(candle) and (not same or candle.ts_ms <= last_ms)]
        if same and (not known or known[-1].ts_ms != last_ms):
            raise DataError(f"the candles given for {symbol} do not end with the snapshot's bar {last_ms}")
        held.ring.extend(known)
        if not same:
            for candle in known:
                held.features.update(candle)
        elif self._craft.recall is not None:
            self._craft.recall(held.features, held.ring.last(self._craft.capacity))
        self.forget(symbol)
        if known:
            self._symbols[symbol] = held
        return same

    def _answer(self, candle: Candle) -> Ballot:
        if not self.observe(candle) and self.last_ms(candle.symbol) != candle.ts_ms:
            bad = f"{candle.open!r} {candle.high!r} {candle.low!r} {candle.close!r} {candle.volume!r}"
            return Abstain(self.agent, candle.symbol, candle.ts_ms, AbstainReason.BAD_DATA, bad)
        held = self._symbols[candle.symbol]
        if held.ballot is None:
            held.ballot = self._ballot(candle, held.features)
        return held.ballot

    def _ballot(self, candle: Candle, features: Features) -> Ballot:
        if not features.warm:
            seen = f"{features.bars} of {features.required} bars"
            return Abstain(self.agent, candle.symbol, candle.ts_ms, AbstainReason.WARMING_UP, seen)
        return self._craft.vote(features, candle)

    def _blank(self) -> _Memory:
        return _Memory(CandleRing(self._craft.capacity), self._craft.blank())
