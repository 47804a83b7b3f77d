"""Names of markets."""

import pytest

from fks_actors.adapters.feeds.symbols import close_matches, symbol_of, symbol_of_file


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTC/USDT", "BTC/USDT"),
        ("btc_usdt", "BTC/USDT"),
        ("BTC-USDT", "BTC/USDT"),
        (" BTCUSDT ", "BTC/USDT"),
        ("ETHBTC", "ETH/BTC"),
        ("SOLFDUSD", "SOL/FDUSD"),
        ("1INCHUSDT", "1INCH/USDT"),
        ("USDT", None),
        ("BTC", None),
        ("BTC/BTC", None),
        ("A/B/C", None),
        ("BTC/", None),
        ("", None),
    ],
)
def test_name_when_written_by_people_then_it_is_read_or_refused(name: str, symbol: str | None) -> None:
    assert symbol_of(name) == symbol


@pytest.mark.parametrize(
    ("path", "symbol"),
    [
        ("/data/BTCUSDT-1h.csv.gz", "BTC/USDT"),
        ("ETHUSDT-1h-with-gaps.csv.gz", "ETH/USDT"),
        ("BTC_USDT-1m.csv", "BTC/USDT"),
        ("WBTC-USDT.parquet", "WBTC/USDT"),
        ("solusdt.csv", "SOL/USDT"),
        ("prices.csv", None),
        ("bars-2024.csv", None),
        ("---", None),
    ],
)
def test_file_when_named_after_a_symbol_then_it_is_found(path: str, symbol: str | None) -> None:
    assert symbol_of_file(path) == symbol


def test_close_matches_when_none_is_near_then_nothing_is_said() -> None:
    assert close_matches("BTC/USDC", ["BTC/USDT", "ETH/EUR"]) == "; did you mean BTC/USDT?"
    assert close_matches("XX", ["BTC/USDT"]) == ""
