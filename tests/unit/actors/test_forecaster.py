"""The forecaster's actor: answers pings while its model thinks, exports its scores, abstains where no model is."""

import asyncio
import threading
from pathlib import Path

import numpy as np

from fks_actors.actors.forecaster import ForecasterActor
from fks_actors.actors.specialist import MindActor
from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.agents.config import ForecastConfig
from fks_actors.agents.forecast import Floats, Forecast, Memory
from fks_actors.desk.forecast_craft import forecast_craft
from fks_actors.desk.mind import BarMind
from fks_actors.model.candles import BarBatch
from fks_actors.model.votes import Abstain, AbstainReason, Vote
from tests.in_process import MemoryJournal
from tests.unit.bars import HOUR_MS, SYMBOL, bars_of

CONFIG = ForecastConfig(horizon_bars=6, season_bars=4, min_history=50)
STATISTICAL = ForecastModelConfig(window_bars=120)
CANDLES = bars_of((100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.01, 70)))).tolist())
BATCHES = [BarBatch(candle.ts_ms, HOUR_MS, (candle,)) for candle in CANDLES]


class Gate:
    """A model that thinks until it is let go."""

    name, levels, window_bars = "gate", (0.05, 0.5, 0.95), 60

    def __init__(self) -> None:
        self.open = threading.Event()

    def forecast(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Forecast:
        """One percent up or down, once the gate is open."""
        assert self.open.wait(30.0)
        return Forecast(horizon_bars, self.levels, (-0.01, 0.0, 0.01))


async def test_report_when_the_model_thinks_then_the_actor_answers_and_the_vote_comes_later() -> None:
    gate = Gate()
    actor = MindActor("forecast", BarMind(forecast_craft(gate, CONFIG)), MemoryJournal(), asyncio.to_thread)
    await actor.learn(BATCHES[:49], {})
    asked = asyncio.create_task(actor.ask(BATCHES[49], {SYMBOL: CANDLES[48].ts_ms}))
    report = await asyncio.wait_for(actor.report(), 5.0)
    assert (report.name, asked.done()) == ("forecast", False)
    gate.open.set()
    ballots, _ = await asyncio.wait_for(asked, 5.0)
    assert isinstance(ballots[0], Vote)


async def test_ask_when_forecasts_were_scored_then_metrics_and_facts_agree() -> None:
    actor = ForecasterActor(STATISTICAL, CONFIG, "none", MemoryJournal())
    await actor.learn(BATCHES[:-1], {})
    ballots, _ = await actor.ask(BATCHES[-1], {SYMBOL: CANDLES[-2].ts_ms})
    assert isinstance(ballots[0], Vote)
    facts = dict(ballots[0].facts)
    labels = (("model", "statistical"), ("symbol", SYMBOL))
    exported = {name: value for name, _, given, value in (await actor.report()).samples if given == labels}
    assert exported == {
        "fks_forecast_crps": facts["crps"],
        "fks_forecast_mase": facts["mase"],
        "fks_forecast_coverage_ratio": facts["coverage"],
    }
    assert facts["scored"] == 70 - 50 + 1 - 6
    assert actor.activity() == "forecasts by statistical"


async def test_ask_ahead_when_asked_for_many_then_as_one_by_one() -> None:
    one, other = (ForecasterActor(STATISTICAL, CONFIG, "none", MemoryJournal()) for _ in range(2))
    at_once = await one.ask_ahead(BATCHES, {})
    previous: dict[str, int] = {}
    for batch, answer in zip(BATCHES, at_once, strict=True):
        assert await other.ask(batch, previous) == answer
        previous = {SYMBOL: batch.ts_ms}


async def test_ask_when_the_model_cannot_be_opened_then_abstains_and_says_why(tmp_path: Path) -> None:
    config = ForecastModelConfig(kind="lag_llama", path=str(tmp_path))
    actor = ForecasterActor(config, CONFIG, "none", MemoryJournal())
    ballots = [ballot for answer in await actor.ask_ahead(BATCHES[:52], {}) for ballot in answer[0]]
    assert isinstance(ballots[0], Abstain)
    assert ballots[0].reason is AbstainReason.WARMING_UP
    assert isinstance(ballots[-1], Abstain)
    assert ballots[-1].reason is AbstainReason.FAILED
    assert "forecast.kind needs the package" in ballots[-1].detail
    assert "forecast.kind needs the package" in actor.activity()
