"""A trial once more, from its record alone."""

import asyncio
from typing import Any

import msgspec

from fks_actors.backtest.search.record import TrialRecord
from fks_actors.backtest.search.store import Store
from fks_actors.backtest.search.trial import Outcome, Task, run_task


async def again(store: Store, record: TrialRecord) -> list[dict[str, Any]]:
    """Run every block that was kept once more; whether each came to the same equity, to the last digit.

    Raises:
        ConfigError: the settings cannot be made again.
        DataError: the bars are others.
    """
    record.settings()
    found: list[dict[str, Any]] = []
    for at, span in enumerate(record.blocks):
        before = store.outcome(record.number, at, record.settings_sha256)
        if before is None:
            continue
        past = await record.past(at)
        task = Task(record.number, at, (past.begin, past.end), record.warm, record.tree)
        now = await asyncio.to_thread(run_task, past, task)
        same = isinstance(now, Outcome) and now.equity_sha256 == before.equity_sha256
        told = now.final if isinstance(now, Outcome) else now.reason
        found.append({"block": at, **msgspec.to_builtins(span), "before": before.final, "now": told, "same": same})
    return found


def shown_record(store: Store, record: TrialRecord) -> dict[str, Any]:
    """A trial's record and what its blocks came to."""
    blocks = []
    for at, span in enumerate(record.blocks):
        found = store.outcome(record.number, at, record.settings_sha256)
        told = {} if found is None else {"final": found.final, "fees": found.fees, "fills": found.fills,
                                         "equity_sha256": found.equity_sha256}  # fmt: skip
        blocks.append({**msgspec.to_builtins(span), **told})
    kept = next(each for each in store.kept() if each.number == record.number)
    return {**msgspec.to_builtins(record), "state": kept.state, "told": list(kept.told), "blocks": blocks}
