"""The mid-term mind: follow the crossing of two averages, unless the Bollinger band says that the move has run.

Distances are measured in half-widths of the band, so that the same thresholds fit every symbol and bar length.
"""

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
    half = (view.bollinger_upper - view.bollinger_lower) / 2.0
    gap = view.ema_fast - view.ema_slow
    if half > 0.0:
        separation, position = abs(gap) / half, (view.close - view.bollinger_middle) / half
    else:
        separation, position = 0.0, 0.0
    action, confidence, reason = _judge(view, config, gap, separation, position)
    facts = (
        ("ema_fast", view.ema_fast),
        ("ema_slow", view.ema_slow),
        ("separation", separation),
        ("band_position", position),
        ("cross_age", float(view.cross_age)),
    )
    return Vote(AGENT, view.symbol, view.ts_ms, action, confidence, reason, facts)


def _judge(
    view: MidView, config: MidTermConfig, gap: float, separation: float, position: float
) -> tuple[Action, float, str]:
    fast, slow = view.ema_fast, view.ema_slow
    if separation < config.separation or gap == 0.0:
        said = f"averages {fast:.6g} and {slow:.6g} only {separation:.2f} half-bands apart, under {config.separation:g}"
        return Action.HOLD, config.hold_confidence, said
    up = gap > 0.0
    ahead = position if up else -position
    sign = ">" if up else "<"
    trend = f"EMA {fast:.6g} {sign} {slow:.6g} for {view.cross_age} bars"
    if ahead > config.stretched:
        return Action.HOLD, config.hold_confidence, f"{trend} but the close is {position:+.2f} half-bands off middle"
    age = config.old_share + (1.0 - config.old_share) * 0.5 ** (view.cross_age / config.half_life_bars)
    confidence = (config.base_confidence + (1.0 - config.base_confidence) * separation / (1.0 + separation)) * age
    if ahead < 0.0:
        confidence *= config.pullback_share
    said = f"{trend}, {separation:.2f} half-bands apart, close {position:+.2f} half-bands off the middle"
    return (Action.BUY if up else Action.SELL), min(confidence, 1.0), said
