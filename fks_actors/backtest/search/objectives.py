"""What a search is steered by, from simple returns of a bar each. What is not defined is 0: no trade, no worth.

The formulas are those of `backtest.metrics`, with the first bar's own return counted. A Calmar ratio is the annual
return over a drawdown of at least a hundredth of a percent, and both are held to what a float can carry.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from fks_actors.backtest.metrics import Floats, annual, sharpe
from fks_actors.errors import ConfigError

_LEAST_FALL = 1e-4
_MOST = 1e12

NAMES = ("sharpe", "return", "calmar", "drawdown")


class Score(msgspec.Struct, frozen=True):
    """Figures of some bars: `total` the whole return and `drawdown` (0..1) as fractions, `sharpe` a year."""

    bars: int
    total: float
    sharpe: float
    calmar: float
    drawdown: float

    def value(self, objective: str) -> float:
        """The objective's figure."""
        return self.total if objective == "return" else float(getattr(self, objective))

    def better(self, objective: str) -> float:
        """The same, the greater the better."""
        return -self.drawdown if objective == "drawdown" else self.value(objective)


def parse_objectives(text: str) -> tuple[str, ...]:
    """The objectives of a comma-separated list; the first one chooses where one trial has to be chosen.

    Raises:
        ConfigError: one is unknown or stands twice.
    """
    found = tuple(part.strip() for part in text.split(","))
    for name in found:
        if name not in NAMES:
            raise ConfigError(f"--objective {text}: {name!r} is none of {', '.join(NAMES)}")
    if len(set(found)) != len(found):
        raise ConfigError(f"--objective {text}: an objective stands twice")
    if found == ("drawdown",):
        raise ConfigError("--objective drawdown: not to trade is the best of all; name a second objective")
    return found


def directions(objectives: Sequence[str]) -> list[str]:
    """Optuna's directions."""
    return ["minimize" if name == "drawdown" else "maximize" for name in objectives]


def score(returns: Floats, a_year: float) -> Score:
    """The figures of returns, of which a year has `a_year`."""
    worth = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    total = float(worth[-1] - 1.0)
    fallen = float((1.0 - worth / np.maximum.accumulate(worth)).max())
    yearly = annual(total, len(returns) / a_year) if a_year > 0.0 else None
    reached = (_MOST if total > 0 else 0.0) if yearly is None else yearly
    calmar = min(reached / max(fallen, _LEAST_FALL), _MOST) if len(returns) else 0.0
    return Score(len(returns), min(total, _MOST), sharpe(returns, a_year) or 0.0, calmar, fallen)
