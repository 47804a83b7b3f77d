"""A commit as it is read back, and what its name tells of the step that wrote it. Names are made by `desk`."""

import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import Fill, Order
from fks_actors.model.records import ControlRecord, CycleRecord, RunRecord, SignalRecord

_BARS = re.compile(r"bar-(\d+)-(\d+)-([0-9a-f]+)")
_HISTORY = re.compile(r"history-bar-(\d+)-(\d+)-([0-9a-f]+)-(\d+)")
_UNRULED = ("run-", "history-", "passed-", "unprotected-", "audit-")

Told = Fill | Order | SignalRecord | ControlRecord | RunRecord | CycleRecord


@dataclass(frozen=True, slots=True)
class Bars:
    """Which bars a commit took in: batches that opened from `first_ms` to `last_ms`; `digest` is `symbols_digest` of
    the first one's. `decided`: they were decided on, not just learnt from."""

    interval_ms: int
    first_ms: int
    last_ms: int
    digest: str
    decided: bool


@dataclass(frozen=True, slots=True)
class RecordedCommit:
    """One step of the desk: its bars, and its entries in the order in which they were written.

    Orders and signals are as the step left them. `recorded_ms` is the wall clock of the writer. Equity points and audit
    records are not among the entries.
    """

    seq: int
    commit_id: str
    recorded_ms: int
    batches: tuple[BarBatch, ...]
    entries: tuple[Told, ...]

    @property
    def cycles(self) -> tuple[CycleRecord, ...]:
        """The decisions, in the batch's order."""
        return tuple(entry for entry in self.entries if isinstance(entry, CycleRecord))

    def signals(self) -> Iterator[SignalRecord]:
        """The signals that moved."""
        return (entry for entry in self.entries if isinstance(entry, SignalRecord))

    def orders(self) -> Iterator[Order]:
        """The orders that were made or moved."""
        return (entry for entry in self.entries if isinstance(entry, Order))

    def fills(self) -> Iterator[Fill]:
        """The trades that were booked."""
        return (entry for entry in self.entries if isinstance(entry, Fill))

    def controls(self) -> Iterator[ControlRecord]:
        """The changes of the trading state."""
        return (entry for entry in self.entries if isinstance(entry, ControlRecord))

    def runs(self) -> Iterator[RunRecord]:
        """The start of the desk, where this is one."""
        return (entry for entry in self.entries if isinstance(entry, RunRecord))


@functools.lru_cache(maxsize=1_024)
def symbols_digest(symbols: tuple[str, ...]) -> str:
    """What stands in a commit's name for the symbols whose bars it took in, in their order."""
    return hashlib.blake2b("+".join(symbols).encode(), digest_size=4).hexdigest()


def bar_step(batch: BarBatch) -> str:
    """The commit id of a batch: its interval, its open time and which symbols it holds."""
    return f"bar-{batch.interval_ms}-{batch.ts_ms}-{symbols_digest(tuple([c.symbol for c in batch.candles]))}"


def bars_of(commit_id: str) -> Bars | None:
    """Which bars the commit of that name took in; None where it took none."""
    if found := _BARS.fullmatch(commit_id):
        return Bars(int(found[1]), int(found[2]), int(found[2]), found[3], True)
    if found := _HISTORY.fullmatch(commit_id):
        return Bars(int(found[1]), int(found[2]), int(found[4]), found[3], False)
    return None


def was_ruled(commit: RecordedCommit) -> bool:
    """Whether risk was asked in the step. Not of starts, bars that are learnt from, notes, and signals that only advise
    or were set aside."""
    if commit.commit_id.startswith("signal-"):
        return not any(each.signal.advisory or any(r.code == "fault" for r in each.refusals)
                       for each in commit.signals() if commit.commit_id == f"signal-{each.signal_id}")  # fmt: skip
    return not commit.commit_id.startswith(_UNRULED)
