"""The textbook strategies do what their sources say, recomputed here from whole windows."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.desk.mind import BarMind
from fks_actors.desk.strategy_craft import strategy_craft
from fks_actors.desk.textbook import BollingerReversion, MacdCross, PriceOverSma, SmaCross
from fks_actors.errors import ConfigError
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.votes import Abstain, AbstainReason, Action, Vote
from fks_actors.strategies.config import StrategyConfig
from fks_actors.strategies.port import Answer
from fks_actors.strategies.source import installed, load, read_source
from tests.unit.backtest.trades import HOUR_MS, SYMBOL

Closes = list[float]
closes = st.lists(st.floats(50.0, 150.0), min_size=1, max_size=60)

SMALL: dict[str, Callable[[], Any]] = {
    "sma": lambda: PriceOverSma(5),
    "sma_cross": lambda: SmaCross(3, 7),
    "macd": lambda: MacdCross(3, 6, 4),
    "bollinger": lambda: BollingerReversion(5, 1.0),
}


def bar(at: int, close: float) -> Candle:
    return Candle(SYMBOL, at * HOUR_MS, close, close + 1, close - 1, close, 10.0)


def shown(rule: Any, prices: Closes) -> list[Answer]:
    return [rule.on_bar(bar(at, price)) for at, price in enumerate(prices)]


def averages(prices: Closes, period: int) -> Closes:
    """EMA by its closed form: weights (1 - a)^k, what is left over on the first value."""
    a, found = 2.0 / (period + 1), []
    for n in range(len(prices)):
        weights = [a * (1 - a) ** k for k in range(n)] + [(1 - a) ** n]
        found.append(math.fsum(w * p for w, p in zip(weights, reversed(prices[: n + 1]), strict=True)))
    return found


@given(closes)
def test_price_over_sma_when_recomputed_then_long_above_the_mean(prices: Closes) -> None:
    for n, said in enumerate(shown(PriceOverSma(5), prices), 1):
        mean = np.mean(prices[max(n - 5, 0) : n])
        if n < 5:
            assert said is None
        elif not math.isclose(prices[n - 1], mean, rel_tol=1e-12):
            assert said == (1.0 if prices[n - 1] > mean else 0.0)


@given(closes)
def test_sma_cross_when_recomputed_then_long_while_the_fast_mean_is_above(prices: Closes) -> None:
    for n, said in enumerate(shown(SmaCross(3, 7), prices), 1):
        fast, slow = np.mean(prices[max(n - 3, 0) : n]), np.mean(prices[max(n - 7, 0) : n])
        if n < 7:
            assert said is None
        elif not math.isclose(fast, slow, rel_tol=1e-12):
            assert said == (1.0 if fast > slow else 0.0)


@given(closes)
def test_macd_when_recomputed_then_long_while_the_line_is_above_its_signal(prices: Closes) -> None:
    line = [fast - slow for fast, slow in zip(averages(prices, 3), averages(prices, 6), strict=True)]
    signal = averages(line, 4)
    for n, said in enumerate(shown(MacdCross(3, 6, 4), prices)):
        if n < 8:
            assert said is None
        elif abs(line[n] - signal[n]) > 1e-9:
            assert said == (1.0 if line[n] > signal[n] else 0.0)


@given(closes)
def test_bollinger_when_recomputed_then_bought_under_the_band_and_sold_at_the_mean(prices: Closes) -> None:
    held = 0.0
    for n, said in enumerate(shown(BollingerReversion(5, 1.0), prices), 1):
        window = np.array(prices[max(n - 5, 0) : n])
        mean, lower = window.mean(), window.mean() - window.std()
        if n < 5:
            assert said is None
            continue
        if min(abs(prices[n - 1] - mean), abs(prices[n - 1] - lower)) < 1e-9:
            return  # on the line itself, rounding decides
        held = 0.0 if prices[n - 1] >= mean else 1.0 if prices[n - 1] < lower else held
        assert said == held


def test_bollinger_when_between_band_and_mean_then_it_keeps_what_it_has() -> None:
    falls = [100.0] * 4 + [90.0, 96.0, 99.0]
    assert shown(BollingerReversion(5, 1.0), falls)[4:] == [1.0, 1.0, 0.0]
    assert shown(BollingerReversion(5, 1.0), [100.0, 101.0, 100.0, 101.0, 100.2])[-1] == 0.0


@pytest.mark.parametrize("name", sorted(SMALL))
@settings(max_examples=25)
@given(prices=closes, at=st.integers(0, 60))
def test_rule_when_restored_anywhere_then_it_goes_on_bit_for_bit(name: str, prices: Closes, at: int) -> None:
    one, other = SMALL[name](), SMALL[name]()
    shown(one, prices[:at])
    other.restore(json.loads(json.dumps(one.state())))
    assert shown(other, prices[at:]) == shown(one, prices[at:])
    assert other.state() == one.state()


@pytest.mark.parametrize("name", sorted(SMALL))
def test_installed_when_bars_come_then_it_warms_up_and_names_targets_or_votes(name: str) -> None:
    prices = [100 + 20 * math.sin(n / 15) for n in range(400)]
    batches = [BarBatch(n * HOUR_MS, HOUR_MS, (bar(n, price),)) for n, price in enumerate(prices)]
    kinds = [load(read_source(name, StrategyConfig(params=params))) for params in ({}, {"votes": True})]
    targets, votes = ([mind.ask(batch)[0] for batch in batches] for mind in (BarMind(strategy_craft(k)) for k in kinds))
    wanted = shown(kinds[0].new(), prices)
    warm = wanted.index(next(each for each in wanted if each is not None))
    assert warm == {"sma": 199, "sma_cross": 199, "macd": 33, "bollinger": 19}[name]
    for said in (targets, votes):
        assert [b.reason for b in said if isinstance(b, Abstain)] == [AbstainReason.WARMING_UP] * warm
    assert [vote.target for vote in targets if isinstance(vote, Vote)] == wanted[warm:]
    assert {vote.target for vote in votes if isinstance(vote, Vote)} == {None}
    assert [vote.action for vote in votes if isinstance(vote, Vote)] == [
        Action.BUY if each else Action.SELL for each in wanted[warm:]
    ]
    assert {1.0, 0.0} == set(wanted[warm:])


def test_installed_when_a_package_offers_the_name_then_it_is_listed_once() -> None:
    assert set(SMALL) <= set(installed())
    assert len(set(installed())) == len(installed())
    with pytest.raises(ConfigError, match=r"offers a strategy 'ichimoku' .there are: .*macd, sma, sma_cross"):
        load(read_source("ichimoku", StrategyConfig()))
