"""Which actors a desk has, and what each is built from. Plain data: no Ray here."""

from dataclasses import dataclass
from typing import Any

from fks_actors.actors import names
from fks_actors.agents.config import DebateConfig
from fks_actors.desk.config import DeskConfig
from fks_actors.execution.config import default_rules
from fks_actors.model.markets import MarketRules
from fks_actors.model.records import RunRecord
from fks_actors.settings import Settings


@dataclass(frozen=True, slots=True)
class CoordinatorConfig:
    """What the coordinator is told."""

    namespace: str
    desk: DeskConfig
    debate: DebateConfig
    deadline_s: float
    inbox_url: str
    replay_window_ms: int


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """One actor: its name, its class as `module:Class`, its arguments. The class is imported where the actor runs."""

    name: str
    path: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that `fks up` has settled before the first actor starts."""

    namespace: str
    settings: Settings
    run: RunRecord
    journal_url: str
    inbox_url: str


VENUE = "paper"


def actor_specs(wiring: Wiring) -> tuple[ActorSpec, ...]:
    """The actors of a paper desk, in the order in which they depend on each other."""
    settings, namespace = wiring.settings, wiring.namespace
    markets: dict[str, MarketRules] = {s: default_rules(s, settings.paper) for s in wiring.run.symbols}
    cash = wiring.run.cash
    here = "fks_actors.actors"
    live = wiring.run.feed.startswith("live")
    coordinator = CoordinatorConfig(
        namespace,
        DeskConfig(VENUE, settings.market.quality),
        settings.agents.debate,
        settings.desk.vote_deadline_s if live else settings.desk.replay_vote_deadline_s,
        wiring.inbox_url,
        settings.webhook.replay_window_s * 1_000,
    )
    rooms = (settings.market, settings.memory, settings.agents, namespace)
    specs = [
        ActorSpec(names.JOURNAL, f"{here}.journal:JournalActor", (wiring.journal_url,)),
        ActorSpec(names.FEED, f"{here}.feed:FeedActor", (settings.feed,)),
        *(ActorSpec(agent, f"{here}.specialist:SpecialistActor", (agent, *rooms)) for agent in names.HORIZONS),
        ActorSpec(names.RISK, f"{here}.risk:RiskActor", (settings.risk, {VENUE: markets}, {VENUE: cash}, namespace)),
        ActorSpec(
            names.connector(VENUE),
            f"{here}.connector:PaperConnectorActor",
            (VENUE, settings.paper, markets, cash, namespace),
        ),
        ActorSpec(names.COORDINATOR, f"{here}.coordinator:CoordinatorActor", (coordinator, wiring.run)),
    ]
    watched = tuple(spec.name for spec in specs)
    return (*specs, ActorSpec(names.TELEMETRY, f"{here}.telemetry:TelemetryActor", (watched, namespace)))
