from decimal import Decimal

import pytest

from fks_actors.errors import JournalCorrupt
from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import ZERO, Approved, Fill, Liquidity, OrderStatus, OrderType, OrderUpdate, Origin, Side
from tests.unit.execution.cases import (
    BTC,
    CALM,
    ETH,
    HOUR_MS,
    T0,
    batch,
    book,
    fills,
    holding,
    limit,
    order,
    stop,
    updates,
)

BUY, SELL = Side.BUY, Side.SELL
TAKE_PROFIT = OrderType.TAKE_PROFIT


def seen(config: PaperConfig = CALM, cash: str = "10000", volume: float = 1_000) -> PaperBook:
    """A book without a position that has seen bar 0: 100, 102, 98, 100."""
    fresh = book(config, cash)
    fresh.advance(batch(0, 100, 102, 98, 100, volume=volume))
    return fresh


def test_cycle_market_order_when_entered_at_the_close_then_fills_at_the_next_open() -> None:
    paper = seen()
    assert paper.submit([order()]) == (OrderUpdate("fks-a", OrderStatus.ACCEPTED, T0 + HOUR_MS),)
    assert paper.account().cash == Decimal(10000)
    (fill,) = paper.advance(batch(1, 101, 105, 97, 104))
    price, fee = Decimal("101.00"), Decimal("0.101")
    assert fill == Fill("fks-a-1", "fks-a", "paper", BTC, BUY, price, Decimal(1), fee, Liquidity.TAKER, T0 + HOUR_MS)
    assert paper.account().cash == Decimal("9898.899")
    assert paper.open_orders() == ()


def test_signal_market_order_when_a_price_is_known_then_fills_at_once_at_the_last_close_with_slippage() -> None:
    paper = seen(PaperConfig(range_share=ZERO))
    update, fill = paper.submit([order(origin=Origin.SIGNAL, ts_ms=T0 + HOUR_MS + 7)])
    assert isinstance(update, OrderUpdate)
    assert isinstance(fill, Fill)
    assert (fill.price, fill.ts_ms, fill.liquidity) == (Decimal("100.02"), T0 + HOUR_MS + 7, Liquidity.TAKER)


def test_signal_order_when_no_price_was_seen_then_is_rejected() -> None:
    (update,) = updates(book().submit([order(origin=Origin.SIGNAL)]))
    assert update.status is OrderStatus.REJECTED
    assert update.reason.startswith("no_market_price")


def test_impact_when_the_order_is_a_share_of_the_volume_then_follows_the_square_root() -> None:
    config = PaperConfig(slippage_bps=ZERO, range_share=Decimal("0.5"))
    paper = seen(config)
    paper.submit([order(quantity="10")])
    (fill,) = fills(paper.advance(batch(1, 100, 110, 90, 100, volume=1_000)))
    assert fill.price == Decimal(101)  # 100 + 0.5 x 20 x sqrt(10 / 1000)


def test_slippage_when_the_bar_is_narrow_then_never_leaves_it() -> None:
    paper = seen(PaperConfig(slippage_bps=Decimal(500)))
    paper.submit([order()])
    (fill,) = fills(paper.advance(batch(1, 100, 100.5, 99, 100)))
    assert fill.price == Decimal("100.5")


@pytest.mark.parametrize(
    ("side", "price", "bar", "expected"),
    [
        (BUY, "99", (100, 101, 99, 100), None),  # a touch is not through
        (BUY, "99", (100, 101, 98.99, 100), "99"),
        (BUY, "99", (97, 98, 96, 97), "97"),  # opens beyond: the open
        (SELL, "101", (100, 101, 99, 100), None),
        (SELL, "101", (100, 101.01, 99, 100), "101"),
        (SELL, "101", (103, 104, 102, 103), "103"),
    ],
)
def test_resting_limit_when_the_bar_trades_through_then_fills_as_maker(
    side: Side, price: str, bar: tuple[float, ...], expected: str | None
) -> None:
    paper = holding(quantity="2")
    paper.submit([limit(side, price)])
    made = fills(paper.advance(batch(1, *bar)))
    assert [f.price for f in made] == ([Decimal(expected)] if expected else [])
    assert all(f.liquidity is Liquidity.MAKER for f in made)


