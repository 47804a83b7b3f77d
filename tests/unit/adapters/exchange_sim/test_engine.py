"""The life of each order type in the engine."""

from decimal import Decimal

import pytest

from fks_actors.adapters.exchange_sim.codes import VenueRefusal
from fks_actors.adapters.exchange_sim.state import BalancesChanged, ListHappened, NewOrder
from fks_actors.model.orders import Side
from tests.unit.adapters.exchange_sim.venues import BTC, D, check_books, judged, life, listened, make_engine, order

BUY, SELL = Side.BUY, Side.SELL


def test_market_order_when_the_ladder_is_deep_then_it_pays_the_best_prices_first_and_the_fee_in_its_own_asset() -> None:
    engine = judged(make_engine())
    bought = engine.place(order("MARKET", BUY, "0.9"))
    prices = [t.price for t in engine.trades]
    assert (bought.status, life(bought)) == ("FILLED", ["NEW"] + ["TRADE"] * len(prices))
    assert len(prices) > 1
    assert prices == sorted(prices)
    assert prices[0] == D(100_010)
    assert {(t.fee_asset, t.fee, t.maker) for t in engine.trades} == {
        ("BTC", t.quantity / 1_000, False) for t in engine.trades
    }
    sold = engine.place(order("MARKET", SELL, "0.1"))
    assert (sold.status, engine.trades[-1].fee_asset, engine.trades[-1].fee) == ("FILLED", "USDT", D("9.999"))
    check_books(engine)


def test_market_order_when_a_cost_is_named_then_as_much_is_bought_as_it_pays() -> None:
    engine = make_engine()
    bought = engine.place(order("MARKET", BUY, None, cost="5000"))
    assert bought.status == "FILLED"
    assert D(4_990) < bought.cost <= D(5_000)


@pytest.mark.parametrize(
    ("tif", "status", "filled"),
    [("GTC", "PARTIALLY_FILLED", True), ("IOC", "EXPIRED", True), ("FOK", "EXPIRED", False)],
)
def test_limit_order_when_the_book_has_only_a_part_then_its_time_in_force_decides(
    tif: str, status: str, filled: bool
) -> None:
    engine = judged(make_engine())
    entered = engine.place(order("LIMIT", BUY, "0.9", "100010", tif=tif))
    assert (entered.status, entered.executed > 0) == (status, filled)
    assert (entered.key in engine.boards[BTC].book) == (tif == "GTC")
    check_books(engine)


@pytest.mark.parametrize(
    ("kind", "side", "stop", "quiet", "trigger"),
    [
        ("STOP_LOSS", SELL, "95000", "95000.01", "95000"),
        ("STOP_LOSS", BUY, "105000", "104999.99", "105000"),
        ("TAKE_PROFIT", SELL, "105000", "104999.99", "105000"),
        ("TAKE_PROFIT", BUY, "95000", "95000.01", "95000"),
        ("STOP_LOSS_LIMIT", SELL, "95000", "95000.01", "95000"),
        ("TAKE_PROFIT_LIMIT", BUY, "95000", "95000.01", "95000"),
    ],
)
def test_stop_when_the_price_touches_it_then_it_trades_and_not_before(
    kind: str, side: Side, stop: str, quiet: str, trigger: str
) -> None:
    engine = judged(make_engine())
    limit = str(D(stop) + (200 if side is BUY else -200)) if kind.endswith("LIMIT") else None
    entered = engine.place(order(kind, side, "0.1", limit, stop))
    engine.move(BTC, D(quiet))
    assert (entered.status, entered.working) == ("NEW", False)
    engine.move(BTC, D(trigger))
    assert entered.status == "FILLED"
    assert life(entered)[-1] == "TRADE"
    check_books(engine)


def test_trailing_stop_when_the_price_rises_then_falls_by_the_distance_then_it_sells() -> None:
    engine = judged(make_engine())
    stop = engine.place(order("STOP_LOSS", SELL, "0.1", bips=100))
    for price in ("104000", "110000", "108900.01"):
        engine.move(BTC, D(price))
        assert stop.status == "NEW"
    engine.move(BTC, D("108900"))
    assert stop.status == "FILLED"
    late = engine.place(order("STOP_LOSS", SELL, "0.1", stop="112000", bips=100))
    engine.move(BTC, D(100_000))
    assert late.status == "NEW"
    engine.move(BTC, D(113_000))
    engine.move(BTC, D(111_870))
    assert late.status == "FILLED"


def test_iceberg_when_its_slice_is_taken_then_the_next_one_shows_behind() -> None:
    engine = judged(make_engine())
    hidden = engine.place(order("LIMIT", SELL, "0.4", "100050", iceberg="0.1"))
    behind = engine.place(order("LIMIT", SELL, "0.1", "100050", client_id="behind"))
    assert dict(engine.boards[BTC].book.depth(SELL, 50))[D(100_050)] >= D("0.2")
    engine.move(BTC, D(100_050), D("0.45"))
    assert (hidden.status, behind.executed) == ("FILLED", D("0.05"))
    check_books(engine)


def pair(side: Side, above: str, below: str, limit_above: bool) -> tuple[NewOrder, NewOrder]:
    limit = order("LIMIT_MAKER", side, "0.5", above if limit_above else below, client_id="limit")
    stop = order("STOP_LOSS", side, "0.5", None, below if limit_above else above, client_id="stop")
    return limit, stop


