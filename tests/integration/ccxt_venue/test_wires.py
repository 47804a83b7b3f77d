"""What the real ccxt sends to five exchanges for our orders: the client id is on the wire, where it belongs."""

import base64
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from fks_actors.adapters.ccxt_venue.client import Client, Connection, open_client
from fks_actors.adapters.ccxt_venue.client_ids import to_venue
from fks_actors.adapters.ccxt_venue.dialects import Lookup
from fks_actors.adapters.ccxt_venue.keys import Keys
from fks_actors.adapters.ccxt_venue.requests import create_request
from fks_actors.adapters.exchange_urls import exchange_options
from fks_actors.execution.ids import client_order_id
from fks_actors.execution.venues import VenueConfig
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import OrderIntent, OrderType, Origin, Side
from fks_actors.telemetry import Telemetry
from tests.unit.adapters.ccxt_venue import shapes

KEY = client_order_id("signal-1", 0)
FIELD = {
    "binance": "newClientOrderId",
    "kraken": "cl_ord_id",
    "okx": "clOrdId",
    "coinbase": "client_order_id",
    "bybit": "orderLinkId",
}
LEAST = Decimal("0.00000001")


@pytest.fixture
async def heard() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that writes down what it is asked and answers nothing of use."""
    requests: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        requests.append(f"{request.method} {request.rel_url} {await request.text()}")
        return web.json_response({}, status=500)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", requests
    await runner.cleanup()


async def opened(exchange: str, url: str) -> Client:
    secret = SecretStr(base64.b64encode(b"s" * 32).decode())
    client = await open_client(
        Connection(
            exchange,
            VenueConfig(kind="ccxt", exchange=exchange, base_url=url, timeout_s=2.0),
            Keys(SecretStr("key"), secret, SecretStr("phrase")),
            Telemetry("test"),
            exchange_options(exchange, url),
        )
    )
    _, market = shapes.reader(exchange)
    if exchange == "binance":
        market["info"] = {"orderTypes": ["LIMIT", "MARKET"]}
    if exchange == "bybit":  # asks for the kind of account before the first order
        client.ccxt.options |= {"enableUnifiedAccount": True, "enableUnifiedMargin": False}
    client.ccxt.set_markets([market])
    return client


def limit_order(symbol: str) -> OrderIntent:
    price = Decimal("50000.1")
    quantity = Decimal("0.25")
    return OrderIntent(KEY, Origin.CYCLE, "c", "v", symbol, Side.BUY, OrderType.LIMIT, quantity, price, 1, price)


@pytest.mark.parametrize("exchange", FIELD)
async def test_order_when_sent_then_its_client_id_is_on_the_wire(exchange: str, heard: tuple[str, list[str]]) -> None:
    url, requests = heard
    client = await opened(exchange, url)
    try:
        symbol = shapes.IDS[exchange][1]
        base, quote = symbol.split("/")
        rules = MarketRules(symbol, base, quote, Decimal("0.1"), LEAST, LEAST, LEAST, LEAST, LEAST)
        wire = to_venue(exchange, KEY)
        made = create_request(limit_order(symbol), wire, client.dialect, rules, None, client.now_ms())
        ccxt = client.ccxt
        await client.ask(
            "create_order",
            lambda: ccxt.create_order(made.symbol, made.type, made.side, made.amount, made.price, dict(made.params)),
        )
        (sent,) = [r for r in requests if FIELD[exchange] in r]
        assert sent.startswith("POST")
        assert wire in sent
        assert "0.25" in sent
        assert "50000.1" in sent
    finally:
        await client.close()


@pytest.mark.parametrize("exchange", [e for e in FIELD if e != "coinbase"])
async def test_lookup_when_made_then_asks_for_the_client_id(exchange: str, heard: tuple[str, list[str]]) -> None:
    url, requests = heard
    client = await opened(exchange, url)
    try:
        symbol, ccxt, dialect = shapes.IDS[exchange][1], client.ccxt, client.dialect
        params: dict[str, Any] = {dialect.lookup_key: to_venue(exchange, KEY)}
        if dialect.lookup is Lookup.FETCH_ORDER:
            await client.ask("order", lambda: ccxt.fetch_order(None, symbol, dict(params)))
        else:
            await client.ask("open_orders", lambda: ccxt.fetch_open_orders(symbol, None, None, dict(params)))
        assert any(to_venue(exchange, KEY) in r for r in requests), requests
        requests.clear()
        cancel = {dialect.cancel_key: to_venue(exchange, KEY)}
        await client.ask("cancel_order", lambda: ccxt.cancel_order(None, symbol, cancel))
        assert any(to_venue(exchange, KEY) in r for r in requests), requests
    finally:
        await client.close()
