"""Trailing stops, pairs, icebergs, TWAPs and price-time priority at the paper venue, bar by bar."""

from decimal import Decimal

import pytest

from fks_actors.execution.book import PaperBook
from fks_actors.model.orders import (
    Approved,
    Fill,
    Liquidity,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Origin,
    Side,
)
from tests.unit.execution.cases import CALM, HOUR_MS, T0, batch, book, fills, holding, limit, order, stop, updates

BUY, SELL = Side.BUY, Side.SELL
S = OrderStatus
CLOSE_MS = T0 + 2 * HOUR_MS
"""The close of bar 1, the first that an order of these tests meets."""


def trailing(side: Side, pct: str = "5", quantity: str = "1", **figures: object) -> Approved:
    return order(side, quantity, order_type=OrderType.TRAILING_STOP, trail_pct=Decimal(pct), **figures)


def iceberg(side: Side, price: str, quantity: str, display: str, **figures: object) -> Approved:
    kind = {"order_type": OrderType.ICEBERG, "display_quantity": Decimal(display)}
    return limit(side, price, quantity, **kind, **figures)


def twap(side: Side, quantity: str, slices: int, hours: int, **figures: object) -> Approved:
    kind = {"order_type": OrderType.TWAP, "slices": slices, "duration_ms": hours * HOUR_MS}
    return order(side, quantity, **kind, **figures)


def pair(stop_price: str = "95", target: str = "105", quantity: str = "2", **figures: object) -> list[Approved]:
    legs = {"origin": Origin.EXIT, **figures}
    return [
        stop(SELL, stop_price, quantity, client_order_id="fks-stop", oco_id="fks-target", **legs),
        limit(SELL, target, quantity, client_order_id="fks-target", oco_id="fks-stop", **legs),
    ]


def stands(paper: PaperBook, client_order_id: str) -> OrderStatus:
    known = paper.lookup(client_order_id)
    assert known is not None
    return known.status


# --- trailing stop ---


@pytest.mark.parametrize(
    ("bar", "price", "at_open"),
    [
        ((100, 101, 95.01, 100), None, False),
        ((100, 101, 95, 100), "95", False),  # the stop of the bar's beginning, 5 % under 100
        ((94, 96, 93, 95), "94", True),  # a gap over the stop: the open
        ((100, 110, 96, 109), None, False),  # the low before the high: 104.5 was not yet the stop
        ((108, 109, 103, 104), None, False),  # the open moved the stop to 102.6, then the high to 103.55
        ((100, 110, 99, 104), "104", False),  # closes under 104.5, so it fell through it after the high
        ((110, 111, 104.5, 111), "104.5", False),  # the open moves the stop first
    ],
)
def test_trailing_sell_when_a_bar_comes_then_trades_by_the_stop_of_the_bars_beginning(
    bar: tuple[float, ...], price: str | None, at_open: bool
) -> None:
    paper = holding()
    paper.submit([trailing(SELL)])
    made = fills(paper.advance(batch(1, *bar)))
    assert [f.price for f in made] == ([Decimal(price)] if price else [])
    assert all(f.ts_ms == (T0 + HOUR_MS if at_open else CLOSE_MS) for f in made)
    assert all(f.liquidity is Liquidity.TAKER for f in made)


def test_trailing_sell_when_bars_rise_then_the_stop_follows_and_never_falls_back() -> None:
    paper = holding()
    paper.submit([trailing(SELL)])
    assert paper.advance(batch(1, 100, 110, 99, 110)) == ()
    assert paper.advance(batch(2, 110, 110, 105, 106)) == ()
    (fill,) = fills(paper.advance(batch(3, 106, 107, 104, 106)))
    assert fill.price == Decimal("104.5")


def test_trailing_buy_when_bars_fall_then_the_stop_follows_down() -> None:
    paper = holding()
    paper.submit([trailing(BUY)])
    assert paper.advance(batch(1, 100, 104.99, 80, 81)) == ()
    (fill,) = fills(paper.advance(batch(2, 82, 84, 81, 83)))
    assert (fill.side, fill.price) == (BUY, Decimal(84))


def test_trailing_stop_when_entered_inside_a_bar_then_only_that_bars_close_moves_it() -> None:
    paper = holding()
    paper.submit([trailing(SELL, ts_ms=T0 + HOUR_MS + 1)])
    assert paper.advance(batch(1, 100, 200, 50, 104)) == ()
    (fill,) = fills(paper.advance(batch(2, 104, 104, 98, 100)))
    assert fill.price == Decimal("98.8")


