"""Where models may change a verdict: which symbols of a batch are debated, with whom, and what is recorded of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.debate import has_quorum
from fks_actors.agents.floor import Checkpoints, Debaters, Floor, Motion
from fks_actors.agents.settlement import DebateResult
from fks_actors.agents.turns import ASKED, triggers
from fks_actors.desk.ports import Briefing
from fks_actors.desk.proposals import decision_id
from fks_actors.llm import rules
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.debates import Brief, Debate, Role, Turn
from fks_actors.model.votes import Verdict


@dataclass(frozen=True, slots=True)
class Debated:
    """The verdicts after the debates, in the order of those before, and the debates by symbol."""

    verdicts: tuple[Verdict, ...]
    debates: Mapping[str, Debate]


class Debating:
    """Holds the debates of a desk.

    Args:
        config: when a debate is held, and what bounds it.
        debaters: the models; None where there are none: then only what is asked for is debated, by rules.
        checkpoints: keeps what models said until the decision is recorded.
    """

    def __init__(
        self, config: DebateConfig, debaters: Debaters | None = None, checkpoints: Checkpoints | None = None
    ) -> None:
        self._config = config
        self._debaters = debaters
        self._checkpoints = checkpoints
        self._floor = Floor(config, checkpoints)

    async def decide(self, batch: BarBatch, result: DebateResult, briefing: Briefing) -> Debated:
        """Debate what models can change, all symbols at once. Without models the verdicts stand."""
        if self._debaters is None:
            return Debated(result.verdicts, {})
        found = (self._motion(batch, candle, result, briefing) for candle in batch.candles)
        motions = [motion for motion in found if motion.triggers and motion.quorum]
        if not motions:
            return Debated(result.verdicts, {})
        held = await self._floor.hold(motions, self._debaters, keep=True)
        after = {verdict.symbol: verdict for verdict, _ in held}
        return Debated(
            tuple(after.get(verdict.symbol, verdict) for verdict in result.verdicts),
            {verdict.symbol: debate for verdict, debate in held},
        )

    async def explain(
        self, batch: BarBatch, result: DebateResult, briefing: Briefing, symbol: str
    ) -> tuple[Verdict, Debate]:
        """Debate one symbol because somebody asked; nothing of it is kept."""
        candle = next(candle for candle in batch.candles if candle.symbol == symbol)
        motion = self._motion(batch, candle, result, briefing)
        motion = replace(motion, triggers=(ASKED, *motion.triggers))
        (held,) = await self._floor.hold([motion], self._debaters or _RuleSpeakers(), keep=False)
        return held

    async def close(self) -> None:
        """Let go of the checkpoints."""
        if self._checkpoints is not None:
            await self._checkpoints.close()

    def _motion(self, batch: BarBatch, candle: Candle, result: DebateResult, briefing: Briefing) -> Motion:
        symbol = candle.symbol
        verdict = next(verdict for verdict in result.verdicts if verdict.symbol == symbol)
        ballots = tuple(ballot for ballot in result.ballots if ballot.symbol == symbol)
        stake = briefing.stakes.get(symbol, Decimal(0))
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
        return Motion(brief, triggers(verdict, stake, self._config), has_quorum(ballots, self._config))


class _RuleSpeakers:
    """Speakers without a model."""

    async def speak(self, role: Role, brief: Brief, timeout_s: float) -> Turn:
        """One turn by the rules alone; it costs nothing and takes no time."""
        return rules.turn(role, brief)
