"""Shadows: the same as a plain run to the last digit, whenever they follow; broken ones stop alone."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from fks_actors.actors.shadow_begins import fingerprint
from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest.baselines import BuyAndHold
from fks_actors.backtest.contenders import MEASURES, contender
from fks_actors.backtest.council import alone, council
from fks_actors.backtest.minds import RunMinds
from fks_actors.backtest.run import Result, run
from fks_actors.backtest.sequential import Standing, sequential
from fks_actors.backtest.shadow import Flat, PaperDesk
from fks_actors.backtest.shadow_journal import ShadowJournal
from fks_actors.backtest.shadows import shadow_plans
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import OrderStatus, Side
from fks_actors.model.records import Commit, SignalStatus
from fks_actors.settings import Settings
from tests.in_process import CASH, Breaker, run_record
from tests.integration.shadows.scene import OTHER, SYMBOLS, Follower, Written, settings_of
from tests.journal_scene import fill, order, signal_record
from tests.market import MINUTE, batches

BARS = 400


async def plain(settings: Settings, bars: Sequence[BarBatch], history: Sequence[BarBatch] = ()) -> Result:
    """A backtest's run over the same bars."""

    async def each() -> AsyncIterator[BarBatch]:
        for batch in bars:
            yield batch

    minds = council(settings, MINUTE)
    return await run(settings, run_record(SYMBOLS), each(), lambda _: RunMinds(minds, settings.agents.debate), history)


@pytest.fixture
async def written(tmp_path: Path) -> Written:
    written = Written(tmp_path)
    await written.open()
    return written


async def test_follow_when_the_desk_has_traded_then_the_twin_is_the_desk_and_b_a_plain_run(written: Written) -> None:
    bars = batches(BARS)
    await written.learn(bars[:100])
    await written.trade(bars[100:])
    settings = settings_of("flat", "buy_and_hold", b=True)
    follower = Follower(written.url, settings)
    found = await follower.follow()
    a = await plain(settings, bars[100:], bars[:100])
    b = await plain(OTHER, bars[100:], bars[:100])
    assert len(a.fills) > 2
    assert a.final != b.final
    assert found["twin"] == str(a.final) == str(written.curve()[-1].equity)
    assert found["b"] == str(b.final)
    assert found["flat"] == str(CASH)
    hold = BuyAndHold(CASH, {s: default_rules(s, PaperConfig()) for s in SYMBOLS}, PaperConfig())
    for batch in bars[100:]:
        hold.observe(batch)
    assert found["buy_and_hold"] == str(hold.baseline().final)
    row = next(row for row in follower.shadows.rows(a.final) if row["name"] == "b")
    assert (row["orders"], row["fills"], row["fees"]) == (len(b.orders), len(b.fills), str(b.fees))
    assert Decimal(row["drawdown"]) == b.equity[-1].drawdown.quantize(Decimal("1e-8"))
    assert Decimal(row["difference"]) == (b.final / CASH - a.final / CASH).quantize(Decimal("1e-8"))


async def test_follow_when_alerts_come_between_bars_then_twin_and_b_take_the_same_ones_in_order(
    written: Written,
) -> None:
    bars = batches(BARS)
    follower = Follower(written.url, settings_of("flat", b=True))
    for at, batch in enumerate(bars):
        await written.trade([batch])
        if at in (150, 151, 260):
            await written.alert(Side.SELL if at == 151 else Side.BUY)
        if at % 97 == 0:
            await follower.follow()
    found = await follower.follow()
    assert found["twin"] == str(written.curve()[-1].equity)
    alone = await plain(settings_of(), bars)
    assert found["twin"] != str(alone.final)  # the alerts did something
    assert found["b"] != str((await plain(OTHER, bars)).final)
    assert found["flat"] == str(CASH)


async def test_follow_when_begun_anew_at_any_page_then_the_same_figures_and_tests_to_the_last_digit(
    written: Written,
) -> None:
    bars, settings = batches(BARS), settings_of("flat", "buy_and_hold", b=True)
    live = Follower(written.url, settings)
    for at, batch in enumerate(bars):
        await written.trade([batch])
        if at % 50 == 20:
            await written.alert()
        await live.follow(page=3)
    again = Follower(written.url, settings)
    await again.follow(page=500)
    assert again.steps[-1] == live.steps[-1]
    assert again.shadows.tests() == live.shadows.tests()
    assert again.shadows.rows(CASH) == live.shadows.rows(CASH)
    assert [s for s in live.steps if s] == [s for s in again.steps if s]
    assert again.shadows.tests()[-1]["blocks"] > 100