def test_marketable_limit_when_it_comes_from_a_cycle_then_takes_the_next_open_capped_by_its_limit() -> None:
    config = PaperConfig(slippage_bps=Decimal(100), range_share=ZERO)
    paper = seen(config)
    paper.submit([limit(BUY, "100.5")])
    (fill,) = fills(paper.advance(batch(1, 100, 103, 99, 101)))
    assert (fill.price, fill.liquidity) == (Decimal("100.5"), Liquidity.TAKER)


def test_marketable_limit_when_the_next_open_runs_away_then_rests() -> None:
    paper = seen()
    paper.submit([limit(BUY, "100.5")])
    assert paper.advance(batch(1, 102, 103, 101, 102)) == ()
    (fill,) = fills(paper.advance(batch(2, 100, 101, 99, 100)))
    assert (fill.price, fill.liquidity) == (Decimal("100"), Liquidity.MAKER)


def test_marketable_limit_when_it_comes_from_a_signal_then_fills_at_once_within_its_limit() -> None:
    paper = seen(PaperConfig(slippage_bps=Decimal(100), range_share=ZERO))
    (fill,) = fills(paper.submit([limit(BUY, "100.5", origin=Origin.SIGNAL)]))
    assert (fill.price, fill.liquidity) == (Decimal("100.5"), Liquidity.TAKER)
    assert fills(paper.submit([limit(BUY, "99", origin=Origin.SIGNAL, client_order_id="fks-b")])) == []


@pytest.mark.parametrize(
    ("side", "kind", "price", "bar", "expected"),
    [
        (SELL, OrderType.STOP_LOSS, "95", (100, 101, 95.01, 100), None),
        (SELL, OrderType.STOP_LOSS, "95", (100, 101, 95, 96), "95"),
        (SELL, OrderType.STOP_LOSS, "95", (90, 92, 89, 91), "90"),  # gaps over the stop: the open
        (BUY, OrderType.STOP_LOSS, "105", (100, 105, 99, 104), "105"),
        (BUY, OrderType.STOP_LOSS, "105", (107, 108, 106, 107), "107"),
        (SELL, TAKE_PROFIT, "105", (100, 105, 99, 104), "105"),
        (SELL, TAKE_PROFIT, "105", (108, 109, 107, 108), "108"),
        (BUY, TAKE_PROFIT, "95", (100, 101, 95, 96), "95"),
    ],
)
def test_stop_when_the_bar_touches_it_then_fills_at_the_stop_or_the_worse_open(
    side: Side, kind: OrderType, price: str, bar: tuple[float, ...], expected: str | None
) -> None:
    paper = holding()
    paper.submit([stop(side, price, order_type=kind)])
    made = fills(paper.advance(batch(1, *bar)))
    assert [f.price for f in made] == ([Decimal(expected)] if expected else [])
    assert all(f.liquidity is Liquidity.TAKER for f in made)


def test_stop_and_limit_when_one_bar_reaches_both_then_the_stop_goes_first() -> None:
    paper = holding()
    target = limit(SELL, "104", client_order_id="fks-target")
    paper.submit([target, stop(SELL, "96", client_order_id="fks-stop")])
    first, second = fills(paper.advance(batch(1, 100, 105, 95, 100)))
    assert (first.client_order_id, second.client_order_id) == ("fks-stop", "fks-target")
    assert first.ts_ms == T0 + 2 * HOUR_MS


def test_order_when_larger_than_its_share_of_the_volume_then_fills_over_several_bars() -> None:
    paper = seen()
    paper.submit([order(quantity="4")])
    (first,) = fills(paper.advance(batch(1, 100, 101, 99, 100, volume=10)))
    assert (first.quantity, paper.open_orders()[0].status) == (Decimal("2.5"), OrderStatus.PARTIALLY_FILLED)
    assert paper.advance(batch(2, 100, 101, 99, 100, volume=0)) == ()
    (second,) = fills(paper.advance(batch(3, 102, 103, 99, 100, volume=10)))
    assert (second.quantity, second.price, second.trade_id) == (Decimal("1.5"), Decimal(102), "fks-a-2")


def test_stop_when_touched_without_volume_left_then_is_a_market_order_from_then_on() -> None:
    paper = holding()
    paper.submit([stop(SELL, "95", "2")])
    (first,) = fills(paper.advance(batch(1, 100, 101, 94, 99, volume=4)))
    assert (first.quantity, first.price) == (Decimal(1), Decimal(95))
    (rest,) = fills(paper.advance(batch(2, 103, 104, 102, 103)))
    assert (rest.quantity, rest.price) == (Decimal(1), Decimal(103))


