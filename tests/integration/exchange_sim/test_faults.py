"""Trouble on demand, and the ledger that tells afterwards what was true."""

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest

from fks_actors.adapters.exchange_sim.gate import Limits
from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from tests.integration.exchange_sim.conftest import CONFIG, Admin, awaits, make_client, until

BTC = "BTC/USDT"
ORDER = {"method": "POST", "path": "/api/v3/order$"}


async def buy(client: Any, client_id: str) -> Any:
    return await client.create_order(BTC, "limit", "buy", 0.01, 90_000, {"clientOrderId": client_id})


async def outcomes(admin: Admin) -> list[tuple[str, str, bool]]:
    return [(s["client_id"], s["outcome"], s["replied"]) for s in (await admin.get("/ledger"))["submissions"]]


async def test_drop_reply_when_an_order_was_accepted_then_the_client_is_cut_off_and_the_order_works(
    client: Any, admin: Admin
) -> None:
    await admin.post("/faults", kind="drop_reply", count=1, **ORDER)
    with pytest.raises(ccxt.NetworkError):
        await buy(client, "lost")
    assert (await client.fetch_order(None, BTC, {"origClientOrderId": "lost"}))["status"] == "open"
    assert await outcomes(admin) == [("lost", "accepted", False)]
    assert (await buy(client, "next"))["status"] == "open"


async def test_drop_request_when_it_strikes_then_no_order_exists(client: Any, admin: Admin) -> None:
    await admin.post("/faults", kind="drop_request", count=1, **ORDER)
    with pytest.raises(ccxt.NetworkError):
        await buy(client, "gone")
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order(None, BTC, {"origClientOrderId": "gone"})
    assert await outcomes(admin) == [("gone", "request dropped", False)]


async def test_http_error_when_it_strikes_then_ccxt_takes_it_as_unavailable(client: Any, admin: Admin) -> None:
    await admin.post("/faults", kind="http_error", status=502, count=2, **ORDER)
    for _ in range(2):
        with pytest.raises(ccxt.NetworkError):
            await buy(client, "never")
    assert (await buy(client, "then"))["status"] == "open"


async def test_latency_when_set_then_the_answer_comes_late_and_clear_ends_it(client: Any, admin: Admin) -> None:
    await admin.post("/faults", kind="latency", ms=300, path="/api/v3/time")
    began = time.monotonic()
    await client.fetch_time()
    assert time.monotonic() - began >= 0.3
    await admin.delete("/faults")
    began = time.monotonic()
    await client.fetch_time()
    assert time.monotonic() - began < 0.3


async def test_latency_when_longer_than_the_clients_patience_then_the_order_still_arrives(
    sim: RunningSim, client: Any, admin: Admin
) -> None:
    await admin.post("/faults", kind="latency", ms=400, count=1, **ORDER)
    client.timeout = 100
    with pytest.raises(ccxt.RequestTimeout):
        await buy(client, "late")
    client.timeout = 5_000
    await until(lambda: sim.engine.by_client.get("late"))


async def test_partial_fill_when_it_strikes_then_a_share_trades_and_the_rest_expires(client: Any, admin: Admin) -> None:
    await admin.post("/faults", kind="partial_fill", share="0.4", count=1)
    order = await client.create_order(BTC, "market", "buy", 0.5)
    assert (order["status"], order["filled"]) == ("expired", 0.2)
    assert (await client.create_order(BTC, "market", "buy", 0.5))["status"] == "closed"


async def test_clock_skew_when_set_then_requests_are_out_of_time_until_the_client_asks_the_time(
    client: Any, admin: Admin
) -> None:
    for skew in (120_000, -120_000):
        await admin.post("/faults", kind="clock_skew", ms=skew)
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            await client.fetch_balance()
        await client.load_time_difference()
        assert (await client.fetch_balance())["USDT"]["free"] > 0


async def test_maintenance_when_on_then_503_until_it_is_off(client: Any, admin: Admin) -> None:
    await admin.post("/faults", kind="maintenance")
    with pytest.raises(ccxt.OperationFailed, match="-1008"):
        await buy(client, "m")
    await admin.post("/faults", kind="maintenance", on=False)
    assert (await buy(client, "m"))["status"] == "open"


@pytest.mark.parametrize("abrupt", [False, True])
async def test_streams_when_disconnected_then_ccxt_notices_and_comes_back(
    client: Any, admin: Admin, abrupt: bool
) -> None:
    await client.watch_order_book(BTC)
    waiting = asyncio.ensure_future(client.watch_orders())
    await until(lambda: awaits(client, "orders"))
    await admin.post("/faults", kind="disconnect_streams", abrupt=abrupt)
    with pytest.raises(ccxt.NetworkError):
        await asyncio.wait_for(waiting, 5)
    async with asyncio.timeout(10):
        while True:
            try:
                assert (await client.watch_order_book(BTC))["asks"]
                break
            except ccxt.NetworkError:
                continue


