"""What the minds said of a batch, checked and weighed: one ballot a mind and symbol, one verdict a symbol.

The live debate (`graph`) ends here, and a backtest begins here: it loads no LangGraph, which takes a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.verdict import decided, weigh
from fks_actors.model.candles import BarBatch
from fks_actors.model.votes import Abstain, AbstainReason, Ballot, Verdict, Vote


@dataclass(frozen=True, slots=True)
class DebateResult:
    """One ballot a mind and symbol (by symbol in the batch's order, then by mind), one verdict a symbol."""

    ballots: tuple[Ballot, ...]
    verdicts: tuple[Verdict, ...]


def settle(
    batch: BarBatch,
    answers: Mapping[str, tuple[Ballot, ...]],
    config: DebateConfig,
    heard: Sequence[Vote] = (),
    weights: Mapping[str, float] | None = None,
) -> DebateResult:
    """Weigh what every mind said of the batch, and the advisory votes `heard` with it. Of one mind alone that names a
    target the target decides, whatever is heard.

    Args:
        answers: by agent; a ballot that is missing, for another bar, in another's name or out of bounds is FAILED.
        weights: by agent, 1 where none is given.
    """
    said: list[Ballot] = []
    verdicts: list[Verdict] = []
    for candle in batch.candles:
        symbol = candle.symbol
        ballots = [_checked(agent, symbol, batch.ts_ms, _of(symbol, answer)) for agent, answer in answers.items()]
        alone = ballots[0] if len(ballots) == 1 else None
        ballots += [vote for vote in heard if vote.symbol == symbol]
        said += ballots
        if isinstance(alone, Vote) and alone.target is not None:
            verdicts.append(decided(alone, alone.target))
        else:
            verdicts.append(weigh(ballots, symbol, batch.ts_ms, config, weights))
    return DebateResult(tuple(said), tuple(verdicts))


def _of(symbol: str, answer: Sequence[Ballot]) -> Ballot | None:
    return next((ballot for ballot in answer if ballot.symbol == symbol), None)


def _checked(agent: str, symbol: str, ts_ms: int, ballot: Ballot | None) -> Ballot:
    """The ballot, or a FAILED abstention where it is missing, for another bar, in another's name or out of bounds."""
    if ballot is None:
        return failed(agent, symbol, ts_ms, "no ballot for the symbol")
    if ballot.agent != agent or ballot.ts_ms != ts_ms:
        return failed(agent, symbol, ts_ms, f"ballot of {ballot.agent}@{ballot.ts_ms} for {agent}@{ts_ms}")
    if isinstance(ballot, Vote) and not 0.0 <= ballot.confidence <= 1.0:
        return failed(agent, symbol, ts_ms, f"confidence {ballot.confidence} outside 0..1")
    if isinstance(ballot, Vote) and ballot.target is not None and not 0.0 <= ballot.target <= 1.0:
        return failed(agent, symbol, ts_ms, f"target {ballot.target} outside 0..1")
    return ballot


def failed(agent: str, symbol: str, ts_ms: int, detail: str) -> Abstain:
    """The abstention of a mind that answered amiss, or not at all."""
    return Abstain(agent, symbol, ts_ms, AbstainReason.FAILED, detail)
