"""ASMBTR, the adaptive state model on a binary tree representation: what followed the last moves when they were seen
before.

A move is a bar's close against the one before it: up 1, down 0. One under `min_move`, or none, does not count. The last
`depth` counted moves are a path through a binary tree, the most recent at its root; its leaf is the state, and what
followed a state is the next counted move. An observation counts `decay` times less with each counted move after it,
whatever state that was made in. A leaf keeps its counts as of its own last observation, so a bar touches one leaf, and
P(up) needs no power at all: both counts have aged alike.
"""

import base64
from typing import Any

import msgspec
import numpy as np

from fks_actors.agents.config import AsmbtrConfig
from fks_actors.model.candles import Candle
from fks_actors.model.votes import Action, Vote

AGENT = "asmbtr"

_ROW = np.dtype([("state", "<u2"), ("seen", "<u4"), ("age", "<u4"), ("up", "<f8"), ("down", "<f8")])


class MoveTable:
    """One symbol's states and what followed them: 2^depth leaves, however many bars there were.

    Args:
        config: depth, decay and least move.
    """

    __slots__ = ("_at", "_close", "_decay", "_depth", "_down", "_min_move", "_moves", "_seen", "_up", "bars", "leaf")

    def __init__(self, config: AsmbtrConfig) -> None:
        self._depth, self._decay, self._min_move = config.depth, config.decay, config.min_move
        leaves = 1 << config.depth
        self._up, self._down = [0.0] * leaves, [0.0] * leaves
        self._seen, self._at = [0] * leaves, [0] * leaves
        self._close = 0.0
        self._moves = 0
        self.bars = 0
        self.leaf = 0
        """The present state: its bits, the most recent move first."""

    @property
    def required(self) -> int:
        """How many bars it takes at least, from what was seen so far, before there is a state."""
        return max(self.bars, 1) + max(self._depth - self._moves, 0)

    @property
    def warm(self) -> bool:
        """Whether there is a state."""
        return self._moves >= self._depth

    @property
    def moves(self) -> int:
        """Counted moves so far."""
        return self._moves

    def update(self, candle: Candle) -> None:
        """Take in a closed bar. Constant time."""
        before, close = self._close, candle.close
        self._close = close
        self.bars += 1
        if not before or close == before or abs(close / before - 1.0) < self._min_move:
            return
        leaf, moves, up = self.leaf, self._moves + 1, close > before
        self._moves = moves
        if moves > self._depth:
            aged = self._decay ** (moves - self._at[leaf])
            self._up[leaf] = self._up[leaf] * aged + up
            self._down[leaf] = self._down[leaf] * aged + (not up)
            self._seen[leaf] += 1
            self._at[leaf] = moves
        self.leaf = leaf >> 1 | up << self._depth - 1

    def odds(self, leaf: int) -> tuple[int, float, float]:
        """(observations, P(up), P(down)) of a state: the plain count, and the odds by the decayed counts; even odds
        where nothing was observed."""
        up, down = self._up[leaf], self._down[leaf]
        total = up + down
        return (self._seen[leaf], up / total, down / total) if total else (0, 0.5, 0.5)

    def counts(self, leaf: int) -> tuple[float, float]:
        """(up, down): the decayed counts of a state as of the last counted move."""
        aged: float = self._decay ** (self._moves - self._at[leaf])
        return self._up[leaf] * aged, self._down[leaf] * aged

    def state(self) -> dict[str, Any]:
        """What the next votes depend on, JSON-able: the states that were observed, 26 bytes each in base 64."""
        rows = [
            (leaf, seen, self._moves - self._at[leaf], self._up[leaf], self._down[leaf])
            for leaf, seen in enumerate(self._seen)
            if seen
        ]
        table = base64.b64encode(np.array(rows, dtype=_ROW).tobytes()).decode()
        return {"bars": self.bars, "moves": self._moves, "leaf": self.leaf, "close": self._close, "table": table}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue bit for bit from `state()` of one with the same depth, decay and least move."""
        self.bars, self._moves, self.leaf = int(state["bars"]), int(state["moves"]), int(state["leaf"])
        self._close = float(state["close"])
        leaves = len(self._seen)
        self._up, self._down = [0.0] * leaves, [0.0] * leaves
        self._seen, self._at = [0] * leaves, [0] * leaves
        table = base64.b64decode(state["table"], validate=True)
        for leaf, seen, age, up, down in np.frombuffer(table, dtype=_ROW).tolist():
            self._seen[leaf], self._at[leaf] = seen, self._moves - age
            self._up[leaf], self._down[leaf] = up, down


class Odds(msgspec.Struct, frozen=True, gc=False):
    """A state as it was at a bar: how often it was observed, and the odds of what follows (`MoveTable.odds`)."""

    symbol: str
    ts_ms: int
    leaf: int
    observed: int
    up: float
    down: float


def look(table: MoveTable, candle: Candle) -> Odds:
    """The present state of a warm table, as of `candle`, the bar that it saw last."""
    return Odds(candle.symbol, candle.ts_ms, table.leaf, *table.odds(table.leaf))


def judge(odds: Odds, config: AsmbtrConfig) -> tuple[Action, float]:
    """Action and confidence of the vote, without its words."""
    if odds.observed < config.min_observations:
        return Action.HOLD, 0.0
    confidence = abs(odds.up - odds.down)
    if confidence < config.threshold:
        return Action.HOLD, confidence
    return (Action.BUY if odds.up > odds.down else Action.SELL), confidence


def vote(odds: Odds, config: AsmbtrConfig) -> Vote:
    """Judge a state.

    confidence = |P(up) - P(down)| of the present state; HOLD while that is under `threshold`, and, with a confidence of
    0, while the state was observed less than `min_observations` times (the plain count, not the decayed one).
    """
    leaf, observed, p_up = odds.leaf, odds.observed, odds.up
    action, confidence = judge(odds, config)
    if observed < config.min_observations:
        reason = f"moves {leaf:0{config.depth}b} seen {observed} of {config.min_observations} times"
    else:
        under = "under" if confidence < config.threshold else "at least"
        apart = f"P {confidence:.2f} apart, {under} {config.threshold:g}"
        reason = f"moves {leaf:0{config.depth}b} seen {observed} times, then up {p_up:.1%}: {apart}"
    facts = (
        ("state", float(leaf)),
        ("observations", float(observed)),
        ("p_up", p_up),
        ("p_down", odds.down),
        ("stop_pct", config.stop_pct),
        ("take_profit_pct", config.take_profit_pct),
    )
    return Vote(AGENT, odds.symbol, odds.ts_ms, action, confidence, reason, facts)
