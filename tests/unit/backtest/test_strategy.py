"""A user's strategy through a run: it trades what its specification trades, and what it trades behind its actor."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fks_actors.actors.specialist import StrategyActor
from fks_actors.backtest.council import alone, strategy_source
from fks_actors.backtest.past import Past, read_past
from fks_actors.backtest.run import Result, run_past
from fks_actors.errors import ConfigError, StrategyOverrun
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import Side
from fks_actors.model.records import CycleOutcome
from fks_actors.model.votes import AbstainReason, Action
from fks_actors.settings import Settings, load
from tests.in_process import Breaker, InProcessDesk
from tests.market import SYMBOLS, batches, write_files
from tests.unit.backtest import random_walk

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "ema_cross.py"
ALL_IN = {
    "desk": {"cash": 10**12},
    "risk": {
        "per_trade_pct": 100,
        "max_gross_exposure_pct": 100,
        "reservation_buffer_pct": "0.1",
        "max_daily_loss_pct": 100,
        "drawdown_reducing_pct": "99.9999",
        "drawdown_halt_pct": 100,
    },
    "paper": {"taker_fee_bps": 10, "slippage_bps": 0, "range_share": 0, "participation_pct": None, "step": "1e-8"},
}


def plain_ema_cross(bars: list[tuple[float, ...]]) -> tuple[list[tuple[int, bool]], float]:
    """EMA(20) over EMA(50) of the close: (bar, bought) of every trade, and the equity at the end."""
    fast = slow = bars[0][3]
    cash, held, wanted, trades = 1e12, 0.0, False, []
    for at, (open_, _, _, close, _) in enumerate(bars):
        if wanted and not held:
            cash, held = 0.0, cash / (1.001 * open_)
            trades.append((at, True))
        elif held and not wanted:
            cash, held = held * open_ * 0.999, 0.0
            trades.append((at, False))
        fast += (close - fast) * 2 / 21
        slow += (close - slow) * 2 / 51
        wanted = at >= 49 and fast > slow
    return trades, cash + held * bars[-1][3]


async def past(folder: Path, bars: list[BarBatch]) -> Past:
    files = write_files(folder, bars).removeprefix("replay:").split(",")
    return await read_past(files)


def written(folder: Path, text: str, **told: Any) -> Settings:
    file = folder / "mine.py"
    file.write_text(text, encoding="utf-8")
    return alone(Settings.model_validate(told), str(file))


async def test_run_past_when_all_is_staked_then_it_trades_what_the_specification_trades(tmp_path: Path) -> None:
    count = 20_000
    settings = alone(Settings.model_validate(ALL_IN), str(EXAMPLE))
    result = await run_past(settings, await read_past([random_walk.write(tmp_path, count)]))
    trades, equity = plain_ema_cross(random_walk.columns(count))
    found = [((f.ts_ms - random_walk.START_MS) // random_walk.MINUTE, f.side is Side.BUY) for f in result.fills]
    assert len(trades) > 350
    assert found == trades
    assert float(result.final) == pytest.approx(equity, rel=1e-9)


def test_plain_ema_cross_when_all_500_000_bars_are_walked_then_ends_where_the_benchmark_says() -> None:
    trades, equity = plain_ema_cross(random_walk.columns(500_000))
    assert sum(not bought for _, bought in trades) == 5_011
    assert equity == pytest.approx(58_787_860.48, abs=0.01)


async def actors(bars: list[BarBatch], settings: Settings, breaker: Breaker) -> dict[str, list[Any]]:
    """The story that the strategy's actor and a live desk on paper write, whatever breaks between them."""
    source = strategy_source("ema_cross", settings)
    home = InProcessDesk(
        SYMBOLS,
        breaker,
        risk=settings.risk,
        agents=settings.agents,
        minds=lambda journal: {"ema_cross": StrategyActor(source, "none", journal)},
    )
    await home.run(lambda desk: desk.recover())
    for batch in bars:
        await home.run(lambda desk, batch=batch: desk.run_cycle(batch))
    return home.journal.story()


def same(result: Result, story: dict[str, list[Any]]) -> None:
    assert list(result.cycles) == story["cycles"]
    assert list(result.fills) == story["fills"]
    assert list(result.equity) == story["equity"]
    assert sorted(result.orders, key=lambda o: o.intent.client_order_id) == story["orders"]


@pytest.mark.parametrize(
    "risk", [{}, {"per_trade_pct": 60, "max_gross_exposure_pct": 100, "drawdown_reducing_pct": 19}]
)
async def test_run_past_when_the_same_strategy_runs_behind_its_actor_then_the_same_story_to_the_last_digit(
    tmp_path: Path, risk: dict[str, Any]
) -> None:
    bars = batches(400)
    settings = alone(Settings.model_validate({"risk": risk}), str(EXAMPLE), {"fast": 5, "slow": 20})
    result = await run_past(settings, await past(tmp_path, bars))
    assert len(result.fills) > 8
    same(result, await actors(bars, settings, Breaker(0, 0.0)))


