"""The book that a bar implies: ten levels to the worse end, eaten best first."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.execution.config import PaperConfig
from fks_actors.execution.intrabar import swept_price
from fks_actors.model.orders import ZERO, Fill, Side
from tests.unit.execution.cases import HOUR_MS, T0, batch, book, order

EATS = PaperConfig(slippage_bps=ZERO, fill="intrabar", participation_pct=Decimal(100))


@pytest.mark.parametrize(
    ("quantity", "used", "price"),
    [("1", "0", "101"), ("10", "0", "101"), ("20", "0", "101.5"), ("100", "0", "105.5"), ("10", "90", "110")],
)
def test_sweep_when_a_buy_eats_levels_then_their_average(quantity: str, used: str, price: str) -> None:
    met, end, volume = Decimal(100), Decimal(110), Decimal(100)
    assert swept_price(Side.BUY, met, end, volume, Decimal(quantity), Decimal(used), EATS) == Decimal(price)


def test_sweep_when_the_bar_tells_no_volume_then_its_worse_end() -> None:
    assert swept_price(Side.SELL, Decimal(100), Decimal(90), ZERO, Decimal(1), ZERO, EATS) == 90


def test_market_buy_when_filled_inside_the_bar_then_it_pays_the_levels_and_the_half_spread() -> None:
    paper = book(EATS.model_copy(update={"slippage_bps": Decimal(10)}))
    paper.advance(batch(0, 100, 100, 100, 100))
    paper.submit([order(quantity="20"), order(quantity="20", client_order_id="fks-b")])
    fills = [e for e in paper.advance(batch(1, 100, 110, 80, 90, volume=100)) if isinstance(e, Fill)]
    assert [f.price for f in fills] == [Decimal("101.60"), Decimal("103.60")]
    assert {f.ts_ms for f in fills} == {T0 + HOUR_MS}


positive = st.integers(1, 10_000).map(lambda n: Decimal(n) / 100)


@given(positive, positive, positive, positive, st.integers(0, 300).map(Decimal), st.sampled_from(Side))
def test_sweep_when_more_is_taken_then_never_cheaper_never_better_than_met_and_inside_the_bar(
    one: Decimal, other: Decimal, small: Decimal, more: Decimal, used: Decimal, side: Side
) -> None:
    met, end = (min(one, other), max(one, other)) if side is Side.BUY else (max(one, other), min(one, other))
    sign = 1 if side is Side.BUY else -1
    few = swept_price(side, met, end, Decimal(200), small, used, EATS)
    many = swept_price(side, met, end, Decimal(200), small + more, used, EATS)
    assert sign * met <= sign * few <= sign * many + Decimal("1e-20")
    assert sign * many <= sign * end + Decimal("1e-20")
