from decimal import Decimal

import pytest
from pydantic import ValidationError

from fks_actors.errors import ConfigError
from fks_actors.execution.config import PaperConfig, PaperMarket, default_rules

BTC = "BTC/USDT"


def test_default_rules_when_nothing_is_configured_then_are_the_documented_ones() -> None:
    rules = default_rules(BTC, PaperConfig())
    assert (rules.base, rules.quote, rules.tick, rules.step) == ("BTC", "USDT", Decimal("0.01"), Decimal("0.00001"))
    assert (rules.min_notional, rules.maker_fee, rules.taker_fee) == (Decimal(5), Decimal("0.001"), Decimal("0.001"))


@pytest.mark.parametrize(
    ("price", "tick"), [("60000", "0.01"), ("3000", "0.01"), ("0.08123", "0.000001"), ("9.9", "0.0001"), ("0", "0.01")]
)
def test_default_rules_when_a_price_is_known_then_the_tick_has_five_significant_digits(price: str, tick: str) -> None:
    assert default_rules("DOGE/USDT", PaperConfig(), Decimal(price)).tick == Decimal(tick)


def test_default_rules_when_the_market_is_configured_then_its_own_figures_win() -> None:
    config = PaperConfig(markets={BTC: PaperMarket(tick=Decimal("0.1"))})
    rules = default_rules(BTC, config, Decimal("0.5"))
    assert (rules.tick, rules.step) == (Decimal("0.1"), config.step)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "/USDT", "BTC/", "BTC/USDT:USDT", ""])
def test_default_rules_when_symbol_is_not_spot_then_says_how_to_write_it(symbol: str) -> None:
    with pytest.raises(ConfigError, match="BASE/QUOTE"):
        default_rules(symbol, PaperConfig())


@pytest.mark.parametrize("figures", [{"participation_pct": 0}, {"tick": 0}, {"range_share": 2}, {"margin": True}])
def test_config_when_out_of_range_or_unknown_then_is_refused(figures: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PaperConfig.model_validate(figures)