async def test_run_past_when_everything_breaks_around_the_actor_then_still_the_same_story(tmp_path: Path) -> None:
    bars = batches(320)
    settings = alone(Settings(), str(EXAMPLE), {"fast": 5, "slow": 20})
    breaker = Breaker(4, 0.02)
    story = await actors(bars, settings, breaker)
    result = await run_past(settings, await past(tmp_path, bars))
    assert breaker.broken > 20
    assert list(result.cycles) == story["cycles"]
    assert list(result.fills) == story["fills"]


async def test_run_past_when_a_target_lies_between_then_the_holding_follows_it(tmp_path: Path) -> None:
    text = (
        "class Mine:\n"
        "    def __init__(self):\n"
        "        self.bars = 0\n"
        "    def on_bar(self, bar):\n"
        "        self.bars += 1\n"
        "        return (0.4, 0.1, 0.0)[min(self.bars // 30, 2)] if bar.symbol.startswith('BTC') else 0.0\n"
    )  # fmt: skip
    result = await run_past(written(tmp_path, text, **{**ALL_IN, "desk": {}}), await past(tmp_path, batches(80)))
    shares = {point.ts_ms: point.exposure / point.equity for point in result.equity}
    at = sorted(shares)
    assert all(abs(shares[t] - Decimal("0.4")) < Decimal("0.02") for t in at[3:29])
    assert all(abs(shares[t] - Decimal("0.1")) < Decimal("0.02") for t in at[33:59])
    assert shares[at[-1]] == 0
    assert {fill.side for fill in result.fills} == {Side.BUY, Side.SELL}


async def test_run_past_when_the_future_is_changed_then_no_earlier_decision_is(tmp_path: Path) -> None:
    settings = alone(Settings(), str(EXAMPLE), {"fast": 5, "slow": 20})
    bars = batches(200)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    ruined = [replace_closes(batch, 0.5 + at % 3) if at >= 120 else batch for at, batch in enumerate(bars)]
    one = await run_past(settings, await past(tmp_path / "a", bars))
    other = await run_past(settings, await past(tmp_path / "b", ruined))
    before = [c for c in one.cycles if c.ts_ms < bars[120].ts_ms]
    assert before == [c for c in other.cycles if c.ts_ms < bars[120].ts_ms]
    assert list(one.cycles) != list(other.cycles)


def replace_closes(batch: BarBatch, by: float) -> BarBatch:
    moved = [
        type(c)(c.symbol, c.ts_ms, c.open * by, c.high * by, c.low * by, c.close * by, c.volume) for c in batch.candles
    ]
    return BarBatch(batch.ts_ms, batch.interval_ms, tuple(moved))


async def test_run_past_when_it_votes_among_others_then_its_target_is_a_vote(tmp_path: Path) -> None:
    told = {
        "agents": {"minds": ["short_term", "ema_cross"], "debate": {"threshold": 0.3}},
        "strategies": {"ema_cross": {"path": str(EXAMPLE), "params": {"fast": 5, "slow": 20}}},
    }
    result = await run_past(Settings.model_validate(told), await past(tmp_path, batches(200)))
    verdicts = [cycle.verdict for cycle in result.cycles]
    assert {verdict.target for verdict in verdicts} == {None}
    assert {Action.BUY, Action.SELL, Action.HOLD} == {verdict.action for verdict in verdicts}
    assert max(f.price * f.quantity for f in result.fills if f.side is Side.BUY) < 550  # a vote is sized as ever


async def test_run_past_when_a_lone_strategy_votes_then_its_vote_is_enough(tmp_path: Path) -> None:
    text = (
        "from fks_actors.strategies.port import Opinion\n\n"
        "class Mine:\n"
        "    def on_bar(self, bar):\n"
        "        return Opinion('buy' if bar.close > bar.open else 'sell', 0.8, 'the bar said so')\n"
    )  # fmt: skip
    result = await run_past(written(tmp_path, text), await past(tmp_path, batches(60)))
    assert {cycle.verdict.action for cycle in result.cycles} == {Action.BUY, Action.SELL}
    assert len(result.fills) > 10


async def test_run_past_when_it_fails_half_way_then_it_abstains_and_says_why(tmp_path: Path) -> None:
    text = (
        "class Mine:\n"
        "    def __init__(self):\n"
        "        self.bars = 0\n"
        "    def on_bar(self, bar):\n"
        "        self.bars += 1\n"
        "        return 1 / max(0, 50 - self.bars)\n"
    )  # fmt: skip
    result = await run_past(written(tmp_path, text), await past(tmp_path, batches(100)))
    said = [cycle.ballots[0] for cycle in result.cycles if cycle.symbol == "BTC/USDT"]
    assert {s.reason for s in said[49:]} == {AbstainReason.FAILED}  # type: ignore[union-attr]
    assert {s.detail for s in said[49:]} == {"ZeroDivisionError: division by zero (mine.py, line 6)"}  # type: ignore[union-attr]
    assert {c.outcome for c in list(result.cycles)[-2:]} == {CycleOutcome.NO_QUORUM}