def test_trailing_stop_when_the_venue_restarts_then_remembers_the_top() -> None:
    paper = holding()
    paper.submit([trailing(SELL)])
    paper.advance(batch(1, 100, 120, 99, 119))
    again = PaperBook.restore(CALM, paper.markets(), paper.state())
    (fill,) = fills(again.advance(batch(2, 119, 119, 110, 112)))
    assert fill.price == Decimal(114)


# --- pairs ---


def test_pair_when_one_bar_reaches_both_then_the_stop_trades_and_cancels_the_target() -> None:
    paper = holding()
    paper.submit(pair()[::-1])
    fill, update = paper.advance(batch(1, 100, 106, 94, 100))
    assert isinstance(fill, Fill)
    assert (fill.client_order_id, fill.quantity) == ("fks-stop", Decimal(2))
    assert update == OrderUpdate("fks-target", S.CANCELLED, CLOSE_MS, "oco: the other leg traded")
    assert paper.open_orders() == ()


def test_pair_when_a_leg_trades_in_part_then_the_other_is_cancelled_at_once() -> None:
    paper = holding()
    paper.submit(pair())
    fill, update = paper.advance(batch(1, 100, 106, 99, 100, volume=4))
    assert isinstance(fill, Fill)
    assert (fill.client_order_id, fill.quantity) == ("fks-target", Decimal(1))
    assert (update.client_order_id, stands(paper, "fks-stop")) == ("fks-stop", S.CANCELLED)
    assert stands(paper, "fks-target") is S.PARTIALLY_FILLED


def test_pair_when_both_legs_work_then_the_position_is_held_back_once() -> None:
    paper = holding()
    assert [u.status for u in updates(paper.submit(pair()))] == [S.ACCEPTED, S.ACCEPTED]
    (third,) = updates(paper.submit([limit(SELL, "104", "0.1", client_order_id="fks-c")]))
    assert third.status is S.REJECTED
    paper.cancel(["fks-stop"], CLOSE_MS)
    assert stands(paper, "fks-target") is S.ACCEPTED
    assert updates(paper.submit([limit(SELL, "104", "0.1", client_order_id="fks-d")]))[0].status is S.REJECTED
    paper.cancel(["fks-target"], CLOSE_MS)
    assert updates(paper.submit([limit(SELL, "104", "2", client_order_id="fks-e")]))[0].status is S.ACCEPTED


def test_buying_pair_when_both_legs_work_then_the_dearer_holds_back_cash_once() -> None:
    paper = book(cash="1100")
    paper.advance(batch(0, 100, 101, 99, 100))
    kind = {"quantity": "9", "origin": Origin.EXIT}
    legs = [
        stop(BUY, "110", client_order_id="fks-stop", oco_id="fks-dip", **kind),
        limit(BUY, "90", client_order_id="fks-dip", oco_id="fks-stop", **kind),
    ]
    assert [u.status for u in updates(paper.submit(legs))] == [S.ACCEPTED, S.ACCEPTED]
    (small,) = updates(paper.submit([limit(BUY, "90", "1.5", client_order_id="fks-c")]))
    assert small.status is S.REJECTED
    paper.cancel(["fks-stop"], CLOSE_MS)
    assert updates(paper.submit([limit(BUY, "90", "1.5", client_order_id="fks-d")]))[0].status is S.ACCEPTED


def test_second_leg_when_the_first_had_traded_then_is_cancelled_on_arrival() -> None:
    paper = holding()
    stop_leg, target = pair(target="99")
    assert fills(paper.submit([target]))
    assert [u.status for u in updates(paper.submit([stop_leg]))] == [S.CANCELLED]


def test_first_leg_when_the_second_trades_on_arrival_then_is_cancelled() -> None:
    paper = holding()
    events = paper.submit(pair(target="99"))
    assert [(e.client_order_id, type(e)) for e in events[2:]] == [("fks-target", Fill), ("fks-stop", OrderUpdate)]
    assert paper.open_orders() == ()


def test_exit_leg_when_the_market_is_beyond_its_stop_already_then_trades_at_once() -> None:
    paper = holding()
    (fill,) = fills(paper.submit(pair(stop_price="101")))
    assert (fill.client_order_id, fill.price) == ("fks-stop", Decimal(100))
    assert stands(paper, "fks-target") is S.CANCELLED


def test_second_leg_when_it_does_not_fit_the_first_then_is_rejected() -> None:
    paper = holding()
    first = pair()[0]
    paper.submit([first])
    others = [
        limit(SELL, "105", "2", client_order_id="fks-x", oco_id="fks-stop"),
        limit(SELL, "105", "1", client_order_id="fks-target", oco_id="fks-stop"),
    ]
    assert [u.reason.split(":")[0] for u in updates(paper.submit(others))] == ["oco_pair", "oco_pair"]


