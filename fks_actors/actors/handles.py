"""Typed clients of the actors. Each call has a deadline; everything here is idempotent unless it says otherwise."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from fks_actors.actors import names
from fks_actors.actors.remote import Remote
from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import Ruled, VenueReply
from fks_actors.desk.state import Change
from fks_actors.journal.lease import IsDead, Lease, nobody_is_dead
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import Approved, Order
from fks_actors.model.records import AuditRecord, Commit, RunRecord, SignalRecord, Snapshot, SnapshotAt
from fks_actors.model.votes import Ballot
from fks_actors.risk.messages import RiskRequest, RiskState
from fks_actors.telemetry import Sample

_TIMEOUT_S = 30.0
_DECIDE_S = 120.0  # a debate may be given longer than a decision's three seconds
_PAGE = 2_000


class JournalHandle(Remote):
    """The journal actor (desk.ports.JournalPort)."""

    def __init__(self, namespace: str) -> None:
        super().__init__(names.JOURNAL, namespace)

    async def _ask(self, method: str, *args: object) -> Any:
        return await self.call(method, *args, timeout_s=_TIMEOUT_S)

    async def commit(self, commits: Sequence[Commit]) -> str:
        """Append; durable when it returns."""
        return cast(str, await self._ask("commit", commits))

    async def head(self) -> str:
        """The last commit's id."""
        return cast(str, await self._ask("head"))

    async def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot of `owner`."""
        return cast(SnapshotAt, await self._ask("snapshot", owner))

    async def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last bars before an instant, oldest first."""
        return cast(list[Candle], await self._ask("candles", symbol, before_ms, limit))

    async def last_bar_ms(self, symbols: Sequence[str]) -> dict[str, int]:
        """Each symbol's last recorded bar."""
        return cast(dict[str, int], await self._ask("last_bar_ms", symbols))

    async def open_orders(self) -> list[Order]:
        """Orders that have not ended, oldest first; fetched in pages, however many there are."""
        found: list[Order] = []
        after = 0
        while True:
            page, after = cast(tuple[list[Order], int], await self._ask("open_orders_page", after, _PAGE))
            found += page
            if not after:
                return found

    async def signal(self, signal_id: str) -> SignalRecord | None:
        """What became of a signal."""
        return cast(SignalRecord | None, await self._ask("signal", signal_id))

    async def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        return cast(Order | None, await self._ask("order", client_order_id))

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of every fill that is booked for these orders."""
        return cast(frozenset[tuple[str, str]], await self._ask("trade_ids", tuple(client_order_ids)))

    async def trades_by_order(self, client_order_ids: Sequence[str]) -> dict[str, frozenset[tuple[str, str]]]:
        """The same of each of these orders, asked for in pages; one without a fill is absent."""
        found: dict[str, frozenset[tuple[str, str]]] = {}
        for start in range(0, len(client_order_ids), _PAGE):
            found |= await self._ask("trades_by_order", tuple(client_order_ids[start : start + _PAGE]))
        return found

    async def last_run(self) -> RunRecord | None:
        """The newest start of the desk."""
        return cast(RunRecord | None, await self._ask("last_run"))

    async def audit(self, limit: int) -> list[AuditRecord]:
        """The last audit records, newest first."""
        return cast(list[AuditRecord], await self._ask("audit", limit))

    async def acquire(
        self, name: str, holder: str, now_ms: int, ttl_ms: int, is_dead: IsDead = nobody_is_dead
    ) -> Lease | None:
        """Take a lease; None where somebody else holds it. `is_dead` is asked here, not where the journal runs."""
        lease = cast(Lease | None, await self._ask("acquire", name, holder, now_ms, ttl_ms))
        if lease is not None:
            return lease
        former = (await self.held(name)).holder
        if not former or not is_dead(former):
            return None
        return cast(Lease | None, await self._ask("acquire", name, holder, now_ms, ttl_ms, former))

    async def renew(self, name: str, holder: str, epoch: int, now_ms: int, ttl_ms: int) -> Lease | None:
        """Prolong a lease; None where it is not this grant's any more: stop, take it anew, recover."""
        return cast(Lease | None, await self._ask("renew", name, holder, epoch, now_ms, ttl_ms))

    async def release(self, name: str, holder: str, epoch: int) -> bool:
        """Free a lease; False where it was not this grant's any more."""
        return cast(bool, await self._ask("release", name, holder, epoch))

    async def held(self, name: str) -> Lease:
        """A lease as it stands, whether it ran out or not."""
        return cast(Lease, await self._ask("held", name))


