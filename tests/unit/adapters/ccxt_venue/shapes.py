"""Orders and trades in the shapes that the exchanges send, read by ccxt as it reads them live; no request is made."""

import json
import os
from pathlib import Path
from typing import Any

import ccxt

DATA = Path(os.environ.get("FKS_TEST_DATA", Path(__file__).parents[5] / "shared" / "data"))
WIRE = DATA / "wire" / "binance-exchangeInfo.json"

KRAKEN_ORDER = {
    "cl_ord_id": "f5000102030405060708090a0b0c0d0e",
    "status": "open",
    "opentm": 1733815269.370054,
    "descr": {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "70000.0", "price2": "0"},
    "vol": "0.00010000",
    "vol_exec": "0.00004000",
    "cost": "2.80000",
    "fee": "0.00000",
    "price": "70000.0",
    "oflags": "fciq",
    "id": "O45M52-BFD5S-YXKQOU",
}
KRAKEN_TRADE = {
    "ordertxid": "OQCLML-BW3P3-BUCMWZ",
    "pair": "XBTUSD",
    "time": 1688667796.8802,
    "type": "buy",
    "ordertype": "limit",
    "price": "30010.00000",
    "cost": "600.20000",
    "fee": "0.90030",
    "vol": "0.02000000",
    "trade_id": 40274859,
    "maker": True,
    "id": "THVRQM-33VKH-UCI7BS",
}
OKX_ORDER = {
    "accFillSz": "0.001",
    "avgPx": "31527.1",
    "cTime": "1654084334977",
    "clOrdId": "fksabcdefghijklmnopqrstuvwx",
    "fee": "-0.02522168",
    "feeCcy": "USDT",
    "instId": "BTC-USDT",
    "instType": "SPOT",
    "ordId": "452197707845865472",
    "ordType": "limit",
    "px": "31527.1",
    "side": "sell",
    "state": "filled",
    "sz": "0.001",
    "uTime": "1654084353264",
}
OKX_TRADE = {
    "side": "buy",
    "fillSz": "0.007533",
    "fillPx": "2654.98",
    "fee": "-0.000007533",
    "ordId": "317321390244397056",
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "clOrdId": "fksabcdefghijklmnopqrstuvwx",
    "execType": "T",
    "tradeId": "107601752",
    "feeCcy": "BTC",
    "ts": "1621927314985",
}
COINBASE_ORDER = {
    "order_id": "0a82a58c-b2a6-4db2-8e3a-3f8b2c8a6b7c",
    "product_id": "BTC-USDT",
    "order_configuration": {"limit_limit_gtc": {"base_size": "0.2", "limit_price": "0.006", "post_only": False}},
    "side": "SELL",
    "client_order_id": "fks-abc",
    "status": "CANCELLED",
    "time_in_force": "GOOD_UNTIL_CANCELLED",
    "created_time": "2023-01-16T23:37:23.341468Z",
    "filled_size": "0.1",
    "average_filled_price": "0.006",
    "filled_value": "0.0006",
    "total_fees": "0",
    "order_type": "LIMIT",
}
COINBASE_TRADE = {
    "trade_id": "cdc39e45-bbd3-44ec-bf02-61742dfb16a1",
    "order_id": "813a53c5-3e39-47bb-863d-2faf685d22d8",
    "trade_time": "2023-01-18T01:37:38.091377090Z",
    "trade_type": "FILL",
    "price": "21220.64",
    "size": "0.0046830664333996",
    "commission": "0.0000280983986004",
    "product_id": "BTC-USDT",
    "liquidity_indicator": "UNKNOWN_LIQUIDITY_INDICATOR",
    "size_in_quote": False,
    "side": "BUY",
}
BYBIT_ORDER = {
    "orderId": "14bad3a1-6454-43d8-bcf2-5345896cf74d",
    "orderLinkId": "fks-abc",
    "symbol": "BTCUSDT",
    "price": "26864.40",
    "qty": "0.003",
    "side": "Buy",
    "orderStatus": "PartiallyFilledCanceled",
    "avgPrice": "26864.40",
    "cumExecQty": "0.001",
    "cumExecValue": "26.8644",
    "timeInForce": "GTC",
    "orderType": "Limit",
    "createdTime": "1684476068369",
    "updatedTime": "1684476068372",
}
BYBIT_TRADE = {
    "symbol": "BTCUSDT",
    "orderType": "Limit",
    "orderLinkId": "fks-abc",
    "side": "Buy",
    "orderId": "8c065341-7b52-4ca9-ac2c-37e31ac55c94",
    "execTime": "1672282722429",
    "isMaker": False,
    "execFee": "0.000001",
    "execId": "e0cbe81d-0f18-5866-9415-cf319b5dab3b",
    "execPrice": "16800",
    "execType": "Trade",
    "execQty": "0.1",
    "feeCurrency": "BTC",
}
BINANCE_FILLED = {
    "symbol": "BTCUSDT",
    "orderId": 5403233939,
    "clientOrderId": "fks-abc",
    "transactTime": 1617151923742,
    "price": "0.00000000",
    "origQty": "0.00050000",
    "executedQty": "0.00050000",
    "cummulativeQuoteQty": "29.47081500",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "MARKET",
    "side": "BUY",
    "fills": [
        {
            "price": "58941.63000000",
            "qty": "0.00050000",
            "commission": "0.00007050",
            "commissionAsset": "BNB",
            "tradeId": 737466631,
        }
    ],
}
BINANCE_STOP = {
    "symbol": "BTCUSDT",
    "orderId": 7,
    "clientOrderId": "fks-stop",
    "price": "0.00000000",
    "origQty": "1.0",
    "executedQty": "0.0",
    "cummulativeQuoteQty": "0.0",
    "status": "NEW",
    "timeInForce": "GTC",
    "type": "STOP_LOSS",
    "side": "SELL",
    "stopPrice": "48000.00000000",
    "time": 1499827319559,
    "updateTime": 1499827319560,
    "isWorking": False,
}
BINANCE_TRADE = {
    "symbol": "BTCUSDT",
    "id": 470227543,
    "orderId": 4421170947,
    "price": "0.53880000",
    "qty": "10.00000000",
    "quoteQty": "5.38800000",
    "commission": "0.00538800",
    "commissionAsset": "USDT",
    "time": 1707545780522,
    "isBuyer": False,
    "isMaker": True,
    "isBestMatch": True,
}
IDS = {
    "binance": ("BTCUSDT", "BTC/USDT"),
    "kraken": ("XBTUSD", "BTC/USD"),
    "okx": ("BTC-USDT", "BTC/USDT"),
    "coinbase": ("BTC-USDT", "BTC/USDT"),
    "bybit": ("BTCUSDT", "BTC/USDT"),
}


