"""One simulated exchange, without its sockets: the engine, the walk of the prices, the gate and the ledger together.

`answer` takes a request as bytes came and gives the answer, at once and without waiting for anything. The wall clock
is read here and nowhere below.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from fks_actors.adapters.exchange_sim.codes import VenueRefusal
from fks_actors.adapters.exchange_sim.config import MANUAL, SimConfig
from fks_actors.adapters.exchange_sim.engine import Engine
from fks_actors.adapters.exchange_sim.faults import Faults
from fks_actors.adapters.exchange_sim.gate import Keys, Meter, check_time, signed_part
from fks_actors.adapters.exchange_sim.ledger import Ledger
from fks_actors.adapters.exchange_sim.market_api import ping
from fks_actors.adapters.exchange_sim.markets import Market
from fks_actors.adapters.exchange_sim.prices import MINUTE_MS, Tape, Walk
from fks_actors.adapters.exchange_sim.routes import REST, WS, Endpoint, Security
from fks_actors.adapters.exchange_sim.sources import Source, open_source
from fks_actors.adapters.exchange_sim.state import PublicTrade
from fks_actors.adapters.exchange_sim.trade_api import ReplaceFailed

Row = dict[str, Any]
_FORGET_MS = 600_000
_CLIENT_IDS = ("newClientOrderId", "origClientOrderId", "listClientOrderId", "orderId")
_SECRET = ("signature", "apiKey", "timestamp", "recvWindow")


def wall_ms() -> int:
    """The wall clock, UTC ms."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: `payload` is what was signed, `key` the API key that came with it."""

    method: str
    path: str
    params: Mapping[str, str]
    payload: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """What fate has in store for a request: whether its answer arrives, and what share of a taker may trade."""

    replied: bool = True
    share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, a JSON body, and headers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Venue:
    """A venue that answers.

    Raises:
        ConfigError: the feed, the symbols or a file cannot be used.
    """

    def __init__(self, config: SimConfig, clock_ms: Callable[[], int] = wall_ms) -> None:
        source: Source = open_source(config)
        self.config = config
        self.keys = Keys(config.key or secrets.token_hex(32), config.secret or secrets.token_hex(32))
        self.faults = Faults(config.seed)
        self.meter = Meter(config.limits)
        self.offset_ms = 0
        self.held: set[str] = set(source.courses) if config.feed == MANUAL else set()
        self.listen_keys: set[str] = set()
        self.ledger = Ledger(config.ledger)
        self._wall_ms = clock_ms
        self._ids = 0
        self.origin_ms = int(self.ledger.header.get("origin_ms", clock_ms() // MINUTE_MS * MINUTE_MS))
        self.tapes = {n: Tape(c, self.origin_ms, source.step_ms) for n, c in source.courses.items()}
        self.walks = {n: Walk(c, self.tapes[n], self.origin_ms) for n, c in source.courses.items()}
        prices = {n: self._opening(m) for n, m in source.markets.items()}
        self.engine = Engine(
            source.markets,
            prices,
            config.balances,
            self.now_ms,
            fees=config.fees,
            ladder=config.ladder,
            seed=config.seed,
        )
        self.ledger.restore(self.engine)
        self.ledger.begin({"origin_ms": self.origin_ms})

    def now_ms(self) -> int:
        """The venue's clock."""
        return self._wall_ms() + self.offset_ms

    def told_ms(self) -> int:
        """The clock that requests are timed by; a skew moves it away from the market's."""
        return self.now_ms() + self.faults.skew_ms

    def own_id(self) -> str:
        """An id for what came without one."""
        self._ids += 1
        return f"sim{self.engine.next_order}x{self._ids}"

    def new_listen_key(self) -> str:
        """A key for a user data stream."""
        key = secrets.token_hex(32)
        self.listen_keys.add(key)
        return key

    def tick(self) -> None:
        """Let the market come up to now."""
        now = self.now_ms()
        for name, walk in self.walks.items():
            if name in self.held and self.config.feed == MANUAL:
                continue
            if now - walk.seen_ms(now) > _FORGET_MS:
                walk.catch_up(now)
            for tick in walk.due(now):
                if name not in self.held:
                    self._trade(name, tick.price, tick.volume, tick.ts_ms)

    def set_price(self, name: str, price: Decimal, volume: Decimal | None = None, hold: bool = True) -> None:
        """Let the market trade at `price` now; it stays there until `release`, where `hold` is set.

        Raises:
            VenueRefusal: an unknown symbol, or a price off its grid.
        """
        board = self.engine.board(name)
        board.market.check_price(price)
        if hold:
            self.held.add(name)
        self.tapes[name].trade(self.now_ms(), float(price), float(volume or 0))
        self._publish(name, price, volume or board.market.step, self.now_ms())
        self.engine.move(name, price, volume)
        self.ledger.priced(name, price)

    def release(self, name: str) -> None:
        """Let a held price follow the feed again."""
        self.held.discard(name)

    def answer(self, method: str, path: str, query: str, body: str, key: str | None, lot: Lot) -> Answer:
        """Answer a REST request."""
        endpoint = REST.get((method, path))
        if endpoint is None:
            known = any(p == path for _, p in REST)
            text = f"Method {method} is invalid for this endpoint." if known else "Not found."
            return self.refuse(VenueRefusal(-1000, text, 405 if known else 404))
        params = dict(parse_qsl(query, keep_blank_values=True)) | dict(parse_qsl(body, keep_blank_values=True))
        return self._run(Request(method, path, params, signed_part(query, body), key), endpoint, lot)

    def call(self, name: str, params: Mapping[str, str], payload: str, lot: Lot) -> Answer:
        """Answer a request of the websocket API. `payload` is what was signed."""
        endpoint = WS.get(name)
        if endpoint is None:
            return self.refuse(VenueRefusal(-1000, f"Unknown method {name!r}."))
        return self._run(Request("WS", name, params, payload, params.get("apiKey")), endpoint, lot)

    def authenticate(self, params: Mapping[str, str], payload: str, key: str | None) -> None:
        """Check key, signature and time.

        Raises:
            VenueRefusal.
        """
        self.keys.check_key(key)
        self.keys.check_signature(payload, params.get("signature"))
        check_time(params, self.told_ms())

    def refuse(self, refusal: VenueRefusal) -> Answer:
        """A refusal as an answer."""
        body: Row = {"code": refusal.code, "msg": refusal.message}
        if isinstance(refusal, ReplaceFailed):
            body["data"] = refusal.data
        headers = {"Retry-After": str(refusal.retry_after_s)} if refusal.retry_after_s else {}
        return Answer(refusal.status, msgspec.json.encode(body), {**self.meter.headers(), **headers})

    def note_lost(self, method: str, path: str, params: Mapping[str, str], outcome: str) -> None:
        """Write down a submission that the venue never looked at."""
        endpoint = REST.get((method, path)) or WS.get(path)
        if endpoint is not None and endpoint.submits:
            self.ledger.submitted(self._submission(Request(method, path, params), outcome, replied=False))

    def _run(self, request: Request, endpoint: Endpoint, lot: Lot) -> Answer:
        outcome, params = "accepted", request.params
        self.engine.next_share[:] = [] if lot.share is None else [lot.share]
        try:
            self.meter.spend(endpoint.cost(params), self.now_ms())
            if self.faults.maintenance and endpoint.answer is not ping:
                raise VenueRefusal(-1008, "Server is currently overloaded with other requests. Please try again.", 503)
            if endpoint.security is Security.SIGNED:
                self.authenticate(params, request.payload, request.key)
            elif endpoint.security is Security.KEY:
                self.keys.check_key(request.key)
            value = endpoint.answer(self, params)
            return Answer(200, msgspec.json.encode(value), self.meter.headers())
        except VenueRefusal as refusal:
            outcome = f"{refusal.code} {refusal.message}"
            return self.refuse(refusal)
        finally:
            self.engine.next_share.clear()
            if endpoint.submits:
                self.ledger.submitted(self._submission(request, outcome, replied=lot.replied))

    def _submission(self, request: Request, outcome: str, *, replied: bool) -> Row:
        told = {n: v for n, v in request.params.items() if n not in _SECRET}
        return {
            "ts_ms": self.now_ms(),
            "method": request.method,
            "path": request.path,
            "client_id": next((told[n] for n in _CLIENT_IDS if n in told), ""),
            "outcome": outcome,
            "replied": replied,
            "params": told,
        }

    def _opening(self, market: Market) -> Decimal:
        tape = self.tapes[market.name]
        given = self.ledger.prices.get(market.name) if self.config.feed == MANUAL else None
        given = given or self.config.prices.get(market.symbol)
        if given is not None:
            price = given
            tape.trade(self.now_ms(), float(price), 0.0)
        else:
            self.walks[market.name].catch_up(self.now_ms())
            price = market.round_price(tape.last)
        return price

    def _trade(self, name: str, raw: float, volume: float, ts_ms: int) -> None:
        market = self.engine.markets[name]
        price = market.round_price(raw)
        self.tapes[name].trade(ts_ms, float(price), volume)
        self._publish(name, price, max(market.floor_quantity(Decimal(repr(volume))), market.step), ts_ms)
        self.engine.move(name, price)

    def _publish(self, name: str, price: Decimal, quantity: Decimal, ts_ms: int) -> None:
        board, engine = self.engine.boards[name], self.engine
        board.trades.append(PublicTrade(engine.next_trade, price, quantity, ts_ms, price < board.last))
        engine.next_trade += 1
