"""An order that is on its way: never better than the open of its bar, and nothing of the bar before it came."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.execution.config import PaperConfig
from fks_actors.execution.late import arrival_price
from fks_actors.execution.matching import Bar
from fks_actors.model.orders import ZERO, Fill, OrderType, Origin, Side, VenueEvent
from tests.unit.execution.cases import CALM, HOUR_MS, T0, batch, book, limit, order, stop

QUARTER = HOUR_MS // 4


def late(latency_ms: int) -> PaperConfig:
    return PaperConfig(slippage_bps=ZERO, range_share=ZERO, latency_ms=latency_ms)


def prices(events: tuple[VenueEvent, ...]) -> list[Decimal]:
    return [e.price for e in events if isinstance(e, Fill)]


@pytest.mark.parametrize(
    ("latency_ms", "paid"),
    [(0, "100.00"), (QUARTER, "105.00"), (HOUR_MS, "110.00")],
)
def test_market_buy_when_it_comes_during_the_bar_then_the_root_of_the_way_to_the_high(
    latency_ms: int, paid: str
) -> None:
    paper = book(late(latency_ms))
    paper.advance(batch(0, 100, 100, 100, 100))
    paper.submit([order()])
    events = paper.advance(batch(1, 100, 110, 80, 90))
    assert prices(events) == [Decimal(paid)]
    assert events[-1].ts_ms == T0 + (HOUR_MS if latency_ms == 0 else 2 * HOUR_MS)


def test_market_sell_when_it_comes_during_the_bar_then_the_root_of_the_way_to_the_low() -> None:
    paper = book(late(QUARTER))
    paper.advance(batch(-1, 100, 100, 100, 100))
    paper.submit([order(quantity="2", client_order_id="fks-held", ts_ms=T0)])
    paper.advance(batch(0, 100, 100, 100, 100))
    paper.submit([order(Side.SELL, "2")])
    assert prices(paper.advance(batch(1, 100, 110, 80, 105))) == [Decimal("90.00")]


def test_market_buy_when_the_way_is_longer_than_a_bar_then_the_bar_passes_it_by() -> None:
    paper = book(late(HOUR_MS + QUARTER))
    paper.advance(batch(0, 100, 100, 100, 100))
    paper.submit([order()])
    assert paper.advance(batch(1, 100, 110, 80, 90)) == ()
    assert prices(paper.advance(batch(2, 100, 110, 80, 90))) == [Decimal("105.00")]


def test_resting_limit_when_it_comes_during_the_bar_then_only_the_close_counts() -> None:
    paper = book(late(QUARTER))
    paper.advance(batch(0, 100, 100, 100, 100))
    paper.submit([limit(Side.BUY, "90")])
    assert prices(paper.advance(batch(1, 100, 110, 80, 95))) == []
    assert prices(paper.advance(batch(2, 95, 110, 80, 95))) == [Decimal(90)]


@pytest.mark.parametrize(("low", "sold"), [("97", []), ("90", ["95.00"])])
def test_stop_when_it_comes_during_the_bar_then_the_adverse_end_comes_after_it(low: str, sold: list[str]) -> None:
    paper = book(late(1))
    paper.advance(batch(-1, 100, 100, 100, 100))
    paper.submit([order(quantity="2", client_order_id="fks-held", ts_ms=T0)])
    paper.advance(batch(0, 100, 100, 100, 100))
    paper.submit([stop(Side.SELL, "95", "2")])
    assert prices(paper.advance(batch(1, 100, 110, float(low), 108))) == [Decimal(p) for p in sold]


def test_signal_when_orders_take_time_then_it_does_not_meet_the_close_before_it() -> None:
    at_once, on_its_way = book(CALM), book(late(QUARTER))
    asked = order(origin=Origin.SIGNAL, ts_ms=T0 + HOUR_MS + QUARTER)
    for paper in (at_once, on_its_way):
        paper.advance(batch(0, 100, 100, 100, 100))
    assert prices(at_once.submit([asked])) == [Decimal(100)]
    assert prices(on_its_way.submit([asked])) == []
    assert prices(on_its_way.advance(batch(1, 101, 120, 90, 115))) == [Decimal(115)]


def test_restart_when_an_order_is_on_its_way_then_it_arrives_as_it_would_have() -> None:
    paper = book(late(QUARTER))
    paper.advance(batch(0, 100, 100, 100, 100))
    paper.submit([order(), limit(Side.BUY, "120", client_order_id="fks-b", order_type=OrderType.LIMIT)])
    twin = type(paper).restore(late(QUARTER), paper.markets(), paper.state())
    bar = batch(1, 100, 110, 80, 90)
    assert prices(paper.advance(bar)) == prices(twin.advance(bar)) == [Decimal(105), Decimal(105)]
    assert paper.state() == twin.state()


cents = st.integers(5_000, 20_000).map(lambda n: Decimal(n) / 100)


@given(st.lists(cents, min_size=4, max_size=4), st.sampled_from(Side), st.lists(st.integers(0, HOUR_MS), min_size=2))
def test_arrival_when_the_way_is_longer_then_it_is_never_cheaper_and_never_leaves_the_bar(
    figures: list[Decimal], side: Side, ways: list[int]
) -> None:
    low, open_, close, high = sorted(figures)
    bar = Bar(open_, high, low, close, Decimal(1))
    found = [arrival_price(side, bar, way, HOUR_MS) for way in sorted(ways)]
    assert found == sorted(found, reverse=side is Side.SELL)
    assert all(low <= price <= high for price in found)
    assert arrival_price(side, bar, 0, HOUR_MS) == open_
