"""The mid-term mind: follow the crossing of two averages, unless the Bollinger band says that the move has run.

Distances are measured in half-widths of the band, so that the same thresholds fit every symbol and bar length.
"""

from collections.abc import Callable

from fks_actors.agents.config import MidTermConfig
from fks_actors.model.views import MidView
from fks_actors.model.votes import Action, Vote

AGENT = "mid_term"


def vote(view: MidView, config: MidTermConfig) -> Vote:
    """Judge a warm view.

    With s = |fast - slow| and b = (close - middle), both over the band's half-width: HOLD while s is small (whipsaw) or
    b is stretched in the trend's direction; else confidence = (base + (1 - base) * s / (1 + s)) * age, where age falls
    from 1 to `old_share` with the cross's half-life, times `pullback_share` while the close is across the middle.
    """
    separation, position = _distances(view)
    action, confidence, reason = _judged(view, config, separation, position)
    facts = (
        ("ema_fast", view.ema_fast),
        ("ema_slow", view.ema_slow),
        ("separation", separation),
        ("band_position", position),
        ("cross_age", float(view.cross_age)),
    )
    return Vote(AGENT, view.symbol, view.ts_ms, action, confidence, reason(), facts)


def judge(view: MidView, config: MidTermConfig) -> tuple[Action, float]:
    """Action and confidence of the vote, without its words."""
    return _judged(view, config, *_distances(view))[:2]


def _distances(view: MidView) -> tuple[float, float]:
    """How far the averages lie apart, and the close off the middle, both in half-widths of the band."""
    half = (view.bollinger_upper - view.bollinger_lower) / 2.0
    if half <= 0.0:
        return 0.0, 0.0
    return abs(view.ema_fast - view.ema_slow) / half, (view.close - view.bollinger_middle) / half


def _judged(
    view: MidView, config: MidTermConfig, separation: float, position: float
) -> tuple[Action, float, Callable[[], str]]:
    gap = view.ema_fast - view.ema_slow
    if separation < config.separation or gap == 0.0:
        return Action.HOLD, config.hold_confidence, lambda: _near(view, separation, config)
    up = gap > 0.0
    ahead = position if up else -position
    if ahead > config.stretched:
        return Action.HOLD, config.hold_confidence, lambda: _stretched(view, position)
    age = config.old_share + (1.0 - config.old_share) * 0.5 ** (view.cross_age / config.half_life_bars)
    confidence = (config.base_confidence + (1.0 - config.base_confidence) * separation / (1.0 + separation)) * age
    if ahead < 0.0:
        confidence *= config.pullback_share
    return (Action.BUY if up else Action.SELL), min(confidence, 1.0), lambda: _apart(view, separation, position)


def _near(view: MidView, separation: float, config: MidTermConfig) -> str:
    fast, slow = view.ema_fast, view.ema_slow
    return f"averages {fast:.6g} and {slow:.6g} only {separation:.2f} half-bands apart, under {config.separation:g}"


def _stretched(view: MidView, position: float) -> str:
    return f"{_trend(view)} but the close is {position:+.2f} half-bands off middle"


def _apart(view: MidView, separation: float, position: float) -> str:
    return f"{_trend(view)}, {separation:.2f} half-bands apart, close {position:+.2f} half-bands off the middle"


def _trend(view: MidView) -> str:
    sign = ">" if view.ema_fast > view.ema_slow else "<"
    return f"EMA {view.ema_fast:.6g} {sign} {view.ema_slow:.6g} for {view.cross_age} bars"