def test_taker_price_when_off_the_tick_then_rounds_against_the_taker() -> None:
    config = PaperConfig(slippage_bps=Decimal("0.1"), range_share=ZERO)
    paper = holding(config)
    bought, sold = order(origin=Origin.SIGNAL), order(SELL, origin=Origin.SIGNAL, client_order_id="fks-b")
    assert [f.price for f in fills(paper.submit([bought, sold]))] == [Decimal("100.01"), Decimal("99.99")]


def test_orders_when_they_share_a_bar_then_share_its_volume() -> None:
    paper = seen(volume=10)
    signal = {"origin": Origin.SIGNAL}
    first = fills(paper.submit([order(quantity="2", **signal)]))
    second = fills(paper.submit([order(quantity="2", client_order_id="fks-b", **signal)]))
    assert [f.quantity for f in (*first, *second)] == [Decimal(2), Decimal("0.5")]
    (rest,) = fills(paper.advance(batch(1, 100, 101, 99, 100)))
    assert (rest.client_order_id, rest.quantity) == ("fks-b", Decimal("1.5"))


def test_participation_when_switched_off_then_volume_does_not_matter() -> None:
    paper = seen(PaperConfig(participation_pct=None), volume=0)
    paper.submit([order(quantity="50")])
    assert fills(paper.advance(batch(1, 100, 101, 99, 100, volume=0)))[0].quantity == Decimal(50)


def test_order_when_entered_inside_a_bar_then_only_that_bars_close_counts() -> None:
    late = {"ts_ms": T0 + HOUR_MS + 5}
    paper = holding()
    paper.submit([limit(BUY, "98", client_order_id="fks-1", **late), stop(SELL, "97", client_order_id="fks-2", **late)])
    assert paper.advance(batch(1, 100, 101, 90, 99)) == ()
    late = {"ts_ms": T0 + 2 * HOUR_MS + 5}
    paper.submit([limit(BUY, "99", client_order_id="fks-3", **late)])
    (fill,) = fills(paper.advance(batch(2, 98.5, 101, 98.5, 98.5)))
    assert (fill.client_order_id, fill.price, fill.ts_ms) == ("fks-3", Decimal("98.5"), T0 + 3 * HOUR_MS)


def test_bar_when_older_than_the_order_or_seen_before_then_fills_nothing() -> None:
    paper = seen()
    paper.submit([order(ts_ms=T0 + 5 * HOUR_MS)])
    assert paper.advance(batch(1, 100, 101, 99, 100)) == ()
    paper.submit([order(client_order_id="fks-b", ts_ms=T0 + 2 * HOUR_MS)])
    assert paper.advance(batch(1, 100, 101, 99, 100)) == ()
    assert [f.client_order_id for f in fills(paper.advance(batch(2, 100, 101, 99, 100)))] == ["fks-b"]


@pytest.mark.parametrize(
    ("approved", "code"),
    [
        (order(quantity="100"), "insufficient_balance"),
        (order(SELL), "insufficient_balance"),
        (limit(BUY, "100", "100"), "insufficient_balance"),
        (order(quantity="0.01"), "min_notional"),
        (order(symbol="XRP/USDT"), "symbol_unknown"),
    ],
)
def test_order_when_the_venue_cannot_take_it_then_is_rejected_with_the_reason(approved: Approved, code: str) -> None:
    paper = seen()
    (update,) = updates(paper.submit([approved]))
    assert update.status is OrderStatus.REJECTED
    assert update.reason.startswith(code)
    assert paper.open_orders() == ()


def test_orders_when_open_ones_hold_back_the_balance_then_the_next_is_rejected() -> None:
    paper = holding()
    first, second = limit(SELL, "105", "1.5"), limit(SELL, "106", "1", client_order_id="fks-b")
    kept, refused = updates(paper.submit([first, second]))
    assert (kept.status, refused.status) == (OrderStatus.ACCEPTED, OrderStatus.REJECTED)
    paper.cancel(["fks-a"], T0 + HOUR_MS)
    assert updates(paper.submit([limit(SELL, "106", "2", client_order_id="fks-c")]))[0].status is OrderStatus.ACCEPTED


