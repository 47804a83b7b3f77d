"""The real ccxt client on the simulated exchange: markets, account, and every order type."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest

from fks_actors.adapters.exchange_sim.config import SimConfig
from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from tests.integration.exchange_sim.conftest import Admin, make_client

BTC = "BTC/USDT"
DATA = Path(os.environ.get("FKS_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
CAPTURED = DATA / "wire" / "binance-exchangeInfo.json"


async def test_load_markets_when_asked_with_keys_then_precision_limits_and_types_are_the_venues(client: Any) -> None:
    market = client.market(BTC)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert (market["limits"]["cost"]["min"], market["active"], market["spot"]) == (5.0, True, True)
    assert set(client.markets) == {BTC, "ETH/USDT"}
    assert set(client.currencies) >= {"BTC", "ETH", "USDT"}


async def test_public_data_when_asked_then_it_agrees_with_itself(client: Any) -> None:
    book, ticker = await client.fetch_order_book(BTC, 5), await client.fetch_ticker(BTC)
    assert book["bids"][0][0] < ticker["last"] == 100_000.0 < book["asks"][0][0]
    assert (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    assert (await client.fetch_tickers([BTC, "ETH/USDT"]))["ETH/USDT"]["last"] == 4_000.0
    assert (await client.fetch_bids_asks([BTC]))[BTC]["ask"] == ticker["ask"]
    bars = await client.fetch_ohlcv(BTC, "1m", limit=200)
    assert [b[0] for b in bars] == list(range(bars[0][0], bars[0][0] + 200 * 60_000, 60_000))
    assert bars[-1][4] == 100_000.0
    hours = await client.fetch_ohlcv(BTC, "1h", limit=3)
    inside = [b for b in await client.fetch_ohlcv(BTC, "1m", since=hours[1][0], limit=60)]
    assert hours[1][2] == max(b[2] for b in inside)
    assert hours[1][1] == inside[0][1]


async def test_balance_and_fees_when_asked_then_they_are_the_accounts(client: Any) -> None:
    balance = await client.fetch_balance()
    assert (balance["USDT"]["free"], balance["BTC"]["total"]) == (100_000.0, 2.0)
    assert (await client.fetch_trading_fee(BTC))["taker"] == 0.001
    commission = await client.privateGetAccountCommission({"symbol": "BTCUSDT"})
    assert commission["standardCommission"]["maker"] == "0.00100000"


async def test_market_order_when_entered_then_trades_fees_and_balances_agree(client: Any) -> None:
    order = await client.create_order(BTC, "market", "buy", 0.5, None, {"clientOrderId": "mine-1"})
    assert (order["status"], order["filled"], order["clientOrderId"]) == ("closed", 0.5, "mine-1")
    trades = await client.fetch_my_trades(BTC)
    assert sum(t["amount"] for t in trades) == pytest.approx(0.5)
    assert {(t["order"], t["takerOrMaker"], t["fee"]["currency"]) for t in trades} == {(order["id"], "taker", "BTC")}
    balance = await client.fetch_balance()
    assert balance["BTC"]["free"] == pytest.approx(2.5 - 0.0005)
    assert balance["USDT"]["free"] == pytest.approx(100_000 - order["cost"])
    of_order = await client.fetch_order_trades(order["id"], BTC)
    assert [t["id"] for t in of_order] == [t["id"] for t in trades]
    later = await client.fetch_my_trades(BTC, params={"fromId": int(trades[-1]["id"]) + 1})
    assert later == []


async def test_market_order_when_its_cost_is_named_then_no_more_is_spent(client: Any) -> None:
    order = await client.create_order(BTC, "market", "buy", None, None, {"cost": 500})
    assert order["status"] == "closed"
    assert 490 < order["cost"] <= 500


@pytest.mark.parametrize(
    ("kind", "side", "price", "params", "raw"),
    [
        ("limit", "buy", 90_000, {}, "LIMIT"),
        ("limit", "buy", 90_000, {"postOnly": True}, "LIMIT_MAKER"),
        ("limit", "sell", 110_000, {"icebergQty": "0.01"}, "LIMIT"),
        ("market", "sell", None, {"stopLossPrice": 95_000}, "STOP_LOSS"),
        ("limit", "sell", 94_000, {"stopLossPrice": 95_000}, "STOP_LOSS_LIMIT"),
        ("market", "sell", None, {"takeProfitPrice": 105_000}, "TAKE_PROFIT"),
        ("limit", "sell", 106_000, {"takeProfitPrice": 105_000}, "TAKE_PROFIT_LIMIT"),
        ("market", "sell", None, {"trailingPercent": 1, "stopLossOrTakeProfit": "stopLoss"}, "STOP_LOSS"),
        ("STOP_LOSS", "buy", None, {"stopPrice": 105_000}, "STOP_LOSS"),
    ],
)
async def test_order_when_it_waits_then_it_is_open_found_by_client_id_and_cancelled(
    client: Any, kind: str, side: str, price: float | None, params: dict[str, Any], raw: str
) -> None:
    made = await client.create_order(BTC, kind, side, 0.05, price, {**params, "clientOrderId": "w-1"})
    assert (made["status"], made["info"]["type"]) == ("open", raw)
    found = await client.fetch_order(None, BTC, {"origClientOrderId": "w-1"})
    assert (found["id"], found["amount"], found["filled"]) == (made["id"], 0.05, 0.0)
    assert [o["id"] for o in await client.fetch_open_orders(BTC)] == [made["id"]]
    asset = "BTC" if side == "sell" else "USDT"
    assert (await client.fetch_balance())[asset]["used"] > 0
    gone = await client.cancel_order(None, BTC, {"origClientOrderId": "w-1"})
    assert (gone["status"], gone["id"]) == ("canceled", made["id"])
    assert (await client.fetch_balance())[asset]["used"] == 0
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order(made["id"], BTC)


async def test_resting_order_when_the_price_comes_then_it_fills_as_a_maker(client: Any, admin: Admin) -> None:
    made = await client.create_order(BTC, "limit", "buy", 0.2, 99_000)
    await admin.post("/price", symbol=BTC, price="98900", volume="0.05")
    assert (await client.fetch_order(made["id"], BTC))["filled"] == 0.05
    await admin.post("/price", symbol=BTC, price="98900")
    order = await client.fetch_order(made["id"], BTC)
    assert (order["status"], order["average"]) == ("closed", 99_000.0)
    assert {t["takerOrMaker"] for t in await client.fetch_my_trades(BTC)} == {"maker"}


@pytest.mark.parametrize(("tif", "status"), [("IOC", "expired"), ("FOK", "expired")])
async def test_limit_order_when_it_may_not_wait_then_it_expires(client: Any, tif: str, status: str) -> None:
    made = await client.create_order(BTC, "limit", "buy", 0.1, 99_000, {"timeInForce": tif})
    assert (made["status"], made["filled"]) == (status, 0.0)


async def test_oco_when_one_leg_triggers_then_the_other_expires(client: Any, admin: Admin) -> None:
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "105000", "aboveClientOrderId": "tp"}
    legs |= {"belowType": "STOP_LOSS", "belowStopPrice": "95000", "belowClientOrderId": "sl"}
    pair = await client.privatePostOrderListOco({"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.5", **legs})
    assert (pair["contingencyType"], len(pair["orderReports"])) == ("OCO", 2)
    assert (await client.fetch_balance())["BTC"]["used"] == 0.5
    listed = await client.privateGetOrderList({"orderListId": pair["orderListId"]})
    assert listed["listOrderStatus"] == "EXECUTING"
    await admin.post("/price", symbol=BTC, price="94900")
    states = {o["clientOrderId"]: o["status"] for o in await client.fetch_orders(BTC)}
    assert states == {"tp": "expired", "sl": "closed"}
    assert await client.privateGetOpenOrderList() == []


async def test_oco_when_written_in_the_older_words_then_it_is_the_same_and_is_cancelled_whole(client: Any) -> None:
    old = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.5", "price": "105000", "stopPrice": "95000"}
    old |= {"stopLimitPrice": "94900", "stopLimitTimeInForce": "GTC", "listClientOrderId": "pair"}
    await client.privatePostOrderOco(old)
    gone = await client.privateDeleteOrderList({"symbol": "BTCUSDT", "listClientOrderId": "pair"})
    assert gone["listOrderStatus"] == "ALL_DONE"
    assert {o["status"] for o in await client.fetch_orders(BTC)} == {"canceled"}
    bad = {**old, "price": "95000", "stopPrice": "105000"}
    with pytest.raises(ccxt.InvalidOrder, match="relationship of the prices"):
        await client.privatePostOrderOco(bad)


async def test_edit_and_cancel_all_when_orders_work_then_they_are_replaced_and_ended(client: Any) -> None:
    first = await client.create_order(BTC, "limit", "buy", 0.1, 90_000)
    second = await client.edit_order(first["id"], BTC, "limit", "buy", 0.2, 91_000)
    assert (await client.fetch_order(first["id"], BTC))["status"] == "canceled"
    assert (second["amount"], second["price"]) == (0.2, 91_000.0)
    await client.create_order(BTC, "limit", "sell", 0.1, 110_000)
    assert {o["status"] for o in await client.cancel_all_orders(BTC)} == {"canceled"}
    assert await client.fetch_open_orders(BTC) == []


@pytest.mark.parametrize(
    ("order", "error", "words"),
    [
        (("limit", "buy", 10, 99_000), ccxt.InsufficientFunds, "insufficient balance"),
        (("limit", "buy", 0.00001, 99_000), ccxt.BadRequest, "NOTIONAL"),
        (("limit", "buy", 0.1, 10_000), ccxt.InvalidOrder, "PERCENT_PRICE_BY_SIDE"),
        (
            ("STOP_LOSS", "sell", 0.1, None, {"stopPrice": 101_000}),
            ccxt.OrderImmediatelyFillable,
            "trigger immediately",
        ),
        (("limit", "buy", 0.1, 101_000, {"postOnly": True}), ccxt.OrderImmediatelyFillable, "immediately match"),
    ],
)
async def test_order_when_it_is_refused_then_ccxt_knows_why(
    client: Any, order: tuple[Any, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await client.create_order(BTC, *order)


async def test_client_id_when_its_order_works_then_a_second_is_refused(client: Any) -> None:
    await client.create_order(BTC, "limit", "buy", 0.1, 90_000, {"clientOrderId": "once"})
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await client.create_order(BTC, "limit", "buy", 0.1, 90_000, {"clientOrderId": "once"})
    with pytest.raises(ccxt.BadRequest, match="newClientOrderId"):
        await client.create_order(BTC, "limit", "buy", 0.1, 90_000, {"clientOrderId": "not allowed!"})
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("99", BTC)


async def test_key_when_it_or_the_secret_is_wrong_then_ccxt_says_so(sim: RunningSim, client: Any) -> None:
    for wrong, error in (
        ({"apiKey": "other"}, ccxt.AuthenticationError),
        ({"secret": "other"}, ccxt.AuthenticationError),
    ):
        other = make_client(sim, **wrong)
        try:
            with pytest.raises(error):
                await other.privateGetAccount()
        finally:
            await other.close()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ("symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.1&price=99000", -1102),
        ("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=99x", -1100),
        ("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=99000.000000001", -1111),
        ("symbol=NOPE&side=BUY&type=MARKET&quantity=0.1", -1121),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&price=99000", -1106),
        ("symbol=BTCUSDT&side=BUY&type=TWAP&quantity=0.1", -1116),
        ("symbol=BTCUSDT&side=LEFT&type=MARKET&quantity=0.1", -1117),
    ],
)
async def test_request_when_a_parameter_is_wrong_then_the_code_is_binances(client: Any, params: str, code: int) -> None:
    given = dict(p.split("=") for p in params.split("&"))
    with pytest.raises(ccxt.BaseError, match=rf'"code":{code}\b|{code}') as error:
        await client.privatePostOrder(given)
    assert f'"code":{code},' in str(error.value) or code == -1121


async def test_unknown_paths_when_asked_then_404_and_wrong_methods_405(sim: RunningSim) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{sim.url}/api/v3/nothing") as answer:
            assert answer.status == 404
        async with session.put(f"{sim.url}/api/v3/order") as answer:
            assert answer.status == 405


@pytest.mark.skipif(not CAPTURED.is_file(), reason="the shared data is not here; set FKS_TEST_DATA")
async def test_exchange_info_when_captured_then_its_symbols_and_filters_rule() -> None:
    config = SimConfig(exchange_info=CAPTURED, symbols=("ETH/BTC", "BTC/USDT"), balances={"BTC": Decimal(1)})
    async with running_sim(config) as sim:
        client = make_client(sim)
        try:
            await client.load_markets()
            assert set(client.markets) == {"ETH/BTC", "BTC/USDT"}
            assert client.market("ETH/BTC")["precision"]["price"] == 0.000001
            order = await client.create_order("ETH/BTC", "market", "buy", 0.5)
            assert order["status"] == "closed"
        finally:
            await client.close()
