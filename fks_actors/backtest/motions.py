"""What a debate over a decision is held about: the brief that its speakers are told, and why they are asked."""

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.debate import has_quorum
from fks_actors.agents.floor import Motion
from fks_actors.agents.settlement import DebateResult
from fks_actors.agents.turns import triggers
from fks_actors.desk.ports import Briefing
from fks_actors.desk.proposals import decision_id
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.debates import Brief
from fks_actors.model.orders import ZERO


def motion(batch: BarBatch, candle: Candle, result: DebateResult, briefing: Briefing, config: DebateConfig) -> Motion:
    """The motion on one of the batch's symbols; without triggers there is nothing to debate."""
    symbol = candle.symbol
    verdict = next(verdict for verdict in result.verdicts if verdict.symbol == symbol)
    ballots = tuple(ballot for ballot in result.ballots if ballot.symbol == symbol)
    stake = briefing.stakes.get(symbol, ZERO)
    brief = Brief(
        decision_id(symbol, batch.ts_ms),
        symbol,
        batch.ts_ms,
        batch.interval_ms,
        to_money(candle.close),
        stake,
        ballots,
        verdict,
    )
    return Motion(brief, triggers(verdict, stake, config), has_quorum(ballots, config))
