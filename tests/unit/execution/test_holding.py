"""What holding costs: each instant once, by what was held, whatever the bars' length and their gaps."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import ZERO, Charge, ChargeKind, OrderType, Side, VenueEvent
from tests.unit.execution.cases import BTC, HOUR_MS, T0, batch, book, order, stop

FUNDED = PaperConfig(
    slippage_bps=ZERO, range_share=ZERO, funding_bps_per_day=Decimal(30), taker_fee_bps=ZERO, maker_fee_bps=ZERO
)
OWING = FUNDED.model_copy(update={"borrow_bps_per_day": Decimal(100)})


def charged(events: tuple[VenueEvent, ...]) -> list[tuple[ChargeKind, Decimal]]:
    return [(e.kind, e.amount) for e in events if isinstance(e, Charge)]


def bought(config: PaperConfig, quantity: str = "2", at: int = 6, cash: str = "10000") -> PaperBook:
    """A book that buys `quantity` at 100 at the open of bar `at`; T0 is midnight UTC, funding at 0, 8 and 16."""
    paper = book(config, cash)
    paper.advance(batch(at - 1, 100, 100, 100, 100))
    paper.submit([order(quantity=quantity, ts_ms=T0 + at * HOUR_MS)])
    return paper


def test_funding_when_the_instant_is_the_bars_close_then_value_times_rate() -> None:
    paper = bought(FUNDED)
    assert charged(paper.advance(batch(6, 100, 100, 100, 100))) == []
    events = paper.advance(batch(7, 100, 120, 90, 110))
    assert charged(events) == [(ChargeKind.FUNDING, Decimal("0.22"))]  # 2 x 110 x 30/10^4 x 8/24
    assert (events[-1].ts_ms, paper.account().costs) == (T0 + 8 * HOUR_MS, Decimal("0.22"))
    assert paper.account().cash == Decimal("9799.78")
    assert charged(paper.advance(batch(8, 110, 110, 110, 110))) == []


def test_funding_when_the_position_is_sold_at_the_next_open_then_it_was_held_until_then_and_no_longer() -> None:
    paper = bought(FUNDED)
    for n in (6, 7):
        paper.advance(batch(n, 100, 100, 100, 100))
    paper.submit([order(Side.SELL, "2", client_order_id="fks-out", ts_ms=T0 + 8 * HOUR_MS)])
    later = [charged(paper.advance(batch(n, 100, 100, 100, 100))) for n in range(8, 17)]
    assert later == [[]] * 9


def test_funding_when_a_stop_ends_the_position_inside_the_bar_then_the_bar_is_charged_all_the_same() -> None:
    paper = bought(FUNDED)
    paper.advance(batch(6, 100, 100, 100, 100))
    paper.submit([stop(Side.SELL, "95", "2", client_order_id="fks-stop", ts_ms=T0 + 7 * HOUR_MS)])
    events = paper.advance(batch(7, 100, 100, 90, 100))
    assert paper.account().position(BTC).quantity == 0
    assert charged(events) == [(ChargeKind.FUNDING, Decimal("0.2"))]


def test_funding_when_bars_are_missing_then_the_instants_between_are_charged_at_the_open_after_them() -> None:
    paper = bought(FUNDED)
    paper.advance(batch(6, 100, 100, 100, 100))
    found = charged(paper.advance(batch(30, 50, 100, 50, 100)))  # the instants at 8, 16 and 24 lie in the gap
    assert found == [(ChargeKind.FUNDING, Decimal("0.30"))]


def test_funding_when_it_takes_more_than_the_cash_then_the_rest_is_owed_and_bears_interest() -> None:
    paper = bought(OWING, "2", cash="200")
    paper.advance(batch(6, 100, 100, 100, 100))
    paper.advance(batch(7, 100, 100, 100, 100))
    assert paper.account().cash == Decimal("-0.2")
    day, rate = Decimal(24), Decimal("0.01")
    assert charged(paper.advance(batch(8, 100, 100, 100, 100))) == [(ChargeKind.BORROW, Decimal("0.2") * rate / day)]
    refused = paper.submit([order(quantity="1", client_order_id="fks-more", ts_ms=T0 + 9 * HOUR_MS)])
    assert [getattr(e, "status", "") for e in refused] == ["rejected"]
    paper.submit([order(Side.SELL, "2", client_order_id="fks-out", ts_ms=T0 + 9 * HOUR_MS)])
    assert charged(paper.advance(batch(9, 100, 100, 100, 100))) == []
    assert paper.account().cash > 199


def test_charges_when_the_account_is_worth_less_then_no_more_than_it_is_worth() -> None:
    config = FUNDED.model_copy(update={"funding_bps_per_day": Decimal(1_000), "funding_hours": 24})
    paper = bought(config, "2", at=23, cash="200")
    paper.advance(batch(23, 100, 100, 100, 100))
    for day in range(1, 12):
        paper.advance(BarBatch(T0 + day * 24 * HOUR_MS, 24 * HOUR_MS, (_bar(T0 + day * 24 * HOUR_MS),)))
    assert paper.account().equity({BTC: Decimal(100)}) == 0
    assert paper.account().costs == 200


def _bar(ts_ms: int) -> Candle:
    return Candle(BTC, ts_ms, 100, 100, 100, 100, 1_000)


def test_advance_when_an_old_bar_comes_again_then_nothing_is_charged_again() -> None:
    paper = bought(OWING, cash="200")
    for n in (6, 7):
        paper.advance(batch(n, 100, 100, 100, 100))
    before = paper.state()
    assert paper.advance(batch(7, 100, 100, 100, 100)) == ()
    assert paper.state() == before


@pytest.mark.parametrize("config", [FUNDED, OWING])
def test_restart_when_something_is_owed_then_it_goes_on_as_it_would_have(config: PaperConfig) -> None:
    paper = bought(config, cash="200")
    paper.advance(batch(6, 100, 100, 100, 100))
    paper.advance(batch(7, 100, 100, 100, 100))
    twin = PaperBook.restore(config, paper.markets(), paper.state())
    for n in (8, 20):
        assert paper.advance(batch(n, 90, 100, 90, 100)) == twin.advance(batch(n, 90, 100, 90, 100))
    assert paper.state() == twin.state()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30), st.sampled_from([1, 2, 4, 8, 12, 24]))
def test_funding_when_the_price_stands_still_then_it_is_the_same_however_the_time_is_cut_into_bars(
    lengths: list[int], hours: int
) -> None:
    config = FUNDED.model_copy(update={"funding_hours": hours})
    rules = {BTC: default_rules(BTC, config)}
    paper = PaperBook(config, rules, Decimal(10_000))
    paper.advance(batch(-1, 100, 100, 100, 100))
    paper.submit([order(quantity="2", ts_ms=T0, order_type=OrderType.MARKET)])
    at = 0
    for n, length in enumerate(lengths):
        if n == 0 or length < 4:  # a four is a gap
            ts_ms = T0 + at * HOUR_MS
            paper.advance(BarBatch(ts_ms, length * HOUR_MS, (_bar(ts_ms),)))
            end = at + length
        at += length
    instants = end // hours
    rate = Decimal(30) / 10_000 * hours / 24
    assert abs(paper.account().costs - instants * 200 * rate) < Decimal("1e-20")
