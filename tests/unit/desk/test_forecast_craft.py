"""The forecaster as a mind: nothing from the future, nothing scored too early, the same bits after a restart."""

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.adapters.forecast.config import DEFAULT_LEVELS
from fks_actors.adapters.forecast.statistical import StatisticalForecaster
from fks_actors.agents.config import ForecastConfig
from fks_actors.agents.forecast import Floats, Forecast, Memory
from fks_actors.agents.forecast_scores import crps
from fks_actors.desk.forecast_craft import ForecastFeatures, forecast_craft
from fks_actors.desk.mind import BarMind
from fks_actors.desk.mind_keeper import CHECKPOINT_BARS, MindKeeper
from fks_actors.errors import ModelUnavailable
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import Commit
from fks_actors.model.votes import Abstain, AbstainReason, Ballot, Vote
from tests.in_process import MemoryJournal
from tests.unit.bars import HOUR_MS, SYMBOL, bar, bars_of, extremes, walks

CONFIG = ForecastConfig(horizon_bars=6, season_bars=4, min_history=50, min_scored=20, every_bars=1)


class Wide:
    """A model that says the same width always, and remembers how often it was asked."""

    name, levels, window_bars = "wide", (0.05, 0.5, 0.95), 60

    def __init__(self, fails_at: int = 0) -> None:
        self.asked: list[int] = []
        self._fails_at = fails_at

    def forecast(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Forecast:
        """Two percent up or down; fails once where told to."""
        self.asked.append(bars)
        assert len(closes) <= self.window_bars
        if bars == self._fails_at:
            raise ModelUnavailable(self.name, "out of memory")
        memory["times"] = memory.get("times", 0) + 1
        return Forecast(horizon_bars, self.levels, (-0.02, 0.001, 0.02))


def small() -> StatisticalForecaster:
    return StatisticalForecaster(DEFAULT_LEVELS, 120, 40, 4)


def mind() -> BarMind:
    return BarMind(forecast_craft(small(), CONFIG))


def tell(one: BarMind, candles: Sequence[Candle]) -> list[Ballot]:
    return [ballot for c in candles for ballot in one.ask(BarBatch(c.ts_ms, HOUR_MS, (c,)))]


def walk(count: int, seed: int = 4) -> list[Candle]:
    steps = np.random.default_rng(seed).normal(0.0, 0.01, count)
    return bars_of((100.0 * np.exp(np.cumsum(steps))).tolist())


def test_ask_when_bars_are_few_then_abstains_and_then_votes_with_its_numbers() -> None:
    ballots = tell(mind(), walk(120))
    early, first, last = ballots[48], ballots[49], ballots[-1]
    assert isinstance(early, Abstain)
    assert (early.reason, early.detail) == (AbstainReason.WARMING_UP, "49 of 50 bars")
    assert isinstance(first, Vote)
    assert isinstance(last, Vote)
    assert dict(first.facts)["scored"] == 0.0
    assert dict(last.facts)["scored"] == 120 - 50 + 1 - 6
    assert last.confidence <= 1.0


def test_update_when_a_horizon_has_not_passed_then_nothing_is_scored_and_then_with_what_came() -> None:
    features, closes = ForecastFeatures(Wide(), CONFIG), [c.close for c in walk(57)]
    for at, close in enumerate(closes[:55]):
        features.update(bar(at, close))
    assert features.scores.scored == 0
    features.update(bar(55, closes[55]))
    came = math.log(closes[55] / closes[49])
    figures = features.scores.figures()
    assert figures.scored == 1
    assert figures.crps == pytest.approx(crps(np.array(Wide.levels), np.array((-0.02, 0.001, 0.02)), came))
    assert figures.coverage == float(-0.02 <= came <= 0.02)


@given(st.integers(50, 150), st.lists(st.floats(1e-6, 1e6), min_size=50, max_size=50))
@settings(max_examples=6, deadline=None)
def test_ask_when_the_future_is_corrupted_then_no_earlier_forecast_changes(cut: int, rubbish: list[float]) -> None:
    candles = walk(200)
    corrupted = candles[:cut] + [bar(cut + at, close) for at, close in enumerate(rubbish)]
    assert tell(mind(), corrupted)[:cut] == tell(mind(), candles)[:cut]


@given(candles=st.one_of(walks(least=90, most=200), extremes(least=90, most=150)), cut=st.integers(1, 199))
@settings(max_examples=10, deadline=None)
def test_restore_when_cut_anywhere_then_later_ballots_are_the_same_bits(candles: list[Candle], cut: int) -> None:
    straight, first, second = mind(), mind(), mind()
    cut = min(cut, len(candles) - 1)
    expected = tell(straight, candles)
    tell(first, candles[:cut])
    assert second.restore(SYMBOL, first.state(SYMBOL), candles[:cut])
    assert tell(second, candles[cut:]) == expected[cut:]
    assert second.state(SYMBOL) == straight.state(SYMBOL)


def test_restore_when_the_model_is_another_then_it_starts_afresh() -> None:
    candles = walk(90)
    first = mind()
    tell(first, candles)
    other = BarMind(forecast_craft(Wide(), CONFIG))
    assert not other.restore(SYMBOL, first.state(SYMBOL), candles)
    assert other.bars(SYMBOL) == 90


def test_state_when_forecasts_are_under_way_then_small_and_no_candle_in_it() -> None:
    one = BarMind(forecast_craft(StatisticalForecaster(DEFAULT_LEVELS), ForecastConfig()))
    for candle in walk(540):
        one.observe(candle)
    state = one.state(SYMBOL)
    assert len(state) < 8_000
    assert len(json.loads(state)["features"]["pending"]) == 24


def test_update_when_a_forecast_is_due_every_so_often_then_the_vote_stays_between() -> None:
    model = Wide()
    one = BarMind(forecast_craft(model, CONFIG.model_copy(update={"every_bars": 5})))
    ballots = tell(one, walk(72))
    assert model.asked == [50, 55, 60, 65, 70]
    said = {dict(ballot.facts)["p_up"] for ballot in ballots[54:59] if isinstance(ballot, Vote)}
    assert len(said) == 1


def test_ask_when_the_model_fails_then_abstains_and_the_next_bar_votes_again() -> None:
    ballots = tell(BarMind(forecast_craft(Wide(fails_at=60), CONFIG)), walk(62))
    assert ballots[59] == Abstain("forecast", SYMBOL, 59 * HOUR_MS, AbstainReason.FAILED, "wide: out of memory")
    assert isinstance(ballots[58], Vote)
    assert isinstance(ballots[60], Vote)
    assert dict(ballots[61].facts)["scored"] == 7.0  # type: ignore[union-attr]


async def test_ask_when_the_keeper_lost_its_mind_then_the_answers_of_one_undisturbed() -> None:
    candles = walk(CHECKPOINT_BARS + 60)
    expected = tell(mind(), candles)
    journal = MemoryJournal()
    keeper, previous = MindKeeper("forecast", mind(), journal), {}
    for at, candle in enumerate(candles):
        if at % 100 == 99:
            keeper = MindKeeper("forecast", mind(), journal)
        batch = BarBatch(candle.ts_ms, HOUR_MS, (candle,))
        ballots, snapshots = await keeper.ask(batch, previous)
        assert ballots == (expected[at],)
        await journal.commit([Commit(f"bar-{candle.ts_ms}", await journal.head(), (batch,), snapshots)])
        previous = {SYMBOL: candle.ts_ms}
