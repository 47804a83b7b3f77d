"""A study tells the run beside everything that it has to beat, and what speaks against believing it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest.baselines import BuyAndHold, verdict_line
from fks_actors.backtest.contenders import MEASURES, contender, run_contender
from fks_actors.backtest.metrics import metrics
from fks_actors.backtest.past import Past, read_past
from fks_actors.backtest.studies import ALL, NONE, as_baseline, chosen, hold_of, study
from fks_actors.errors import ConfigError
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.settings import Settings
from tests.market import SYMBOLS, batches, write_files

SETTINGS = Settings(agents=AgentsConfig(minds=("short_term", "mid_term", "asmbtr")))


async def past_of(folder: Path, bars: list[BarBatch]) -> Past:
    return await read_past(write_files(folder, bars).removeprefix("replay:").split(","))


def without_volume(bars: list[BarBatch], at: slice) -> list[BarBatch]:
    """The same with no volume in those of BTC/USDT."""
    found = list(bars)
    for n in range(*at.indices(len(bars))):
        first, *others = bars[n].candles
        found[n] = replace(bars[n], candles=(replace(first, volume=0.0), *others))
    return found


async def test_study_when_all_baselines_are_asked_for_then_each_is_a_run_of_its_own(tmp_path: Path) -> None:
    past = await past_of(tmp_path, batches(300))
    told: dict[str, tuple[int, int]] = {}
    found = await study(SETTINGS, past, told=lambda name, done, total: told.update({name: (done, total)}))
    assert [each.name for each in found.baselines] == [
        "flat",
        "buy and hold",
        "buy and hold of 5 % each",
        "price over SMA(200)",
        "SMA(50) over SMA(200)",
        "MACD(12, 26, 9)",
        "Bollinger(20, 2) reversion",
        "ASMBTR alone",
        "debate alone",
        "hybrid: debate and ASMBTR",
    ]
    assert told == dict.fromkeys([found.title, "buy and hold", *(b.name for b in found.baselines[3:])], (300, 300))
    alone = await run_contender(contender("macd", SETTINGS, votes=True), past)
    assert found.baselines[5] == as_baseline("MACD(12, 26, 9)", alone)
    assert len(alone.fills) > 0
    assert (found.title, found.settings, found.result.bars) == ("the council", SETTINGS, 600)


async def test_study_when_only_flat_and_hold_then_the_first_line_is_theirs(tmp_path: Path) -> None:
    bars = batches(300)
    past = await past_of(tmp_path, bars)
    found = await study(SETTINGS, past, title="mine", baselines=NONE)
    hold = BuyAndHold(SETTINGS.desk.cash, {s: default_rules(s, SETTINGS.paper) for s in SYMBOLS}, SETTINGS.paper)
    for batch in bars:
        hold.observe(batch)
    assert hold_of(found) == hold.baseline()
    assert len(found.baselines) == 3
    assert found.first_line == verdict_line(found.result, found.baselines[1:])
    assert found.title == "mine"


async def test_study_when_the_run_is_a_baseline_itself_then_it_stands_there_once(tmp_path: Path) -> None:
    past = await past_of(tmp_path, batches(120))
    found = await study(SETTINGS, past, strategy="macd", baselines=("macd", "sma"))
    assert [found.title, *(each.name for each in found.baselines[3:])] == ["MACD(12, 26, 9)", "price over SMA(200)"]
    council = Settings(agents=AgentsConfig(minds=("short_term", "mid_term", "long_term", "sentiment")))
    told = await study(council, past, baselines=("debate", "hybrid"))
    assert [each.name for each in told.baselines[3:]] == ["hybrid: debate and ASMBTR"]


async def test_as_baseline_when_measured_then_the_runs_own_figures(tmp_path: Path) -> None:
    past = await past_of(tmp_path, batches(300))
    result = await run_contender(contender("bollinger", SETTINGS), past)
    found = as_baseline("b", result)
    assert (found.curve.equity == [float(p.equity) for p in result.equity]).all()
    assert found.gained == result.final / result.cash - 1
    assert found.fills == tuple(result.fills)
    own = metrics(result)
    assert own.fees == sum(fill.fee for fill in found.fills) > 0


async def test_study_when_minds_cannot_vote_then_it_warns(tmp_path: Path) -> None:
    settings = Settings(agents=AgentsConfig(minds=("short_term", "mid_term", "long_term", "sentiment")))
    past = await past_of(tmp_path, batches(120))
    found = await study(settings, past, baselines=NONE)
    assert found.warnings[:2] == (
        "Without sentiment, which needs more than bars.",
        "long_term never voted in 120 bars: it had not seen enough; give more bars or --warm.",
    )
    assert found.warnings[2].startswith("Not every mind had a vote on ")


async def test_study_when_bars_have_no_volume_then_orders_wait_and_it_warns(tmp_path: Path) -> None:
    dry = slice(60, 200)
    bars = without_volume(batches(300), dry)
    past = await past_of(tmp_path, bars)
    found = await study(SETTINGS, past, strategy="macd", baselines=NONE)
    assert [text for text in found.warnings if "volume" in text] == [
        "BTC/USDT: bars without volume: 140 of 300; nothing fills in such a bar, an order waits for the next one that "
        "has."
    ]
    begin, end = bars[60].ts_ms, bars[199].ts_ms
    waited = [cycle.ts_ms for cycle in found.result.cycles if cycle.client_order_id and begin <= cycle.ts_ms < end]
    inside = [fill.symbol for fill in found.result.fills if begin <= fill.ts_ms <= end]
    assert waited
    assert "BTC/USDT" not in inside
    assert [fill for fill in found.result.fills if fill.symbol == "BTC/USDT" and fill.ts_ms > end]


@pytest.mark.parametrize(("most", "warned"), [("0.01", True), ("100", False)])
async def test_study_when_a_loss_limit_bars_purchases_then_it_says_since_when(
    most: str, warned: bool, tmp_path: Path
) -> None:
    limits = RiskConfig(
        max_daily_loss_pct=Decimal(most), drawdown_reducing_pct=Decimal(99), drawdown_halt_pct=Decimal(100)
    )
    past = await past_of(tmp_path, batches(300))
    found = await study(SETTINGS.model_copy(update={"risk": limits}), past, strategy="macd", baselines=NONE)
    barred = [point for point in found.result.equity if point.state is not TradingState.ACTIVE]
    assert bool(barred) == warned
    told = [text for text in found.warnings if "A loss limit of risk first stopped purchases" in text]
    assert len(told) == warned
    if warned:
        assert f"{datetime.fromtimestamp(barred[0].ts_ms / 1_000, UTC):%Y-%m-%d %H:%M} UTC" in told[0]
        assert f"in {len(barred) / 300:.0%} of the run" in told[0]


async def test_study_when_no_bar_has_volume_then_nothing_trades_unless_any_size_does(tmp_path: Path) -> None:
    past = await past_of(tmp_path, without_volume(batches(200), slice(0, 200)))
    found = await study(SETTINGS, past, strategy="macd", baselines=NONE)
    assert {fill.symbol for fill in found.result.fills} == {"ETH/USDT"}
    assert "(paper.participation_pct: null trades any size)" in " ".join(found.warnings)
    any_size = SETTINGS.model_copy(update={"paper": PaperConfig(participation_pct=None)})
    free = await study(any_size, past, strategy="macd", baselines=NONE)
    assert {fill.symbol for fill in free.result.fills} == {"BTC/USDT", "ETH/USDT"}
    assert "filled in them without impact on the price" in " ".join(free.warnings)


def test_chosen_when_named_then_those_in_that_order_each_once() -> None:
    assert (chosen("all"), chosen("none"), chosen("macd, sma,macd")) == (ALL, NONE, ("macd", "sma"))
    assert ALL == MEASURES
    for wrong in ("", "council", "sma,", "flat"):
        with pytest.raises(ConfigError, match="there is no baseline"):
            chosen(wrong)


async def test_study_when_a_strategy_fails_midway_then_it_says_since_when_and_why(tmp_path: Path) -> None:
    path = tmp_path / "breaks.py"
    path.write_text(
        "class Breaks:\n"
        "    bars = 0\n"
        "    def on_bar(self, bar):\n"
        "        self.bars += 1\n"
        "        return 1.0 if self.bars <= 100 else 1 / 0\n"
    )
    bars = batches(300)
    found = await study(SETTINGS, await past_of(tmp_path, bars), strategy=str(path), baselines=NONE)
    assert [text for text in found.warnings if "breaks" in text] == [
        f"breaks FAILED in 400 of 600 decisions, first on BTC/USDT at "
        f"{datetime.fromtimestamp(bars[100].ts_ms / 1_000, UTC):%Y-%m-%d %H:%M} UTC: "
        "ZeroDivisionError: division by zero (breaks.py, line 5)"
    ]


async def test_study_when_answers_are_none_then_it_says_what_was_given(tmp_path: Path) -> None:
    path = tmp_path / "talks.py"
    path.write_text("class Talks:\n    def on_bar(self, bar):\n        return 'buy!'\n")
    found = await study(SETTINGS, await past_of(tmp_path, batches(60)), strategy=str(path), baselines=NONE)
    told = " ".join(found.warnings)
    assert "talks FAILED in 120 of 120 decisions, first on BTC/USDT" in told
    assert "answered 'buy!'; an answer is a number in 0..1" in told
    assert "never voted" not in told


async def test_study_when_only_headlines_would_vote_then_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sentiment has no vote over recorded bars; name another mind, too"):
        await study(SETTINGS, await past_of(tmp_path, batches(30)), strategy="sentiment", baselines=NONE)


async def test_study_when_a_limit_stops_a_baseline_then_that_is_told_of_it_by_name(tmp_path: Path) -> None:
    limits = RiskConfig(
        max_daily_loss_pct=Decimal("0.01"), drawdown_reducing_pct=Decimal(99), drawdown_halt_pct=Decimal(100)
    )
    path = tmp_path / "idle.py"
    path.write_text("class Idle:\n    def on_bar(self, bar):\n        return 0.0\n")
    past = await past_of(tmp_path, batches(300))
    found = await study(Settings(risk=limits), past, strategy=str(path), baselines=("macd",))
    stopped = [text for text in found.warnings if "A loss limit of risk first stopped purchases" in text]
    assert [text.partition(":")[0] for text in stopped] == ["MACD(12, 26, 9)"]
