"""What the minds say, a block of batches before the desk comes to it. They are shown bar by bar, in order, as ever.

The desk needs a mind's words where it acts on them; a block of batches tells where that may be.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.settlement import settle
from fks_actors.agents.verdict import ASMBTR, SENTIMENT
from fks_actors.backtest.grid import Grid
from fks_actors.backtest.heard import Heard, Tally, heard
from fks_actors.backtest.worth import Worth
from fks_actors.desk.mind import Craft, Features
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote
from fks_actors.reflection.config import ReflectionConfig

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int8]

BUY, SELL, HOLD, UNSURE = 1, -1, 0, 2
SILENT = 9
_SIGN = {Action.BUY: BUY, Action.SELL: SELL, Action.HOLD: HOLD}
_NEAR = 1e-9


class Seat:
    """One mind at the table of one symbol.

    `signs` and `sure` are what it says of each batch of the block: BUY, SELL, HOLD or SILENT, and its confidence.
    """

    __slots__ = ("_craft", "_features", "_seen", "signs", "sure", "tally")

    def __init__(self, craft: Craft[Any]) -> None:
        self._craft = craft
        self._features: Features = craft.blank()
        self._seen: list[Any] = []
        self.tally = Tally()
        self.signs: list[int] = []
        self.sure: list[float] = []

    def learn(self, candles: Sequence[Candle | None]) -> None:
        """See bars without a word."""
        update = self._features.update
        for candle in candles:
            if candle is not None:
                update(candle)

    def look(self, candles: Sequence[Candle | None]) -> None:
        """See a block of bars, and say what is to be said of each."""
        features, glance = self._features, self._craft.glance
        see = glance.look if glance else self._craft.vote
        judge = glance.judge if glance else _said
        update, warm, seen = features.update, features.warm, list[Any]()
        signs, sure = [SILENT] * len(candles), [0.0] * len(candles)
        for at, candle in enumerate(candles):
            if candle is None:
                seen.append(None)
                continue
            update(candle)
            if not warm:
                warm = features.warm
            if not warm:
                told = f"{features.bars} of {features.required} bars"
                seen.append(Abstain(self._craft.agent, candle.symbol, candle.ts_ms, AbstainReason.WARMING_UP, told))
                continue
            look = see(features, candle)
            seen.append(look)
            action, sure[at] = judge(look)
            if action is not None:
                signs[at] = _SIGN[action]
        self._seen, self.signs, self.sure = seen, signs, sure
        self.tally.count(seen)

    def ballot(self, at: int) -> Ballot | None:
        """What it says of a batch of the block, in full."""
        seen = self._seen[at]
        if seen is None or isinstance(seen, Abstain | Vote) or self._craft.glance is None:
            return seen  # type: ignore[no-any-return]
        return self._craft.glance.speak(seen)

    def targets(self) -> list[float | None]:
        """The share of equity that it wants at each batch of the block, None where it names none."""
        return [each.target if isinstance(each, Vote) else None for each in self._seen]


def _said(ballot: Ballot) -> tuple[Action | None, float]:
    return (ballot.action, ballot.confidence) if isinstance(ballot, Vote) else (None, 0.0)


class Ahead:
    """The minds of a run (desk.ports.Minds).

    Args:
        crafts: what kind each is.
        grid: the bars.
        config: how the votes are weighed.
        reflection: how the minds are scored.
    """

    def __init__(
        self, crafts: Sequence[Craft[Any]], grid: Grid, config: DebateConfig, reflection: ReflectionConfig
    ) -> None:
        self._grid, self._config = grid, config
        self._agents = tuple(craft.agent for craft in crafts)
        self._seats = {symbol: [Seat(craft) for craft in crafts] for symbol in grid.symbols}
        self.worth = Worth(grid, self._agents, reflection)
        """What the votes so far turned out to be worth."""
        self._candles: dict[str, list[Candle | None]] = {}
        self._signs: dict[str, Signs] = {}
        self._sure: dict[str, Floats] = {}
        self._begin = 0
        self._at = 0

    def show(self, begin: int, end: int) -> None:
        """Learn from the batches from `begin` to before `end`."""
        for symbol, seats in self._seats.items():
            candles = self._grid.candles(symbol, begin, end)
            for seat in seats:
                seat.learn(candles)

    def look(self, begin: int, end: int) -> None:
        """Have every mind see the batches from `begin` to before `end`, and keep what it says."""
        self._begin = begin
        for symbol, seats in self._seats.items():
            candles = self._candles[symbol] = self._grid.candles(symbol, begin, end)
            for seat in seats:
                seat.look(candles)
            self._signs[symbol] = np.array([seat.signs for seat in seats], np.int8)
            self._sure[symbol] = np.array([seat.sure for seat in seats])
        self.worth.take(begin, end, self._signs, self._sure)

    def batch(self, at: int) -> BarBatch:
        """Batch `at` of the block."""
        bars = [candles[at - self._begin] for candles in self._candles.values()]
        return BarBatch(int(self._grid.times[at]), self._grid.interval_ms, tuple([c for c in bars if c is not None]))

    def wants(self, symbol: str, end: int) -> Signs:
        """What the verdict on each batch of the block asks for: BUY, SELL, HOLD, or UNSURE where only the exact
        arithmetic can tell."""
        signs, sure = self._signs[symbol], self._sure[symbol]
        found = asked(self._agents, signs, sure, self.worth.over(self._begin, end), self._config)
        targets = self.targets(symbol)
        return found if targets is None else np.where(np.isnan(targets), found, signs[0])

    def targets(self, symbol: str) -> Floats | None:
        """The share of equity that a mind which decides alone wants at each batch of the block, NaN where it names
        none; None where it names none at all, or does not sit alone."""
        said = self._seats[symbol][0].targets() if len(self._agents) == 1 else []
        return np.array(said, np.float64) if any(target is not None for target in said) else None

    def heard(self) -> tuple[Heard, ...]:
        """How often each mind was asked, voted and failed so far."""
        rows = list(self._seats.values())
        return tuple(heard(agent, [seats[n].tally for seats in rows]) for n, agent in enumerate(self._agents))

    def come(self, at: int) -> None:
        """The desk deliberates on batch `at` next."""
        self._at = at

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """What was said of the batch, weighed."""
        return self.said(self._at, batch, briefing.weights, briefing.heard)

    def said(self, at: int, batch: BarBatch, weights: Mapping[str, float], heard: Sequence[Vote] = ()) -> Deliberation:
        """What was said of batch `at` of the block, weighed."""
        answers = {agent: self._of(place, at - self._begin, batch) for place, agent in enumerate(self._agents)}
        result = settle(batch, answers, self._config, heard, weights)
        return Deliberation(result.ballots, result.verdicts)

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Nothing: `show` is how these minds learn."""
        return ()

    def _of(self, place: int, at: int, batch: BarBatch) -> tuple[Ballot, ...]:
        words = (self._seats[candle.symbol][place].ballot(at) for candle in batch.candles)
        return tuple(word for word in words if word is not None)


