"""What the minds say, a block of batches before the desk comes to it. They are shown bar by bar, in order, as ever.

The desk needs a mind's words where it acts on them; a block of batches tells where that may be.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.settlement import settle
from fks_actors.agents.verdict import ASMBTR, SENTIMENT
from fks_actors.backtest.grid import Grid
from fks_actors.desk.mind import Craft, Features
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int8]

BUY, SELL, HOLD, UNSURE = 1, -1, 0, 2
_NONE = 9
_SIGN = {Action.BUY: BUY, Action.SELL: SELL, Action.HOLD: HOLD}
_NEAR = 1e-9


class Seat:
    """One mind at the table of one symbol."""

    __slots__ = ("_craft", "_features", "ballots")

    def __init__(self, craft: Craft[Features]) -> None:
        self._craft = craft
        self._features = craft.blank()
        self.ballots: list[Ballot | None] = []

    def learn(self, candles: Sequence[Candle | None]) -> None:
        """See bars without a word."""
        update = self._features.update
        for candle in candles:
            if candle is not None:
                update(candle)

    def look(self, candles: Sequence[Candle | None]) -> None:
        """See a block of bars, and say what is to be said of each."""
        features, craft, said = self._features, self._craft, list[Ballot | None]()
        update, vote, speak = features.update, craft.vote, said.append
        for candle in candles:
            if candle is None:
                speak(None)
                continue
            update(candle)
            if features.warm:
                speak(vote(features, candle))
            else:
                seen = f"{features.bars} of {features.required} bars"
                speak(Abstain(craft.agent, candle.symbol, candle.ts_ms, AbstainReason.WARMING_UP, seen))
        self.ballots = said


class Ahead:
    """The minds of a run (desk.ports.Minds).

    Args:
        crafts: what kind each is.
        grid: the bars.
        config: how the votes are weighed.
    """

    def __init__(self, crafts: Sequence[Craft[Features]], grid: Grid, config: DebateConfig) -> None:
        self._grid, self._config = grid, config
        self._agents = tuple(craft.agent for craft in crafts)
        self._seats = {symbol: [Seat(craft) for craft in crafts] for symbol in grid.symbols}
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
            candles = self._grid.candles(symbol, begin, end)
            for seat in seats:
                seat.look(candles)

    def wants(self, symbol: str) -> Signs:
        """What the verdict on each batch of the block asks for: BUY, SELL, HOLD, or UNSURE where only the exact
        arithmetic can tell. No weight is learnt here: there is one mind."""
        seats = self._seats[symbol]
        signs = np.array([[_sign(ballot) for ballot in seat.ballots] for seat in seats], np.int8)
        sure = np.array([[b.confidence if isinstance(b, Vote) else 0.0 for b in seat.ballots] for seat in seats])
        found = asked(self._agents, signs, sure, np.ones_like(sure), self._config)
        targets = [any(_names_target(seat.ballots[at]) for seat in seats) for at in range(len(found))]
        found[np.array(targets, bool)] = UNSURE
        return found

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
        words = (self._seats[candle.symbol][place].ballots[at] for candle in batch.candles)
        return tuple(word for word in words if word is not None)


def _sign(ballot: Ballot | None) -> int:
    return _SIGN[ballot.action] if isinstance(ballot, Vote) else _NONE


def _names_target(ballot: Ballot | None) -> bool:
    """Whether it depends on what is held whether there is something to do."""
    return isinstance(ballot, Vote) and ballot.target is not None


def asked(agents: Sequence[str], signs: Signs, sure: Floats, weights: Floats, config: DebateConfig) -> Signs:
    """`agents.verdict.weigh` over arrays of minds x batches, but for rounding: UNSURE where that could matter."""
    votes = signs != _NONE
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
