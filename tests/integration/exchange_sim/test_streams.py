"""The real ccxt.pro client on the simulated exchange's websockets."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import ccxt
import pytest

from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from fks_actors.adapters.exchange_urls import exchange_options
from fks_actors.adapters.feeds.live import open_live
from fks_actors.adapters.feeds.timing import LiveTiming, wall_ms
from tests.integration.exchange_sim.conftest import CONFIG, Admin, awaits, make_client, until

BTC = "BTC/USDT"


async def soon(watch: Callable[[], Awaitable[Any]], holds: Callable[[Any], object]) -> Any:
    """What is watched, once it holds."""
    async with asyncio.timeout(10):
        while True:
            found = await watch()
            if holds(found):
                return found


async def test_watch_orders_when_an_order_lives_and_dies_then_each_state_is_told(client: Any, admin: Admin) -> None:
    waiting = asyncio.ensure_future(client.watch_orders(BTC))
    await until(lambda: awaits(client, "orders:BTC/USDT"))
    made = await client.create_order(BTC, "limit", "buy", 0.2, 99_000, {"clientOrderId": "a"})
    seen = [state(await asyncio.wait_for(waiting, 5))]
    for price, volume in (("98900", "0.05"), ("98900", None)):
        waiting = asyncio.ensure_future(client.watch_orders(BTC))
        await until(lambda: awaits(client, "orders:BTC/USDT"))
        await admin.post("/price", symbol=BTC, price=price, volume=volume)
        seen.append(state(await asyncio.wait_for(waiting, 5)))
    assert seen == [("open", 0.0), ("open", 0.05), ("closed", 0.2)]
    assert client.orders[-1]["id"] == made["id"]


def state(orders: list[dict[str, Any]]) -> tuple[str, float]:
    """The last order's state now: ccxt goes on changing the same dict."""
    return orders[-1]["status"], orders[-1]["filled"]


async def test_fills_and_balances_when_an_order_trades_then_both_are_told(client: Any) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        trades = group.create_task(client.watch_my_trades(BTC))
        balance = group.create_task(client.watch_balance())
        await until(lambda: awaits(client, "spot:balance") and awaits(client, "myTrades:BTC/USDT"))
        order = await client.create_order(BTC, "market", "buy", 0.1)
        told = (await trades)[-1]
        assert (told["order"], told["fee"]["currency"], told["takerOrMaker"]) == (order["id"], "BTC", "taker")
        assert (await balance)["BTC"]["free"] == 2.0999


async def test_order_book_when_the_price_moves_then_the_stream_follows_the_snapshot(client: Any, admin: Admin) -> None:
    book = await client.watch_order_book(BTC)
    assert book["asks"][0][0] == 100_010.0
    for price in ("100500", "101000", "99000"):
        await admin.post("/price", symbol=BTC, price=price)
        top = float(price) * (1 + 1 / 10_000)
        found = await soon(lambda: client.watch_order_book(BTC), lambda b, top=top: abs(b["asks"][0][0] - top) < 0.02)
        snapshot = await client.fetch_order_book(BTC)
        assert found["bids"][:5] == snapshot["bids"][:5]


async def test_market_streams_when_the_price_moves_then_each_tells_it(client: Any, admin: Admin) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        bars = group.create_task(soon(lambda: client.watch_ohlcv(BTC, "1m"), lambda b: b[-1][4] == 100_700.0))
        ticker = group.create_task(soon(lambda: client.watch_ticker(BTC), lambda t: t["last"] == 100_700.0))
        best = group.create_task(soon(lambda: client.watch_bids_asks([BTC]), lambda t: t[BTC]["bid"] == 100_689.93))
        trades = group.create_task(soon(lambda: client.watch_trades(BTC), lambda t: t[-1]["price"] == 100_700.0))
        while not all(t.done() for t in (bars, ticker, best, trades)):
            await admin.post("/price", symbol=BTC, price="100700")
            await asyncio.sleep(0.1)
    assert bars.result()[-1][2] >= 100_700.0


async def test_websocket_api_when_orders_go_over_it_then_they_are_the_same_orders(client: Any) -> None:
    made = await client.create_order_ws(BTC, "limit", "buy", 0.1, 90_000)
    assert [o["id"] for o in await client.fetch_open_orders(BTC)] == [made["id"]]
    assert (await client.fetch_order_ws(made["id"], BTC))["status"] == "open"
    assert (await client.cancel_order_ws(made["id"], BTC))["status"] == "canceled"
    with pytest.raises(ccxt.InsufficientFunds, match="insufficient"):
        await client.create_order_ws(BTC, "limit", "buy", 10, 99_000)


async def test_raw_streams_when_subscribed_by_hand_then_they_speak_binances_words(sim: RunningSim) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{sim.url}/stream?streams=btcusdt@depth5@100ms/ethusdt@bookTicker"
        async with session.ws_connect(url) as socket:
            seen = {(await socket.receive_json(timeout=5))["stream"] for _ in range(2)}
            assert seen == {"btcusdt@depth5@100ms", "ethusdt@bookTicker"}
            await socket.send_json({"method": "UNSUBSCRIBE", "params": ["ethusdt@bookTicker"], "id": 1})
            assert await socket.receive_json(timeout=5) == {"result": None, "id": 1}
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            assert (await socket.receive_json(timeout=5))["result"] == ["btcusdt@depth5@100ms"]
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@weather"], "id": 3})
            assert (await socket.receive_json(timeout=5))["error"]["code"] == 2
            await socket.send_str("not json")
            assert "error" in await socket.receive_json(timeout=5)


