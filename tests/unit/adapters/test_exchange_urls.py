"""ccxt's settings for an exchange at another address: nothing of it may reach the real one."""

import re
from collections.abc import Iterator
from typing import Any

import ccxt.pro
import pytest

from fks_actors.adapters.exchange_urls import exchange_options, is_loopback

BASE = "http://127.0.0.1:9999"


def addresses(urls: Any) -> Iterator[str]:
    """Every address in a tree of URLs."""
    if isinstance(urls, dict):
        for value in urls.values():
            yield from addresses(value)
    elif isinstance(urls, list):
        for value in urls:
            yield from addresses(value)
    elif isinstance(urls, str):
        yield urls


def hosts(urls: Any) -> set[str]:
    return {re.sub(r"^(\w+://[^/]+).*", r"\1", url) for url in addresses(urls)}


@pytest.mark.parametrize("exchange_id", ["kraken", "okx", "bybit", "coinbase", "kucoin", "binance"])
def test_options_when_an_exchange_is_moved_then_every_address_is_the_new_one(exchange_id: str) -> None:
    client = getattr(ccxt.pro, exchange_id)(exchange_options(exchange_id, BASE))
    assert hosts(client.urls["api"]) == {BASE, "ws://127.0.0.1:9999"}


def test_options_when_binance_is_moved_then_its_spot_paths_and_errors_stay_binances() -> None:
    client = ccxt.pro.binance(exchange_options("binance", BASE + "/"))
    api = client.urls["api"]
    assert (api["public"], api["private"]) == (f"{BASE}/api/v3", f"{BASE}/api/v3")
    assert api["sapi"] == f"{BASE}/sapi/v1"
    assert api["ws"]["ws-api"]["spot"] == "ws://127.0.0.1:9999/ws-api/v3"
    assert "/stream" in api["ws"]["spot"]
    assert client.options["fetchMarkets"]["types"] == ["spot"]
    assert client.exceptions["exact"].items() >= client.exceptions["spot"]["exact"].items()


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("http://127.0.0.1:8900", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8900", True),
        ("http://localhost:8900", True),
        ("https://api.binance.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1:8900", False),
        ("", False),
    ],
)
def test_address_when_it_is_on_this_machine_then_loopback(url: str, is_one: bool) -> None:
    assert is_loopback(url) is is_one