class RiskHandle(Remote):
    """The risk manager (desk.ports.RiskPort)."""

    def __init__(self, namespace: str) -> None:
        super().__init__(names.RISK, namespace)

    async def rule(self, step: Step, request: RiskRequest) -> Ruled:
        """Take note of what happened and rule on what is proposed."""
        return cast(Ruled, await self.call("rule", step, request, timeout_s=_TIMEOUT_S))

    async def state(self) -> RiskState:
        """The risk state after the last ruling."""
        return cast(RiskState, await self.call("state", timeout_s=_TIMEOUT_S))


class ConnectorHandle(Remote):
    """One venue's connector (desk.ports.VenuePort). `step_s`: how long a step may take before it counts as silent."""

    def __init__(self, venue: str, namespace: str, step_s: float = _TIMEOUT_S) -> None:
        super().__init__(names.connector(venue), namespace)
        self._step_s = step_s

    async def advance(self, step: Step, batch: BarBatch) -> VenueReply:
        """Closed bars: match what rests."""
        return cast(VenueReply, await self.call("advance", step, batch, timeout_s=self._step_s))

    async def submit(self, step: Step, orders: Sequence[Approved], again: bool = False) -> VenueReply:
        """Enter approved orders; idempotent by step and by client order id."""
        return cast(VenueReply, await self.call("submit", step, tuple(orders), again, timeout_s=self._step_s))

    async def collect(self, step: Step) -> VenueReply:
        """What happened at the venue since the last step."""
        return cast(VenueReply, await self.call("collect", step, timeout_s=self._step_s))

    async def news(self, wait_s: float, epoch: int = 0, until_ms: int = 0) -> bool:
        """Wait up to `wait_s` for something to collect; whether there is."""
        return cast(bool, await self.call("news", wait_s, epoch, until_ms, timeout_s=wait_s + self._step_s))

    async def cancel(self, step: Step, client_order_ids: Sequence[str], ts_ms: int) -> VenueReply:
        """End orders that still work."""
        return cast(VenueReply, await self.call("cancel", step, tuple(client_order_ids), ts_ms, timeout_s=self._step_s))

    async def state(self) -> dict[str, Any]:
        """What the connector says of itself: breaker, streams, open orders."""
        return cast(dict[str, Any], await self.call("state", timeout_s=1.0, again=False))


