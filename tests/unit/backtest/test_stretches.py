"""A run that passes over what leaves nothing to do records what one that asks about every bar does, to a digit."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fks_actors.agents.config import AgentsConfig, AsmbtrConfig, DebateConfig
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result, run_past
from fks_actors.execution.config import PaperConfig
from fks_actors.market.config import MarketConfig, QualityConfig, ShortPeriods
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.risk.config import RiskConfig
from fks_actors.settings import Settings
from tests.unit.backtest.pasts import changed_after, past_of, walk

COUNCIL = ("short_term", "mid_term", "asmbtr")
BOLD = RiskConfig(
    per_trade_pct=Decimal(100), max_gross_exposure_pct=Decimal(100), reservation_buffer_pct=Decimal("0.1"),
    max_daily_loss_pct=Decimal(5), drawdown_reducing_pct=Decimal(30), drawdown_halt_pct=Decimal(60),
)  # fmt: skip


def settings_of(minds: tuple[str, ...] = COUNCIL, threshold: float = 0.3, **parts: Any) -> Settings:
    debate = DebateConfig(threshold=threshold, min_votes=min(2, len(minds)))
    agents = AgentsConfig(minds=minds, debate=debate, asmbtr=AsmbtrConfig(depth=6, threshold=0.05, min_observations=3))
    horizons = {"short_term": 2, "mid_term": 7, "asmbtr": 1}
    return Settings(agents=agents, reflection=ReflectionConfig(min_outcomes=5, horizons=horizons), **parts)


async def both(config: Settings, past: Past) -> Result:
    """The run, after it was compared with one that asks about every bar."""
    fast, slow = await run_past(config, past), await run_past(config, past, each_bar=True)
    for name in ("cycles", "orders", "fills", "equity"):
        one, other = list(getattr(fast, name)), list(getattr(slow, name))
        assert len(getattr(fast, name)) == len(other), name
        assert list(map(repr, one)) == list(map(repr, other)), name
    assert fast.bars == slow.bars
    assert fast.heard == slow.heard
    assert (fast.final, fast.drawdown) == (slow.final, slow.drawdown)
    return fast


@pytest.mark.parametrize("seed", range(3))
async def test_run_past_when_a_council_trades_then_passing_over_changes_nothing(seed: int) -> None:
    past = past_of({"BTC/USDT": walk(700, seed)}, warm=60)
    assert len((await both(settings_of(), past)).fills) > 4


async def test_run_past_when_two_symbols_have_gaps_and_dry_bars_then_nothing_changes() -> None:
    series = {"BTC/USDT": walk(500, 1, missing=0.02, dry=0.02), "ETH/USDT": walk(500, 2, missing=0.01, dry=0.05)}
    assert len((await both(settings_of(), past_of(series))).fills) > 4


async def test_run_past_when_all_is_at_stake_then_the_loss_limits_trip_at_the_same_bar() -> None:
    config = settings_of(("short_term",), threshold=0.1, risk=BOLD)
    found = await both(config, past_of({"BTC/USDT": walk(900, 5, sigma=0.03)}))
    assert {point.state for point in found.equity} >= {"active", "reducing"}
    assert any(cycle.outcome == "denied" for cycle in found.cycles)


async def test_run_past_when_trading_halts_then_it_stays_halted() -> None:
    risk = RiskConfig.model_validate({**BOLD.model_dump(), "drawdown_reducing_pct": 4, "drawdown_halt_pct": 5})
    found = await both(settings_of(threshold=0.1, risk=risk), past_of({"BTC/USDT": walk(600, 8, sigma=0.03)}))
    assert found.equity[-1].state == "halted"


async def test_run_past_when_bars_are_too_thin_to_fill_at_once_then_nothing_changes() -> None:
    paper = PaperConfig(participation_pct=Decimal("0.1"))
    config = settings_of(threshold=0.2, risk=BOLD, paper=paper)
    found = await both(config, past_of({"BTC/USDT": walk(400, 3)}))
    assert any(order.status == "partially_filled" for order in found.orders) or len(found.fills) > len(found.orders)


async def test_run_past_when_what_was_bought_is_protected_then_nothing_changes() -> None:
    config = settings_of(threshold=0.2)
    agents = config.agents.model_copy(update={"asmbtr": config.agents.asmbtr.model_copy(update={"protect": True})})
    found = await both(config.model_copy(update={"agents": agents}), past_of({"BTC/USDT": walk(500, 6, sigma=0.02)}))
    assert {order.intent.origin for order in found.orders} == {"cycle", "exit"}


async def test_run_past_when_what_is_held_is_worth_next_to_nothing_then_it_counts_as_flat() -> None:
    paper = PaperConfig(min_notional=Decimal(400))
    found = await both(settings_of(threshold=0.2, paper=paper), past_of({"BTC/USDT": walk(800, 4, sigma=0.03)}))
    assert len(found.fills) > 2


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    seed=st.integers(0, 10_000), sigma=st.sampled_from([0.002, 0.01, 0.05]), missing=st.sampled_from([0.0, 0.05]),
    dry=st.sampled_from([0.0, 0.1]), threshold=st.sampled_from([0.05, 0.3, 0.6]), bold=st.booleans(),
    fail=st.sampled_from([0.5, 0.65, 0.69]), warm=st.sampled_from([0, 40]),
    minds=st.sampled_from([COUNCIL, ("asmbtr",), ("short_term", "mid_term")]),
)  # fmt: skip
async def test_run_past_when_anything_is_told_then_passing_over_changes_nothing(
    seed: int, sigma: float, missing: float, dry: float, threshold: float, bold: bool, fail: float, warm: int,
    minds: tuple[str, ...],
) -> None:  # fmt: skip
    quality = QualityConfig(fail_under=fail, recover_at=fail + 0.005, volume_window=9, volume_z=2.0)
    market = MarketConfig(quality=quality, short=ShortPeriods(rsi=5, macd_fast=3, macd_slow=8, macd_signal=3, volume=4))
    config = settings_of(minds, threshold, market=market, **({"risk": BOLD} if bold else {}))
    await both(config, past_of({"BTC/USDT": walk(260, seed, sigma, dry, missing)}, warm))


@pytest.mark.parametrize("cut", [150, 300])
async def test_run_past_when_the_future_is_another_then_every_earlier_decision_is_the_same(cut: int) -> None:
    columns = walk(450, 11)
    now = await run_past(settings_of(), past_of({"BTC/USDT": columns}))
    then = await run_past(settings_of(), past_of({"BTC/USDT": changed_after(columns, cut, 5)}))
    upto = columns.times[cut]
    one, other = ([c for c in run.cycles if c.ts_ms <= upto] for run in (now, then))
    assert one == other
    assert len(one) == cut + 1
    assert list(now.cycles) != list(then.cycles)


async def test_run_past_when_it_is_read_twice_or_from_the_end_then_it_says_the_same() -> None:
    found = await run_past(settings_of(), past_of({"BTC/USDT": walk(300, 2)}))
    assert list(found.cycles) == list(found.cycles)
    assert found.equity[-1] == list(found.equity)[-1]
    assert found.cycles[17] == list(found.cycles)[17]
    assert found.cycles[-3:] == list(found.cycles)[-3:]
    with pytest.raises(IndexError):
        found.equity[len(found.equity)]