def reader(exchange: str) -> tuple[Any, Any]:
    """The exchange and its one market; numbers stay strings."""
    client = getattr(ccxt, exchange)({"number": str})
    market_id, symbol = IDS[exchange]
    base, quote = symbol.split("/")
    market = client.safe_market_structure(
        {
            "id": market_id,
            "symbol": symbol,
            "base": base,
            "quote": quote,
            "baseId": base,
            "quoteId": quote,
            "type": "spot",
            "spot": True,
            "active": True,
            "precision": {"amount": "0.00000001", "price": "0.1"},
        }
    )
    client.set_markets([market])
    return client, market


def order(exchange: str, raw: dict[str, Any]) -> Any:
    client, market = reader(exchange)
    return client.parse_order(raw, market)


def trade(exchange: str, raw: dict[str, Any]) -> Any:
    client, market = reader(exchange)
    return client.parse_trade(raw, market)


def captured_markets() -> dict[str, Any]:
    """Binance's captured exchangeInfo as ccxt reads it."""
    client = ccxt.binance({"number": str, "options": {"crossMarginPairsData": [], "isolatedMarginPairsData": []}})
    rows = json.loads(WIRE.read_text(encoding="utf-8"))["symbols"]
    return {market["symbol"]: market for market in client.parse_markets(rows)}
