"""The debate's arithmetic. A pure function of the ballots; their order does not change a bit of the result."""

from collections.abc import Iterable, Mapping
from math import fsum

from fks_actors.agents.config import DebateConfig
from fks_actors.errors import InvariantError
from fks_actors.model.votes import Action, Ballot, Verdict, Vote


def consensus(
    ballots: Iterable[Ballot],
    symbol: str,
    ts_ms: int,
    config: DebateConfig,
    weights: Mapping[str, float] | None = None,
    beside: frozenset[str] = frozenset(),
) -> Verdict:
    """Weigh the votes of one symbol at one bar.

    net = sum(w * conf, BUY) - sum(w * conf, SELL); strength = |net| / sum(w * conf) over all votes, so HOLD weakens
    both sides. Abstentions count for nothing. The action is what net points at when strength >= threshold and at least
    `min_votes` voted, else HOLD. Sums are exactly rounded (Shewchuk 1997), hence free of order.

    Args:
        weights: by agent, 1 where none is given; None for the configured ones.
        beside: agents that make a quorum and have no voice here.

    Raises:
        InvariantError: a ballot is for another symbol or bar, or a confidence is outside 0..1.
    """
    net_terms: list[float] = []
    all_terms: list[float] = []
    weights = config.weights if weights is None else weights
    votes = 0
    for ballot in ballots:
        if ballot.symbol != symbol or ballot.ts_ms != ts_ms:
            raise InvariantError(f"{ballot.agent} voted on {ballot.symbol}@{ballot.ts_ms} for {symbol}@{ts_ms}")
        if not isinstance(ballot, Vote):
            continue
        if not 0.0 <= ballot.confidence <= 1.0:
            raise InvariantError(f"{ballot.agent} has a confidence of {ballot.confidence}, outside 0..1")
        votes += 1
        if ballot.agent in beside:
            continue
        weighed = ballot.confidence * weights.get(ballot.agent, 1.0)
        all_terms.append(weighed)
        if ballot.action is Action.BUY:
            net_terms.append(weighed)
        elif ballot.action is Action.SELL:
            net_terms.append(-weighed)
    net, total = fsum(net_terms), fsum(all_terms)
    strength = abs(net) / total if total > 0.0 else 0.0
    leaning = Action.BUY if net > 0.0 else Action.SELL if net < 0.0 else Action.HOLD
    acts = strength >= config.threshold and votes >= config.min_votes
    return Verdict(symbol, ts_ms, leaning if acts else Action.HOLD, leaning, net, strength, config.threshold)


def has_quorum(ballots: Iterable[Ballot], config: DebateConfig) -> bool:
    """Whether at least `min_votes` minds voted at all."""
    return sum(isinstance(ballot, Vote) for ballot in ballots) >= config.min_votes
