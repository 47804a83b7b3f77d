"""What a simulated exchange is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from fks_actors.adapters.exchange_sim.board import Ladder
from fks_actors.adapters.exchange_sim.engine import Fees
from fks_actors.adapters.exchange_sim.gate import Limits

MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class SimConfig:
    """One venue with one account.

    `feed` is simulated, replay:FILE[,FILE...] or manual (a price stands until the admin port sets another). `symbols`
    are BASE/QUOTE; none given: the built-in ones, or all of `exchange_info` (a captured exchangeInfo), or the
    recording's. `ledger` is a JSONL file that keeps the account over restarts. Port 0 is any free one. An empty `key`
    or `secret` is made up at the start.
    """

    host: str = "127.0.0.1"
    port: int = 0
    admin_port: int = 0
    feed: str = "simulated"
    seed: int = 7
    speed: float = 1.0
    symbols: tuple[str, ...] = ()
    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(10_000)})
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    key: str = ""
    secret: str = field(default="", repr=False)
    exchange_info: Path | None = None
    ledger: Path | None = None
    fees: Fees = field(default_factory=Fees)
    ladder: Ladder = field(default_factory=Ladder)
    limits: Limits = field(default_factory=Limits)
    max_orders: int = 200
    max_stops: int = 5
