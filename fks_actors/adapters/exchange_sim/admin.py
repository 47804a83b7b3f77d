"""The admin API: the ledger, the state, and trouble on demand. For tests and practice; it asks for no key.

`POST /faults` takes one rule or a list: {"kind": "latency"|"drop_request"|"drop_reply"|"http_error"|"partial_fill",
"method", "path" (regular expressions), "probability", "count", "ms", "jitter_ms", "status", "share"}, or one of
{"kind": "clock_skew", "ms"}, {"kind": "maintenance", "on"}, {"kind": "disconnect_streams", "abrupt"}.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from aiohttp import web

from fks_actors.adapters.exchange_sim.codes import VenueRefusal
from fks_actors.adapters.exchange_sim.streams import Streams
from fks_actors.adapters.exchange_sim.venue import Venue
from fks_actors.errors import ConfigError

Row = dict[str, Any]


def admin_app(venue: Venue, streams: Streams) -> web.Application:
    """The application of the admin port."""
    admin = _Admin(venue, streams)
    app = web.Application(middlewares=[_spoken])
    app.add_routes(
        [
            web.get("/ledger", admin.ledger),
            web.get("/state", admin.state),
            web.get("/faults", admin.faults),
            web.post("/faults", admin.add_fault),
            web.delete("/faults", admin.clear_faults),
            web.post("/price", admin.price),
            web.delete("/price", admin.release),
            web.post("/deposit", admin.deposit),
            web.post("/clock", admin.clock),
        ]
    )
    return app


class _Admin:
    def __init__(self, venue: Venue, streams: Streams) -> None:
        self._venue = venue
        self._streams = streams

    async def ledger(self, request: web.Request) -> web.Response:
        return _answer(self._venue.ledger.facts(self._venue.engine))

    async def state(self, request: web.Request) -> web.Response:
        venue = self._venue
        engine = venue.engine
        return _answer(
            {
                "now_ms": venue.now_ms(),
                "prices": {name: b.last for name, b in engine.boards.items()},
                "held": sorted(venue.held),
                "open_orders": len(engine.open),
                "orders": len(engine.orders),
                "trades": len(engine.trades),
                "submissions": len(venue.ledger.submissions),
                "connections": len(self._streams),
                "weight": venue.meter.weight,
                **self._trouble(),
            }
        )

    async def faults(self, request: web.Request) -> web.Response:
        return _answer(self._trouble())

    async def add_fault(self, request: web.Request) -> web.Response:
        given = msgspec.json.decode(await request.read())
        for rule in given if isinstance(given, list) else [given]:
            await self._add(rule)
        return _answer(self._trouble())

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._venue.faults.clear()
        return _answer(self._trouble())

    async def price(self, request: web.Request) -> web.Response:
        given = await _object(request, "symbol", "price")
        volume = None if given.get("volume") is None else _money(given, "volume")
        name = _symbol(given)
        self._venue.set_price(name, _money(given, "price"), volume, given.get("hold", True) is True)
        return _answer({"symbol": name, "price": self._venue.engine.board(name).last})

    async def release(self, request: web.Request) -> web.Response:
        self._venue.release(_symbol(await _object(request, "symbol")))
        return _answer({"held": sorted(self._venue.held)})

    async def deposit(self, request: web.Request) -> web.Response:
        given = await _object(request, "asset", "amount")
        asset = str(given["asset"])
        self._venue.engine.deposit(asset, _money(given, "amount"))
        return _answer({"asset": asset, "free": self._venue.engine.account.free(asset)})

    async def clock(self, request: web.Request) -> web.Response:
        given = await _object(request)
        if "offset_ms" in given:
            self._venue.offset_ms = int(given["offset_ms"])
        self._venue.offset_ms += int(given.get("advance_ms", 0))
        return _answer({"now_ms": self._venue.now_ms(), "offset_ms": self._venue.offset_ms})

    async def _add(self, rule: Row) -> None:
        faults = self._venue.faults
        if not isinstance(rule, dict):
            raise ConfigError("a fault is an object with a kind")
        if rule.get("kind") == "clock_skew":
            faults.skew_ms = int(rule.get("ms", 0))
        elif rule.get("kind") == "maintenance":
            faults.maintenance = rule.get("on", True) is True
        elif rule.get("kind") == "disconnect_streams":
            await self._streams.disconnect(abrupt=rule.get("abrupt") is True)
        else:
            faults.add(rule)

    def _trouble(self) -> Row:
        faults = self._venue.faults
        return {
            "faults": [r.row() for r in faults.rules],
            "struck": faults.struck,
            "maintenance": faults.maintenance,
            "skew_ms": faults.skew_ms,
        }


@web.middleware
async def _spoken(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except VenueRefusal as refusal:
        return web.json_response({"error": refusal.message}, status=refusal.status)
    except (ConfigError, ValueError, TypeError, InvalidOperation, msgspec.DecodeError) as error:
        return web.json_response({"error": str(error) or type(error).__name__}, status=400)


async def _object(request: web.Request, *needed: str) -> Row:
    given = msgspec.json.decode(await request.read())
    lacking = [n for n in needed if not isinstance(given, dict) or n not in given]
    if lacking:
        raise ConfigError(f"{', '.join(lacking)} must be given")
    row: Row = given
    return row


def _symbol(given: Row) -> str:
    return str(given["symbol"]).replace("/", "").upper()


def _money(given: Row, name: str) -> Decimal:
    return Decimal(str(given[name]))


def _answer(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
