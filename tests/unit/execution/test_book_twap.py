"""TWAPs on the paper venue; snapshots, and what many resting orders cost."""

import json
import sys
from decimal import Decimal

from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.model.orders import (
    ZERO,
    Fill,
    Origin,
)
from tests.unit.execution.cases import BTC, CALM, HOUR_MS, T0, batch, book, fills, holding, limit, order, stop, updates
from tests.unit.execution.test_book_types import BUY, CLOSE_MS, SELL, S, stands, trailing, twap


def test_twap_when_bars_come_then_each_slice_trades_at_its_bars_open() -> None:
    paper = holding()
    paper.submit([twap(BUY, "1", 4, 4)])
    bars = [batch(n, 100 + n, 105 + n, 99 + n, 101 + n) for n in range(1, 6)]
    made = [fills(paper.advance(bar)) for bar in bars]
    assert [[(f.price, f.quantity, f.ts_ms) for f in each] for each in made[:4]] == [
        [(Decimal(100 + n), Decimal("0.25"), T0 + n * HOUR_MS)] for n in range(1, 5)
    ]
    assert made[4] == []
    assert stands(paper, "fks-a") is S.FILLED


def test_twap_of_a_signal_when_entered_then_the_first_slice_trades_at_once() -> None:
    paper = holding()
    (fill,) = fills(paper.submit([twap(BUY, "1", 2, 2, origin=Origin.SIGNAL)]))
    assert (fill.price, fill.quantity) == (Decimal(100), Decimal("0.5"))
    assert paper.advance(batch(1, 100, 101, 99, 100)) == ()
    (fill,) = fills(paper.advance(batch(2, 102, 103, 101, 102)))
    assert (fill.price, fill.ts_ms) == (Decimal(102), CLOSE_MS)


def test_twap_when_several_slices_fall_due_in_one_bar_then_trade_together_at_its_open() -> None:
    paper = holding()
    paper.submit([twap(BUY, "1", 4, 2)])
    (first,) = fills(paper.advance(batch(1, 100, 101, 99, 100)))
    assert first.quantity == Decimal("0.5")


def test_twap_when_a_bar_has_too_little_volume_then_the_next_slice_makes_up_for_it() -> None:
    paper = holding()
    paper.submit([twap(BUY, "1", 2, 2)])
    assert [f.quantity for f in fills(paper.advance(batch(1, 100, 101, 99, 100, volume=1)))] == [Decimal("0.25")]
    assert [f.quantity for f in fills(paper.advance(batch(2, 100, 101, 99, 100, volume=2)))] == [Decimal("0.5")]
    assert [f.quantity for f in fills(paper.advance(batch(3, 100, 101, 99, 100)))] == [Decimal("0.25")]


def test_twap_when_its_last_rest_is_small_then_still_trades() -> None:
    paper = holding()
    paper.submit([twap(BUY, "0.1", 2, 2)])
    assert [f.quantity for f in fills(paper.advance(batch(1, 100, 101, 99, 100, volume=0.19)))] == [Decimal("0.0475")]
    assert [f.quantity for f in fills(paper.advance(batch(2, 100, 101, 99, 100, volume=0.19)))] == [Decimal("0.0475")]
    assert [f.quantity for f in fills(paper.advance(batch(3, 100, 101, 99, 100)))] == [Decimal("0.005")]


def test_twap_when_entered_inside_a_bar_then_that_bars_close_is_the_first_price() -> None:
    paper = holding()
    paper.submit([twap(BUY, "1", 2, 2, ts_ms=T0 + HOUR_MS + 1)])
    (first,) = fills(paper.advance(batch(1, 100, 110, 90, 104)))
    assert (first.price, first.quantity, first.ts_ms) == (Decimal(104), Decimal("0.5"), CLOSE_MS)


def test_twap_when_the_price_runs_beyond_the_cash_then_trades_what_it_can_and_ends() -> None:
    paper = book(cash="1000")
    paper.advance(batch(0, 100, 101, 99, 100))
    paper.submit([twap(BUY, "9.9", 2, 2)])
    assert len(fills(paper.advance(batch(1, 100, 101, 99, 100)))) == 1
    fill, update = paper.advance(batch(2, 130, 131, 129, 130))
    assert isinstance(fill, Fill)
    assert (update.client_order_id, stands(paper, "fks-a")) == ("fks-a", S.CANCELLED)
    assert paper.account().cash >= 0


