"""From ballots to one verdict: the formula, written down once.

Every part is a signed score, -1 (sell) to 1 (buy):

    debate     d = net / total of the debate's voices (`debate.consensus`): specialists, forecaster, alerts
    asmbtr     a = its sign * min(1, confidence / asmbtr_full); that confidence is |P(up) - P(down)|, which is small
    hybrid     h = (debate_weight * d + asmbtr_weight * a) / (debate_weight + asmbtr_weight); of one that is silent,
               the other alone
    sentiment  s = its sign * confidence
    final      f = (1 - sentiment_weight) * h + sentiment_weight * s; without sentiment h
    models     f' = f moved by a debate of language models, by at most `max_shift` (`shifted`)

ASMBTR or sentiment that abstain or say HOLD are silent. strength = |f'|, leaning its sign, and the action is the
leaning where strength >= threshold and at least `min_votes` minds voted (HOLD counts, abstentions do not), else HOLD.

A mind that sits alone and names a target (a share of equity) decides by itself: BUY above 0, SELL at 0, with the
target in the verdict and no threshold. Its score is its vote; no debate of models moves it.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.debate import consensus, has_quorum
from fks_actors.model.votes import Action, Ballot, Verdict, Vote

ASMBTR = "asmbtr"
SENTIMENT = "sentiment"
_BESIDE = frozenset({ASMBTR, SENTIMENT})


def weigh(
    ballots: Sequence[Ballot],
    symbol: str,
    ts_ms: int,
    config: DebateConfig,
    weights: Mapping[str, float] | None = None,
) -> Verdict:
    """The verdict on one symbol at one bar; the order of the ballots does not change a bit of it.

    Args:
        weights: what each mind's vote weighs, by agent, times the configured weight; 1 where none is given.

    Raises:
        InvariantError: a ballot is for another symbol or bar, or a confidence is outside 0..1.
    """
    votes = {ballot.agent: ballot for ballot in ballots if isinstance(ballot, Vote)}
    weighed = {agent: config.weights.get(agent, 1.0) * (weights or {}).get(agent, 1.0) for agent in sorted(votes)}
    found = consensus(ballots, symbol, ts_ms, config, weighed, _BESIDE)
    scores = {"debate": found.strength if found.net > 0.0 else -found.strength if found.net < 0.0 else 0.0}
    has_debate = any(agent not in _BESIDE for agent in votes)
    final = _hybrid(scores["debate"] if has_debate else None, votes.get(ASMBTR), config, scores)
    told = votes.get(SENTIMENT)
    if told is not None and told.action is not Action.HOLD:
        scores[SENTIMENT] = _signed(told, told.confidence)
        share = config.sentiment_weight
        final = (1.0 - share) * final + share * scores[SENTIMENT]
    return _settled(replace(found, weights=tuple(weighed.items())), final, scores, has_quorum(ballots, config))


def decided(vote: Vote, target: float) -> Verdict:
    """The verdict of a mind that sits alone and wants `target`, 0..1."""
    action = Action.BUY if target > 0.0 else Action.SELL
    score = _signed(vote, vote.confidence)
    told, weights = (("final", score),), ((vote.agent, 1.0),)
    return Verdict(vote.symbol, vote.ts_ms, action, action, score, vote.confidence, 0.0, told, weights, target)


def shifted(verdict: Verdict, judged: float, config: DebateConfig, quorum: bool) -> Verdict:
    """The verdict after a judge of models: its score moves to `judged` (-1..1), by at most `max_shift`. One that a
    target decided stands."""
    if verdict.target is not None:
        return verdict
    before = dict(verdict.scores)["final"]
    most = config.max_shift
    shift = min(max(judged - before, -most), most)
    return _settled(verdict, before + shift, {**dict(verdict.scores), "models": shift}, quorum)


def _hybrid(debate: float | None, asmbtr: Vote | None, config: DebateConfig, scores: dict[str, float]) -> float:
    if asmbtr is None or asmbtr.action is Action.HOLD:
        return debate or 0.0
    scores[ASMBTR] = _signed(asmbtr, min(1.0, asmbtr.confidence / config.asmbtr_full))
    if debate is None:
        return scores[ASMBTR]
    of_debate, of_asmbtr = config.debate_weight, config.asmbtr_weight
    both = of_debate + of_asmbtr
    return (of_debate * debate + of_asmbtr * scores[ASMBTR]) / both if both > 0.0 else debate


def _signed(vote: Vote, size: float) -> float:
    return size if vote.action is Action.BUY else -size


def _settled(verdict: Verdict, final: float, scores: Mapping[str, float], quorum: bool) -> Verdict:
    final = min(max(final, -1.0), 1.0)
    leaning = Action.BUY if final > 0.0 else Action.SELL if final < 0.0 else Action.HOLD
    acts = quorum and abs(final) >= verdict.threshold
    told = (*((name, value) for name, value in scores.items() if name != "final"), ("final", final))
    return replace(verdict, action=leaning if acts else Action.HOLD, leaning=leaning, strength=abs(final), scores=told)
