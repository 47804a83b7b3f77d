"""What spells a symbol, and what does not."""

import pytest

from fks_actors.webhook.symbols import Listing, Markets, Spellings, match_symbol

KNOWN = ("BTC/USDT", "ETH/USDT", "1INCH/USDT")


@pytest.mark.parametrize(
    "text", ["BTC/USDT", "BTCUSDT", "BTC-USDT", "btc_usdt", "btcusdt", "BINANCE:BTCUSDT", "BINANCE:BTC/USDT"]
)
def test_match_when_spelling_is_usual_then_symbol(text: str) -> None:
    assert match_symbol(text, KNOWN) == "BTC/USDT"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BTC",
        "ВTCUSDT",  # Cyrillic
        "BTСUSDT",  # Cyrillic
        "BTCUSDT\u200b",
        "ＢＴＣUSDT",
        "BTC//USDT",
        "BTC/US-DT",
        "BTC/USDT/",
        "B/TCUSDT",
        "BTCUSDT.P",
        "A:B:BTCUSDT",
        ":BTCUSDT",
        " BTCUSDT",
        "BTCUSDTX",
        "1ınchUSDT",
    ],
    ids=ascii,
)
def test_match_when_spelling_is_another_then_none(text: str) -> None:
    assert match_symbol(text, KNOWN) is None


def test_match_when_joined_spelling_means_two_then_only_the_pair_decides() -> None:
    known = ("AB/CUSDT", "ABC/USDT")
    assert match_symbol("ABCUSDT", known) is None
    assert match_symbol("ABC-USDT", known) == "ABC/USDT"


VENUES = (
    Listing("paper"),
    Listing(
        "main", "kraken", {"XXBTZUSD": "BTC/USD", "XBTUSD": "BTC/USD", "BTCUSD.F": "BTC/USD", "ETHUSDT": "ETH/USDT"}
    ),
    Listing("cb", "coinbase", {"BTC-USDT": "BTC/USDT", "BTC-USD": "BTC/USD", "XBTUSD": "XBT/USD"}),
    Listing("cb2", "coinbase", {"BTC-USDT": "BTC/USDT"}),
)
MARKETS = Markets(("BTC/USDT", "ETH/USDT"), VENUES, ("paper", "binance"))


@pytest.mark.parametrize(
    ("text", "venue", "symbol"),
    [
        ("XXBTZUSD", "", "BTC/USD"),
        ("KRAKEN:xxbtzusd", "", "BTC/USD"),
        ("XXBTZUSD", "main", "BTC/USD"),
        ("XXBTZUSD", "cb", None),
        ("XBTUSD", "", None),  # one venue's Bitcoin, another's market of that very name
        ("XBT/USD", "", "XBT/USD"),
        ("XBTUSD", "main", "BTC/USD"),
        ("BTC-USDT", "", "BTC/USDT"),
        ("BTC-USDT", "main", None),
        ("BTC-USDT", "paper", "BTC/USDT"),
        ("BTCUSD.F", "", None),
        ("XDG/USD", "", None),
    ],
)
def test_symbol_when_a_venue_has_its_own_ids_then_they_count_there(text: str, venue: str, symbol: str | None) -> None:
    assert MARKETS.symbol(text, venue) == symbol


@pytest.mark.parametrize(
    ("name", "venue"),
    [
        *(("paper", "paper"), ("Binance", "paper"), ("kraken", "main"), ("MAIN", "main"), ("cb2", "cb2")),
        *(("coinbase", None), ("okx", None), ("", None)),
    ],
)
def test_venue_when_it_is_named_otherwise_then_only_a_clear_name_counts(name: str, venue: str | None) -> None:
    assert MARKETS.venue(name) == venue


def test_venue_when_no_venues_are_told_then_the_config_names_them() -> None:
    plain = Markets(("BTC/USDT",), (), ("paper", "binance"))
    assert (plain.venue("paper"), plain.venue("binance"), plain.venue("kraken")) == ("paper", "paper", None)
    assert Markets(("BTC/USDT",), (Listing("main"),), ("paper",)).venue("paper") is None


def test_spellings_when_two_ids_differ_by_case_only_then_neither_is_guessed() -> None:
    assert Spellings((), [("tBTCUSD", "BTC/USD"), ("TBTCUSD", "TBTC/USD")]).find("tbtcusd") is None
