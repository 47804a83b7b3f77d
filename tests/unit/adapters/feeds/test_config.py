"""What `--feed` and its companions may say."""

from typing import Any

import pytest
from pydantic import ValidationError

from fks_actors.adapters.feeds.config import AutoSpec, FeedConfig, LiveSpec, ReplaySpec, SimulatedSpec, Spec, parse_spec
from fks_actors.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("replay:a.csv", ReplaySpec(((None, "a.csv"),))),
        ("replay:a.csv, b.csv", ReplaySpec(((None, "a.csv"), (None, "b.csv")))),
        ("replay:BTC/USDT=/x/a.csv,b.csv", ReplaySpec((("BTC/USDT", "/x/a.csv"), (None, "b.csv")))),
        ("replay:ethusdt=a.csv", ReplaySpec((("ETH/USDT", "a.csv"),))),
        ("replay:/x/a=b.csv", ReplaySpec(((None, "/x/a=b.csv"),))),
        ("live:Binance", LiveSpec("binance")),
        ("simulated", SimulatedSpec()),
        ("AUTO", AutoSpec()),
    ],
)
def test_spec_when_it_is_one_of_four_then_it_is_read(text: str, spec: Spec) -> None:
    assert parse_spec(text) == spec


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is unknown; write replay:FILE"),
        ("binance", "is unknown"),
        ("live:", "names no exchange"),
        ("live", "names no exchange"),
        ("replay:", "names no file"),
        ("replay", "names no file"),
        ("replay:a.csv,", "names no file"),
        ("replay:BTC/USDT=", "names no file"),
        ("auto:binance", "takes nothing after it"),
    ],
)
def test_spec_when_it_is_none_of_four_then_the_error_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_spec(text)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"spec": "nope"}, "is unknown"),
        ({"symbols": ("BTC/USDT", "BTCUSDT")}, "named twice"),
        ({"symbols": ("BTC",)}, "is no symbol"),
        ({"symbols": ()}, "at least 1"),
        ({"timeframe": "7m"}, "is not one of"),
        ({"speed": 0}, "greater than 0"),
        ({"speed": "inf"}, "finite"),
        ({"speed": "fast"}, "max"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_config_when_a_value_is_wrong_then_it_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FeedConfig(**given)


def test_config_when_left_alone_then_it_is_auto_on_two_symbols() -> None:
    config = FeedConfig()
    assert (config.spec, config.symbols, config.interval_ms) == ("auto", ("BTC/USDT", "ETH/USDT"), 60_000)
    assert config.speed_or(60.0) == 60.0
    assert FeedConfig(speed="max").speed_or(60.0) is None
    assert FeedConfig.model_validate({"speed": "3.5"}).speed_or(60.0) == 3.5
    assert FeedConfig(symbols=("btcusdt",)).symbols == ("BTC/USDT",)
