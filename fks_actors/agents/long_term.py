"""The long-term mind: the slow average's slope against what chance would show, less believed in wild markets.

A deep fall from the look-back's high in a falling trend sells at full voice: cutting it short would be the wrong time.
"""

from collections.abc import Callable
from math import erf, sqrt

from fks_actors.agents.config import LongTermConfig
from fks_actors.model.views import LongView
from fks_actors.model.votes import Action, Vote

AGENT = "long_term"


def vote(view: LongView, config: LongTermConfig) -> Vote:
    """Judge a warm view.

    z = trend / (volatility_slow * trend_noise); confidence = P(|Z| < |z|) of a standard normal, erf(|z| / sqrt 2),
    times regime_high / regime where the regime (fast over slow volatility) is above regime_high. HOLD under
    `trend_sigmas`, or in a rising trend that is deep under its high.
    """
    z, regime = _measures(view, config)
    action, confidence, reason = _judged(view, config, z, regime)
    facts = (
        ("trend", view.trend),
        ("trend_z", z),
        ("drawdown", view.drawdown),
        ("regime", regime),
        ("volatility_slow", view.volatility_slow),
    )
    return Vote(AGENT, view.symbol, view.ts_ms, action, confidence, reason(), facts)


def judge(view: LongView, config: LongTermConfig) -> tuple[Action, float]:
    """Action and confidence of the vote, without its words."""
    return _judged(view, config, *_measures(view, config))[:2]


def _measures(view: LongView, config: LongTermConfig) -> tuple[float, float]:
    """The trend in deviations of chance, and the fast volatility over the slow one."""
    noise = view.volatility_slow * config.trend_noise
    z = view.trend / noise if noise > 0.0 else 0.0
    return z, view.volatility_fast / view.volatility_slow if view.volatility_slow > 0.0 else 1.0


def _judged(view: LongView, config: LongTermConfig, z: float, regime: float) -> tuple[Action, float, Callable[[], str]]:
    believed = erf(abs(z) / sqrt(2.0)) * min(1.0, config.regime_high / regime if regime > 0.0 else 1.0)
    deep = view.drawdown >= config.drawdown_deep
    if deep and z < 0.0:
        depth = (view.drawdown - config.drawdown_deep) / (1.0 - config.drawdown_deep)
        floor = config.drawdown_confidence
        confidence = min(1.0, max(believed, floor + (1.0 - floor) * depth))
        return Action.SELL, confidence, lambda: _deep(view, z, config)
    if abs(z) < config.trend_sigmas or z == 0.0:
        return Action.HOLD, config.hold_confidence, lambda: _flat(view, z, config)
    if deep:
        return Action.HOLD, config.hold_confidence, lambda: f"{_trend(view, z)} but {_fallen(view)}"
    return (Action.BUY if z > 0.0 else Action.SELL), believed, lambda: _steep(view, z, regime)


def _deep(view: LongView, z: float, config: LongTermConfig) -> str:
    return f"{_fallen(view)}, at least {config.drawdown_deep:.1%}, and {_trend(view, z)}"


def _flat(view: LongView, z: float, config: LongTermConfig) -> str:
    return f"{_trend(view, z)} under {config.trend_sigmas:g} sigma, {_fallen(view)}"


def _steep(view: LongView, z: float, regime: float) -> str:
    return f"{_trend(view, z)}, {_fallen(view)}, volatility {regime:.2f} of its usual"


def _trend(view: LongView, z: float) -> str:
    return f"trend {view.trend:+.2%} ({z:+.2f} sigma)"


def _fallen(view: LongView) -> str:
    return f"{view.drawdown:.1%} under the high"