# --- snapshots and size ---


def test_restore_when_the_snapshot_is_older_than_the_new_figures_then_goes_on_the_same() -> None:
    paper = holding()
    paper.submit([limit(BUY, "99", client_order_id="fks-1"), limit(BUY, "99", client_order_id="fks-2")])
    paper.submit([stop(SELL, "90", client_order_id="fks-3")])
    old = json.loads(paper.state())
    del old["placed"]
    for work in old["working"]:
        for name in ("place", "best", "shown"):
            del work[name]
        for name in ("trail_pct", "display_quantity", "duration_ms", "slices", "oco_id"):
            del work["order"]["intent"][name]
    again = PaperBook.restore(CALM, paper.markets(), json.dumps(old).encode())
    bar = batch(1, 100, 101, 98, 99, volume=6)
    assert again.advance(bar) == paper.advance(bar)
    late = [limit(BUY, "99", client_order_id="fks-4", ts_ms=CLOSE_MS)]
    assert again.submit(late) == paper.submit(late)
    bar = batch(2, 99, 100, 89, 90)
    assert again.advance(bar) == paper.advance(bar)


def calls_in_a_bar(resting: int) -> int:
    """How many Python functions run while a bar reaches one of `resting` orders."""
    paper = PaperBook(CALM, {BTC: default_rules(BTC, CALM)}, Decimal(10_000_000))
    paper.advance(batch(-1, 100, 100, 100, 100))
    paper.submit([order(quantity="20000", client_order_id="fks-held", origin=Origin.SIGNAL, ts_ms=T0)])
    paper.advance(batch(0, 100, 101, 99, 100, volume=1_000_000))
    kinds = [
        lambda n: limit(BUY, f"{80 + n % 10}", "0.1", client_order_id=f"fks-{n}"),
        lambda n: limit(SELL, f"{110 + n % 10}", "0.1", client_order_id=f"fks-{n}"),
        lambda n: stop(SELL, f"{80 + n % 10}", "0.1", client_order_id=f"fks-{n}"),
        lambda n: trailing(SELL, "10", "0.1", client_order_id=f"fks-{n}"),
    ]
    paper.submit([kinds[n % 4](n) for n in range(resting)])
    paper.advance(batch(1, 101, 102, 99, 100, volume=1_000_000))
    paper.submit([limit(BUY, "99", "0.1", client_order_id="fks-reached", ts_ms=CLOSE_MS)])
    bar = batch(2, 100, 101.5, 98, 100)
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        events = paper.advance(bar)
    finally:
        sys.setprofile(before)
    assert len(events) == 1
    assert len(paper.open_orders()) == resting
    return calls


def test_bar_when_it_reaches_few_of_many_orders_then_costs_what_it_reaches() -> None:
    assert calls_in_a_bar(4_000) < calls_in_a_bar(40) + 60


def test_held_back_sums_when_orders_come_and_go_then_a_restart_finds_the_same() -> None:
    config = PaperConfig(taker_fee_bps=Decimal("7.77777"), participation_pct=None, slippage_bps=ZERO)
    paper = PaperBook(config, {BTC: default_rules(BTC, config)}, Decimal(10_000))
    paper.advance(batch(0, 100, 101, 99, 100))
    paper.submit([limit(BUY, f"{90 + n / 100:.2f}", "0.33333", client_order_id=f"fks-{n}") for n in range(60)])
    paper.cancel([f"fks-{n}" for n in range(0, 60, 3)], CLOSE_MS)
    again = PaperBook.restore(config, paper.markets(), paper.state())
    dear = [order(quantity="500", client_order_id="fks-dear", ts_ms=CLOSE_MS)]
    told = paper.submit(dear)
    assert told == again.submit(dear)
    assert updates(told)[0].reason.startswith("insufficient_balance")
