import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.errors import InvariantError
from fks_actors.execution.ids import client_order_id


@given(st.text(min_size=1), st.integers(0, 10_000))
def test_id_when_made_twice_then_is_the_same_and_fits_every_venue(origin_id: str, leg: int) -> None:
    made = client_order_id(origin_id, leg)
    assert made == client_order_id(origin_id, leg)
    assert re.fullmatch(r"fks-[a-z0-9-]{1,28}", made)


def test_id_when_origin_or_leg_differs_then_differs() -> None:
    pairs = [("a", 1), ("a", 11), ("1a", 1), ("a1", 1), ("BTC/USDT@1", 0), ("BTC/USDT@1", 1), ("BTC/USDT@11", 0)]
    assert len({client_order_id(*p) for p in pairs}) == len(pairs)


def test_id_when_released_then_never_changes() -> None:
    assert client_order_id("BTC/USDT@1700000000000", 0) == "fks-ufnkffxk5gwkrrk4iupc7nry"


@pytest.mark.parametrize(("origin_id", "leg"), [("", 0), ("a", -1)])
def test_id_when_it_names_nothing_then_raises(origin_id: str, leg: int) -> None:
    with pytest.raises(InvariantError):
        client_order_id(origin_id, leg)
