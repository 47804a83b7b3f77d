"""What a run writes down, in memory: the desk's journal for as long as the run lasts."""

from collections.abc import Iterable, Sequence

from fks_actors.backtest.passed import Passed
from fks_actors.desk.ports import JournalPort
from fks_actors.errors import JournalConflict
from fks_actors.execution.order_state import TERMINAL
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import Fill, Order
from fks_actors.model.records import Commit, CycleRecord, EquityPoint, SignalRecord, SnapshotAt


class RunJournal(JournalPort):
    """Keeps what is asked for again and what the results are made of. Snapshots are not kept: nothing restarts.

    Args:
        keeps_bars: whether its bars are asked for.
    """

    def __init__(self, keeps_bars: bool = True) -> None:
        self._keeps_bars = keeps_bars
        self._head = ""
        self._open: dict[str, Order] = {}
        self._bars: dict[str, list[Candle]] = {}
        self._signals: dict[str, SignalRecord] = {}
        self._trades: dict[str, set[tuple[str, str]]] = {}
        self.cycles: list[CycleRecord | Passed] = []
        self.fills: list[Fill] = []
        self.equity: list[EquityPoint | Passed] = []
        self.orders: dict[str, Order] = {}

    async def commit(self, commits: Sequence[Commit]) -> str:
        """Append."""
        for commit in commits:
            if commit.after != self._head:
                raise JournalConflict(f"{commit.commit_id} builds on {commit.after!r}, the head is {self._head!r}")
            self._head = commit.commit_id
            self._take(commit.entries)
        return self._head

    async def head(self) -> str:
        """The last commit."""
        return self._head

    async def snapshot(self, owner: str) -> SnapshotAt:
        """An empty one: everybody begins anew."""
        return SnapshotAt(owner, "", b"")

    async def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last bars before an instant, oldest first."""
        known = self._bars.get(symbol, [])
        return [c for c in known if before_ms is None or c.ts_ms < before_ms][-limit:]

    async def last_bar_ms(self, symbols: Sequence[str]) -> dict[str, int]:
        """Each symbol's last bar."""
        return {symbol: self._bars[symbol][-1].ts_ms for symbol in symbols if symbol in self._bars}

    async def open_orders(self) -> list[Order]:
        """Orders that have not ended."""
        return list(self._open.values())

    async def signal(self, signal_id: str) -> SignalRecord | None:
        """What became of a signal."""
        return self._signals.get(signal_id)

    async def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        return self.orders.get(client_order_id)

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of the orders' fills."""
        return frozenset(trade for key in client_order_ids for trade in self._trades.get(key, ()))

    def passed(self, stretch: Passed) -> None:
        """Batches were passed over."""
        self.cycles.append(stretch)
        self.equity.append(stretch)

    def _take(self, entries: Iterable[object]) -> None:
        for entry in entries:
            match entry:
                case BarBatch() if self._keeps_bars:
                    for candle in entry.candles:
                        self._bars.setdefault(candle.symbol, []).append(candle)
                case CycleRecord():
                    self.cycles.append(entry)
                case Fill():
                    self.fills.append(entry)
                    self._trades.setdefault(entry.client_order_id, set()).add((entry.venue, entry.trade_id))
                case Order():
                    self._order(entry)
                case SignalRecord():
                    self._signals[entry.signal_id] = entry
                case EquityPoint():
                    self._point(entry)

    def _order(self, order: Order) -> None:
        key = order.intent.client_order_id
        self.orders[key] = order
        if order.status in TERMINAL:
            self._open.pop(key, None)
        else:
            self._open[key] = order

    def _point(self, point: EquityPoint) -> None:
        """The last word on an instant stands."""
        last = self.equity[-1] if self.equity else None
        if isinstance(last, EquityPoint) and last.ts_ms == point.ts_ms:
            self.equity.pop()
        self.equity.append(point)