class SpecialistHandle(Remote):
    """One specialist."""

    async def ask(
        self, batch: BarBatch, previous_ms: Mapping[str, int], timeout_s: float
    ) -> tuple[tuple[Ballot, ...], tuple[Snapshot, ...]]:
        """Observe and vote."""
        answer = await self.call("ask", batch, dict(previous_ms), timeout_s=timeout_s)
        return cast(tuple[tuple[Ballot, ...], tuple[Snapshot, ...]], answer)

    async def ask_ahead(
        self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int], timeout_s: float
    ) -> list[tuple[tuple[Ballot, ...], tuple[Snapshot, ...]]]:
        """Observe and vote on several batches in turn."""
        answer = await self.call("ask_ahead", list(batches), dict(previous_ms), timeout_s=timeout_s)
        return cast("list[tuple[tuple[Ballot, ...], tuple[Snapshot, ...]]]", answer)

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Observe without a vote."""
        return cast(
            tuple[Snapshot, ...], await self.call("learn", list(batches), dict(previous_ms), timeout_s=4 * _TIMEOUT_S)
        )


class FeedHandle(Remote):
    """The feed."""

    def __init__(self, namespace: str) -> None:
        super().__init__(names.FEED, namespace)

    async def info(self) -> dict[str, Any]:
        """What the feed says of itself."""
        return cast(dict[str, Any], await self.call("info", timeout_s=2 * _TIMEOUT_S))

    async def history(self) -> list[BarBatch]:
        """Bars to learn from before trading starts."""
        return cast(list[BarBatch], await self.call("history", timeout_s=4 * _TIMEOUT_S))

    async def next(self, after_ms: Mapping[str, int], limit: int, wait_s: float) -> tuple[list[BarBatch], bool]:
        """Closed bars after the cursor, none when none came within `wait_s`; and whether the feed has ended."""
        answer = await self.call("next", dict(after_ms), limit, wait_s, timeout_s=wait_s + _TIMEOUT_S)
        return cast(tuple[list[BarBatch], bool], answer)


class DeskHandle(Remote):
    """The coordinator, for the HTTP edge and the command line."""

    def __init__(self, namespace: str) -> None:
        super().__init__(names.COORDINATOR, namespace)
        self._telemetry = Remote(names.TELEMETRY, namespace)
        self._shadows = Remote(names.SHADOWS, namespace)

    async def wake(self) -> None:
        """Say that a signal lies in the inbox; never waits."""
        self.tell("wake")

    async def wait_signal(self, signal_id: str, timeout_s: float) -> dict[str, Any] | None:
        """The signal's outcome, None when it is not known within `timeout_s`."""
        answer = await self.call("wait_signal", signal_id, timeout_s, timeout_s=timeout_s + 2.0)
        return cast(dict[str, Any] | None, answer)

    async def decide(self, symbol: str) -> dict[str, Any]:
        """What the minds say of the last bar, without trading."""
        return cast(dict[str, Any], await self.call("decide", symbol, timeout_s=_DECIDE_S))

    async def control(self, control_id: str, state: str, reason: str) -> dict[str, Any]:
        """Change the trading state; idempotent by `control_id`."""
        return cast(dict[str, Any], await self.call("control", control_id, state, reason, timeout_s=_TIMEOUT_S))

    async def cancel(self, request_id: str, client_order_ids: Sequence[str]) -> list[Order]:
        """End working orders, all where none is named; those that worked, as they stood."""
        answer = await self.call("cancel", request_id, list(client_order_ids), timeout_s=_TIMEOUT_S)
        return cast(list[Order], answer)

    async def replace(self, request_id: str, client_order_id: str, change: Change) -> Order | None:
        """Change a working order; as it stood, None where none works under that id."""
        answer = await self.call("replace", request_id, client_order_id, change, timeout_s=_TIMEOUT_S)
        return cast(Order | None, answer)

    async def audit(self, records: Sequence[AuditRecord]) -> None:
        """Write down who was refused; asked again after a failure, so that a record may be written twice."""
        await self.call("audit", tuple(records), timeout_s=5.0)

    async def status(self) -> dict[str, Any]:
        """What the desk does now."""
        return cast(dict[str, Any], await self.call("status", timeout_s=5.0))

    async def agents(self) -> list[dict[str, Any]]:
        """Every actor and its state."""
        return cast(list[dict[str, Any]], await self._telemetry.call("agents", timeout_s=5.0))

    async def shadows(self) -> dict[str, Any]:
        """The paper portfolios beside the desk; see `shadow.ShadowActor.told`."""
        return cast(dict[str, Any], await self._shadows.call("told", timeout_s=2.0, again=False))

    async def metrics(self) -> str:
        """Prometheus text of the whole cluster."""
        return cast(str, await self._telemetry.call("render", timeout_s=5.0))

    async def push(self, source: str, samples: list[Sample]) -> None:
        """Hand in a process's metrics; never waits."""
        self._telemetry.tell("push", source, samples)
