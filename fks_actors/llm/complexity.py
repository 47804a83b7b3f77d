"""How hard a decision is for arithmetic, 0 to 1, and from that how much an answer matters.

    complexity = 0.4 * disagreement + 0.3 * doubt + 0.3 * stake

`disagreement` = 1 - |sum of signed confidences| / sum of confidences over the votes with a side; `doubt` = 1 where the
strength stands at the threshold, 0 where it is as far from it as it can be; `stake` = what the order could move, over
what counts as large, 1 at most.
"""

from decimal import Decimal

from fks_actors.llm.config import LlmConfig
from fks_actors.model.debates import Brief, Tier
from fks_actors.model.votes import Action, Vote

_DISAGREEMENT, _DOUBT, _STAKE = 0.4, 0.3, 0.3


def complexity(brief: Brief, large_quote: Decimal) -> float:
    """The estimate; `large_quote` is the notional from which a stake counts in full."""
    sides = [
        v.confidence if v.action is Action.BUY else -v.confidence
        for v in brief.ballots
        if isinstance(v, Vote) and v.action is not Action.HOLD
    ]
    total = sum(abs(side) for side in sides)
    disagreement = 1.0 - abs(sum(sides)) / total if total else 0.0
    threshold = brief.verdict.threshold
    doubt = 1.0 - min(1.0, abs(brief.verdict.strength - threshold) / max(threshold, 1.0 - threshold))
    stake = min(1.0, float(brief.stake_quote / large_quote)) if large_quote > 0 else 1.0
    return _DISAGREEMENT * disagreement + _DOUBT * doubt + _STAKE * stake


def tier_of(brief: Brief, large_quote: Decimal, config: LlmConfig) -> Tier:
    """CRITICAL from `complexity_critical` on."""
    hard = complexity(brief, large_quote) >= config.complexity_critical
    return Tier.CRITICAL if hard else Tier.ROUTINE
