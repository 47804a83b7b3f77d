"""What spells a symbol, and what does not."""

import pytest

from fks_actors.webhook.symbols import match_symbol

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
