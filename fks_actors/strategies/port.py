"""What a strategy is: a class with `on_bar`. One instance a symbol, the same live, on paper and in a backtest.

It is shown each closed bar of its symbol once, oldest first, and answers what it wants as of that bar's close. It is
handed nothing else: not the account, not the clock, not a later bar. So what it answers is a function of the bars it
was shown, as long as it keeps what it knows in `self`, and reads no clock, file, network or chance.
"""

from typing import Protocol

import msgspec

from fks_actors.model.candles import Candle
from fks_actors.model.votes import Action

__all__ = ["Action", "Answer", "Candle", "Opinion", "Strategy"]


class Opinion(msgspec.Struct, frozen=True, gc=False):
    """A vote: what to do, how sure (0..1), and why, for people."""

    action: Action
    confidence: float = 1.0
    reason: str = ""


Answer = float | Opinion | None
"""The share of equity, 0..1, that is wanted in the symbol; or a vote; or None: no opinion yet."""


class Strategy(Protocol):
    """What a user writes; nothing has to be inherited.

    The constructor's arguments are the strategy's parameters. These may be there beside `on_bar`:

    `memory_bars`  a class attribute: how many bars it must see again to know what it knew, see `strategies.held`.
    `state()`      what it knows, as plain data: numbers, text, None, lists, tuples, deques and dicts of them.
    `restore(x)`   to know, in a new instance, what `state()` told.
    """

    def on_bar(self, bar: Candle) -> Answer:
        """Take in the next closed bar; say what is wanted now."""
        ...
