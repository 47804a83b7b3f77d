"""The forecaster as a mind of bars: forecasts as bars come, scores what their horizon has passed, corrects intervals.

All of it happens as the bars are observed, whether somebody asks for a vote or not, so that what it knows is a
function of the bars alone. A snapshot holds everything but the closes, which the ring holds anyway.
"""

from base64 import b64decode, b64encode
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from fks_actors.agents.config import ForecastConfig
from fks_actors.agents.conformal import Conformal
from fks_actors.agents.forecast import AGENT, Forecast, Forecaster, Memory, vote
from fks_actors.agents.forecast_scores import Scores
from fks_actors.desk.mind import Craft
from fks_actors.errors import ModelUnavailable
from fks_actors.memory.ring import Window
from fks_actors.model.candles import Candle
from fks_actors.model.votes import Abstain, AbstainReason, Ballot

Floats = npt.NDArray[np.float64]


class ForecastFeatures:
    """One symbol's closes, its last forecast, those whose horizon has not passed, and the scores."""

    def __init__(self, forecaster: Forecaster, config: ForecastConfig) -> None:
        self.bars = 0
        self.forecast: Forecast | None = None
        self.fault = ""
        self._forecaster = forecaster
        self._config = config
        self._closes = _Closes(_capacity(forecaster, config))
        self._memory: Memory = {}
        self._pending: deque[tuple[int, Floats]] = deque()
        self._conformal = Conformal(forecaster.levels, config.conformal_rate)
        fade = 0.5 ** (1.0 / config.score_half_life)
        self.scores = Scores(forecaster.levels, config.horizon_bars, config.season_bars, fade)

    @property
    def required(self) -> int:
        """How many bars it takes before the first forecast."""
        return self._config.min_history

    @property
    def warm(self) -> bool:
        """Whether there is a forecast, or a reason why not."""
        return self.bars >= self._config.min_history

    def update(self, candle: Candle) -> None:
        """Take in the next closed bar: score the forecast that it ends, then forecast anew where it is time to."""
        self.bars += 1
        self._closes.append(candle.close)
        while self._pending and self.bars - self._pending[0][0] >= self._config.horizon_bars:
            self._score(self._pending.popleft()[1])
        if self.warm and (self.forecast is None or self.bars % self._config.every_bars == 0):
            self._forecast()

    def recall(self, window: Window) -> None:
        """Take the closes up to the last bar, after `restore`."""
        for close in window.close.tolist():
            self._closes.append(close)

    def state(self) -> dict[str, Any]:
        """Everything but the closes; some 5 KiB at 24 forecasts under way."""
        return {
            "bars": self.bars,
            "fault": self.fault,
            "forecast": None if self.forecast is None else list(self.forecast.quantiles),
            "memory": self._memory,
            "pending": [[at, _packed(quantiles)] for at, quantiles in self._pending],
            "conformal": self._conformal.state(),
            "scores": self.scores.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`, once `recall` has given the closes."""
        self.bars, self.fault = int(state["bars"]), str(state["fault"])
        said = state["forecast"]
        self.forecast = None if said is None else self._made(np.asarray(said, np.float64))
        self._memory = dict(state["memory"])
        self._pending = deque((int(at), _unpacked(quantiles)) for at, quantiles in state["pending"])
        self._conformal.restore(state["conformal"])
        self.scores.restore(state["scores"])

    def _forecast(self) -> None:
        horizon = self._config.horizon_bars
        closes = self._closes.last(self._forecaster.window_bars)
        try:
            raw = self._forecaster.forecast(closes, horizon, self.bars, self._memory)
        except ModelUnavailable as error:
            self.forecast, self.fault = None, str(error)
            return
        adjusted = self._conformal.adjust(np.asarray(raw.quantiles))
        self.forecast, self.fault = self._made(adjusted), ""
        self._pending.append((self.bars, adjusted))

    def _score(self, quantiles: Floats) -> None:
        """Score the forecast made a horizon ago, on the window that it was made from."""
        horizon = self._config.horizon_bars
        closes = self._closes.last(self._forecaster.window_bars + horizon)
        then = closes[:-horizon]
        outcome = float(np.log(closes[-1] / then[-1]))
        self.scores.score(then, quantiles, outcome)
        self._conformal.learn(quantiles, outcome)

    def _made(self, quantiles: Floats) -> Forecast:
        return Forecast(self._config.horizon_bars, self._forecaster.levels, tuple(quantiles.tolist()))


def forecast_craft(forecaster: Forecaster, config: ForecastConfig) -> Craft[ForecastFeatures]:
    """The craft of a forecaster over the given model."""

    def judge(features: ForecastFeatures, candle: Candle) -> Ballot:
        if features.forecast is None:
            return Abstain(AGENT, candle.symbol, candle.ts_ms, AbstainReason.FAILED, features.fault)
        return vote(features.forecast, features.scores.figures(), candle.symbol, candle.ts_ms, config)

    kept = ("horizon_bars", "season_bars", "min_history", "every_bars", "conformal_rate", "score_half_life")
    periods = {key: getattr(config, key) for key in kept}
    periods |= {
        "model": forecaster.name,
        "levels": list(forecaster.levels),
        "window_bars": forecaster.window_bars,
    }
    return Craft(
        AGENT,
        _capacity(forecaster, config),
        periods,
        lambda: ForecastFeatures(forecaster, config),
        judge,
        ForecastFeatures.recall,
    )


def _capacity(forecaster: Forecaster, config: ForecastConfig) -> int:
    """A forecast is scored on the window that it was made from, a horizon later."""
    return max(forecaster.window_bars, config.min_history) + config.horizon_bars


class _Closes:
    """The last closes, contiguous: each is written twice, `capacity` apart."""

    __slots__ = ("_at", "_capacity", "_rows", "_size")

    def __init__(self, capacity: int) -> None:
        self._capacity, self._at, self._size = capacity, 0, 0
        self._rows = np.empty(2 * capacity)

    def append(self, close: float) -> None:
        self._rows[self._at] = self._rows[self._at + self._capacity] = close
        self._at = (self._at + 1) % self._capacity
        self._size = min(self._size + 1, self._capacity)

    def last(self, n: int) -> Floats:
        """The newest `n`, or all where fewer are kept; valid until the next append, and not to be written to."""
        end = self._at + self._capacity
        rows: Floats = self._rows[end - min(n, self._size) : end]
        rows.flags.writeable = False
        return rows


def _packed(values: Floats) -> str:
    return b64encode(values.astype("<f8").tobytes()).decode()


def _unpacked(text: str) -> Floats:
    return np.frombuffer(b64decode(text), "<f8").astype(np.float64)
