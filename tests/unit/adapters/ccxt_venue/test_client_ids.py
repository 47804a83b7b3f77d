"""Every id comes back from every exchange as it was, and is one that the exchange takes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.ccxt_venue.client_ids import external_id, from_venue, is_ours, to_venue
from fks_actors.errors import InvariantError
from fks_actors.execution.ids import client_order_id
from fks_actors.execution.slices import slice_id

TAKEN = {
    "binance": r"[\.A-Z:/a-z0-9_-]{1,36}",
    "okx": r"[A-Za-z0-9]{1,32}",
    "kraken": r"[0-9a-f]{32}",
    "coinbase": r".{1,128}",
    "bybit": r"[A-Za-z0-9_-]{1,36}",
}
ORIGINS = st.text(min_size=1, max_size=20)


@pytest.mark.parametrize("exchange", TAKEN)
@given(origin=ORIGINS, leg=st.integers(0, 9), k=st.none() | st.integers(0, 199))
def test_id_when_sent_and_read_back_then_is_the_same(exchange: str, origin: str, leg: int, k: int | None) -> None:
    own = client_order_id(origin, leg)
    own = own if k is None else slice_id(own, k)
    wire = to_venue(exchange, own)
    assert re.fullmatch(TAKEN[exchange], wire)
    assert from_venue(exchange, wire) == own
    assert is_ours(own)


def test_id_when_kraken_writes_it_with_dashes_then_is_read_all_the_same() -> None:
    own = client_order_id("cycle", 0)
    wire = to_venue("kraken", own)
    dashed = "-".join((wire[:8], wire[8:12], wire[12:16], wire[16:20], wire[20:]))
    assert from_venue("kraken", dashed) == own


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=18))
def test_id_when_short_and_of_another_form_then_comes_back_from_okx(own: str) -> None:
    assert from_venue("okx", to_venue("okx", own)) == own


@pytest.mark.parametrize("exchange", ["okx", "kraken", "binance"])
def test_id_when_too_long_for_the_exchange_then_is_refused(exchange: str) -> None:
    with pytest.raises(InvariantError):
        to_venue(exchange, "x" * 40)


@pytest.mark.parametrize(
    ("exchange", "theirs"), [("okx", "fkxNOT!"), ("okx", "web1"), ("kraken", "arb-20240509-00010")]
)
def test_id_when_somebody_elses_then_comes_back_as_it_is(exchange: str, theirs: str) -> None:
    assert from_venue(exchange, theirs) == theirs


def test_external_id_when_asked_twice_then_is_the_same_and_no_other_orders() -> None:
    assert external_id("binance", "BTC/USDT", "42") == external_id("binance", "BTC/USDT", "42")
    assert external_id("binance", "BTC/USDT", "42") != external_id("binance", "ETH/USDT", "42")
    assert not is_ours(external_id("binance", "BTC/USDT", "42"))
