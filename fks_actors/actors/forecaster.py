"""The forecaster: its model may be slow, so it works in a thread and the actor goes on answering.

A model that cannot be opened costs its vote and nothing else: the mind abstains and says why.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence

from fks_actors.actors.handles import JournalHandle
from fks_actors.actors.specialist import MindActor
from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.adapters.forecast.factory import open_forecaster
from fks_actors.agents.config import ForecastConfig
from fks_actors.agents.forecast import AGENT, Floats, Forecast, Forecaster, Memory
from fks_actors.desk.forecast_craft import forecast_craft
from fks_actors.desk.mind import BarMind
from fks_actors.desk.mind_keeper import Answer, History
from fks_actors.errors import ConfigError, ModelUnavailable
from fks_actors.model.candles import BarBatch
from fks_actors.model.votes import Vote

_log = logging.getLogger(__name__)

_GAUGES = {"crps": "fks_forecast_crps", "mase": "fks_forecast_mase", "coverage": "fks_forecast_coverage_ratio"}


class ForecasterActor(MindActor):
    """Forecasts, votes, and exports how good its forecasts were.

    Args:
        model: which model.
        config: when to forecast and how to vote.
        namespace: where the journal lives.
        history: what the mind is rebuilt from; None for the journal.
    """

    def __init__(
        self, model: ForecastModelConfig, config: ForecastConfig, namespace: str, history: History | None = None
    ) -> None:
        self._forecaster = _opened(model, config.season_bars)
        mind = BarMind(forecast_craft(self._forecaster, config))
        super().__init__(AGENT, mind, history or JournalHandle(namespace), asyncio.to_thread)

    async def ask(self, batch: BarBatch, previous_ms: Mapping[str, int]) -> Answer:
        """Observe the batch and vote; idempotent by bar time."""
        answer = await super().ask(batch, previous_ms)
        self._export([answer])
        return answer

    async def ask_ahead(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> list[Answer]:
        """Answers to several batches in turn, in one call."""
        answers = await super().ask_ahead(batches, previous_ms)
        self._export(answers[-1:])
        return answers

    def activity(self) -> str:
        """Which model forecasts, or why none does."""
        return (
            self._forecaster.why if isinstance(self._forecaster, _Closed) else f"forecasts by {self._forecaster.name}"
        )

    def _export(self, answers: Iterable[Answer]) -> None:
        for ballots, _ in answers:
            for vote in ballots:
                facts = dict(vote.facts) if isinstance(vote, Vote) else {}
                if facts.get("scored"):
                    for fact, family in _GAUGES.items():
                        self.telemetry.gauge(family, vote.symbol, self._forecaster.name).set(facts[fact])


class _Closed:
    """The model that could not be opened: no forecast, and why."""

    def __init__(self, model: ForecastModelConfig, why: str) -> None:
        self.name = f"{model.kind}:closed"
        self.levels = model.quantile_levels
        self.window_bars = 1
        self.why = why

    def forecast(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Forecast:
        raise ModelUnavailable(self.name, self.why)


def _opened(model: ForecastModelConfig, season_bars: int) -> Forecaster:
    try:
        return open_forecaster(model, season_bars)
    except ConfigError as error:
        _log.warning("the forecaster abstains", extra={"model": model.kind, "why": str(error)})
        return _Closed(model, str(error))
