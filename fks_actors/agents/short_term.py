"""The short-term mind: fade an extreme once it turns, else go with a move that momentum confirms.

The extremes are Wilder's RSI levels; the turn is the MACD histogram's, which leads the line (Elder, Trading for a
Living, 1993). Volume weighs every vote: a move on no volume is believed less.
"""

from collections.abc import Callable

from fks_actors.agents.config import ShortTermConfig
from fks_actors.model.views import ShortView
from fks_actors.model.votes import Action, Vote

AGENT = "short_term"


def vote(view: ShortView, config: ShortTermConfig) -> Vote:
    """Judge a warm view.

    Confidence of a reversal = reversal_confidence plus the rest in proportion to how far RSI is beyond its level;
    of momentum = momentum_confidence times RSI's distance from 50, full at the extreme level; both times the volume
    weight. HOLD's confidence is highest at RSI 50.
    """
    action, confidence, reason = _judged(view, config)
    facts = (
        ("rsi", view.rsi),
        ("macd_histogram", view.macd_histogram),
        ("macd_histogram_before", view.macd_histogram_before),
        ("volume_ratio", view.volume_ratio),
        ("change", view.change),
    )
    return Vote(AGENT, view.symbol, view.ts_ms, action, confidence, reason(), facts)


def judge(view: ShortView, config: ShortTermConfig) -> tuple[Action, float]:
    """Action and confidence of the vote, without its words."""
    return _judged(view, config)[:2]


def _judged(view: ShortView, config: ShortTermConfig) -> tuple[Action, float, Callable[[], str]]:
    rsi, now, before = view.rsi, view.macd_histogram, view.macd_histogram_before
    oversold, overbought = config.oversold, config.overbought
    weight = config.quiet_weight + (1.0 - config.quiet_weight) * min(view.volume_ratio / 2.0, 1.0)
    base = config.reversal_confidence
    if rsi <= oversold:
        if now > before:
            confidence = (base + (1.0 - base) * (1.0 - rsi / oversold)) * weight
            return Action.BUY, confidence, lambda: _reversal(view, f"under {oversold:g}")
        return Action.HOLD, config.hold_confidence, lambda: f"RSI {rsi:.1f} under {oversold:g} but {_turn(view)}"
    if rsi >= overbought:
        if now < before:
            confidence = (base + (1.0 - base) * (rsi - overbought) / (100.0 - overbought)) * weight
            return Action.SELL, confidence, lambda: _reversal(view, f"over {overbought:g}")
        return Action.HOLD, config.hold_confidence, lambda: f"RSI {rsi:.1f} over {overbought:g} but {_turn(view)}"
    lean = rsi - 50.0
    if lean >= config.momentum_rsi and now > before and now > 0.0 and view.change > 0.0:
        confidence = config.momentum_confidence * lean / (overbought - 50.0) * weight
        return Action.BUY, confidence, lambda: _momentum(view)
    if -lean >= config.momentum_rsi and now < before and now < 0.0 and view.change < 0.0:
        confidence = config.momentum_confidence * -lean / (50.0 - oversold) * weight
        return Action.SELL, confidence, lambda: _momentum(view)
    confidence = config.hold_confidence * (1.0 - abs(lean) / 50.0)
    return Action.HOLD, confidence, lambda: f"RSI {rsi:.1f} between {oversold:g} and {overbought:g}, {_turn(view)}"


def _reversal(view: ShortView, level: str) -> str:
    return f"RSI {view.rsi:.1f} {level} and {_turn(view)}, {_volume(view)}"


def _momentum(view: ShortView) -> str:
    return f"RSI {view.rsi:.1f}, price {view.change:+.2%} and {_turn(view)}, {_volume(view)}"


def _turn(view: ShortView) -> str:
    now, before = view.macd_histogram, view.macd_histogram_before
    if now > before:
        return f"MACD histogram rising ({now:.3g} > {before:.3g})"
    if now < before:
        return f"MACD histogram falling ({now:.3g} < {before:.3g})"
    return f"MACD histogram level ({now:.3g})"


def _volume(view: ShortView) -> str:
    return f"volume {view.volume_ratio:.2f} of its mean"
