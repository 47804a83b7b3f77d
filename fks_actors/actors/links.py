"""Whom the coordinator talks to: the other actors of its cluster, or plain objects that keep the same promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fks_actors.actors.council import Council
from fks_actors.actors.handles import ConnectorHandle, FeedHandle, JournalHandle, RiskHandle, SpecialistHandle
from fks_actors.actors.lease import LeasePort
from fks_actors.actors.model_handle import ModelsHandle
from fks_actors.actors.wiring import CoordinatorConfig
from fks_actors.adapters.checkpoints import Checkpoints
from fks_actors.agents.floor import Debaters
from fks_actors.desk.config import VenuePlan
from fks_actors.desk.ports import Briefing, Deliberation, JournalPort, Minds, RiskPort, VenuePort
from fks_actors.model.candles import BarBatch

_STEP_S = 5.0
"""How long a step at a real venue may take before the desk goes on without its answer."""


class FeedPort(Protocol):
    """Where the bars come from; see `handles.FeedHandle`."""

    async def info(self) -> dict[str, Any]:
        """What the feed says of itself."""
        ...

    async def history(self) -> list[BarBatch]:
        """Bars to learn from before trading starts."""
        ...

    async def next(self, after_ms: Mapping[str, int], limit: int, wait_s: float) -> tuple[list[BarBatch], bool]:
        """Closed bars after the cursor, and whether the feed has ended."""
        ...


class CouncilPort(Minds, Protocol):
    """The minds, how they look ahead where bars queue up, and how they explain themselves; see `council.Council`."""

    async def explain(self, batch: BarBatch, briefing: Briefing, symbol: str) -> Deliberation:
        """What was said of one symbol of the last batch, and a debate over it; nothing trades."""
        ...

    async def look_ahead(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> None:
        """Fetch what the minds say of batches that come next."""
        ...

    def forget_ahead(self) -> None:
        """Drop what was fetched."""
        ...

    async def close(self) -> None:
        """Let go of files."""
        ...


class ConnectorPort(VenuePort, Protocol):
    """A venue's connector; `news` and `state` are asked of a real venue alone."""

    async def news(self, wait_s: float, epoch: int = 0, until_ms: int = 0) -> bool:
        """Wait for something to collect; whether there is."""
        ...

    async def state(self) -> dict[str, Any]:
        """What the connector says of itself."""
        ...


class DeskJournal(JournalPort, LeasePort, Protocol):
    """The journal and its lease."""


@dataclass(frozen=True, slots=True)
class Links:
    """Everything that the coordinator reaches."""

    feed: FeedPort
    journal: DeskJournal
    council: CouncilPort
    risk: RiskPort
    connectors: Mapping[str, ConnectorPort]


def remote_links(config: CoordinatorConfig) -> Links:
    """The actors of the cluster, by name."""
    namespace = config.namespace
    checkpoints = Checkpoints(Path(config.debates)) if config.debates else None
    specialists = {agent: SpecialistHandle(agent, namespace) for agent in config.minds}
    return Links(
        FeedHandle(namespace),
        JournalHandle(namespace),
        Council(specialists, config.debate, config.deadline_s, _debaters(config), checkpoints),
        RiskHandle(namespace),
        {plan.name: _connector(plan, namespace) for plan in config.desk.venues},
    )


def _debaters(config: CoordinatorConfig) -> Debaters | None:
    """The models of the cluster, where there are any."""
    return ModelsHandle(config.namespace) if config.models else None


def _connector(plan: VenuePlan, namespace: str) -> ConnectorHandle:
    """A paper venue must answer, however long it takes; nothing waits for a real one."""
    return ConnectorHandle(plan.name, namespace, _STEP_S) if plan.real else ConnectorHandle(plan.name, namespace)
