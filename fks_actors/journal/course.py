"""What the desk took in, in the order in which it did: read back from its journal by whoever follows it from afar."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import RunRecord, Signal


@dataclass(frozen=True, slots=True)
class Traded:
    """A batch that the desk decided on. `seq` is its place in the journal; `learnt`: bars before it, since the batch
    before, which the desk only took note of; `before` is the desk's equity at the last instant before the close, which
    changes no more once the batch is recorded; None where there is none."""

    seq: int
    batch: BarBatch
    learnt: tuple[BarBatch, ...] = ()
    before: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A signal that the desk took up, and the desk's time then."""

    seq: int
    signal: Signal
    ts_ms: int


Taken = Traded | Heard


class Course(Protocol):
    """The journal, followed. Every method raises JournalError where the database cannot be read."""

    def run_at(self, run_id: str = "") -> tuple[int, RunRecord] | None:
        """The place of a run's begin (the newest's where none is named) and its record; None where there is none."""
        ...

    def start(self, after_seq: int) -> None:
        """Follow from behind a place on."""
        ...

    def next(self, limit: int) -> list[Taken]:
        """What follows, oldest first: the decisions on about `limit` bars and all signals between; moves on."""
        ...

    def equity_before(self, ts_ms: int) -> Decimal | None:
        """The desk's last equity before an instant (UTC ms), None where there is none."""
        ...

    def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last bars before an instant, oldest first."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def merged_bars(candles: Sequence[Candle], interval_ms: int) -> tuple[BarBatch, ...]:
    """Bars of several symbols as batches, ascending."""
    times: dict[int, list[Candle]] = {}
    for candle in candles:
        times.setdefault(candle.ts_ms, []).append(candle)
    return tuple(BarBatch(ts_ms, interval_ms, tuple(times[ts_ms])) for ts_ms in sorted(times))