async def test_run_past_when_it_loops_then_the_run_ends_and_names_the_bar(tmp_path: Path) -> None:
    bars = batches(100)
    at_ms = bars[60].ts_ms
    text = (
        "class Mine:\n"
        "    def on_bar(self, bar):\n"
        f"        while bar.ts_ms >= {at_ms} and 'ETH' in bar.symbol:\n"
        "            pass\n"
        "        return 0.5\n"
    )  # fmt: skip
    settings = written(tmp_path, text)
    mine = settings.strategies["mine"].model_copy(update={"bar_limit_s": 0.2})
    settings = settings.model_copy(update={"strategies": {"mine": mine}})
    with pytest.raises(StrategyOverrun) as caught:
        await run_past(settings, await past(tmp_path, bars))
    error = caught.value
    assert (error.strategy, error.symbol, error.ts_ms) == ("mine", "ETH/USDT", at_ms)


async def test_run_past_when_the_strategy_cannot_be_loaded_then_nothing_runs(tmp_path: Path) -> None:
    told = {"agents": {"minds": ["mine"]}, "strategies": {"mine": {"path": str(tmp_path / "mine.py")}}}
    with pytest.raises(ConfigError, match="no such file"):
        await run_past(Settings.model_validate(told), await past(tmp_path, batches(3)))


async def test_run_past_when_the_research_config_is_used_then_a_target_of_one_is_all_in(tmp_path: Path) -> None:
    settings = alone(load(ROOT / "configs" / "research.yaml", {}).settings, str(EXAMPLE), {"fast": 5, "slow": 20})
    bars = batches(200)
    btc = [BarBatch(b.ts_ms, b.interval_ms, b.candles[:1]) for b in bars]
    write_files(tmp_path, bars)
    result = await run_past(settings, await read_past([str(tmp_path / "BTCUSDT-1m.csv")]))
    assert len(btc) == result.bars
    held = [point.exposure / point.equity for point in result.equity if point.exposure]
    assert np.median([float(share) for share in held]) > 0.98


def test_example_when_read_then_it_stands_in_the_documentation_as_it_is() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert f"```python\n{text}```" in (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 22


def test_documentation_when_its_settings_are_read_then_they_are_settings(tmp_path: Path) -> None:
    blocks = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8").split("```yaml\n")[1:]
    assert blocks
    for block in blocks:
        (tmp_path / "my.yaml").write_text(block.partition("```")[0], encoding="utf-8")
        assert load(tmp_path / "my.yaml", {}).settings.strategies


WANDERS = (
    "class Mine:\n"
    "    def __init__(self, targets=(0.5,), every=7):\n"
    "        self.targets, self.every, self.bars = targets, every, 0\n"
    "    def on_bar(self, bar):\n"
    "        self.bars += 1\n"
    "        at = self.bars // self.every + len(bar.symbol[:3].strip('BTC'))\n"
    "        return self.targets[at % len(self.targets)]\n"
)  # fmt: skip
OPENED = {
    "per_trade_pct": 100,
    "max_gross_exposure_pct": 100,
    "max_daily_loss_pct": 99,
    "drawdown_reducing_pct": 98,
    "drawdown_halt_pct": 99,
}


@pytest.mark.parametrize(
    "risk",
    [
        {},
        {**OPENED, "rebalance_band_pct": 0},
        {**OPENED, "rebalance_band_pct": 5},
        {**OPENED, "per_trade_pct": 7},
        {"max_daily_loss_pct": "0.3", "drawdown_reducing_pct": "0.5", "drawdown_halt_pct": 1},
    ],
    ids=["default", "no band", "wide band", "small steps", "tight limits"],
)
@pytest.mark.parametrize(
    "targets", [[0.5], [1.0, 0.0], [0.3, 0.35, None, 0.0, 1.0]], ids=["steady", "in and out", "any"]
)
async def test_run_past_when_bars_are_passed_over_then_it_is_the_story_of_asking_about_each(
    tmp_path: Path, risk: dict[str, Any], targets: list[float | None]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(WANDERS, encoding="utf-8")
    settings = alone(Settings.model_validate({"risk": risk}), str(file), {"targets": targets})
    bars = await past(tmp_path, batches(300, seed=11))
    quick, slow = await run_past(settings, bars), await run_past(settings, bars, each_bar=True)
    assert slow.fills
    assert list(quick.fills) == list(slow.fills)
    assert list(quick.orders) == list(slow.orders)
    assert list(quick.equity) == list(slow.equity)
    assert list(quick.cycles) == list(slow.cycles)