async def test_follow_when_the_desk_breaks_and_recovers_all_the_time_then_no_shadow_notices(tmp_path: Path) -> None:
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    found = []
    for folder, breaker in ((calm, Breaker(0, 0.0)), (stormy, Breaker(5, 0.2))):
        folder.mkdir()
        written = Written(folder, breaker)
        await written.open()
        await written.trade(batches(200))
        found.append(await Follower(written.url, settings_of("buy_and_hold", b=True)).follow())
        assert (breaker.broken > 50) is (folder is stormy)
    assert found[0] == found[1]


async def test_follow_when_bars_were_only_learnt_then_shadows_learn_them_too(written: Written) -> None:
    bars = batches(300)
    await written.trade(bars[:200])
    await written.learn(bars[200:220])
    await written.trade(bars[220:])
    found = await Follower(written.url, settings_of(b=True)).follow()
    assert found["twin"] == str(written.curve()[-1].equity)


async def test_follow_when_a_shadow_begins_with_a_later_run_then_it_starts_from_the_desks_equity_then(
    written: Written,
) -> None:
    bars = batches(BARS)
    await written.trade(bars[:250])
    before = written.curve()[-1].equity
    await written.open("r2")
    await written.trade(bars[250:])
    follower = Follower(written.url, settings_of("flat", "buy_and_hold"), "r2")
    found = await follower.follow()
    assert before != CASH
    assert found["flat"] == str(before)
    rows = follower.shadows.rows(written.curve()[-1].equity)
    assert {row["begin_ms"] for row in rows} == {bars[250].ts_ms}
    assert rows[0]["desk_gained"] == f"{(written.curve()[-1].equity / before - 1).quantize(Decimal('1e-8')):f}"


async def test_tests_when_b_and_twin_are_paired_live_then_the_same_as_over_two_results(written: Written) -> None:
    bars, settings = batches(BARS), settings_of(b=True)
    await written.trade(bars)
    follower = Follower(written.url, settings)
    await follower.follow()
    a, b = await plain(settings, bars[:-1]), await plain(OTHER, bars[:-1])
    over = sequential(a, b, MINUTE)
    by = {(row["name"], row["against"]): row for row in follower.shadows.tests()}
    for against in ("twin", "desk"):
        row = by["b", against]
        assert (row["blocks"], row["standing"]) == (over.blocks, over.standing)
        assert row["mean"] == pytest.approx(over.mean, rel=1e-12)
    assert by["twin", "desk"]["standing"] == Standing.UNDECIDED
    assert by["twin", "desk"]["mean"] == 0.0


async def test_plans_when_one_is_broken_then_it_is_told_why_and_the_others_follow(written: Written) -> None:
    await written.trade(batches(120))
    settings = settings_of("flat", "martingale", b=True)
    shadows = settings.shadows.model_copy(update={"configs": {"b": "b.yaml", "c": "broken.yaml"}})
    settings = settings.model_copy(update={"shadows": shadows})
    follower = Follower(written.url, settings)
    found = await follower.follow()
    assert set(found) == {"flat", "twin", "b"}
    assert follower.shadows.troubles["c"] == (
        "broken.yaml cannot be used: broken.yaml:3: risk.per_trade_pct: must be less than 100"
    )
    assert (
        "there is no baseline 'martingale'; there are flat, buy_and_hold, buy_and_hold_capped, sma,"
        in follower.shadows.troubles["martingale"]
    )
    row = next(row for row in follower.shadows.rows(CASH) if row["name"] == "c")
    assert (row["equity"], row["trouble"][:11]) == (None, "broken.yaml")
    assert {row["name"] for row in follower.shadows.tests()} == set(found)


ALWAYS = """
class Always:
    name = "always"

    def on_bar(self, bar):
        return {share}
"""


class Failing(Flat):
    """Breaks at the next bar."""

    async def take(self, batch: BarBatch) -> None:
        raise ZeroDivisionError("a mind divides by nothing")


async def test_follow_when_a_shadow_raises_then_it_stops_with_the_reason_and_the_others_go_on(
    written: Written,
) -> None:
    bars = batches(200)
    await written.trade(bars[:100])
    settings = settings_of("flat", b=True)
    follower = Follower(written.url, settings)
    await follower.follow()
    follower.shadows._kept["b"].shadow = Failing(CASH)
    await written.trade(bars[100:])
    found = await follower.follow()
    assert set(found) == {"flat", "twin"}
    assert "ZeroDivisionError: a mind divides by nothing" in follower.shadows.troubles["b"]
    assert found["twin"] == str(written.curve()[-1].equity)


