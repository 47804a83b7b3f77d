"""A run in one process is the desk itself: the same decisions, orders, fills and equity as behind its actors."""

from collections.abc import AsyncIterator, Sequence

from fks_actors.actors import names
from fks_actors.actors.wiring import Wiring, actor_specs, paper_plan
from fks_actors.agents.config import AgentsConfig, AsmbtrConfig, ForecastConfig
from fks_actors.backtest.minds import RunMinds
from fks_actors.backtest.run import Result, desk_config, run
from fks_actors.backtest.versus import versus
from fks_actors.desk.config import PAPER
from fks_actors.desk.crafts import bar_mind
from fks_actors.model.candles import BarBatch
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.settings import Settings
from tests.in_process import CASH, Breaker, InProcessDesk, run_record
from tests.market import batches

SYMBOLS = ("BTC/USDT", "ETH/USDT")
MINDS = ("short_term", "mid_term", "asmbtr")


async def each(bars: Sequence[BarBatch]) -> AsyncIterator[BarBatch]:
    for batch in bars:
        yield batch


async def ran(
    bars: Sequence[BarBatch], history: Sequence[BarBatch] = (), reflection: ReflectionConfig | None = None
) -> Result:
    settings = Settings(agents=AgentsConfig(minds=MINDS), reflection=reflection or ReflectionConfig())
    minds = [bar_mind(a, settings.market, settings.memory, settings.agents) for a in MINDS]
    record = run_record(SYMBOLS)
    return await run(settings, record, each(bars), lambda _: RunMinds(minds, settings.agents.debate), history)


async def test_run_when_the_same_bars_go_through_the_desk_then_the_same_story_to_the_last_digit() -> None:
    bars = batches(300)
    home = InProcessDesk(SYMBOLS, Breaker(0, 0.0), agents=AgentsConfig(minds=MINDS))
    await home.desk.recover()
    for batch in bars:
        await home.desk.run_cycle(batch)
    result, story = await ran(bars), home.journal.story()
    assert len(result.fills) > 2
    assert list(result.cycles) == story["cycles"]
    assert list(result.fills) == story["fills"]
    assert list(result.equity) == story["equity"]
    assert sorted(result.orders, key=lambda o: o.intent.client_order_id) == story["orders"]


async def test_run_when_history_is_given_then_it_is_learnt_and_not_traded() -> None:
    bars = batches(300)
    result = await ran(bars[200:], bars[:200])
    assert result.bars == 200
    assert {cycle.ts_ms for cycle in result.cycles} == {batch.ts_ms for batch in bars[200:]}
    assert all(fill.ts_ms > bars[200].ts_ms for fill in result.fills)


async def test_versus_when_both_runs_are_the_same_then_nothing_changed() -> None:
    one, other = await ran(batches(120)), await ran(batches(120))
    found = versus(one, other)
    assert (found.changed, found.debates, found.calls, found.gained, found.latency(0.5)) == ((), 0, (), 0, 0)


def test_desk_config_when_anything_is_set_then_a_run_and_a_live_desk_are_told_the_same() -> None:
    settings = Settings(
        agents=AgentsConfig(minds=MINDS, asmbtr=AsmbtrConfig(protect=True), forecast=ForecastConfig(horizon_bars=12)),
        reflection=ReflectionConfig(min_outcomes=7),
    )
    plans = (paper_plan(PAPER, SYMBOLS, settings),)
    wiring = Wiring("ns", settings, run_record(SYMBOLS), "sqlite:////j.db", "sqlite:////i.db", plans, {PAPER: CASH})
    (live,) = (spec.arguments[0].desk for spec in actor_specs(wiring) if spec.name == names.COORDINATOR)
    assert desk_config(settings, plans, PAPER) == live
    assert (live.reflection.min_outcomes, live.asmbtr.protect) == (7, True)


def test_desk_config_when_the_forecaster_looks_elsewhere_then_it_is_scored_there_unless_told_otherwise() -> None:
    agents = AgentsConfig(forecast=ForecastConfig(horizon_bars=12))
    assert desk_config(Settings(agents=agents), (), PAPER).reflection.horizons["forecast"] == 12
    told = Settings(agents=agents, reflection=ReflectionConfig(horizons={"forecast": 5}))
    assert desk_config(told, (), PAPER).reflection.horizons == {"forecast": 5}


async def test_run_when_the_minds_are_scored_otherwise_then_the_settings_say_so() -> None:
    strict = await ran(batches(200), reflection=ReflectionConfig(min_outcomes=1, prior_outcomes=0.1))
    usual = await ran(batches(200))
    assert strict.cycles[-1].verdict.weights != usual.cycles[-1].verdict.weights
