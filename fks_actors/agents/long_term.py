"""The long-term mind: the slow average's slope against what chance would show, less believed in wild markets.

A deep fall from the look-back's high in a falling trend sells at full voice: cutting it short would be the wrong time.
"""

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
    noise = view.volatility_slow * config.trend_noise
    z = view.trend / noise if noise > 0.0 else 0.0
    regime = view.volatility_fast / view.volatility_slow if view.volatility_slow > 0.0 else 1.0
    action, confidence, reason = _judge(view, config, z, regime)
    facts = (
        ("trend", view.trend),
        ("trend_z", z),
        ("drawdown", view.drawdown),
        ("regime", regime),
        ("volatility_slow", view.volatility_slow),
    )
    return Vote(AGENT, view.symbol, view.ts_ms, action, confidence, reason, facts)


def _judge(view: LongView, config: LongTermConfig, z: float, regime: float) -> tuple[Action, float, str]:
    trend = f"trend {view.trend:+.2%} ({z:+.2f} sigma)"
    fallen = f"{view.drawdown:.1%} under the high"
    believed = erf(abs(z) / sqrt(2.0)) * min(1.0, config.regime_high / regime if regime > 0.0 else 1.0)
    deep = view.drawdown >= config.drawdown_deep
    if deep and z < 0.0:
        depth = (view.drawdown - config.drawdown_deep) / (1.0 - config.drawdown_deep)
        floor = config.drawdown_confidence
        confidence = min(1.0, max(believed, floor + (1.0 - floor) * depth))
        return Action.SELL, confidence, f"{fallen}, at least {config.drawdown_deep:.1%}, and {trend}"
    if abs(z) < config.trend_sigmas or z == 0.0:
        return Action.HOLD, config.hold_confidence, f"{trend} under {config.trend_sigmas:g} sigma, {fallen}"
    if deep:
        return Action.HOLD, config.hold_confidence, f"{trend} but {fallen}"
    said = f"{trend}, {fallen}, volatility {regime:.2f} of its usual"
    return (Action.BUY if z > 0.0 else Action.SELL), believed, said
