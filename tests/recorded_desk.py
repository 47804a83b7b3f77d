"""Journals on disk, written by desks of this process that are started, killed, told and replayed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fks_actors.actors.debating import Debating
from fks_actors.adapters.sql import SqlJournal
from fks_actors.adapters.sql.chain import SqlChain, open_chain
from fks_actors.agents.config import AgentsConfig
from fks_actors.agents.floor import Debaters
from fks_actors.backtest.recorded_settings import settings_of, with_settings
from fks_actors.backtest.replay import Replayed, Wanted, replay
from fks_actors.desk.config import VenuePlan
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.execution.config import default_rules
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import RunRecord
from fks_actors.settings import Settings
from tests.in_process import CASH, Breaker, InProcessDesk, SqlInProcess

ALL = Wanted()
MINDS = ("short_term", "mid_term", "long_term", "asmbtr")


def settings(**agents: Any) -> Settings:
    """The settings of a desk with four minds of bars."""
    return Settings(agents=AgentsConfig(**{"minds": MINDS, **agents}))


class DebatingDesk(InProcessDesk):
    """A desk whose verdicts are debated as its council debates them."""

    def __init__(self, *args: Any, debaters: Debaters, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._debating = Debating(self._agents.debate, debaters)

    async def _deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        said = await super()._deliberate(batch, briefing)
        debated = await self._debating.decide(batch, _Result(said), briefing)  # type: ignore[arg-type]
        return Deliberation(said.ballots, debated.verdicts, said.snapshots, debated.debates)


class _Result:
    def __init__(self, said: Deliberation) -> None:
        self.ballots, self.verdicts = said.ballots, said.verdicts


class RecordedDesk:
    """A desk over a journal's file.

    Args:
        path: the file; one that holds a journal is gone on with.
        debaters: who speaks in its debates; None for nobody.
        rate: how often a call between its parts breaks.
    """

    def __init__(
        self,
        path: Path,
        symbols: Sequence[str],
        config: Settings,
        debaters: Debaters | None = None,
        rate: float = 0.0,
        seed: int = 0,
        feed: str = "replay:here",
        **kwargs: Any,
    ) -> None:
        self.feed = feed
        self.url, self.config, self.symbols = f"sqlite:///{path}", config, tuple(symbols)
        self.journal = SqlJournal(self.url, lambda: 0)
        self.kwargs = {
            "risk": config.risk, "agents": config.agents, "reflection": config.reflection, **kwargs,
            "journal": SqlInProcess(self.journal),
        }  # fmt: skip
        made = (self.symbols, Breaker(seed, rate))
        self.home = DebatingDesk(*made, debaters=debaters, **self.kwargs) if debaters else InProcessDesk(
            *made, **self.kwargs
        )  # fmt: skip

    def record(self, run_id: str, interval_ms: int, settled: bool = True) -> RunRecord:
        """A start of this desk; without its settings where it is not `settled`."""
        markets = {symbol: default_rules(symbol, self.config.paper) for symbol in self.symbols}
        names = self.home.venues
        plans = [VenuePlan(name, name, name in self.home.real, markets) for name in names]
        run = RunRecord(run_id, 0, self.feed, False, self.symbols, interval_ms, CASH, "0", venues=names)
        return with_settings(run, self.config, plans, dict.fromkeys(names, CASH)) if settled else run

    async def begin(self, run_id: str = "r1", interval_ms: int = 60_000, settled: bool = True) -> "RecordedDesk":
        """Recover, and record the start."""
        run = self.record(run_id, interval_ms, settled)
        await self.home.run(lambda desk: desk.recover())
        await self.home.run(lambda desk: desk.begin(run))
        return self

    async def bars(self, batches: Sequence[BarBatch], late_ms: int | None = None) -> "RecordedDesk":
        """Decide on bars; on a live desk's clock they come `late_ms` after they closed."""
        for batch in batches:
            now_ms = None if late_ms is None else batch.close_ms + late_ms
            await self.home.run(lambda desk, b=batch, at=now_ms: desk.run_cycle(b, at))
        return self

    def close(self) -> None:
        """Let go of the file."""
        self.journal.close()


async def replayed(url: str, wanted: Wanted = ALL, otherwise: Settings | None = None, **kwargs: Any) -> Replayed:
    """Replay a journal under its own settings; `otherwise` for runs that recorded none."""
    chain: SqlChain = open_chain(url)
    try:
        return await replay(chain, wanted, lambda run: settings_of(run, otherwise or Settings()), **kwargs)
    finally:
        chain.close()
