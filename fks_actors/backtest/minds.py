"""The minds of bars in this process (desk.ports.Minds): each observes a batch and votes, one after the other."""

from collections.abc import Mapping, Sequence

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.graph import settle
from fks_actors.desk.mind import BarMind
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Snapshot


class RunMinds:
    """Minds that see every bar of the run once and in order, so that nothing has to be rebuilt."""

    def __init__(self, minds: Sequence[BarMind], config: DebateConfig) -> None:
        self._minds = tuple(minds)
        self._config = config

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """Let every mind observe the batch and vote, and weigh the votes."""
        answers = {mind.agent: mind.ask(batch) for mind in self._minds}
        result = settle(batch, answers, self._config, briefing.heard, briefing.weights)
        return Deliberation(result.ballots, result.verdicts)

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Let every mind observe history without a vote."""
        for batch in batches:
            for candle in batch.candles:
                for mind in self._minds:
                    mind.observe(candle)
        return ()
