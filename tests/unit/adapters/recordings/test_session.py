"""A market that is traded no more has bars to fetch, though it has no feed: without it only survivors are recorded."""

from types import SimpleNamespace

import pytest

from fks_actors.adapters.exchange_urls import exchange_options
from fks_actors.adapters.feeds.exchange import Exchange
from fks_actors.errors import ConfigError

CLIENT = SimpleNamespace(
    id="venue",
    name="Venue",
    features={},
    timeframes={"1h": "1h"},
    markets={"LUNA/USDT": {"spot": True, "active": False}, "BTC/USDT:USDT": {"spot": False}},
)


def test_check_when_a_market_has_ended_then_only_who_records_may_ask_for_it() -> None:
    exchange = Exchange(CLIENT, ())
    exchange.check(["LUNA/USDT"], "1h", ended=True)
    with pytest.raises(ConfigError, match="does not trade LUNA/USDT at present"):
        exchange.check(["LUNA/USDT"], "1h")
    with pytest.raises(ConfigError, match="no spot market"):
        exchange.check(["BTC/USDT:USDT"], "1h", ended=True)


def test_exchange_options_when_ccxt_knows_no_such_exchange_then_it_says_which_is_meant() -> None:
    with pytest.raises(ConfigError, match=r"knows no exchange 'binanse'; did you mean .*binance"):
        exchange_options("binanse", "http://127.0.0.1:1")
