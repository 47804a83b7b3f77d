"""Which actors a desk has is plain data: complete, in order, importable, and it survives the way to another node."""

import importlib
import inspect
import pickle
import subprocess
import sys

import pytest

from fks_actors.actors import names
from fks_actors.actors.forecaster import ForecasterActor
from fks_actors.actors.remote import pack, unpack
from fks_actors.actors.spawn import Hosted, _named
from fks_actors.actors.wiring import ActorSpec, CoordinatorConfig, Wiring, actor_specs, paper_plan
from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.agents.config import AgentsConfig, AsmbtrConfig, ForecastConfig
from fks_actors.desk.config import PAPER
from fks_actors.llm.config import LlmConfig, Place, ProviderConfig
from fks_actors.model.markets import MarketRules
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.settings import DeskSection, Settings
from fks_actors.webhook.config import WebhookRules
from tests.in_process import CASH, run_record
from tests.market import SYMBOLS, batches

SETTINGS = Settings(
    feed=FeedConfig(spec="simulated"),
    desk=DeskSection(vote_deadline_s=1.5, replay_vote_deadline_s=45),
    webhook=WebhookRules(replay_window_s=7),
    reflection=ReflectionConfig(min_outcomes=33),
    agents=AgentsConfig(asmbtr=AsmbtrConfig(stop_pct=0.5)),
)


def specs(feed: str = "simulated") -> dict[str, ActorSpec]:
    run = run_record(SYMBOLS)
    run = type(run)(run.run_id, 0, feed, False, SYMBOLS, 60_000, CASH, "0")
    plans = (paper_plan(PAPER, SYMBOLS, SETTINGS),)
    made = actor_specs(
        Wiring("ns", SETTINGS, run, "sqlite:////j.db", "sqlite:////i.db", plans, {PAPER: CASH}, {}, "/fks")
    )
    return {spec.name: spec for spec in made}


def test_specs_when_a_desk_is_wired_then_every_actor_once_and_what_is_needed_comes_first() -> None:
    assert list(specs()) == [
        names.JOURNAL, names.FEED, *AgentsConfig().minds, names.RISK, names.connector(PAPER), names.COORDINATOR,
        names.SHADOWS, names.TELEMETRY,
    ]  # fmt: skip
    assert specs()[names.TELEMETRY].arguments == (tuple(specs())[:-1], "ns")


def test_specs_when_a_language_model_is_named_then_one_actor_owns_them_before_whoever_asks() -> None:
    tiny = ProviderConfig(base_url="http://127.0.0.1:8080/v1", model="m", place=Place.LOCAL)
    settings = SETTINGS.model_copy(update={"llm": LlmConfig(providers={"tiny": tiny})})
    plans = (paper_plan(PAPER, SYMBOLS, settings),)
    wiring = Wiring("ns", settings, run_record(SYMBOLS), "j", "i", plans, {PAPER: CASH}, home="/home/desk")
    made = {spec.name: spec for spec in actor_specs(wiring)}
    spec = made[names.MODELS]
    assert spec.arguments == (settings.llm, "/home/desk")
    module, _, name = spec.path.partition(":")
    inspect.signature(getattr(importlib.import_module(module), name)).bind(*spec.arguments)
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 our own bytes
    order = list(made)
    assert order.index(names.MODELS) < order.index(names.COORDINATOR)
    assert names.MODELS in made[names.TELEMETRY].arguments[0]


@pytest.mark.parametrize("spec", specs().values(), ids=lambda spec: spec.name)
def test_specs_when_an_actor_is_built_where_it_runs_then_class_and_arguments_fit(spec: ActorSpec) -> None:
    module, _, name = spec.path.partition(":")
    actor = getattr(importlib.import_module(module), name)
    inspect.signature(actor).bind(*spec.arguments)
    assert repr(pickle.loads(pickle.dumps(spec))) == repr(spec)  # noqa: S301 our own bytes
    assert "hunter2" not in repr(spec)


@pytest.mark.parametrize(("feed", "deadline_s"), [("live:binance", 1.5), ("simulated", 45), ("replay:/a.csv", 45)])
def test_specs_when_time_stands_still_then_votes_may_take_longer(feed: str, deadline_s: float) -> None:
    config = specs(feed)[names.COORDINATOR].arguments[0]
    assert isinstance(config, CoordinatorConfig)
    assert (config.deadline_s, config.replay_window_ms, config.namespace) == (deadline_s, 7_000, "ns")
    assert config.desk.reflection == SETTINGS.reflection
    assert config.desk.asmbtr == SETTINGS.agents.asmbtr
    assert (config.debates, config.models) == ("/fks/debates.db", False)
    assert config.inbox_url == "sqlite:////i.db"


def test_specs_when_risk_and_venue_are_built_then_they_know_the_same_markets_and_cash() -> None:
    risk, venue = specs()[names.RISK].arguments, specs()[names.connector(PAPER)].arguments
    assert risk[1] == {PAPER: venue[2]}
    assert risk[2] == {PAPER: venue[3]} == {PAPER: CASH}
    assert {s: type(rules) for s, rules in venue[2].items()} == dict.fromkeys(SYMBOLS, MarketRules)


def test_named_when_an_actor_is_hosted_then_the_process_list_tells_who_it_is() -> None:
    named = [_named(spec) for spec in specs().values()]
    assert [each.__name__ for each in named][:2] == ["JournalActor", "FeedActor"]
    assert all(issubclass(each, Hosted) for each in named)


def test_pack_when_a_message_comes_back_then_it_is_equal() -> None:
    message = (batches(2), {"BTC/USDT": 5}, None)
    assert unpack(pack(message)) == message


def test_wiring_when_imported_then_ray_is_not() -> None:
    code = "import sys, fks_actors.actors.wiring, fks_actors.cli.plan; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_specs_when_a_desk_has_a_forecaster_then_it_gets_its_model_and_rules() -> None:
    agents = AgentsConfig(minds=("short_term", "forecast"), forecast=ForecastConfig(horizon_bars=12))
    settings = SETTINGS.model_copy(update={"agents": agents, "forecast": ForecastModelConfig(refit_bars=24)})
    plans = (paper_plan(PAPER, SYMBOLS, settings),)
    wiring = Wiring("ns", settings, run_record(SYMBOLS), "sqlite:////j.db", "sqlite:////i.db", plans, {PAPER: CASH})
    spec = {spec.name: spec for spec in actor_specs(wiring)}["forecast"]
    assert spec.path == "fks_actors.actors.forecaster:ForecasterActor"
    assert spec.arguments == (settings.forecast, agents.forecast.for_bars(wiring.run.interval_ms), "ns")
    inspect.signature(ForecasterActor).bind(*spec.arguments)
