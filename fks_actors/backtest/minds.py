"""The minds of bars in this process (desk.ports.Minds): each observes a batch and votes, one after the other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.settlement import DebateResult, settle
from fks_actors.desk.mind import BarMind
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Debate
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Verdict


class Debated(Protocol):
    """What became of the verdicts of a batch, and the debates by symbol."""

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """In the batch's order."""
        ...

    @property
    def debates(self) -> Mapping[str, Debate]:
        """By symbol, where models were asked."""
        ...


Decide = Callable[[BarBatch, DebateResult, Briefing], Awaitable[Debated]]
"""Has models debate what they can change (`actors.debating`)."""


class RunMinds:
    """Minds that see every bar of the run once and in order, so that nothing has to be rebuilt.

    Args:
        minds: who votes.
        config: how the votes are weighed.
        decide: holds the debates of language models; None where there are none.
    """

    def __init__(self, minds: Sequence[BarMind], config: DebateConfig, decide: Decide | None = None) -> None:
        self._minds = tuple(minds)
        self._config = config
        self._decide = decide

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """Let every mind observe the batch and vote, and weigh the votes."""
        answers = {mind.agent: mind.ask(batch) for mind in self._minds}
        result = settle(batch, answers, self._config, briefing.heard, briefing.weights)
        if self._decide is None:
            return Deliberation(result.ballots, result.verdicts)
        debated = await self._decide(batch, result, briefing)
        return Deliberation(result.ballots, debated.verdicts, (), debated.debates)

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Let every mind observe history without a vote."""
        for batch in batches:
            for candle in batch.candles:
                for mind in self._minds:
                    mind.observe(candle)
        return ()
