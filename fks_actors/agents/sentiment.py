"""The sentiment mind: what the headlines of an asset say when a bar closes. It sees numbers and ids, never a text.

Of the headlines published in the window that ends with the bar's close (none later), each with a value v, -1 to 1, a
weight w0 (its source's; `market_share` of it for one on the market as a whole) and an age a:

    weight     w = w0 * 2^(-a / half_life)                      W = sum(w)
    score      s = sum(w * v) / W
    effective  n = W^2 / sum(w^2)                               (Kish, Survey Sampling, 1965)
    shrunk     t = s * n / (n + prior)
    volume     r = (1 + headlines of the last volume_s) / (1 + those that the baseline lets expect)
               the baseline is the baseline_s before that, or as much of it as headlines are known of; where that is
               shorter than volume_s, r = 1
    regime     bull where r >= loud and s >= regime_score; bear where r >= loud and s <= -regime_score; else sideways
    vote       BUY where t >= threshold, SELL where t <= -threshold, else HOLD
    confidence min(1, |t| / full), times quiet_share unless the regime bears the vote;
               of HOLD hold_confidence * (1 - |t| / threshold)

W below `min_weight` is an abstention: that nothing was written is no opinion. Volume: attention moves prices the way
that the tone points (Da, Engelberg, Gao, In Search of Attention, 2011; Tetlock, Giving Content to Investor Sentiment,
2007).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from fks_actors.agents.config import SentimentConfig
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote

AGENT = "sentiment"
MARKET = "*"
"""What a headline on the market as a whole is about."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A headline without its text: `value` -1..1, `weight` 0..1, `ts_ms` when it was published."""

    id: str
    ts_ms: int
    value: float
    weight: float


class Regime(IntEnum):
    """Where the market of an asset stands, by its news."""

    BEAR = -1
    SIDEWAYS = 0
    BULL = 1


@dataclass(frozen=True, slots=True)
class SentimentView:
    """What the headlines of an asset say at `close_ms`; the module's docstring has the formulas.

    `newest` = id of the headline published last, empty where there is none.
    """

    symbol: str
    close_ms: int
    headlines: int
    weight: float
    score: float
    effective: float
    volume_ratio: float
    regime: Regime
    newest: str


def view(scored: Iterable[Scored], symbol: str, close_ms: int, config: SentimentConfig) -> SentimentView:
    """Look at the headlines of a symbol; their order does not matter, and those published later are not seen."""
    begin_ms = close_ms - config.window_ms
    seen = [each for each in scored if begin_ms < each.ts_ms <= close_ms and each.weight > 0.0]
    half_life_ms = config.half_life_s * 1_000
    weights = [each.weight * 2.0 ** ((each.ts_ms - close_ms) / half_life_ms) for each in seen]
    total = math.fsum(weights)
    squares = math.fsum(w * w for w in weights)
    score = effective = 0.0
    if squares > 0.0:
        said = math.fsum(w * each.value for w, each in zip(weights, seen, strict=True))
        score = min(max(said / total, -1.0), 1.0)
        effective = total * total / squares
    ratio = _volume_ratio([close_ms - each.ts_ms for each in seen], config)
    newest = max(seen, key=lambda each: (each.ts_ms, each.id)).id if seen else ""
    regime = _regime(ratio, score, config)
    return SentimentView(symbol, close_ms, len(seen), total, score, effective, ratio, regime, newest)


def vote(seen: SentimentView, ts_ms: int, config: SentimentConfig) -> Ballot:
    """Judge a view; abstains with NO_DATA where there is too little fresh news.

    Args:
        ts_ms: open of the bar that is voted on.
    """
    if seen.weight < config.min_weight:
        detail = f"{seen.headlines} headlines weigh {seen.weight:.2f}, less than {config.min_weight:g}"
        return Abstain(AGENT, seen.symbol, ts_ms, AbstainReason.NO_DATA, detail)
    shrunk = seen.score * seen.effective / (seen.effective + config.prior)
    action = Action.BUY if shrunk >= config.threshold else Action.SELL if shrunk <= -config.threshold else Action.HOLD
    facts = (
        ("score", seen.score),
        ("headlines", float(seen.headlines)),
        ("weight", seen.weight),
        ("effective", seen.effective),
        ("volume_ratio", seen.volume_ratio),
        ("regime", float(seen.regime)),
    )
    return Vote(AGENT, seen.symbol, ts_ms, action, _confidence(action, shrunk, seen, config), _reason(seen), facts)


def _confidence(action: Action, shrunk: float, seen: SentimentView, config: SentimentConfig) -> float:
    if action is Action.HOLD:
        return config.hold_confidence * (1.0 - abs(shrunk) / config.threshold)
    borne = seen.regime is (Regime.BULL if action is Action.BUY else Regime.BEAR)
    return min(1.0, abs(shrunk) / config.full) * (1.0 if borne else config.quiet_share)


def _reason(seen: SentimentView) -> str:
    return (
        f"score {seen.score:+.2f} of {seen.headlines} headlines that weigh {seen.weight:.2f} (effective "
        f"{seen.effective:.1f}), volume {seen.volume_ratio:.2f} of its baseline, regime {seen.regime.name.lower()}, "
        f"newest {seen.newest}"
    )


def _volume_ratio(ages_ms: list[int], config: SentimentConfig) -> float:
    recent_ms = config.volume_s * 1_000
    known_ms = min(config.baseline_s * 1_000, max(ages_ms, default=0) - recent_ms)
    if known_ms < recent_ms:
        return 1.0
    recent = sum(1 for age in ages_ms if age < recent_ms)
    expected = (len(ages_ms) - recent) * recent_ms / known_ms
    return (1.0 + recent) / (1.0 + expected)


def _regime(ratio: float, score: float, config: SentimentConfig) -> Regime:
    if ratio < config.loud or abs(score) < config.regime_score or score == 0.0:
        return Regime.SIDEWAYS
    return Regime.BULL if score > 0.0 else Regime.BEAR
