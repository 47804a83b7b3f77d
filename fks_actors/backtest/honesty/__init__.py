"""What speaks against believing a run: pure functions of (settings, past, result) that answer small findings.

Cheap, of one run (`warnings_of`)   warm-up, what a language model may remember, gaps and survivors in the recordings
Reruns of it                        `check_lookahead`, `lagged`

A finding that is no warning says that a check passed, and nothing about the profit. `docs/honesty.md` tells users what
each tool shows and what it does not.
"""

from fks_actors.backtest.honesty.findings import Finding, sentences
from fks_actors.backtest.honesty.gathered import findings_of, warnings_of
from fks_actors.backtest.honesty.knowledge import Knowledge, knowledge
from fks_actors.backtest.honesty.lag import Lagged, lagged
from fks_actors.backtest.honesty.lookahead import LookAhead, check_lookahead
from fks_actors.backtest.honesty.recordings import DataFlaw, data_flaws
from fks_actors.backtest.honesty.warm_up import WarmUp, bars_needed, warm_up, warmed

__all__ = [
    "DataFlaw",
    "Finding",
    "Knowledge",
    "Lagged",
    "LookAhead",
    "WarmUp",
    "bars_needed",
    "check_lookahead",
    "data_flaws",
    "findings_of",
    "knowledge",
    "lagged",
    "sentences",
    "warm_up",
    "warmed",
    "warnings_of",
]