async def test_weight_when_used_up_then_429_then_418_with_the_time_to_wait() -> None:
    async with running_sim(replace(CONFIG, limits=Limits(weight=60, patience=2, ban_s=7))) as sim:
        async with aiohttp.ClientSession() as session:
            seen = []
            for _ in range(10):
                async with session.get(f"{sim.url}/api/v3/exchangeInfo") as answer:
                    seen.append((answer.status, answer.headers.get("Retry-After"), await answer.json()))
                    used = int(answer.headers["X-MBX-USED-WEIGHT-1M"])
            assert [s for s, _, _ in seen[:6]] == [200, 200, 200, 429, 429, 418]
            assert used >= 60
            assert 0 < int(seen[3][1] or 0) <= 60
            assert (seen[5][1], seen[5][2]["code"]) == ("7", -1003)
        client = make_client(sim)
        try:
            with pytest.raises(ccxt.DDoSProtection):
                await client.load_markets()
        finally:
            await client.close()


async def test_orders_when_too_many_come_then_429_and_the_count_is_told() -> None:
    async with running_sim(replace(CONFIG, limits=Limits(orders_10s=3, orders_day=3))) as sim:
        client = make_client(sim)
        try:
            await client.load_markets()
            for number in range(3):
                await buy(client, f"n{number}")
            assert client.last_response_headers["X-MBX-ORDER-COUNT-1D"] == "3"
            with pytest.raises(ccxt.DDoSProtection, match="-1015"):
                await buy(client, "more")
        finally:
            await client.close()


async def test_faults_when_seeded_then_the_same_requests_are_struck() -> None:
    struck = []
    for _ in range(2):
        async with running_sim(CONFIG) as sim, aiohttp.ClientSession() as session:
            await Admin(sim.admin_url, session).post("/faults", kind="http_error", probability=0.5)
            run = []
            for _ in range(20):
                async with session.get(f"{sim.url}/api/v3/ping") as answer:
                    run.append(answer.status)
            struck.append(run)
    assert struck[0] == struck[1]
    assert set(struck[0]) == {200, 502}


async def test_admin_when_asked_wrongly_then_it_says_why(sim: RunningSim, admin: Admin) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{sim.admin_url}/faults", data=b"{not json") as answer:
            assert answer.status == 400
        async with session.post(f"{sim.url}/api/v3/order", data=b"symbol=\xff\xfe") as answer:
            assert answer.status == 401
    assert "kind" in (await admin.post("/faults", 400, kind="earthquake"))["error"]
    assert "colour" in (await admin.post("/faults", 400, kind="latency", colour="red"))["error"]
    assert "price" in (await admin.post("/price", 400, symbol=BTC))["error"]
    assert (await admin.post("/price", 400, symbol="NO/PE", price="1"))["error"] == "Invalid symbol."
    assert (await admin.post("/deposit", asset="USDT", amount="5"))["free"] == "100005"


async def test_ledger_when_the_venue_restarts_then_orders_prices_and_money_are_as_they_were(tmp_path: Path) -> None:
    config = replace(CONFIG, ledger=tmp_path / "ledger.jsonl")
    facts = []
    for life in range(2):
        async with running_sim(config) as sim, aiohttp.ClientSession() as session:
            admin, client = Admin(sim.admin_url, session), make_client(sim)
            try:
                await client.load_markets()
                if life == 0:
                    await client.create_order(BTC, "market", "sell", 0.1)
                    await buy(client, "rests")
                    await admin.post("/price", symbol=BTC, price="101000")
                facts.append(await admin.get("/ledger"))
                if life == 1:
                    await admin.post("/price", symbol=BTC, price="89000")
                    assert (await client.fetch_order(None, BTC, {"origClientOrderId": "rests"}))["status"] == "closed"
                    assert (await client.fetch_my_trades(BTC))[-1]["price"] == 90_000.0
            finally:
                await client.close()
    assert facts[0] == facts[1]
    assert Decimal(facts[1]["balances"]["USDT"]["locked"]) == 900


async def test_clock_when_moved_then_the_venues_bars_move_with_it(sim: RunningSim, client: Any, admin: Admin) -> None:
    before = (await client.fetch_ohlcv(BTC, "1m", limit=1))[0][0]
    await admin.post("/clock", advance_ms=180_000)
    bars = await client.fetch_ohlcv(BTC, "1m", limit=4)
    assert bars[-1][0] - before in (180_000, 240_000)
    assert bars[-1][4] == 100_000.0
