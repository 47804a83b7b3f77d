"""One bar late: the same words, and what becomes of the money."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.backtest.honesty import Lagged, lagged
from fks_actors.backtest.honesty.lag import late_craft
from fks_actors.backtest.run import Result, run_past
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.mind import BarMind
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.votes import Abstain, AbstainReason
from fks_actors.settings import Settings
from tests.market import MINUTE, START, SYMBOLS, batches
from tests.unit.backtest.honesty.scene import alone, mind, past_of, told


def seesaw(count: int = 200) -> list[BarBatch]:
    """Prices that go up and down by one in a hundred, bar by bar."""
    made = []
    for n in range(count):
        ts_ms = START + n * MINUTE
        open_, close = (100.0, 101.0) if n % 2 else (101.0, 100.0)
        made.append(BarBatch(ts_ms, MINUTE, tuple(Candle(s, ts_ms, open_, 101.0, 100.0, close, 1e6) for s in SYMBOLS)))
    return made


def contrary() -> list[BarMind]:
    return [mind(lambda candle: candle.open - candle.close)]


async def test_lagged_when_the_profit_is_the_next_bars_then_a_bar_of_lag_turns_it_into_a_loss(tmp_path: Path) -> None:
    past = await past_of(tmp_path, seesaw())
    result = await run_past(alone(), past, minds=contrary)
    found = await lagged(alone(), past, result, minds=contrary)
    assert found.gained > 0 > found.late
    assert (found.undone, found.is_warning) == (True, True)
    assert found.ratio is not None
    assert found.ratio < 0
    assert "turns the profit into a loss" in found.sentence
    assert f"{found.gained * 100:+.2f} %" in found.sentence


async def test_lagged_when_run_then_each_decision_is_the_bars_before_as_it_was_voted(tmp_path: Path) -> None:
    past, given_settings = await past_of(tmp_path), told("short_term", "mid_term")
    result = await run_past(given_settings, past)
    late = (await lagged(given_settings, past, result)).result
    usual = {(c.symbol, c.ts_ms): c.ballots for c in result.cycles}
    compared = 0
    for cycle in late.cycles:
        before = usual.get((cycle.symbol, cycle.ts_ms - MINUTE))
        for at, ballot in enumerate(cycle.ballots):
            assert ballot.ts_ms == cycle.ts_ms
            if before is not None and not isinstance(ballot, Abstain):
                assert replace(ballot, ts_ms=before[at].ts_ms) == before[at]
                compared += 1
    assert compared > 300
    assert late.bars == result.bars


@given(st.integers(1, 1_000), st.integers(2, 60))
@settings(max_examples=20, deadline=None)
def test_late_craft_when_asked_then_it_says_what_it_would_have_said_a_bar_before(seed: int, count: int) -> None:
    config = Settings()
    plain = bar_mind("short_term", config.market, config.memory, config.agents)
    late = BarMind(late_craft(plain.craft))
    before: dict[str, object] = {}
    for batch in batches(count, seed):
        for said, usual in zip(late.ask(batch), plain.ask(batch), strict=True):
            due = before.get(said.symbol)
            if isinstance(due, Abstain | None):
                assert isinstance(said, Abstain)
                assert said.reason is AbstainReason.WARMING_UP
            else:
                assert replace(said, ts_ms=due.ts_ms) == due  # type: ignore[attr-defined]
            before[usual.symbol] = usual


@pytest.mark.parametrize(
    ("gained", "late", "warns", "text"),
    [
        ("0.10", "0.09", False, "+9.00 % instead of +10.00 %: 90 % of it is left."),
        ("0.10", "0.04", True, "40 % of it is left"),
        ("0.10", "0", True, "turns the profit into a loss"),
        ("-0.02", "-0.10", False, "-10.00 % instead of -2.00 %."),
        ("0", "0.01", False, "+1.00 % instead of +0.00 %."),
    ],
)
def test_sentence_when_the_returns_are_known_then_it_warns_of_a_profit_that_is_gone(
    gained: str, late: str, warns: bool, text: str
) -> None:
    found = Lagged(Result(Decimal(1), 0, (), (), (), ()), Decimal(gained), Decimal(late))
    assert (found.is_warning, text in found.sentence) == (warns, True), found.sentence