def asked(agents: Sequence[str], signs: Signs, sure: Floats, weights: Floats, config: DebateConfig) -> Signs:
    """`agents.verdict.weigh` over arrays of minds x batches, but for rounding: UNSURE where that could matter."""
    votes = signs != SILENT
    beside = np.array([agent in (ASMBTR, SENTIMENT) for agent in agents])
    own = np.array([config.weights.get(agent, 1.0) for agent in agents])[:, None] * weights
    weighed = np.where(votes, sure * own, 0.0)
    voices = ~beside[:, None] & votes
    total = np.where(voices, weighed, 0.0).sum(axis=0)
    net = np.where(voices, weighed * np.where(votes, signs, 0), 0.0).sum(axis=0)
    debate = np.divide(net, total, out=np.zeros_like(net), where=total > 0.0)
    final = _with_states(agents, signs, sure, debate, voices.any(axis=0), config)
    if SENTIMENT in agents:
        place = agents.index(SENTIMENT)
        told = np.where(votes[place], signs[place], 0) * sure[place]
        share = config.sentiment_weight
        final = np.where((signs[place] != HOLD) & votes[place], (1.0 - share) * final + share * told, final)
    enough = votes.sum(axis=0) >= config.min_votes
    size = np.abs(final)
    found = np.where(enough & (size >= config.threshold), np.sign(final), 0.0).astype(np.int8)
    found[enough & (np.abs(size - config.threshold) < _NEAR)] = UNSURE
    return found


def _with_states(
    agents: Sequence[str],
    signs: Signs,
    sure: Floats,
    debate: Floats,
    has_debate: npt.NDArray[np.bool_],
    config: DebateConfig,
) -> Floats:
    """The hybrid of debate and ASMBTR; of one that is silent, the other."""
    if ASMBTR not in agents:
        return debate
    place = agents.index(ASMBTR)
    speaks = (signs[place] == BUY) | (signs[place] == SELL)
    states = np.where(speaks, signs[place], 0) * np.minimum(1.0, sure[place] / config.asmbtr_full)
    both = config.debate_weight + config.asmbtr_weight
    mixed = (config.debate_weight * debate + config.asmbtr_weight * states) / both if both > 0.0 else debate
    return np.where(speaks, np.where(has_debate, mixed, states), debate)