async def test_listen_key_when_used_then_every_step_is_told_in_order(
    sim: RunningSim, client: Any, admin: Admin
) -> None:
    headers = {"X-MBX-APIKEY": sim.key}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{sim.url}/api/v3/userDataStream", headers=headers) as answer:
            key = (await answer.json())["listenKey"]
        async with session.ws_connect(f"{sim.url}/ws/{key}") as socket:
            await client.create_order(BTC, "limit", "buy", 0.2, 99_000, {"clientOrderId": "a"})
            await admin.post("/price", symbol=BTC, price="98900", volume="0.05")
            await admin.post("/price", symbol=BTC, price="98900")
            await client.create_order(BTC, "limit", "sell", 0.1, 110_000, {"clientOrderId": "b"})
            await client.cancel_order(None, BTC, {"origClientOrderId": "b"})
            await client.create_order(BTC, "limit", "buy", 0.1, 90_000, {"clientOrderId": "c", "timeInForce": "IOC"})
            told = [await socket.receive_json(timeout=5) for _ in range(12)]
    assert [(e["C"] or e["c"], e["x"], e["X"]) for e in told if e["e"] == "executionReport"] == [
        ("a", "NEW", "NEW"),
        ("a", "TRADE", "PARTIALLY_FILLED"),
        ("a", "TRADE", "FILLED"),
        ("b", "NEW", "NEW"),
        ("b", "CANCELED", "CANCELED"),
        ("c", "NEW", "NEW"),
        ("c", "EXPIRED", "EXPIRED"),
    ]
    assert [e["B"][0] for e in told if e["e"] == "outboundAccountPosition"][:2] == [
        {"a": "USDT", "f": "80200.00000000", "l": "19800.00000000"},
        {"a": "BTC", "f": "2.04995000", "l": "0.00000000"},
    ]


async def test_live_feed_when_it_runs_on_the_simulator_then_history_comes_and_bars_close() -> None:
    async with running_sim(replace(CONFIG, feed="simulated", prices={}, speed=60)) as sim:
        feed = await open_live(
            "binance", [BTC, "ETH/USDT"], "1m", history_bars=120, options=exchange_options("binance", sim.url)
        )
        try:
            history = await feed.history()
            assert len(history) == 120
            assert all(len(batch.candles) == 2 for batch in history)
            closes = {b.ts_ms: b.candles[0] for b in history}
            client = make_client(sim)
            try:
                rows = await client.fetch_ohlcv(BTC, "1m", limit=30)
            finally:
                await client.close()
            both = [r for r in rows if r[0] in closes]
            assert len(both) >= 28
            assert all(r[4] == closes[r[0]].close for r in both)
        finally:
            await feed.close()


async def test_live_feed_when_a_minute_is_over_then_the_bar_closes_as_the_venue_tells_it() -> None:
    async with running_sim(replace(CONFIG, feed="simulated", prices={})) as sim, aiohttp.ClientSession() as session:
        shift_ms = 0
        timing = LiveTiming(clock_ms=lambda: wall_ms() + shift_ms)
        options = exchange_options("binance", sim.url)
        feed = await open_live("binance", [BTC], "1m", history_bars=5, options=options, timing=timing)
        try:
            last = (await feed.history())[-1]
            for _ in range(2):
                await Admin(sim.admin_url, session).post("/clock", advance_ms=60_000)
                shift_ms += 60_000
                (batch,) = await feed.next(last.ts_ms, 1, 10)
                assert batch.ts_ms == last.ts_ms + 60_000
                assert batch.candles[0].open == last.candles[0].close
                last = batch
            told = dict(sim.venue.tapes["BTCUSDT"].bars(60_000, last.ts_ms, last.ts_ms + 1))
            assert told[last.ts_ms].open == last.candles[0].open
        finally:
            await feed.close()


async def test_kline_stream_when_the_minute_turns_then_the_old_bar_is_told_closed(
    sim: RunningSim, admin: Admin
) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{sim.url}/ws/btcusdt@kline_1m") as socket:
        first = (await socket.receive_json(timeout=5))["k"]
        await admin.post("/clock", advance_ms=60_000)
        rows = [(await socket.receive_json(timeout=5))["k"] for _ in range(2)]
        assert [(k["t"] - first["t"], k["x"]) for k in rows] == [(0, True), (60_000, False)]


async def test_websockets_when_sent_nonsense_then_they_answer_and_stay(sim: RunningSim) -> None:
    async with aiohttp.ClientSession() as session:
        for path, nonsense in (
            ("/ws", ["[]", "{}", '{"method": "SUBSCRIBE", "params": 5, "id": 1}', '{"method": 1, "params": {}}']),
            ("/ws-api/v3", ["[]", "{", '{"id": 1, "method": "order.place", "params": [1]}', '{"method": "nothing"}']),
        ):
            async with session.ws_connect(sim.url + path) as socket:
                for text in nonsense:
                    await socket.send_str(text)
                    answer = await socket.receive_json(timeout=5)
                    assert "error" in answer or answer == {"result": None, "id": 1}
                await socket.send_json({"id": 7, "method": "LIST_SUBSCRIPTIONS" if path == "/ws" else "ping"})
                assert (await socket.receive_json(timeout=5))["id"] == 7
