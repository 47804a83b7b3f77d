"""Advisory signals: an alert that is heard as one more vote in the next debate of its symbol, and orders nothing.

It has the weight of any mind, its confidence is the alert's, and it is heard once.
"""

from collections.abc import Sequence

from fks_actors.desk.ports import JournalPort
from fks_actors.desk.state import Advice, DeskMemory
from fks_actors.model.orders import Refusal, Side
from fks_actors.model.records import CycleRecord, Signal, SignalRecord, SignalStatus
from fks_actors.model.votes import Action, Vote

AGENT = "tradingview"
"""The name under which an alert votes; with its strategy's name where it gives one."""


def taken(memory: DeskMemory, signal: Signal, ts_ms: int) -> SignalRecord:
    """Remember an advisory signal for the next debate; its record."""
    agent = f"{AGENT}:{signal.strategy}" if signal.strategy else AGENT
    action = Action.BUY if signal.side is Side.BUY else Action.SELL
    vote = Vote(agent, signal.symbol, ts_ms, action, float(signal.confidence), f"alert {signal.signal_id}")
    memory.advice = (*memory.advice, Advice(signal.signal_id, vote))
    return SignalRecord(signal.signal_id, ts_ms, SignalStatus.OPEN, signal)


async def answered(
    advice: Sequence[Advice], cycles: Sequence[CycleRecord], journal: JournalPort
) -> tuple[SignalRecord, ...]:
    """The records of signals that were heard: ignored as orders, and in which decision they were a vote."""
    if not advice:
        return ()
    by_symbol = {cycle.symbol: cycle for cycle in cycles}
    records = []
    for each in advice:
        record = await journal.signal(each.signal_id)
        if record is not None:
            cycle = by_symbol[each.vote.symbol]
            said = Refusal("advisory", "heard as a vote in the debate", cycle.decision_id, cycle.verdict.action)
            records.append(
                SignalRecord(record.signal_id, cycle.close_ms, SignalStatus.IGNORED, record.signal, (), (said,))
            )
    return tuple(records)
