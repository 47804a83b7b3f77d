"""A loopback server that speaks as much of Binance's spot API as public candles need: REST and the kline stream.

Its time stands still until a test moves it. A bar's final values are a function of its time, so any test knows them.
"""

import asyncio
import json
import time
from collections.abc import Callable

from aiohttp import WSMsgType, web

from fks_actors.model.candles import Candle

MINUTE = 60_000
BASES = {"BTC/USDT": 50_000, "ETH/USDT": 3_000, "SOL/USDT": 150}


def final(symbol: str, ts_ms: int) -> Candle:
    """The bar as it closed."""
    price = BASES[symbol] + ts_ms // MINUTE % 100
    return Candle(symbol, ts_ms, float(price), price + 5.0, price - 5.0, price + 1.0, 12.5)


def running(symbol: str, ts_ms: int) -> Candle:
    """The bar as it looks while it is traded."""
    price = BASES[symbol] + ts_ms // MINUTE % 100
    return Candle(symbol, ts_ms, float(price), price + 2.0, price - 2.0, price - 1.0, 3.25)


class FakeBinance:
    """One exchange. `missing` bars do not exist; while `down`, requests are refused; while `mute`, none is answered."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.missing: set[tuple[str, int]] = set()
        self.down = False
        self.mute = False
        self.asked: list[tuple[str, int]] = []
        self.subscribed: set[str] = set()
        self.connections = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()

    async def start(self) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.get("/api/v3/exchangeInfo", self._exchange_info),
                web.get("/api/v3/time", self._time),
                web.get("/api/v3/klines", self._klines),
                web.get("/ws/{number}", self._stream),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        self._released.set()
        await self.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    def options(self) -> dict[str, object]:
        """ccxt's settings that point its Binance here."""
        here = f"127.0.0.1:{self._port}"
        api = {"public": f"http://{here}/api/v3", "ws": {"spot": f"ws://{here}/ws"}}
        return {"urls": {"api": api}, "aiohttp_trust_env": False, "rateLimit": 1}

    async def push(self, candle: Candle) -> None:
        """Tell every subscriber of the candle's symbol."""
        name = candle.symbol.replace("/", "")
        kline = {"t": candle.ts_ms, "T": candle.ts_ms + MINUTE - 1, "s": name, "i": "1m", "x": False}
        kline |= dict(zip("ohlcv", map(str, _numbers(candle)), strict=True))
        for socket in self._sockets:
            await socket.send_json({"e": "kline", "E": self.now_ms, "s": name, "k": kline})

    async def drop(self) -> None:
        """Break every stream."""
        sockets, self._sockets, self.subscribed = self._sockets, set(), set()
        for socket in sockets:
            await socket.close(code=1012)

    async def _exchange_info(self, request: web.Request) -> web.Response:
        if self.mute:
            await self._released.wait()
        symbols = [
            {"symbol": s.replace("/", ""), "baseAsset": s.split("/")[0], "quoteAsset": "USDT"}
            | {"status": "BREAK" if s == "SOL/USDT" else "TRADING", "isSpotTradingAllowed": s != "SOL/USDT"}
            | {"filters": [], "permissions": ["SPOT"], "orderTypes": ["LIMIT"]}
            for s in BASES
        ]
        return self._answer({"timezone": "UTC", "serverTime": self.now_ms, "rateLimits": [], "symbols": symbols})

    async def _time(self, request: web.Request) -> web.Response:
        return self._answer({"serverTime": self.now_ms})

    async def _klines(self, request: web.Request) -> web.Response:
        name, limit = request.query["symbol"], int(request.query["limit"])
        symbol = next(s for s in BASES if s.replace("/", "") == name)
        since = int(request.query["startTime"])
        self.asked.append((symbol, since))
        first = -(-since // MINUTE) * MINUTE
        times = [t for t in range(first, self.now_ms + 1, MINUTE) if (symbol, t) not in self.missing][:limit]
        bars = [(final if t + MINUTE <= self.now_ms else running)(symbol, t) for t in times]
        rows = [[b.ts_ms, *map(str, _numbers(b)), b.ts_ms + MINUTE - 1, "0", 1, "0", "0", "0"] for b in bars]
        return self._answer(rows)

    def _answer(self, value: object) -> web.Response:
        return web.Response(status=503, text="maintenance") if self.down else web.json_response(value)

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                call = json.loads(message.data)
                await socket.send_json({"result": None, "id": call["id"]})
                self._sockets.add(socket)
                self.subscribed |= set(call["params"])
        self._sockets.discard(socket)
        return socket


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold"
        await asyncio.sleep(0.01)


def _numbers(candle: Candle) -> tuple[float, ...]:
    return candle.open, candle.high, candle.low, candle.close, candle.volume