def test_pair_when_the_stop_trails_then_its_first_trade_cancels_the_target_too() -> None:
    paper = holding()
    legs = {"client_order_id": "fks-stop", "oco_id": "fks-target", "origin": Origin.EXIT}
    paper.submit([trailing(SELL, quantity="2", **legs), pair(target="120")[1]])
    assert paper.advance(batch(1, 100, 115, 99, 114)) == ()
    fill, update = paper.advance(batch(2, 114, 121, 109, 115))
    assert isinstance(fill, Fill)
    assert (fill.client_order_id, fill.price) == ("fks-stop", Decimal("109.25"))
    assert update.client_order_id == "fks-target"


# --- price-time priority and icebergs ---


def test_limits_when_the_volume_is_scarce_then_the_better_price_trades_before_the_earlier_order() -> None:
    paper = holding()
    paper.submit([limit(BUY, "98", client_order_id="fks-1"), limit(BUY, "99", client_order_id="fks-2")])
    paper.submit([limit(BUY, "99", client_order_id="fks-3"), limit(BUY, "99", client_order_id="fks-4")])
    made = fills(paper.advance(batch(1, 100, 101, 97, 98, volume=10)))
    assert [(f.client_order_id, f.quantity) for f in made] == [
        ("fks-2", Decimal(1)),
        ("fks-3", Decimal(1)),
        ("fks-4", Decimal("0.5")),
    ]


def test_limits_when_the_venue_restarts_then_keep_their_places() -> None:
    paper = holding()
    paper.submit([limit(BUY, "99", client_order_id=f"fks-{n}") for n in range(3)])
    paper.advance(batch(1, 100, 101, 98, 99, volume=6))
    again = PaperBook.restore(CALM, paper.markets(), paper.state())
    bar = batch(2, 100, 101, 98, 99, volume=6)
    made = fills(again.advance(bar))
    assert made == fills(paper.advance(bar))
    assert [(f.client_order_id, f.quantity) for f in made] == [("fks-1", Decimal("0.5")), ("fks-2", Decimal(1))]


def test_iceberg_when_a_part_trades_then_the_next_queues_behind_the_others_of_its_price() -> None:
    paper = holding()
    paper.submit([iceberg(BUY, "99", "3", "1"), limit(BUY, "99", client_order_id="fks-b")])
    paper.submit([limit(BUY, "98.5", client_order_id="fks-c")])
    made = fills(paper.advance(batch(1, 100, 101, 98, 99)))
    assert [(f.client_order_id, f.quantity) for f in made] == [
        ("fks-a", Decimal(1)),
        ("fks-b", Decimal(1)),
        ("fks-a", Decimal(1)),
        ("fks-a", Decimal(1)),
        ("fks-c", Decimal(1)),
    ]
    assert all((f.liquidity, f.price <= 99) == (Liquidity.MAKER, True) for f in made)


def test_iceberg_when_the_volume_ends_within_a_part_then_that_part_goes_on_showing() -> None:
    paper = holding()
    paper.submit([iceberg(BUY, "99", "3", "1")])
    assert [f.quantity for f in fills(paper.advance(batch(1, 100, 101, 98, 99, volume=6)))] == [1, Decimal("0.5")]
    paper = PaperBook.restore(CALM, paper.markets(), paper.state())
    paper.submit([limit(BUY, "99", client_order_id="fks-b", ts_ms=CLOSE_MS)])
    made = fills(paper.advance(batch(2, 100, 101, 98, 99, volume=8)))
    assert [(f.client_order_id, f.quantity) for f in made] == [
        ("fks-a", Decimal("0.5")),
        ("fks-b", Decimal(1)),
        ("fks-a", Decimal("0.5")),
    ]


def test_iceberg_when_marketable_then_takes_as_a_whole_and_rests_what_is_left() -> None:
    paper = holding()
    paper.submit([iceberg(BUY, "101", "4", "1")])
    (first,) = fills(paper.advance(batch(1, 100, 101, 100, 101, volume=12)))
    assert (first.quantity, first.liquidity, first.price) == (Decimal(3), Liquidity.TAKER, Decimal(100))
    (rest,) = fills(paper.advance(batch(2, 100.5, 102, 100, 101)))
    assert (rest.quantity, rest.liquidity) == (Decimal(1), Liquidity.MAKER)
