"""What a shadow writes down: what its desk asks for again, and little more. It runs for as long as the desk it stands
beside, so everything here is bounded: bars and decisions are counted, not kept."""

from collections import OrderedDict
from collections.abc import Sequence

from fks_actors.desk.ports import JournalPort
from fks_actors.errors import JournalConflict
from fks_actors.execution.order_state import TERMINAL
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import ZERO, Fill, Order
from fks_actors.model.records import Commit, CycleRecord, EquityPoint, SignalRecord, SnapshotAt

KEPT = 1_000
"""Ended orders, and signals, that are remembered; those that still work are remembered in any case."""


class ShadowJournal(JournalPort):
    """desk.ports.JournalPort of one shadow. `kept`: as KEPT."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._head = ""
        self._last_ms: dict[str, int] = {}
        self._working: dict[str, Order] = {}
        self._ended: OrderedDict[str, Order] = OrderedDict()
        self._signals: OrderedDict[str, SignalRecord] = OrderedDict()
        self._trades: dict[str, set[tuple[str, str]]] = {}
        self.cycles = self.orders = self.fills = 0
        self.fees = ZERO
        self.point: EquityPoint | None = None

    @property
    def held(self) -> int:
        """How many things are remembered."""
        return len(self._working) + len(self._ended) + len(self._signals) + len(self._trades) + len(self._last_ms)

    async def commit(self, commits: Sequence[Commit]) -> str:
        """Append."""
        for commit in commits:
            if commit.after != self._head:
                raise JournalConflict(f"{commit.commit_id} builds on {commit.after!r}, the head is {self._head!r}")
            self._head = commit.commit_id
            for entry in commit.entries:
                self._take(entry)
        return self._head

    async def head(self) -> str:
        """The last commit."""
        return self._head

    async def snapshot(self, owner: str) -> SnapshotAt:
        """An empty one: a shadow is rebuilt from the desk's journal."""
        return SnapshotAt(owner, "", b"")

    async def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """None: its minds have seen every bar."""
        return []

    async def last_bar_ms(self, symbols: Sequence[str]) -> dict[str, int]:
        """Each symbol's last bar."""
        return {symbol: self._last_ms[symbol] for symbol in symbols if symbol in self._last_ms}

    async def open_orders(self) -> list[Order]:
        """Orders that have not ended."""
        return list(self._working.values())

    async def signal(self, signal_id: str) -> SignalRecord | None:
        """What became of a signal."""
        return self._signals.get(signal_id)

    async def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        return self._working.get(client_order_id) or self._ended.get(client_order_id)

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of the orders' fills."""
        return frozenset(trade for key in client_order_ids for trade in self._trades.get(key, ()))

    def _take(self, entry: object) -> None:
        match entry:
            case BarBatch():
                self._last_ms.update((candle.symbol, candle.ts_ms) for candle in entry.candles)
            case CycleRecord():
                self.cycles += 1
            case Fill():
                self.fills += 1
                self.fees += entry.fee
                self._trades.setdefault(entry.client_order_id, set()).add((entry.venue, entry.trade_id))
            case Order():
                self._order(entry)
            case SignalRecord():
                self._signals[entry.signal_id] = entry
                self._forget_signals()
            case EquityPoint():
                self.point = entry

    def _order(self, order: Order) -> None:
        key = order.intent.client_order_id
        self.orders += key not in self._working and key not in self._ended
        if order.status not in TERMINAL:
            self._ended.pop(key, None)
            self._working[key] = order
            return
        self._working.pop(key, None)
        self._ended[key] = order
        while len(self._ended) > self._kept:
            old, _ = self._ended.popitem(last=False)
            self._trades.pop(old, None)

    def _forget_signals(self) -> None:
        """The oldest that no working order comes from."""
        if len(self._signals) <= self._kept:
            return
        needed = {order.intent.origin_id for order in self._working.values()}
        old = next((key for key in self._signals if key not in needed), None)
        if old is not None:
            del self._signals[old]
