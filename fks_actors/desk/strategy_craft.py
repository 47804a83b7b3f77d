"""The craft of a user's strategy: its instances see every bar, and their answers are its ballots."""

from collections.abc import Iterator

from fks_actors.desk.mind import Craft
from fks_actors.memory.ring import Window
from fks_actors.model.candles import Candle
from fks_actors.model.votes import Ballot
from fks_actors.strategies.held import Held
from fks_actors.strategies.source import Kind
from fks_actors.strategies.watch import Watch


def strategy_craft(kind: Kind, ends_run: bool = False) -> Craft[Held]:
    """The craft of a strategy; with `ends_run`, a bar that takes it too long raises StrategyOverrun."""
    watch = Watch(kind.bar_limit_s)
    periods = {"code": kind.code, "params": repr(sorted(kind.params.items()))}
    return Craft(kind.name, kind.memory_bars, periods, lambda: Held(kind, watch, ends_run), _vote, _recall)


def _vote(held: Held, candle: Candle) -> Ballot:
    return held.ballot(candle)


def _recall(held: Held, window: Window) -> None:
    held.recall(_candles(held.symbol, window))


def _candles(symbol: str, window: Window) -> Iterator[Candle]:
    columns = (window.ts_ms, window.open, window.high, window.low, window.close, window.volume)
    for row in zip(*(column.tolist() for column in columns), strict=True):
        yield Candle(symbol, *row)