@pytest.mark.parametrize(("price", "filled", "ended"), [("106000", "limit", "stop"), ("94000", "stop", "limit")])
def test_pair_when_one_leg_trades_then_the_other_expires_and_the_money_was_held_once(
    price: str, filled: str, ended: str
) -> None:
    engine = judged(make_engine())
    heard = listened(engine)
    engine.place_pair(*pair(SELL, "105000", "95000", True), "pair")
    assert engine.account.locked["BTC"] == D("0.5")
    engine.move(BTC, D(price))
    by_name = {o.request.client_id: o for o in engine.orders.values()}
    assert (by_name[filled].status, by_name[ended].status) == ("FILLED", "EXPIRED")
    assert [e.done for e in heard if isinstance(e, ListHappened)] == [False, True]
    assert not engine.account.locked["BTC"]
    check_books(engine)


def test_pair_when_one_leg_is_cancelled_then_both_are_and_the_money_is_free() -> None:
    engine = judged(make_engine())
    engine.place_pair(*pair(BUY, "105000", "95000", False), "pair")
    assert engine.account.locked["USDT"] == D(52_500)
    gone = engine.cancel(engine.find(BTC, None, "stop"), "because")
    assert {o.status for o in gone} == {"CANCELED"}
    assert not engine.account.locked["USDT"]
    assert engine.lists[1].done
    check_books(engine)


def test_taker_when_it_would_meet_its_own_order_then_that_one_expires() -> None:
    engine = judged(make_engine())
    own = engine.place(order("LIMIT", SELL, "0.1", "100005"))
    taker = engine.place(order("LIMIT", BUY, "0.1", "100010"))
    assert (own.status, taker.status, engine.trades[-1].price) == ("EXPIRED_IN_MATCH", "FILLED", D(100_010))
    check_books(engine)


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (order("LIMIT", BUY, "0.1", "99999.995"), -1013, "PRICE_FILTER"),
        (order("LIMIT", BUY, "0.1", "10000"), -1013, "PERCENT_PRICE_BY_SIDE"),
        (order("LIMIT", BUY, "0.100001", "99000"), -1013, "LOT_SIZE"),
        (order("LIMIT", BUY, "0.00001", "99000"), -1013, "NOTIONAL"),
        (order("MARKET", BUY, "0.00001"), -1013, "NOTIONAL"),
        (order("LIMIT", BUY, "0.1", "99000", iceberg="0.0005"), -1013, "ICEBERG_PARTS"),
        (order("STOP_LOSS", SELL, "0.1", bips=1), -1013, "TRAILING_DELTA"),
        (order("STOP_LOSS", SELL, "0.1", None, "100000"), -2010, "trigger immediately"),
        (order("LIMIT_MAKER", BUY, "0.1", "100010"), -2010, "immediately match"),
        (order("LIMIT", BUY, "2", "99000"), -2010, "insufficient"),
        (order("MARKET", SELL, "2.1"), -2010, "insufficient"),
        (order("LIMIT", BUY, None, "99000"), -1102, "quantity"),
        (order("STOP_LOSS", SELL), -1102, "stopPrice"),
        (order("LIMIT", BUY, "0.1", "99000", symbol="XRPUSDT"), -1121, "symbol"),
    ],
)
def test_place_when_the_order_breaks_a_rule_then_it_is_refused_by_name_and_nothing_is_held(
    request_: NewOrder, code: int, words: str
) -> None:
    engine = make_engine()
    with pytest.raises(VenueRefusal) as refusal:
        engine.place(request_)
    assert (refusal.value.code, words in refusal.value.message) == (code, True), refusal.value.message
    assert not engine.orders
    check_books(engine)


def test_place_when_too_many_stops_wait_then_the_next_is_refused() -> None:
    engine = make_engine()
    for number in range(20):
        engine.place(order("STOP_LOSS", SELL, "0.01", None, "95000", client_id=f"s{number}"))
    with pytest.raises(VenueRefusal, match="MAX_NUM_ALGO_ORDERS"):
        engine.place(order("STOP_LOSS", SELL, "0.01", None, "95000", client_id="more"))
    assert engine.place(order("LIMIT", SELL, "0.01", "105000")).status == "NEW"


def test_client_id_when_its_order_works_then_it_is_taken_and_free_again_after() -> None:
    engine = make_engine()
    first = engine.place(order("LIMIT", BUY, "0.1", "99000", client_id="mine"))
    with pytest.raises(VenueRefusal, match="Duplicate order sent"):
        engine.place(order("LIMIT", BUY, "0.1", "99000", client_id="mine"))
    engine.cancel(first)
    second = engine.place(order("LIMIT", BUY, "0.1", "99000", client_id="mine"))
    assert engine.find(BTC, None, "mine") is second
    with pytest.raises(VenueRefusal, match="Unknown order"):
        engine.cancel(first)


def test_taker_when_only_a_share_of_it_may_trade_then_the_rest_stays_or_expires() -> None:
    engine = judged(make_engine())
    engine.next_share.append(Decimal("0.5"))
    limit = engine.place(order("LIMIT", BUY, "0.1", "100010"))
    engine.next_share.append(Decimal("0.5"))
    market = engine.place(order("MARKET", BUY, "0.2"))
    assert (limit.status, limit.executed) == ("PARTIALLY_FILLED", D("0.05"))
    assert (market.status, market.executed) == ("EXPIRED", D("0.1"))
    engine.move(BTC, D(100_010))
    assert (limit.status, engine.trades[-1].maker) == ("FILLED", True)
    check_books(engine)


def test_deposit_when_money_comes_or_goes_then_the_client_is_told() -> None:
    engine = make_engine()
    heard = listened(engine)
    engine.deposit("USDT", D(50))
    assert heard == [BalancesChanged((("USDT", D(100_050), D(0)),), engine.clock_ms())]
    with pytest.raises(VenueRefusal):
        engine.deposit("USDT", D(-200_000))
