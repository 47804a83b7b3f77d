"""The port that every venue implements: paper, exchange simulator, ccxt. One conformance suite runs over all."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import Approved, Order, VenueEvent


class Venue(Protocol):
    """A place that trades.

    Contract:
        - `submit` and `cancel` are idempotent by client order id: a known order answers its present state and is not
          entered again. An order the venue refuses comes back as OrderUpdate REJECTED, never as an exception.
        - VenueUnavailable means that the outcome is unknown; `lookup` tells later.
        - Events of one order come in the order in which they happened; a trade comes once, as a Fill.
    """

    @property
    def name(self) -> str:
        """The venue's name in orders and fills."""
        ...

    def markets(self) -> Mapping[str, MarketRules]:
        """The rules of every tradable symbol."""
        ...

    async def advance(self, batch: BarBatch) -> tuple[VenueEvent, ...]:
        """Take note of closed bars; return what happened at the venue since the last call."""
        ...

    async def submit(self, orders: Sequence[Approved], again: bool = False) -> tuple[VenueEvent, ...]:
        """Enter the orders; return what the venue said and what traded at once. `again`: look each up before."""
        ...

    async def cancel(self, client_order_ids: Sequence[str], ts_ms: int) -> tuple[VenueEvent, ...]:
        """End the orders that still work. One that ended before answers its last status, one that the venue certainly
        never heard of CANCELLED."""
        ...

    async def lookup(self, client_order_id: str) -> Order | None:
        """The order as the venue knows it, None where it has never heard of it."""
        ...

    async def open_orders(self) -> tuple[Order, ...]:
        """Every order that works at the venue."""
        ...