def test_market_buy_when_the_open_is_dearer_than_the_cash_then_fills_what_it_can_and_ends() -> None:
    paper = seen(cash="1000")
    paper.submit([order(quantity="9.9")])
    fill, update = paper.advance(batch(1, 110, 111, 109, 110))
    assert isinstance(fill, Fill)
    assert isinstance(update, OrderUpdate)
    assert fill.quantity == Decimal("9.08182")
    assert (update.status, update.reason[:20]) == (OrderStatus.CANCELLED, "insufficient_balance")
    assert ZERO <= paper.account().cash < Decimal("0.01")
    ended = paper.lookup("fks-a")
    assert ended is not None
    assert ended.filled_quantity == fill.quantity


def test_submit_when_the_id_is_known_then_answers_its_state_and_enters_nothing() -> None:
    paper = seen()
    paper.submit([order()])
    assert [u.status for u in updates(paper.submit([order()]))] == [OrderStatus.ACCEPTED]
    paper.advance(batch(1, 100, 101, 99, 100))
    again = paper.submit([order()])
    assert [u.status for u in updates(again)] == [OrderStatus.FILLED]
    assert paper.account().position(BTC).quantity == Decimal(1)


def test_finished_orders_when_many_then_are_forgotten_in_order_and_stay_small() -> None:
    config = PaperConfig(slippage_bps=ZERO, range_share=ZERO, finished_kept=100, details_kept=10)
    paper = seen(config)
    for n in range(150):
        paper.submit([order(quantity="0.001", client_order_id=f"fks-{n:026d}")])
    assert [paper.lookup(f"fks-{n:026d}") is not None for n in (0, 49, 50, 149)] == [False, False, True, True]
    old = paper.lookup(f"fks-{60:026d}")
    assert old is not None
    assert (old.status, old.intent.symbol) == (OrderStatus.REJECTED, "")
    assert len(paper.state()) < 10_000


def test_cancel_when_working_ended_or_unknown_then_each_answers_how_it_stands() -> None:
    paper = seen()
    paper.submit([limit(BUY, "90")])
    once = paper.cancel(["fks-a", "fks-nobody"], T0 + 9)
    assert [(u.client_order_id, u.status) for u in updates(once)] == [
        ("fks-a", OrderStatus.CANCELLED),
        ("fks-nobody", OrderStatus.CANCELLED),
    ]
    assert paper.lookup("fks-nobody") is None
    assert [u.status for u in updates(paper.cancel(["fks-a"], T0 + 10))] == [OrderStatus.CANCELLED]


def test_bars_when_unsound_or_unknown_then_are_ignored() -> None:
    paper = seen()
    paper.submit([order()])
    ts_ms = T0 + HOUR_MS
    odd = [
        Candle(BTC, ts_ms, float("nan"), 1, 1, 1, 1),
        Candle(BTC, ts_ms, 100, 99, 101, 100, 1),
        Candle("XRP/USDT", ts_ms, 1, 1, 1, 1, 1),
    ]
    for candle in odd:
        assert paper.advance(BarBatch(ts_ms, HOUR_MS, (candle,))) == ()
    no_volume = Candle(BTC, ts_ms, 100, 101, 99, 100, float("nan"))
    assert paper.advance(BarBatch(ts_ms, HOUR_MS, (no_volume,))) == ()
    assert paper.open_orders()[0].status is OrderStatus.ACCEPTED


def test_two_symbols_when_they_share_a_batch_then_opens_come_before_ranges() -> None:
    paper = holding()
    paper.submit([stop(SELL, "96", client_order_id="fks-stop")])
    ts_ms = T0 + HOUR_MS
    paper.submit([order(symbol=ETH, client_order_id="fks-eth")])
    bars = (Candle(BTC, ts_ms, 100, 101, 95, 96, 100.0), Candle(ETH, ts_ms, 50, 51, 49, 50, 100.0))
    made = fills(paper.advance(BarBatch(ts_ms, HOUR_MS, bars)))
    assert [f.client_order_id for f in made] == ["fks-eth", "fks-stop"]


def test_restore_when_bytes_are_damaged_then_raises_journal_corrupt() -> None:
    with pytest.raises(JournalCorrupt):
        PaperBook.restore(CALM, {BTC: default_rules(BTC, CALM)}, b"{}")