async def test_paper_desk_when_bars_go_on_and_on_then_it_remembers_no_more_than_at_first() -> None:
    settings = settings_of()
    desk = await PaperDesk(settings, run_record(SYMBOLS), council(settings, MINUTE), kept=4).opened()
    held, fills = [], []
    for at, batch in enumerate(batches(2_000)):
        await desk.take(batch)
        if at % 500 == 499:
            held.append(desk.held)
            fills.append(desk.worth.fills)
    assert fills[3] > fills[1] > 10
    assert max(held) <= 3 * 4 + 2 * len(SYMBOLS)


async def test_journal_when_more_ended_than_it_keeps_then_the_oldest_are_forgotten_and_all_are_counted() -> None:
    journal, head = ShadowJournal(kept=3), ""
    working = order("w", OrderStatus.ACCEPTED)
    working = replace(working, intent=replace(working.intent, origin_id="s0"))
    entries = [(working, signal_record("s0", SignalStatus.OPEN))]
    entries += [
        (order(f"o{i}", OrderStatus.FILLED), fill(f"t{i}", f"o{i}"), signal_record(f"s{i}", SignalStatus.FILLED))
        for i in range(1, 9)
    ]
    for at, each in enumerate(entries):
        head = await journal.commit([Commit(f"c{at}", head, each)])
    assert (journal.orders, journal.fills) == (9, 8)
    assert [o.intent.client_order_id for o in await journal.open_orders()] == ["w"]
    assert await journal.order("o1") is None
    assert await journal.order("o8") is not None
    assert await journal.trade_ids(["o1", "o8"]) == {("paper", "t8")}
    assert await journal.signal("s0") is not None  # an order of it still works
    assert await journal.signal("s1") is None
    assert journal.held == 1 + 3 + 3 + 3


async def test_follow_when_rules_are_kept_then_each_is_the_baseline_of_a_report(written: Written) -> None:
    bars = batches(BARS)
    await written.trade(bars)
    settings = settings_of("buy_and_hold_capped", *MEASURES)
    follower = Follower(written.url, settings)
    found = await follower.follow()
    assert follower.shadows.troubles == {}
    for name in MEASURES:
        assert found[name] == str((await plain(contender(name, settings, votes=True).settings, bars)).final)
    share = settings.risk.per_trade_pct
    hold = BuyAndHold(CASH, {s: default_rules(s, PaperConfig()) for s in SYMBOLS}, PaperConfig(), share)
    for batch in bars:
        hold.observe(batch)
    assert found["buy_and_hold_capped"] == str(hold.baseline().final)
    assert len(set(found.values())) >= 6


async def test_follow_when_a_strategys_file_changes_then_what_was_read_at_the_start_goes_on(
    written: Written, tmp_path: Path
) -> None:
    bars = batches(200)
    await written.trade(bars)
    file = tmp_path / "always.py"
    file.write_text(ALWAYS.format(share=1.0), encoding="utf-8")
    settings = settings_of(b=True)
    with_file = alone(OTHER, str(file))
    plans = shadow_plans(settings, lambda _: with_file)
    first = await Follower(written.url, settings, plans=plans).follow()
    file.write_text(ALWAYS.format(share=0.0), encoding="utf-8")
    assert await Follower(written.url, settings, plans=plans).follow() == first
    assert first["b"] != str(CASH)
    fresh = shadow_plans(settings, lambda _: with_file)
    assert (await Follower(written.url, settings, plans=fresh).follow())["b"] == str(CASH)
    twin = plans[0].settings
    assert fingerprint(fresh[1], twin) != fingerprint(plans[1], twin)


def test_plans_when_no_other_configuration_is_named_then_no_twin_costs_anything() -> None:
    assert [p.name for p in shadow_plans(settings_of("flat"), lambda _: OTHER)] == ["flat"]
    assert [p.kind for p in shadow_plans(settings_of("flat", b=True), lambda _: OTHER)] == [
        "baseline", "twin", "config",
    ]  # fmt: skip


async def test_follow_when_a_model_cannot_be_opened_then_that_shadow_says_so(written: Written) -> None:
    await written.trade(batches(60))
    settings = settings_of("flat", b=True)
    agents = AgentsConfig(minds=("short_term", "forecast"))
    lost = OTHER.model_copy(
        update={"agents": agents, "forecast": ForecastModelConfig(kind="chronos", path="/nowhere/weights")}
    )
    follower = Follower(written.url, settings, plans=shadow_plans(settings, lambda _: lost))
    assert set(await follower.follow()) == {"flat", "twin"}
    assert follower.shadows.troubles["b"].startswith("cannot be opened: ")
