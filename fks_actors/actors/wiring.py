"""Which actors a desk has, and what each is built from. Plain data: no Ray here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from fks_actors.actors import names
from fks_actors.adapters.ccxt_venue.keys import KeySource
from fks_actors.adapters.news.config import NewsConfig
from fks_actors.adapters.sentiment.config import SentimentModelConfig
from fks_actors.agents import forecast, sentiment
from fks_actors.agents.config import MINDS, DebateConfig, SentimentConfig
from fks_actors.backtest.council import strategy_source
from fks_actors.backtest.run import desk_config
from fks_actors.backtest.shadows import ShadowPlan, shadow_plans
from fks_actors.desk.config import PAPER, DeskConfig, VenuePlan
from fks_actors.execution.config import default_rules
from fks_actors.model.records import RunRecord
from fks_actors.reflection.shadows import ShadowsConfig
from fks_actors.settings import Settings
from fks_actors.settings import load as load_settings
from fks_actors.strategies.source import load

_DEBATES = "debates.db"


@dataclass(frozen=True, slots=True)
class CoordinatorConfig:
    """What the coordinator is told. `debates` is the file that keeps unfinished debates, empty for none; `models`: the
    cluster has models that debate."""

    namespace: str
    desk: DeskConfig
    debate: DebateConfig
    minds: tuple[str, ...]
    deadline_s: float
    inbox_url: str
    replay_window_ms: int
    lease_ttl_s: float
    dead_man_s: float
    debates: str = ""
    models: bool = False


@dataclass(frozen=True, slots=True)
class NewsRooms:
    """What the sentiment mind is told. `live`: its sources are polled; else only files are read, by the bars' clock."""

    news: NewsConfig
    model: SentimentModelConfig
    agent: SentimentConfig
    symbols: tuple[str, ...]
    live: bool
    redis_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ShadowsTold:
    """What the actor is told. `begins` is the file that remembers where each shadow began, empty for none; `warm`: bars
    a symbol to learn from at its begin; `own_process`: whether it may take a lower priority."""

    journal_url: str = field(repr=False)
    run: RunRecord
    plans: tuple[ShadowPlan, ...]
    config: ShadowsConfig
    warm: int
    begins: str = ""
    own_process: bool = True


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """One actor: its name, its class as `module:Class`, its arguments. The class is imported where the actor runs."""

    name: str
    path: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that `fks up` has settled before the first actor starts.

    `venues` are the desk's, in the order of preference; `cash` is what each account starts with in a fresh journal, in
    quote; `keys` tells where the keys of a real venue are found; `home` is FKS_HOME.
    """

    namespace: str
    settings: Settings
    run: RunRecord
    journal_url: str
    inbox_url: str
    venues: tuple[VenuePlan, ...]
    cash: Mapping[str, Decimal]
    keys: Mapping[str, KeySource] = field(default_factory=dict)
    home: str = ""


def paper_plan(name: str, symbols: tuple[str, ...], settings: Settings) -> VenuePlan:
    """The paper venue as the desk sees it."""
    claims = settings.venues[name].symbols
    return VenuePlan(name, PAPER, False, {s: default_rules(s, settings.paper) for s in symbols}, claims)


def actor_specs(wiring: Wiring) -> tuple[ActorSpec, ...]:
    """The actors of a desk, in the order in which they depend on each other.

    Raises:
        ConfigError: a strategy cannot be opened; the text says what to do.
    """
    settings, namespace = wiring.settings, wiring.namespace
    here = "fks_actors.actors"
    live = wiring.run.feed.startswith("live")
    coordinator = CoordinatorConfig(
        namespace,
        desk_config(settings, wiring.venues, settings.routing.default, settings.routing.best_price),
        settings.agents.debate,
        settings.agents.minds,
        settings.desk.vote_deadline_s if live else settings.desk.replay_vote_deadline_s,
        wiring.inbox_url,
        settings.webhook.replay_window_s * 1_000,
        settings.desk.lease_ttl_s,
        settings.desk.dead_man_s,
        f"{wiring.home}/{_DEBATES}" if wiring.home else "",
        bool(settings.llm.providers),
    )
    markets = {plan.name: plan.markets for plan in wiring.venues}
    specs = [
        ActorSpec(names.JOURNAL, f"{here}.journal:JournalActor", (wiring.journal_url,)),
        ActorSpec(names.FEED, f"{here}.feed:FeedActor", (settings.feed,)),
        *(_mind(wiring, agent, live) for agent in settings.agents.minds),
        *_models(wiring),
        ActorSpec(names.RISK, f"{here}.risk:RiskActor", (settings.risk, markets, wiring.cash, namespace)),
        *(_connector(wiring, plan) for plan in wiring.venues),
        ActorSpec(names.COORDINATOR, f"{here}.coordinator:CoordinatorActor", (coordinator, wiring.run)),
    ]
    specs += _shadows(wiring)
    watched = tuple(spec.name for spec in specs)
    return (*specs, ActorSpec(names.TELEMETRY, f"{here}.telemetry:TelemetryActor", (watched, namespace)))


def _mind(wiring: Wiring, agent: str, live: bool) -> ActorSpec:
    settings, namespace = wiring.settings, wiring.namespace
    if agent == sentiment.AGENT:
        rooms = NewsRooms(
            settings.news, settings.sentiment, settings.agents.sentiment, wiring.run.symbols, live, settings.redis.url
        )
        return ActorSpec(agent, "fks_actors.actors.sentiment:SentimentActor", (rooms, namespace))
    if agent == forecast.AGENT:
        told = (settings.forecast, settings.agents.forecast.for_bars(wiring.run.interval_ms), namespace)
        return ActorSpec(agent, "fks_actors.actors.forecaster:ForecasterActor", told)
    if agent not in MINDS:
        source = strategy_source(agent, settings)
        load(source)  # what is wrong with it is told here, not in a process that nobody looks at
        return ActorSpec(agent, "fks_actors.actors.specialist:StrategyActor", (source, namespace))
    arguments = (agent, settings.market, settings.memory, settings.agents, namespace)
    return ActorSpec(agent, "fks_actors.actors.specialist:SpecialistActor", arguments)


def _models(wiring: Wiring) -> tuple[ActorSpec, ...]:
    config = wiring.settings.llm
    if not config.providers:
        return ()
    return (ActorSpec(names.MODELS, "fks_actors.actors.models:ModelsActor", (config, wiring.home)),)


def _shadows(wiring: Wiring) -> tuple[ActorSpec, ...]:
    config = wiring.settings.shadows
    if config.is_empty:
        return ()
    plans = shadow_plans(wiring.settings, lambda path: load_settings(Path(path).expanduser()).settings)
    journal = hashlib.sha256(wiring.journal_url.encode()).hexdigest()[:12]
    begins = f"{wiring.home}/shadows/{journal}.json" if wiring.home else ""
    told = ShadowsTold(wiring.journal_url, wiring.run, plans, config, wiring.settings.feed.history_bars, begins)
    return (ActorSpec(names.SHADOWS, "fks_actors.actors.shadow:ShadowActor", (told,)),)


def _connector(wiring: Wiring, plan: VenuePlan) -> ActorSpec:
    settings, namespace = wiring.settings, wiring.namespace
    name = names.connector(plan.name)
    if plan.real:
        real = (plan.name, settings.venues[plan.name], tuple(plan.markets), wiring.keys[plan.name], namespace)
        return ActorSpec(name, "fks_actors.actors.exchange_connector:ExchangeConnectorActor", real)
    config = settings.paper.model_copy(update={"name": plan.name})
    paper = (plan.name, config, dict(plan.markets), wiring.cash[plan.name], namespace)
    return ActorSpec(name, "fks_actors.actors.connector:PaperConnectorActor", paper)
