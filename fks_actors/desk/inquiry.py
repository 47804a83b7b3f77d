"""What risk is asked about a step, and about which it need not be asked."""

from collections.abc import Mapping

from fks_actors.desk.ports import VenueReply
from fks_actors.desk.routing import Quotes
from fks_actors.desk.state import DeskMemory
from fks_actors.desk.working import IMPOSSIBLE_TRADE, UNKNOWN_TRADE, WorkingOrders
from fks_actors.model.orders import OrderStatus, OrderUpdate
from fks_actors.model.records import ControlRecord, Proposal, TradingState
from fks_actors.risk.messages import RiskRequest
from fks_actors.risk.trading import BOOKS

_DOUBTS = frozenset({IMPOSSIBLE_TRADE, UNKNOWN_TRADE})
_TAKEN = frozenset({OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.UNKNOWN})


def changes_no_account(reply: VenueReply) -> bool:
    """Whether the reply only tells that orders are at the venue, or that this is not known."""
    quiet = all([isinstance(event, OrderUpdate) and event.status in _TAKEN for event in reply.events])
    return quiet and not reply.adopted and not any([note.kind in _DOUBTS for note in reply.notes])


def request(
    memory: DeskMemory,
    orders: WorkingOrders,
    quotes: Quotes,
    ts_ms: int,
    replies: Mapping[str, VenueReply],
    proposals: tuple[Proposal, ...],
    control: ControlRecord | None,
) -> RiskRequest:
    """What happened at the venues and what is proposed, as risk is told of it, with what speaks against the data.

    A trade that can be booked nowhere halts trading.
    """
    events = tuple([event for reply in replies.values() for event in reply.events])
    if not (events or proposals or control) and not any([reply.notes for reply in replies.values()]):
        return RiskRequest(ts_ms, dict(memory.marks))
    adopted = {order.intent.client_order_id for reply in replies.values() for order in reply.adopted}
    named = {event.client_order_id for event in events}
    external = frozenset([key for key in named if key in adopted or orders.is_foreign(key)])
    doubts = [note for reply in replies.values() for note in reply.notes if note.kind in _DOUBTS]
    if doubts:
        reason = f"{doubts[0].kind} of {doubts[0].actor}: {doubts[0].detail}"
        control = ControlRecord(ts_ms, TradingState.HALTED, BOOKS, reason)
    symbols = [proposal.symbol for proposal in proposals]
    distrust = memory.data.doubts(symbols, ts_ms, quotes) if symbols else ()
    return RiskRequest(ts_ms, dict(memory.marks), events, proposals, control, external, distrust)
